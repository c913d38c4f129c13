/**
 * How much of a lot a leader's exit closes. Used by decisions and by the fold, so that both reckon the same.
 *
 * An exit may be told late: other acts are told when their block is final, gaps are read when they can be. What we bought
 * for signals that lie behind it on the chain is not closed by it; the leader still holds his part of that.
 */
import type { LeaderFillId } from "@slipstream/contracts/ids";
import { add, minAmount, type SharesMicro, scale, subtractToZero, ZERO_SHARES } from "@slipstream/contracts/money";
import { concerns, type ExitShare } from "./copied.ts";
import { isLater } from "./lots.ts";
import { leavesOf } from "./orders.ts";
import { asCopied } from "./splitSale.ts";
import {
  CLOSE_REASON,
  type ExecutorState,
  type KnownFill,
  type LotRef,
  lotKey,
  lotSize,
  openOrdersOf,
  type UnfollowedExit,
  unfollowedOf,
} from "./state.ts";

/** What of the lot no exit is closing yet. */
export function freeLot(state: ExecutorState, ref: LotRef): SharesMicro {
  const closing = openOrdersOf(state, ref).flatMap((order) => (order.kind === "EXIT" ? [leavesOf(order)] : []));
  const waiting = unfollowedOf(state, ref).map(({ remainingMicro }) => remainingMicro ?? ZERO_SHARES);
  return subtractToZero(lotSize(state, ref), add(ZERO_SHARES, ...closing, ...waiting));
}

/**
 * What of the lot an exit is about: what was bought for signals before it and no other exit is closing. One that lies
 * behind it closes its part of that as well.
 */
export function closableLot(state: ExecutorState, ref: LotRef, exit: KnownFill): SharesMicro {
  const isOf = concerns(state, ref, exit);
  const held = heldOf(state, ref, isOf);
  if (held === 0n) return held;
  const closings = [
    ...openOrdersOf(state, ref).flatMap((order) =>
      order.kind === "EXIT" ? [{ signalId: order.leaderFillId, sizeMicro: leavesOf(order) }] : [],
    ),
    ...unfollowedOf(state, ref).map(({ leaderFillId, remainingMicro, reason }) => ({
      signalId: leaderFillId,
      // A person may change his mind about closing; the leader has left all the same.
      sizeMicro: reason === CLOSE_REASON ? ZERO_SHARES : (remainingMicro ?? ZERO_SHARES),
    })),
  ];
  const ofHeld = closings.map(({ signalId, sizeMicro }) => {
    const other = state.fills.get(signalId);
    if (other === undefined || !isLater(state, signalId, exit)) return sizeMicro;
    const isOfOther = concerns(state, ref, other);
    const denominator = heldOf(state, ref, isOfOther);
    const numerator = heldOf(state, ref, (signal) => isOf(signal) && isOfOther(signal));
    return denominator === 0n ? sizeMicro : scale(sizeMicro, { numerator, denominator }, "ceil");
  });
  return subtractToZero(held, add(ZERO_SHARES, ...ofHeld));
}

/** What of a lot was bought for the signals that `isOf` names. */
function heldOf(state: ExecutorState, ref: LotRef, isOf: (signal: LeaderFillId) => boolean): SharesMicro {
  const parts = [...(state.lots.get(lotKey(ref))?.parts ?? [])];
  return add(ZERO_SHARES, ...parts.flatMap(([signal, size]) => (isOf(signal) ? [size] : [])));
}

/** False while the chain has taken the sale back that an exit follows: it waits whether it returns. */
export function isDue(state: ExecutorState, { leaderFillId, tokenId }: UnfollowedExit): boolean {
  const fill = state.fills.get(leaderFillId);
  return fill === undefined || fill.status === "ON_CHAIN" || asCopied(fill, tokenId).side === "BUY";
}

/** Exits of a lot that the next order closes. */
export const dueExits = (state: ExecutorState, ref: LotRef): UnfollowedExit[] =>
  unfollowedOf(state, ref).filter((exit) => isDue(state, exit));

/** What earlier exits of the lot still have to close. */
export const pendingExits = (state: ExecutorState, ref: LotRef): SharesMicro =>
  add(ZERO_SHARES, ...dueExits(state, ref).map(({ remainingMicro }) => remainingMicro ?? ZERO_SHARES));

/** True when a lot is less than the venue takes in an order, and nothing is on its way that would change it. */
export function isDust(state: ExecutorState, ref: LotRef): boolean {
  const lot = state.lots.get(lotKey(ref));
  return lot !== undefined && lot.sizeMicro < lot.minimumMicro && openOrdersOf(state, ref).length === 0;
}

/**
 * Since when an order for what is pending of a lot could have been made: when the exits that wait came to the venue's
 * minimum together. A rest that waits for company does not make what comes later cheap.
 * @param at.isNew - an exit is decided for the first time, now, and waits with them.
 */
export function waitsSinceMs(
  state: ExecutorState,
  ref: LotRef,
  at: { readonly minimumMicro: SharesMicro; readonly nowMs: number; readonly isNew: boolean },
): number {
  const waiting = dueExits(state, ref).sort((a, b) => a.sinceMs - b.sinceMs);
  let together = ZERO_SHARES;
  for (const { remainingMicro, sinceMs } of waiting) {
    together = add(together, remainingMicro ?? ZERO_SHARES);
    if (together >= at.minimumMicro) return Math.min(sinceMs, at.nowMs);
  }
  return at.isNew ? at.nowMs : Math.min(at.nowMs, waiting.at(-1)?.sinceMs ?? at.nowMs);
}

/**
 * Rounded down: a rest of 1e-6 share is better than selling what he still holds. It stays in the lot and strands nothing:
 * the exit that ends his copied holding takes all of it, however many exits came before.
 */
export const partOf = (amount: SharesMicro, { soldMicro, heldMicro }: ExitShare): SharesMicro =>
  heldMicro === 0n
    ? ZERO_SHARES
    : scale(amount, { numerator: minAmount(soldMicro, heldMicro), denominator: heldMicro }, "floor");
