/** The fold of our own attempts, orders and fills: lots, buckets, and exits that are still to be followed. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { attemptId, type ClientOrderId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  type SharesMicro,
  subtract,
  subtractToZero,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import { closableLot, freeLot, partOf } from "./exitSize.ts";
import { addToLot, isLater, takeFromLot } from "./lots.ts";
import { isEnded, lateExits, leavesOf, newOrder, nextStatus, type OrderEvent, type OrderState } from "./orders.ts";
import {
  type ExecutorState,
  type LotRef,
  lotKey,
  openOrdersOf,
  SETTLEMENTS_MAX,
  type UnfollowedExit,
  unfollowedOf,
} from "./state.ts";

/** The wait doubles with each order of an exit that did not close, up to a minute. */
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 60_000;
const retryAfterMs = (n: number): number => Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(n, 10));

export function foldSkip(state: ExecutorState, fact: FactOf<"ExecutionAttempt">): void {
  const { account, leaderFillId, exitShare } = fact;
  const fill = state.fills.get(leaderFillId);
  if (fill?.undecided.delete(account) !== true) return;
  addToBucket(state, fact, fact.bucketAddMicro);
  if (fact.kind === "ENTRY") return;
  shrinkBucket(state, fact);
  if (fact.unfollowed) {
    const remainingMicro = exitShare === null ? null : partOf(closableLot(state, fact, fill), exitShare);
    setUnfollowed(state, {
      ...{ attemptId: fact.attemptId, account, leaderFillId, leader: fact.leader, tokenId: fact.tokenId },
      ...{ conditionId: fact.conditionId, remainingMicro, n: 1, notBeforeMs: 0 },
      reason: fact.reasons[0]?.code ?? "",
    });
  }
  oweToOpenEntries(state, fact);
}

export function foldIntent(state: ExecutorState, fact: FactOf<"OrderIntent">): void {
  if (state.orders.has(fact.orderId)) return;
  const isFirst = state.fills.get(fact.leaderFillId)?.undecided.delete(fact.account) === true;
  const n = state.unfollowed.get(fact.attemptId)?.n ?? 0;
  if (fact.kind === "ENTRY") {
    const key = lotKey(fact);
    setOrDelete(state.buckets, key, subtractToZero(state.buckets.get(key) ?? ZERO_SHARES, fact.bucketUsedMicro));
  } else {
    // One order closes whatever earlier exits of the lot left to close.
    for (const exit of unfollowedOf(state, fact)) {
      if (exit.remainingMicro !== null || exit.attemptId === fact.attemptId) state.unfollowed.delete(exit.attemptId);
    }
    if (isFirst) {
      shrinkBucket(state, fact);
      oweToOpenEntries(state, fact);
    }
  }
  state.orders.set(fact.orderId, newOrder(fact, n));
}

/** A leader who leaves takes his share of what we had not even bought yet with him. */
function shrinkBucket(state: ExecutorState, fact: LotRef & Pick<FactOf<"ExecutionAttempt">, "exitShare">): void {
  const key = lotKey(fact);
  const bucket = state.buckets.get(key);
  if (bucket === undefined) return;
  const gone = fact.exitShare === null ? bucket : partOf(bucket, fact.exitShare);
  setOrDelete(state.buckets, key, subtract(bucket, gone));
}

function addToBucket(state: ExecutorState, ref: LotRef, amount: SharesMicro): void {
  const key = lotKey(ref);
  setOrDelete(state.buckets, key, add(state.buckets.get(key) ?? ZERO_SHARES, amount));
}

function setOrDelete(map: Map<string, SharesMicro>, key: string, value: SharesMicro): void {
  if (value > 0n) map.set(key, value);
  else map.delete(key);
}

function oweToOpenEntries(
  state: ExecutorState,
  fact: LotRef & Pick<FactOf<"ExecutionAttempt">, "exitShare" | "attemptId" | "leaderFillId">,
): void {
  const { exitShare, attemptId: attempt, leaderFillId } = fact;
  const fill = state.fills.get(leaderFillId);
  if (exitShare === null || fill === undefined) return;
  for (const order of openOrdersOf(state, fact)) {
    if (order.kind !== "ENTRY" || isLater(state, order.leaderFillId, fill)) continue;
    order.owedExits.push({
      ...{ attemptId: attempt, leaderFillId, ...exitShare },
      filledBeforeMicro: order.filledMicro,
    });
  }
}

const eventOf = (fact: Fact): { orderId: ClientOrderId; event: OrderEvent } | null => {
  switch (fact.type) {
    case "ReservationGranted":
      return { orderId: fact.orderId, event: "grant" };
    case "OrderDenied":
      return { orderId: fact.orderId, event: "deny" };
    case "OrderAccepted":
      return { orderId: fact.orderId, event: "accept" };
    case "OrderOutcomeUnknown":
      return { orderId: fact.orderId, event: "loseSight" };
    case "OrderAbandoned":
      return { orderId: fact.orderId, event: "abandon" };
    case "OrderRejected":
      return { orderId: fact.orderId, event: "reject" };
    case "OrderCanceled":
      return { orderId: fact.orderId, event: "cancel" };
    case "OrderExpired":
      return { orderId: fact.orderId, event: "expire" };
    case "ExecutionFill":
      return { orderId: fact.orderId, event: fact.leavesMicro === 0n ? "fillLast" : "fillPart" };
    default:
      return null;
  }
};

/** Folds what happened to one order. */
export function evolveOrder(state: ExecutorState, fact: Fact): void {
  if (fact.type === "OrderCancelRequested") {
    const order = state.orders.get(fact.orderId);
    if (order !== undefined) order.cancelReason ??= fact.reason;
    return;
  }
  if (fact.type === "ExecutionFillReversed") {
    reverseFill(state, fact);
    return;
  }
  const about = eventOf(fact);
  const order = about === null ? undefined : state.orders.get(about.orderId);
  if (about === null || order === undefined) return;
  const wasEnded = isEnded(order);
  if (fact.type === "ReservationGranted" && order.status === "intent") {
    order.sizeMicro = minAmount(order.sizeMicro, fact.sizeMicro);
  }
  if (fact.type === "OrderAccepted") order.tsPlacedMs ??= fact.tsPlacedMs;
  if (fact.type === "ExecutionFill" && !foldTrade(state, order, fact)) return;
  order.status = nextStatus(order.status, about.event);
  if (!wasEnded && isEnded(order)) endOrder(state, order, fact);
}

/** @returns false when the trade is known. */
function foldTrade(state: ExecutorState, order: OrderState, fact: FactOf<"ExecutionFill">): boolean {
  if (order.trades.has(fact.tradeId)) return false;
  const { sizeMicro, usdcMicro } = fact;
  order.trades.set(fact.tradeId, { sizeMicro, usdcMicro });
  order.filledMicro = add(order.filledMicro, sizeMicro);
  if (fact.side === "BUY") addToLot(state, order, fact);
  else {
    const exit = state.fills.get(order.leaderFillId);
    takeFromLot(state, order, sizeMicro, (signal) => !isLater(state, signal, exit));
  }
  return true;
}

function reverseFill(state: ExecutorState, fact: FactOf<"ExecutionFillReversed">): void {
  const order = state.orders.get(fact.orderId);
  const trade = order?.trades.get(fact.tradeId);
  if (order === undefined || trade === undefined || trade.sizeMicro === 0n) return;
  order.trades.set(fact.tradeId, { sizeMicro: ZERO_SHARES, usdcMicro: ZERO_USDC });
  if (order.side === "BUY") takeFromLot(state, order, trade.sizeMicro, (signal) => signal === order.leaderFillId);
  else addToLot(state, order, trade);
}

/** What an exit did not close, and what an entry filled after the leader had left, remains to be followed. */
function endOrder(state: ExecutorState, order: OrderState, fact: Fact): void {
  const { account, leader, tokenId, conditionId } = order;
  const about = { account, leader, tokenId, conditionId };
  if (order.kind === "EXIT") {
    const remainingMicro = minAmount(leavesOf(order), freeLot(state, order));
    if (remainingMicro === 0n) return;
    setUnfollowed(state, {
      ...about,
      ...{ attemptId: order.attemptId, leaderFillId: order.leaderFillId, remainingMicro, n: order.n + 1 },
      notBeforeMs: fact.tsInitMs + retryAfterMs(order.n),
      reason: fact.type,
    });
    return;
  }
  let followed = ZERO_SHARES;
  for (const { exit, lateMicro } of lateExits(order)) {
    const part = partOf(subtractToZero(lateMicro, followed), exit);
    if (part === 0n) continue;
    followed = add(followed, part);
    const { attemptId: attempt, leaderFillId } = exit;
    const n = [...state.orders.values()].filter((other) => other.attemptId === attempt).length;
    setUnfollowed(state, {
      ...about,
      ...{ attemptId: attempt, leaderFillId, remainingMicro: part, n: n + 1, notBeforeMs: 0 },
      reason: "FILLED_AFTER_EXIT",
    });
  }
}

/** Several rests of one attempt are one. */
function setUnfollowed(state: ExecutorState, exit: UnfollowedExit): void {
  const known = state.unfollowed.get(exit.attemptId);
  if (known === undefined) {
    state.unfollowed.set(exit.attemptId, exit);
    return;
  }
  const remainingMicro =
    known.remainingMicro === null || exit.remainingMicro === null
      ? null
      : add(known.remainingMicro, exit.remainingMicro);
  state.unfollowed.set(exit.attemptId, { ...exit, remainingMicro, n: Math.max(known.n, exit.n) });
}

/**
 * The chain took a fill back for good. A sale that never happened is not followed any more; a purchase that never
 * happened is sold again by the accounts that want it so.
 */
export function foldRetraction(state: ExecutorState, fact: FactOf<"LeaderFillRetracted">): void {
  const { leaderFillId } = fact;
  for (const exit of [...state.unfollowed.values()]) {
    if (exit.leaderFillId === leaderFillId) state.unfollowed.delete(exit.attemptId);
  }
  for (const order of state.orders.values()) {
    if (order.leaderFillId !== leaderFillId || order.kind !== "ENTRY") continue;
    if (state.accounts.get(order.account)?.policy.onRetract !== "exit") continue;
    const remainingMicro = minAmount(order.filledMicro, freeLot(state, order));
    if (remainingMicro === 0n) continue;
    const { account, leader, tokenId, conditionId } = order;
    setUnfollowed(state, {
      ...{ account, leader, tokenId, conditionId, leaderFillId, remainingMicro, n: order.n + 1, notBeforeMs: 0 },
      attemptId: attemptId(account, leaderFillId),
      reason: "RETRACTED",
    });
  }
}

/**
 * The market paid: what was paid leaves the lots, and nothing of the token is saved up or to be sold any more. What is
 * still on its way or on sale stays until it is paid as well.
 */
export function foldSettlement(state: ExecutorState, fact: FactOf<"PositionSettled">): void {
  const { id, account, tokenId } = fact;
  if (state.settlements.has(id)) return;
  state.settlements.add(id);
  for (const oldest of state.settlements) {
    if (state.settlements.size <= SETTLEMENTS_MAX) break;
    state.settlements.delete(oldest);
  }
  const isOf = (ref: LotRef): boolean => ref.account === account && ref.tokenId === tokenId;
  let leftMicro = fact.sharesMicro;
  for (const lot of [...state.lots.values()].filter(isOf)) {
    const paidMicro = minAmount(leftMicro, lot.sizeMicro);
    leftMicro = subtract(leftMicro, paidMicro);
    if (paidMicro > 0n) takeFromLot(state, lot, paidMicro, () => true);
  }
  for (const exit of [...state.unfollowed.values()]) if (isOf(exit)) state.unfollowed.delete(exit.attemptId);
  for (const key of [...state.buckets.keys()]) {
    if (key.startsWith(`${account}|${tokenId}|`)) state.buckets.delete(key);
  }
}
