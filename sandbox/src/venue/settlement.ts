/**
 * Takes trades to the chain, in the order in which they were made, and keeps what became of them. The venue counts a
 * trade at once; what the chain reverts, or a reorg drops for good, is given back.
 */
import type { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { ChainEvent, MinedBlock, SandboxChain } from "../chain/types.ts";
import type { VenueTrade } from "./market.ts";
import { fillsOfBlock, type SettledFill, type SettledFills } from "./settledFills.ts";

export type SettlementOptions = {
  readonly chain: Pick<SandboxChain, "settle" | "logsOf" | "onBlock">;
  readonly fills: SettledFills;
  readonly conditionOf: (tokenId: TokenId) => ConditionId | undefined;
  /** The node has the transaction: it may be printed. */
  readonly onSent: (trade: VenueTrade, txHash: Hash) => void;
  /** The trade will never be on the chain. */
  readonly onFailed: (trade: VenueTrade, why: string) => void;
  /** The canonical fills changed: added at the end, or taken out by a reorg. */
  readonly onFills: (change: {
    readonly added: readonly SettledFill[];
    readonly removed: readonly SettledFill[];
  }) => void;
};

export type Settlement = {
  settle(trade: VenueTrade): void;
  /** Runs a task when the node has every trade so far, and before the later ones. */
  inOrder(task: () => Promise<void>): void;
  /** Resolves when the node has every trade so far. */
  sent(): Promise<void>;
  stop(): void;
};

/** Deeper than any reorg of the sandbox: until then a transaction may still be dropped. */
const BLOCKS_REMEMBERED = 64;

export function startSettlement(options: SettlementOptions): Settlement {
  const { chain, fills, onSent, onFailed, onFills } = options;
  const bySent = new Map<Hash, VenueTrade>();
  const minedIn = new Map<Hash, number>();
  let sending: Promise<void> = Promise.resolve();

  const fail = (txHash: Hash, why: string): void => {
    const trade = bySent.get(txHash);
    if (trade === undefined) return;
    bySent.delete(txHash);
    minedIn.delete(txHash);
    onFailed(trade, why);
  };

  const onMined = (block: MinedBlock): void => {
    const added = fillsOfBlock(block, chain.logsOf(block.hash), options.conditionOf);
    const settled = new Set(added.map((fill) => fill.txHash));
    for (const txHash of block.txHashes) {
      if (!bySent.has(txHash)) continue;
      if (settled.has(txHash)) minedIn.set(txHash, block.number);
      else fail(txHash, "reverted");
    }
    fills.add(added);
    if (added.length > 0) onFills({ added, removed: [] });
    for (const [txHash, number] of minedIn) {
      if (number > block.number - BLOCKS_REMEMBERED) break;
      minedIn.delete(txHash);
      bySent.delete(txHash);
    }
  };

  const onEvent = (event: ChainEvent): void => {
    if (event.type === "BlockMined") return onMined(event.block);
    const { removed, added, dropped } = event.report;
    const gone = removed.flatMap((block) => fills.remove(block.hash));
    if (gone.length > 0) onFills({ added: [], removed: gone });
    for (const txHash of dropped) fail(txHash, "dropped by a reorg");
    for (const block of added) onMined(block);
  };

  const stopListening = chain.onBlock(onEvent);
  return {
    settle: (trade) => {
      sending = sending.then(async () => {
        try {
          const txHash = await chain.settle(trade.match);
          bySent.set(txHash, trade);
          onSent(trade, txHash);
        } catch (error) {
          onFailed(trade, error instanceof Error ? error.message : String(error));
        }
      });
    },
    inOrder: (task) => {
      sending = sending.then(task);
    },
    sent: () => sending,
    stop: stopListening,
  };
}
