/**
 * Takes acts besides trades to the chain, behind the trades before them, and keeps those of leaders that the chain holds
 * now: the truth that tests compare with. What an act brings counts when it is mined; what the chain reverts, or a reorg
 * drops for good, is given back.
 */
import { Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { add, type SharesMicro, sharesMicro, ZERO_SHARES } from "@slipstream/contracts/money";
import { decodeTokenTransfer } from "@slipstream/polymarket/erc1155";
import { z } from "zod";
import type { NodeLog } from "../chain/blocks.ts";
import type { ChainEvent, MinedBlock, SandboxChain } from "../chain/types.ts";
import { type Deed, giveTaken, movementsOf, takeGiven } from "./deeds.ts";
import type { Purses } from "./purses.ts";
import type { Settlement } from "./settlement.ts";

/** One token of one act of a leader. In JSON amounts are digits in text. */
export const SettledAct = z.object({
  wallet: Address,
  act: z.enum(["split", "merge", "convert", "redeem", "transferIn", "transferOut"]),
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
  /** Lets go of acts. */
  forget(isForgotten: (act: SettledAct) => boolean): void;
  /** Of the leaders, in the order of blocks. */
  ofLeaders(): readonly SettledAct[];
  stop(): void;
};

export type SettledDeedsOptions = {
  readonly chain: Pick<
    SandboxChain,
    "wallets" | "split" | "merge" | "convert" | "redeem" | "transferShares" | "logsOf" | "onBlock"
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
    const logs = logsByTx(chain.logsOf(block.hash));
    for (const txHash of block.txHashes) {
      const known = sent.get(txHash);
      if (known === undefined) continue;
      const own = logs.get(txHash);
      if (own === undefined) {
        drop(txHash, "reverted");
        continue;
      }
      if (!known.isGiven) giveTaken(purses, known.deed);
      Object.assign(known, { isGiven: true, minedIn: block.number });
      acts.push(...actsIn({ deed: known.deed, txHash, block, logs: own }).filter(({ wallet }) => leaders.has(wallet)));
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
    forget: (isForgotten) => {
      const left = acts.filter((act) => !isForgotten(act));
      if (left.length === acts.length) return;
      acts = left;
      onActs(acts);
    },
    ofLeaders: () => acts,
    stop: chain.onBlock(onEvent),
  };
}

const Logged = z.object({ transactionHash: Hash });

function logsByTx(logs: readonly NodeLog[]): Map<Hash, NodeLog[]> {
  const byTx = new Map<Hash, NodeLog[]>();
  for (const log of logs) {
    const { transactionHash } = Logged.parse(log);
    byTx.set(transactionHash, [...(byTx.get(transactionHash) ?? []), log]);
  }
  return byTx;
}

type Done = {
  readonly deed: Deed;
  readonly txHash: Hash;
  readonly block: MinedBlock;
  readonly logs: readonly NodeLog[];
};

const actsIn = ({ deed, txHash, block, logs }: Done): SettledAct[] =>
  (deed.kind === "redeem" ? movementsOf({ ...deed, amounts: givenAway(deed, logs) }) : movementsOf(deed)).map(
    (movement) => ({
      ...movement,
      ...{ txHash, blockNumber: block.number, blockHash: block.hash, blockMs: block.timestampMs },
    }),
  );

/** A redemption takes whatever the wallet holds when it is mined, which only the chain knows. */
function givenAway(
  { wallet, market }: Deed & { readonly kind: "redeem" },
  logs: readonly NodeLog[],
): [SharesMicro, SharesMicro] {
  const amounts: [SharesMicro, SharesMicro] = [ZERO_SHARES, ZERO_SHARES];
  for (const log of logs) {
    const moved = decodeTokenTransfer(log);
    if (moved.kind !== "tokenTransfer" || moved.from !== wallet) continue;
    for (const { tokenId, sharesMicro: shares } of moved.entries) {
      const outcome = tokenId === market.tokenIds[0] ? 0 : 1;
      amounts[outcome] = add(amounts[outcome], shares);
    }
  }
  return amounts;
}

async function transact(chain: SettledDeedsOptions["chain"], deed: Deed): Promise<Hash> {
  const wallet = chain.wallets.find(({ address }) => address === deed.wallet);
  if (wallet === undefined) throw new Error(`the chain has no wallet ${deed.wallet}`);
  if (deed.kind === "redeem") return chain.redeem(wallet, deed.market.conditionId);
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
