/** The fold of a leader's fill that never happened. */
import type { FactOf } from "@slipstream/contracts/facts";
import { attemptId } from "@slipstream/contracts/ids";
import { add, minAmount, subtract, ZERO_SHARES } from "@slipstream/contracts/money";
import { dropSignal } from "./bucket.ts";
import { goneWith } from "./copied.ts";
import { freeLot, partOf } from "./exitSize.ts";
import { uncoverSaved } from "./leaderOrder.ts";
import type { OrderState } from "./orders.ts";
import { type ExecutorState, type Lot, lotKey, openOrders } from "./state.ts";
import { nextOrderOf, setUnfollowed } from "./waitingExits.ts";

/**
 * The chain took a fill back for good. A sale that never happened is not followed any more; a purchase that never
 * happened is sold again by the accounts that want it so, and with it what his exits should have taken from the others.
 */
export function foldRetraction(state: ExecutorState, fact: FactOf<"LeaderFillRetracted">): void {
  const { leaderFillId } = fact;
  for (const exit of [...state.unfollowed.values()]) {
    if (exit.leaderFillId === leaderFillId) state.unfollowed.delete(exit.attemptId);
  }
  dropSignal(state, leaderFillId);
  const fill = state.fills.get(leaderFillId);
  if (fill !== undefined) uncoverSaved(state, fill);
  for (const lot of [...state.lots.values()]) if (lot.leader === fact.leader) retract(state, lot, fact);
  for (const order of openOrders(state)) {
    if (order.leader === fact.leader && order.kind === "ENTRY") oweRetracted(state, order, fact);
  }
}

/** What fills before the venue hears that an order is cancelled is sold as well. */
function oweRetracted(state: ExecutorState, order: OrderState, fact: FactOf<"LeaderFillRetracted">): void {
  const { leaderFillId, tsInitMs: sinceMs } = fact;
  const { account, sizeMicro, filledMicro: filledBeforeMicro } = order;
  const isSold = state.accounts.get(account)?.policy.onRetract === "exit";
  const ofOwn = isSold ? { soldMicro: sizeMicro, heldMicro: sizeMicro } : null;
  const share = order.leaderFillId === leaderFillId ? ofOwn : goneWith(state, order, leaderFillId).others;
  if (share === null || share.soldMicro === 0n) return;
  const attempt = attemptId(account, leaderFillId);
  order.owedExits.push({ ...share, attemptId: attempt, leaderFillId, filledBeforeMicro, sinceMs, priceMicro: null });
}

function retract(state: ExecutorState, lot: Lot, fact: FactOf<"LeaderFillRetracted">): void {
  const { leaderFillId, tsInitMs: sinceMs } = fact;
  const { account, leader, tokenId, conditionId } = lot;
  const { own, others } = goneWith(state, lot, leaderFillId);
  const entries = [...state.orders.values()].filter(
    (order) => order.leaderFillId === leaderFillId && order.kind === "ENTRY" && lotKey(order) === lotKey(lot),
  );
  const boughtMicro = add(ZERO_SHARES, ...entries.map(({ filledMicro }) => filledMicro));
  const ownMicro = minAmount(freeLot(state, lot), own === null ? boughtMicro : partOf(boughtMicro, own));
  const ofOthers = others === null ? ZERO_SHARES : partOf(subtract(freeLot(state, lot), ownMicro), others);
  const isSold = state.accounts.get(account)?.policy.onRetract === "exit";
  const remainingMicro = isSold ? add(ofOthers, ownMicro) : ofOthers;
  if (remainingMicro === 0n) return;
  const attempt = attemptId(account, leaderFillId);
  setUnfollowed(state, {
    ...{ account, leader, tokenId, conditionId, leaderFillId, attemptId: attempt, sinceMs },
    ...{ remainingMicro, n: nextOrderOf(state, attempt), notBeforeMs: 0, priceMicro: null, failures: 0 },
    reason: "RETRACTED",
  });
}
