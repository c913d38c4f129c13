/** What the shell of chain-watcher tells its core. */
import type { FactOf } from "@slipstream/contracts/facts";

type LeaderFill = FactOf<"LeaderFill">;

/** A decoded fill of a followed wallet, with the market it belongs to when that was known in time. */
export type ObservedFill = Omit<
  LeaderFill,
  "type" | "v" | "id" | "tsInitMs" | "leaderFillId" | "occurrence" | "ordinal" | "historical" | "chainId"
>;

/** Logs as a subscription delivers them, one block's at a time or fewer. */
export type FillsSeen = { readonly type: "FillsSeen"; readonly fills: readonly ObservedFill[] };

/** Logs the node takes back: `removed: true`. */
export type FillsRemoved = {
  readonly type: "FillsRemoved";
  readonly logs: readonly { readonly blockHash: string; readonly logIndex: number }[];
};

/** All fills of the followed wallets in [fromBlock, toBlock] of one canonical chain, with its head and finality. */
export type RangeRead = {
  readonly type: "RangeRead";
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly fills: readonly ObservedFill[];
  readonly head: number;
  readonly headHash: FactOf<"ChainProgress">["headHash"];
  readonly headTsMs: number;
  readonly finalized: number;
  readonly finalizedHash: FactOf<"ChainProgress">["finalizedHash"];
};

/** The first start ever: following begins at this block. */
export type FollowingStarts = Omit<RangeRead, "type" | "fromBlock" | "toBlock" | "fills"> & {
  readonly type: "FollowingStarts";
};

export type WatcherMessage = FillsSeen | FillsRemoved | RangeRead | FollowingStarts;

/** What is not in the log. */
export type WatcherView = {
  readonly nowMs: number;
  readonly chainId: number;
  /** Fills older than this when first seen are `historical`. */
  readonly historicalAgeMs: number;
};
