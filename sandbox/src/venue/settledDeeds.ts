/**
 * Takes acts besides trades to the chain, behind the trades before them, and keeps those of leaders that the chain holds
 * now: the truth that tests compare with. What an act brings counts when it is mined; what the chain reverts, or a reorg
 * drops for good, is given back.
 */
import { Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import { z } from "zod";
import type { ChainEvent, MinedBlock, SandboxChain } from "../chain/types.ts";
import { type Deed, giveTaken, movementsOf, takeGiven } from "./deeds.ts";
import type { Purses } from "./purses.ts";
import type { Settlement } from "./settlement.ts";

/** One token of one act of a leader. In JSON amounts are digits in text. */
export const SettledAct = z.object({
  wallet: Address,
  act: z.enum(["split", "merge", "convert", "transferIn", "transferOut"]),
  direction: z.enum(["in", "out"]),
  conditionId: ConditionId,
  tokenId: TokenId,
  sharesMicro: z
    .string()
    .regex(/^\d+$/)
    .transform((digits) => sharesMicro(BigInt(digits))),
  txHash: Hash,
  blockNumber: z.int(),
  blockHash: Hash,
  blockMs: z.int(),
});
export type SettledAct = z.infer<typeof SettledAct>;

export type SettledDeeds = {
  /** The wallet has given what it gives; the rest follows. */
  send(deed: Deed): void;
  /** Of the leaders, in the order of blocks. */
  ofLeaders(): readonly SettledAct[];
  stop(): void;
};

export type SettledDeedsOptions = {
  readonly chain: Pick<
    SandboxChain,
    "wallets" | "split" | "merge" | "convert" | "transferShares" | "logsOf" | "onBlock"
  >;
  readonly inOrder: Settlement["inOrder"];
  readonly purses: Purses;
  readonly leaders: ReadonlySet<Address>;
  /** Of earlier runs. */
  readonly known: readonly SettledAct[];
  readonly onFailed: (deed: Deed, why: string) => void;
  readonly onActs: (acts: readonly SettledAct[]) => void;
};

/** Deeper than any reorg of the sandbox. */
const BLOCKS_REMEMBERED = 64;
type Sent = { readonly deed: Deed; isGiven: boolean; minedIn: number | null };

export function startDeeds(options: SettledDeedsOptions): SettledDeeds {
  const { chain, inOrder, purses, leaders, onFailed, onActs } = options;
  const sent = new Map<Hash, Sent>();
  let acts = [...options.known];

  const fail = (deed: Deed, isGiven: boolean, why: string): void => {
    if (isGiven) giveTaken(purses, deed, "undo");
    takeGiven(purses, deed, "undo");
    onFailed(deed, why);
  };
  const drop = (txHash: Hash, why: string): void => {
    const known = sent.get(txHash);
    if (known === undefined) return;
    sent.delete(txHash);
    fail(known.deed, known.isGiven, why);
  };

  const onMined = (block: MinedBlock): void => {
    const done = new Set(chain.logsOf(block.hash).map((log) => Logged.parse(log).transactionHash));
    for (const txHash of block.txHashes) {
      const known = sent.get(txHash);
      if (known === undefined) continue;
      if (!done.has(txHash)) {
        drop(txHash, "reverted");
        continue;
      }
      if (!known.isGiven) giveTaken(purses, known.deed);
      Object.assign(known, { isGiven: true, minedIn: block.number });
      acts.push(...actsIn(known.deed, txHash, block).filter(({ wallet }) => leaders.has(wallet)));
    }
    for (const [txHash, { minedIn }] of sent) {
      if (minedIn !== null && minedIn <= block.number - BLOCKS_REMEMBERED) sent.delete(txHash);
    }
  };

  const onEvent = (event: ChainEvent): void => {
    const before = acts.length;
    const removed = event.type === "BlockMined" ? [] : event.report.removed;
    if (removed.length > 0) acts = acts.filter(({ blockHash }) => !removed.some(({ hash }) => hash === blockHash));
    if (event.type === "BlockMined") onMined(event.block);
    else {
      for (const txHash of event.report.dropped) drop(txHash, "dropped by a reorg");
      for (const block of event.report.added) onMined(block);
    }
    if (removed.length > 0 || acts.length !== before) onActs(acts);
  };

  return {
    send: (deed) => {
      inOrder(async () => {
        try {
          sent.set(await transact(chain, deed), { deed, isGiven: false, minedIn: null });
        } catch (error) {
          fail(deed, false, error instanceof Error ? error.message : String(error));
        }
      });
    },
    ofLeaders: () => acts,
    stop: chain.onBlock(onEvent),
  };
}

const Logged = z.object({ transactionHash: Hash });

const actsIn = (deed: Deed, txHash: Hash, block: MinedBlock): SettledAct[] =>
  movementsOf(deed).map((movement) => ({
    ...movement,
    ...{ txHash, blockNumber: block.number, blockHash: block.hash, blockMs: block.timestampMs },
  }));

async function transact(chain: SettledDeedsOptions["chain"], deed: Deed): Promise<Hash> {
  const wallet = chain.wallets.find(({ address }) => address === deed.wallet);
  if (wallet === undefined) throw new Error(`the chain has no wallet ${deed.wallet}`);
  const { sharesMicro: shares } = deed;
  switch (deed.kind) {
    case "split":
    case "merge":
      return chain[deed.kind](wallet, deed.market.conditionId, shares);
    case "convert":
      return chain.convert(
        wallet,
        deed.given.map(({ conditionId }) => conditionId),
        shares,
      );
    case "transfer": {
      const tokenId = deed.market.tokenIds[deed.outcome];
      return chain.transferShares(wallet, { to: deed.to, tokenId, sharesMicro: shares });
    }
  }
}
