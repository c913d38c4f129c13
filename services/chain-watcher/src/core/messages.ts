/** What the shell of chain-watcher tells its core. */
import type { FactOf } from "@slipstream/contracts/facts";
import type { Address, Hash, LeaderFillId } from "@slipstream/contracts/ids";
import type { FillBatch } from "./fillRow.ts";

type LeaderFill = FactOf<"LeaderFill">;

/** A decoded fill of a followed wallet on the chain, with the market it belongs to when that was known in time. */
export type ObservedFill = Omit<
  LeaderFill,
  | "type"
  | "v"
  | "id"
  | "tsInitMs"
  | "leaderFillId"
  | "occurrence"
  | "ordinal"
  | "historical"
  | "disputed"
  | "chainId"
  | "blockNumber"
  | "blockHash"
  | "logIndex"
> & { readonly blockNumber: number; readonly blockHash: Hash; readonly logIndex: number };

/** Another act of a followed wallet in a block that is final. */
export type ObservedAct = Omit<FactOf<"LeaderAct">, "type" | "v" | "id" | "tsInitMs">;

/** The newest block of the chain and the newest final one, both of one reading. */
export type Tips = Pick<FactOf<"ChainProgress">, "head" | "headHash" | "headTsMs" | "finalized" | "finalizedHash">;

/** Logs as a subscription delivers them, one block's at a time or fewer. */
export type FillsSeen = { readonly type: "FillsSeen"; readonly fills: readonly ObservedFill[] };

/** Logs the node takes back: `removed: true`. */
export type FillsRemoved = {
  readonly type: "FillsRemoved";
  readonly logs: readonly { readonly blockNumber: number; readonly blockHash: string; readonly logIndex: number }[];
};

/** Rows of one leader from a source that is not the chain. */
export type RowsSeen = FillBatch & { readonly type: "RowsSeen" };

/**
 * All fills of `leaders` in [fromBlock, toBlock] of one canonical chain.
 *
 * `finalTsMs`: these blocks are final, and so is everything before them; the time of the last of them. Null: they may
 * still be taken back.
 */
export type BlocksRead = {
  readonly type: "BlocksRead";
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly leaders: ReadonlySet<Address>;
  readonly fills: readonly ObservedFill[];
  readonly finalTsMs: number | null;
};

/** Everything of a shard in [fromBlock, toBlock], all final, was read: the cursor may move when all of it is told. */
export type ShardCovered = Tips & {
  readonly type: "ShardCovered";
  readonly shard: string;
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly fills: readonly ObservedFill[];
  readonly acts: readonly ObservedAct[];
};

/** Everything of a leader's past in [fromBlock, toBlock] was read. */
export type PastRead = {
  readonly type: "PastRead";
  readonly leader: Address;
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly fills: readonly ObservedFill[];
  readonly acts: readonly ObservedAct[];
};

/** A new head was read. */
export type HeadSeen = Tips & { readonly type: "HeadSeen" };

/** A leader who is to be followed and is not yet: from this block on. */
export type LeaderFound = Tips & {
  readonly type: "LeaderFound";
  readonly leader: Address;
  readonly fromBlock: number;
  /** Of the configuration that asked for it; absent: whatever stands. */
  readonly revision?: number;
};

/** Blocks of a shard that should have been read long ago. */
export type GapSeen = {
  readonly type: "GapSeen";
  readonly shard: string;
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly reason: string;
};

/** Nobody of the shard is followed any more: its gaps are nobody's. */
export type GapVoid = { readonly type: "GapVoid"; readonly shard: string };

/** What the other logs of a transaction say a fill has cost. */
export type CostFound = {
  readonly type: "CostFound";
  readonly leaderFillId: LeaderFillId;
  readonly cost: Pick<
    FactOf<"LeaderFillCosted">,
    "loggedUsdcMicro" | "usdcMicro" | "loggedFeeMicro" | "feeMicro" | "feeUnit" | "tsEventMs"
  >;
};

export type WatcherMessage =
  | FillsSeen
  | FillsRemoved
  | RowsSeen
  | BlocksRead
  | ShardCovered
  | PastRead
  | HeadSeen
  | LeaderFound
  | GapSeen
  | GapVoid
  | CostFound;

/** What is not in the log. */
export type WatcherView = {
  readonly nowMs: number;
  readonly chainId: number;
  /** Fills older than this when first seen are `historical`. */
  readonly historicalAgeMs: number;
  /** A fill that another source told of must be on a final block this long after its time. */
  readonly seenDeadlineMs: number;
  /** A shard's cursor is told at most this often, unless a gap ends. */
  readonly progressEveryMs: number;
};
