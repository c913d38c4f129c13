/** How much of a lot a leader's sale closes. Used by decisions and by the fold, so that both reckon the same. */
import { add, minAmount, type SharesMicro, scale, subtractToZero, ZERO_SHARES } from "@slipstream/contracts/money";
import { leavesOf } from "./orders.ts";
import { type ExecutorState, type LotRef, lotSize, openOrdersOf, unfollowedOf } from "./state.ts";

export type ExitShare = { readonly soldMicro: SharesMicro; readonly heldMicro: SharesMicro };

/** What of the lot no exit is closing yet. */
export function freeLot(state: ExecutorState, ref: LotRef): SharesMicro {
  const closing = openOrdersOf(state, ref).flatMap((order) => (order.kind === "EXIT" ? [leavesOf(order)] : []));
  return subtractToZero(lotSize(state, ref), add(...closing, pendingExits(state, ref)));
}

/** What earlier exits of the lot still have to close. */
export const pendingExits = (state: ExecutorState, ref: LotRef): SharesMicro =>
  add(...unfollowedOf(state, ref).map(({ remainingMicro }) => remainingMicro ?? ZERO_SHARES));

/** Rounded down: a rest of 1e-6 share is better than selling what he still holds. */
export const partOf = (amount: SharesMicro, { soldMicro, heldMicro }: ExitShare): SharesMicro =>
  heldMicro === 0n
    ? ZERO_SHARES
    : scale(amount, { numerator: minAmount(soldMicro, heldMicro), denominator: heldMicro }, "floor");
