/** Whether the log tells of some blocks what the chain showed in them: only then may a cursor pass them. */
import type { Address } from "@slipstream/contracts/ids";
import { fillsBetween } from "./fillBook.ts";
import { isTold } from "./fills.ts";
import { identify, isSameLog } from "./identity.ts";
import type { ObservedFill } from "./messages.ts";
import { isFollowed, type WatcherState } from "./state.ts";

export type ShownBlocks = {
  readonly fromBlock: number;
  readonly toBlock: number;
  /** All fills of the leaders in these blocks. */
  readonly fills: readonly ObservedFill[];
  readonly isOf: (leader: Address) => boolean;
};

/** True when each fill of the followed leaders is told as it was shown, and none is told that was not shown. */
export function isToldAsShown(state: WatcherState, chainId: number, shown: ShownBlocks): boolean {
  const places = new Set(shown.fills.map(({ blockHash, logIndex }) => `${blockHash}:${logIndex}`));
  const isStale = fillsBetween(state.fills, shown.fromBlock, shown.toBlock).some(
    ([, { status, leader, blockHash, logIndex }]) =>
      status === "ON_CHAIN" &&
      shown.isOf(leader) &&
      isFollowed(state, leader) &&
      !places.has(`${blockHash}:${logIndex}`),
  );
  return (
    !isStale &&
    areTold(
      state,
      chainId,
      shown.fills.filter((fill) => isTold(state, fill)),
    )
  );
}

/** True when each of these fills is in the log, as it was shown. */
export const areTold = (state: WatcherState, chainId: number, fills: readonly ObservedFill[]): boolean =>
  identify(state, chainId, fills).every(({ id, seen }) => isSameLog(state.fills.byId.get(id), seen));
