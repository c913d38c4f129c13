/** Decisions on what is open: grants, cancels, what a restart left, and what time demands. */
import { type Decision, nothing } from "@slipstream/actor/core";
import type { FactOf } from "@slipstream/contracts/facts";
import { type ClientOrderId, factId } from "@slipstream/contracts/ids";
import { subtract } from "@slipstream/contracts/money";
import type { ChainSubject } from "@slipstream/contracts/subjects";
import { smallestOrder, takeableSize } from "@slipstream/polymarket/orderRules";
import { type Facts, orderHead } from "./attempt.ts";
import { cancelOpen, cancelRequest, reasonToCancel } from "./cancel.ts";
import { isDue } from "./exitSize.ts";
import { givesWay, retryExit } from "./exits.ts";
import { clockGate } from "./gates.ts";
import type { ExecutorRequest, OrderToPlace } from "./messages.ts";
import { type CancelReason, isEnded, isMayBeAtVenue, type OrderState } from "./orders.ts";
import { riskFor } from "./riskGate.ts";
import { asCopied } from "./splitSale.ts";
import { type ExecutorState, execChain, lotKey, openOrders } from "./state.ts";
import type { ExecutorView } from "./view.ts";

/** A purchase that has not reached the venue by then is not what was decided any more. */
const PLACE_WITHIN_MS = 5_000;
/** A granted order that the venue has not confirmed is handed over again: the answer was lost, or a latch was shut. */
const PLACE_AGAIN_AFTER_MS = 1_000;

const noPolicy = { submitLatencyMs: 0, mode: "paper" as const };

type By = { readonly state: ExecutorState; readonly view: ExecutorView };
type AbandonReason = FactOf<"OrderAbandoned">["reason"];

export function abandoned({ view: { nowMs } }: By, order: OrderState, reason: AbandonReason): Facts[number] {
  return {
    type: "OrderAbandoned",
    id: factId("OrderAbandoned", order.orderId),
    ...orderHead(order, { atMs: nowMs, nowMs }),
    reason,
  };
}

/** A grant hands the order to the venue, unless something has happened since it was decided. */
export function decideGranted(by: By, order: OrderState): Decision<ExecutorRequest> {
  if (order.status !== "granted") return nothing;
  const leave = leaveFor(by, order);
  const reason = reasonToCancel(by.state, by.view, order) ?? lateOrTooSmall(by, order) ?? leave.denied;
  if (reason !== null) return { facts: [abandoned(by, order, reason)], requests: [] };
  // A moment brings what is missing; until then the order is only granted.
  if (leave.pending !== null) return nothing;
  const place = placeable(by, order);
  return place === null ? nothing : { facts: [], requests: [{ type: "PlaceOrder", order: place }] };
}

type Leave = {
  readonly denied: "RISK_REDUCE_ONLY" | null;
  /** What a moment may bring; null: nothing is missing. */
  readonly pending: "CLOCK_UNCERTAIN" | "DECISION_NOT_APPLIED" | null;
};

/** What risk and the clock say of an order that would leave now; a halt is a reason to cancel as well and asked there. */
function leaveFor({ state, view }: By, order: OrderState): Leave {
  if (order.kind === "ENTRY" && clockGate(view) !== null) return { denied: null, pending: "CLOCK_UNCERTAIN" };
  const { entry, pending } = riskFor(state, view, { ...order, eventId: view.market(order.tokenId)?.eventId ?? null });
  const isDenied = order.kind === "ENTRY" && entry !== null && !pending;
  return { denied: isDenied ? "RISK_REDUCE_ONLY" : null, pending: pending ? "DECISION_NOT_APPLIED" : null };
}

/**
 * The last word before an order leaves, of the newest state: facts may have been read since it was decided on, and a
 * moment may have passed.
 * @returns why it must not leave; null: it may.
 */
export function whyNotPlaced(by: By, orderId: ClientOrderId): string | null {
  const order = by.state.orders.get(orderId);
  if (order === undefined || !isMayBeAtVenue(order)) return "ORDER_NOT_OPEN";
  const reason = reasonToCancel(by.state, by.view, order);
  if (reason !== null) return reason;
  const { denied, pending } = leaveFor(by, order);
  return pending ?? denied;
}

function lateOrTooSmall({ view }: By, order: OrderState): AbandonReason | null {
  // Either way: a clock that was set back in between would otherwise keep the order for as long.
  if (Math.abs(view.nowMs - order.tsDecidedMs) > PLACE_WITHIN_MS) return "TOO_LATE";
  const market = view.market(order.tokenId);
  if (market === null) return null;
  // Inventory granted less than the venue takes.
  const minimum = smallestOrder({ ...order, minOrderSizeMicro: market.minOrderSizeMicro });
  return takeableSize(order, order.sizeMicro) < minimum ? "DENIED" : null;
}

/** null while the market is not known: after a restart its definition may come later than the log. */
function placeable({ state, view }: By, order: OrderState): OrderToPlace | null {
  const market = view.market(order.tokenId);
  if (market === null) return null;
  // An account that was never configured has no mode: its order is not sent anywhere real.
  const { submitLatencyMs: latencyMs, mode } = state.accounts.get(order.account)?.policy ?? noPolicy;
  const { orderId, account, leader, tokenId, conditionId, side, limitPriceMicro, timeInForce, ttlMs } = order;
  const sizeMicro = takeableSize(order, order.sizeMicro);
  // Whatever our clock says: nothing is ordered before what it follows, and none of the way is skipped.
  const reachesMs = Math.max(order.tsDecidedMs + latencyMs, order.tsSignalMs + latencyMs, view.nowMs);
  return {
    ...{ orderId, account, mode, leader, tokenId, conditionId, side, limitPriceMicro, timeInForce, ttlMs },
    tokens: [market.tokens[0].tokenId, market.tokens[1].tokenId],
    minOrderSizeMicro: market.minOrderSizeMicro,
    sizeMicro,
    restMicro: subtract(order.sizeMicro, sizeMicro),
    placeAtMs: order.tsPlacedMs ?? reachesMs + market.takerDelayMs,
    fee: market.fee,
  };
}

/** An order that a restart found: a granted one is placed or abandoned, one at the venue is taken up again. */
export function decideOwed(by: By, order: OrderState): Decision<ExecutorRequest> {
  if (order.status === "granted") return decideGranted(by, order);
  if (isEnded(order) || order.status === "intent") return nothing;
  const place = placeable(by, order);
  if (place === null) return nothing;
  const requests: ExecutorRequest[] = [
    { type: "ResumeOrder", order: place, knownFills: order.trades.size, filledMicro: order.filledMicro },
  ];
  if (order.cancelReason !== null) requests.push(cancelRequest(by, order));
  return { facts: [], requests };
}

/** The venue does not have an order that was to be cancelled: it never will. */
export function decideNotPlaced(by: By, order: OrderState): Decision<ExecutorRequest> {
  if (order.status !== "granted") return nothing;
  return { facts: [abandoned(by, order, order.cancelReason ?? "TOO_LATE")], requests: [] };
}

/** Looks at the open orders and unfollowed exits of one chain. */
export function decideTick(by: By, chain: ChainSubject): Decision<ExecutorRequest> {
  const facts: Facts = [];
  const requests: ExecutorRequest[] = [];
  for (const order of openOrders(by.state)) {
    if (execChain(order.account, order) !== chain) continue;
    const decision = decideOpen(by, order);
    facts.push(...decision.facts);
    requests.push(...decision.requests);
  }
  facts.push(...retries(by, chain));
  return { facts, requests };
}

function decideOpen(by: By, order: OrderState): Decision<ExecutorRequest> {
  const reason: CancelReason | null = reasonToCancel(by.state, by.view, order);
  if (reason !== null && order.cancelReason === null) return cancelOpen(by, order, reason);
  if (!isMayBeAtVenue(order)) return nothing;
  if (reason === null && givesWay(by, order)) return cancelOpen(by, order, "REPLACED");
  // Repeating a cancel is harmless, and the first one may have met a shut latch.
  if (reason !== null) return { facts: [], requests: [cancelRequest(by, order)] };
  const waitedMs = by.view.nowMs - order.tsDecidedMs;
  if (order.status !== "granted" || waitedMs < PLACE_AGAIN_AFTER_MS) return nothing;
  // It may be at the venue although we were not told, so it is cancelled and not just given up.
  if (waitedMs > PLACE_WITHIN_MS) return { facts: [], requests: [cancelRequest(by, order)] };
  const { denied, pending } = leaveFor(by, order);
  if (denied !== null || pending !== null) return nothing;
  const place = placeable(by, order);
  return place === null ? nothing : { facts: [], requests: [{ type: "PlaceOrder", order: place }] };
}

/** One try per lot: its newest exit carries what the others left. */
function retries({ state, view }: By, chain: ChainSubject): Facts {
  const tried = new Set<string>();
  const facts: Facts = [];
  for (const exit of [...state.unfollowed.values()].reverse()) {
    const signal = state.fills.get(exit.leaderFillId);
    const fill = signal === undefined ? undefined : asCopied(signal, exit.tokenId);
    const account = state.accounts.get(exit.account);
    if (fill === undefined || account === undefined || tried.has(lotKey(exit))) continue;
    if (exit.notBeforeMs > view.nowMs || !isDue(state, exit)) continue;
    const conditionId = view.market(exit.tokenId)?.conditionId ?? exit.conditionId;
    if (execChain(exit.account, { conditionId, tokenId: exit.tokenId }) !== chain) continue;
    const { policy, revision } = account;
    const fact = retryExit({ state, view, fill, policy, revision, conditionId, sinceMs: view.nowMs }, exit);
    if (fact === null) continue;
    tried.add(lotKey(exit));
    facts.push(fact);
  }
  return facts;
}
