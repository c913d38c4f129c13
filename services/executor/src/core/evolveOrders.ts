/** The fold of our own attempts, orders and fills: lots, buckets, and exits that are still to be followed. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { ClientOrderId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  type SharesMicro,
  subtract,
  subtractToZero,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import { clearBuckets, saveUp, settleUsed, shrinkBucket, takeOut } from "./bucket.ts";
import { concerns, dropCopied, exitShareOf, noteCopied } from "./copied.ts";
import { exitPrice } from "./exitLimit.ts";
import { closableLot, dueExits, freeLot, partOf } from "./exitSize.ts";
import { coverOrder, coverSaved } from "./leaderOrder.ts";
import { addToLot, liesBehind, takeFromLot } from "./lots.ts";
import {
  isEnded,
  isMayBeAtVenue,
  lateExits,
  leavesOf,
  newOrder,
  nextStatus,
  type OrderEvent,
  type OrderState,
  type OwedExit,
} from "./orders.ts";
import { noteSale } from "./splitSale.ts";
import {
  type ExecutorState,
  type KnownFill,
  type Lot,
  type LotRef,
  lotKey,
  openOrdersOf,
  SETTLEMENTS_MAX,
  type UnfollowedExit,
} from "./state.ts";
import {
  aboutOf,
  clockOf,
  closeLot,
  isNoFailure,
  nextOrderOf,
  retryAfterMs,
  setUnfollowed,
  tidy,
} from "./waitingExits.ts";

export function foldSkip(state: ExecutorState, fact: FactOf<"ExecutionAttempt">): void {
  const { account, leaderFillId, exitShare } = fact;
  const fill = state.fills.get(leaderFillId);
  if (fill?.undecided.delete(account) !== true) return;
  noteSale(state, leaderFillId);
  saveUp(state, fact);
  if (fact.kind === "ENTRY") {
    if (fact.ratioMicro === null) coverSaved(state, fact);
    // What an earlier order covers is copied by it, and what is saved up will be.
    const isCovered = fact.reasons.some(({ code }) => code === "ORDER_COVERED");
    if (isCovered || fact.bucketAddMicro > 0n) noteCopied(state, fact, fill, fact.copiedMicro ?? null);
    return;
  }
  if (exitShare !== null || !fact.unfollowed) shrinkBucket(state, fact, fill);
  if (fact.unfollowed) {
    const remainingMicro = exitShare === null ? null : partOf(closableLot(state, fact, fill), exitShare);
    setUnfollowed(state, {
      ...{ attemptId: fact.attemptId, account, leaderFillId, leader: fact.leader, tokenId: fact.tokenId },
      ...{ conditionId: fact.conditionId, remainingMicro, n: 1, notBeforeMs: 0 },
      ...{ sinceMs: fact.tsInitMs, priceMicro: exitPrice(fill, fact.used), failures: 0 },
      reason: fact.reasons[0]?.code ?? "",
    });
  }
  oweToOpenEntries(state, fact, owedBy(fact, fill));
  if (exitShare !== null) noteCopied(state, fact, fill);
  // It may have been shown between the decision and its fact.
  else foldShown(state, fill);
  tidy(state, fact);
}

export function foldIntent(state: ExecutorState, fact: FactOf<"OrderIntent">): void {
  if (state.orders.has(fact.orderId)) return;
  const fill = state.fills.get(fact.leaderFillId);
  const isFirst = fill?.undecided.delete(fact.account) === true;
  if (isFirst) noteSale(state, fact.leaderFillId);
  const n = state.unfollowed.get(fact.attemptId)?.n ?? 0;
  for (const lot of state.lots.values()) {
    if (lot.account === fact.account && lot.tokenId === fact.tokenId) lot.minimumMicro = fact.minOrderSizeMicro;
  }
  const clock = fact.kind === "EXIT" ? clockOf(state, fact, fill) : null;
  const closed =
    fact.kind === "EXIT" ? dueExits(state, fact).filter(({ remainingMicro }) => remainingMicro !== null) : [];
  if (fact.kind === "ENTRY") {
    if (fill !== undefined) noteCopied(state, fact, fill, fact.copiedMicro ?? null);
  } else {
    // One order closes whatever earlier exits of the lot left to close.
    for (const exit of closed) state.unfollowed.delete(exit.attemptId);
    if (isFirst) {
      shrinkBucket(state, fact, fill);
      oweToOpenEntries(state, fact, fill === undefined ? null : owedBy(fact, fill));
    }
    if (fact.exitShare !== null && fill?.side === "SELL") noteCopied(state, fact, fill);
  }
  const order = newOrder(fact, { n, clock, bucketUsed: takeOut(state, fact) });
  state.orders.set(fact.orderId, order);
  coverOrder(state, order);
  keepMissed(state, fact, closed);
}

/** What came to be owed between the decision on an order and its fact is not in the order: it waits on. */
function keepMissed(state: ExecutorState, fact: FactOf<"OrderIntent">, closed: readonly UnfollowedExit[]): void {
  const newest = closed.at(-1);
  if (newest === undefined || fact.targetMicro === null) return;
  const owed = add(ZERO_SHARES, ...closed.map(({ remainingMicro }) => remainingMicro ?? ZERO_SHARES));
  const remainingMicro = minAmount(subtractToZero(owed, fact.targetMicro), freeLot(state, fact));
  if (remainingMicro === 0n) return;
  setUnfollowed(state, { ...newest, remainingMicro, n: nextOrderOf(state, newest.attemptId) });
}

/** What an exit takes of what is being bought; null: its share is not known yet. */
type Owed = Omit<OwedExit, "filledBeforeMicro"> | null;

const owedBy = (
  fact: Pick<FactOf<"ExecutionAttempt">, "exitShare" | "attemptId" | "leaderFillId" | "tsInitMs" | "used">,
  fill: KnownFill,
): Owed => {
  const { exitShare, attemptId: attempt, leaderFillId, tsInitMs: sinceMs, used } = fact;
  if (exitShare === null) return null;
  return { ...exitShare, attemptId: attempt, leaderFillId, sinceMs, priceMicro: exitPrice(fill, used) };
};

function oweToOpenEntries(state: ExecutorState, ref: LotRef, owed: Owed): void {
  if (owed === null) return;
  const isOf = concerns(state, ref, state.fills.get(owed.leaderFillId));
  for (const order of openOrdersOf(state, ref)) {
    if (order.kind !== "ENTRY" || !isOf(order.leaderFillId)) continue;
    order.owedExits.push({ ...owed, filledBeforeMicro: order.filledMicro });
  }
}

/**
 * The chain shows an exit that was told ahead of it: now its part is known, of the lot and of what is still being bought.
 * What it was about may have been sold by others, or never have been bought: then nothing waits.
 */
export function foldShown(state: ExecutorState, fill: KnownFill): void {
  for (const exit of [...state.unfollowed.values()]) {
    if (exit.leaderFillId !== fill.leaderFillId || exit.remainingMicro !== null) continue;
    const exitShare = exitShareOf(state, exit, fill);
    if (exitShare === null) continue;
    const { attemptId: attempt, leaderFillId, sinceMs, priceMicro } = exit;
    const remainingMicro = partOf(closableLot(state, exit, fill), exitShare);
    state.unfollowed.delete(attempt);
    setUnfollowed(state, { ...exit, remainingMicro });
    shrinkBucket(state, { ...exit, exitShare }, fill);
    oweToOpenEntries(state, exit, { ...exitShare, attemptId: attempt, leaderFillId, sinceMs, priceMicro });
    noteCopied(state, exit, fill);
    tidy(state, exit);
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
  accountFor(state, order, fact);
  tidy(state, order);
}

/** What an order did not buy is free for others: of its bucket, and of the leader's order. */
function accountFor(state: ExecutorState, order: OrderState, fact: Fact): void {
  // A market that is over takes no other order of what was saved up.
  if ("reason" in fact && fact.reason === "MARKET_CLOSED") {
    clearBuckets(state, ({ account, tokenId }) => account === order.account && tokenId === order.tokenId);
  }
  settleUsed(state, order, fact.tsInitMs);
  coverOrder(state, order);
}

/** @returns false when the trade is known. */
function foldTrade(state: ExecutorState, order: OrderState, fact: FactOf<"ExecutionFill">): boolean {
  if (order.trades.has(fact.tradeId)) return false;
  const { sizeMicro, usdcMicro } = fact;
  order.trades.set(fact.tradeId, { sizeMicro, usdcMicro });
  order.filledMicro = add(order.filledMicro, sizeMicro);
  if (fact.side === "BUY") {
    addToLot(state, order, fact);
    const lot = state.lots.get(lotKey(order));
    if (lot !== undefined && state.removed.get(order.leader) === "close") closeLot(state, lot, fact.tsInitMs);
  } else {
    const exit = state.fills.get(order.leaderFillId);
    // Who sells a purchase that never happened sells that one.
    const isOwn = exit?.status === "RETRACTED";
    takeFromLot(state, order, sizeMicro, (signal) =>
      isOwn ? signal === exit.leaderFillId : !liesBehind(state, signal, exit),
    );
  }
  return true;
}

function reverseFill(state: ExecutorState, fact: FactOf<"ExecutionFillReversed">): void {
  const order = state.orders.get(fact.orderId);
  const trade = order?.trades.get(fact.tradeId);
  if (order === undefined || trade === undefined || trade.sizeMicro === 0n) return;
  order.trades.set(fact.tradeId, { sizeMicro: ZERO_SHARES, usdcMicro: ZERO_USDC });
  if (order.side === "BUY") {
    takeFromLot(state, order, trade.sizeMicro, (signal) => signal === order.leaderFillId);
    accountFor(state, order, fact);
    tidy(state, order);
    return;
  }
  addToLot(state, order, trade);
  // The leader is gone all the same.
  setUnfollowed(state, {
    ...aboutOf(order),
    ...{ remainingMicro: trade.sizeMicro, n: nextOrderOf(state, order.attemptId), notBeforeMs: 0 },
    ...{ sinceMs: fact.tsInitMs, priceMicro: order.clock?.priceMicro ?? null, failures: 0, reason: fact.type },
  });
}

/** What an exit did not close, and what an entry filled after the leader had left, remains to be followed. */
function endOrder(state: ExecutorState, order: OrderState, fact: Fact): void {
  if (order.clock !== null) {
    const notFilled = subtractToZero(order.askedMicro, order.filledMicro);
    const remainingMicro = minAmount(notFilled, freeLot(state, order));
    if (remainingMicro === 0n) return;
    const { clock } = order;
    const failures = isNoFailure(fact) ? 0 : clock.failures + 1;
    const waitMs = failures === 0 ? 0 : retryAfterMs(state, order, failures - 1);
    setUnfollowed(state, {
      ...{ ...aboutOf(order), ...clock, failures, remainingMicro, n: nextOrderOf(state, order.attemptId) },
      ...{ notBeforeMs: fact.tsInitMs + waitMs, reason: fact.type },
    });
    return;
  }
  if (order.filledMicro === 0n) dropCopied(state, order, order.leaderFillId);
  let followed = ZERO_SHARES;
  for (const { exit, lateMicro } of lateExits(order)) {
    const part = minAmount(partOf(subtractToZero(lateMicro, followed), exit), freeLot(state, order));
    if (part === 0n) continue;
    followed = add(followed, part);
    const { attemptId: attempt, leaderFillId, sinceMs, priceMicro } = exit;
    setUnfollowed(state, {
      ...{ ...aboutOf(order), attemptId: attempt, leaderFillId, remainingMicro: part },
      ...{ n: nextOrderOf(state, attempt), notBeforeMs: 0, sinceMs, priceMicro, failures: 0 },
      reason: "FILLED_AFTER_EXIT",
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
  const isOf = (ref: Pick<LotRef, "account" | "tokenId">): boolean =>
    ref.account === account && ref.tokenId === tokenId;
  clearBuckets(state, isOf);
  let leftMicro = fact.sharesMicro;
  // Not paid is what is on sale; which leader's that is, only the orders say.
  for (const mostOf of [notOnSale, ({ sizeMicro }: Lot) => sizeMicro]) {
    for (const lot of [...state.lots.values()].filter(isOf)) {
      const paidMicro = minAmount(leftMicro, mostOf(lot, state));
      leftMicro = subtract(leftMicro, paidMicro);
      if (paidMicro > 0n) takeFromLot(state, lot, paidMicro, () => true);
    }
  }
  for (const exit of [...state.unfollowed.values()]) {
    if (isOf(exit)) state.unfollowed.delete(exit.attemptId);
  }
}

/** What of a lot no order has reserved for its sale. */
function notOnSale(lot: Lot, state: ExecutorState): SharesMicro {
  const sales = openOrdersOf(state, lot).filter((order) => order.kind === "EXIT" && isMayBeAtVenue(order));
  return subtractToZero(lot.sizeMicro, add(ZERO_SHARES, ...sales.map(leavesOf)));
}
