/** Facts from what the venue reports of an order. Ids come from the order and the count of its fills. */
import { type Decision, nothing } from "@slipstream/actor/core";
import { InvariantError } from "@slipstream/contracts/errors";
import type { FactOf } from "@slipstream/contracts/facts";
import { factId, type TradeId, type VenueOrderId } from "@slipstream/contracts/ids";
import { type SharesMicro, subtract } from "@slipstream/contracts/money";
import type { PaperEnd, PaperEvent, PaperFill, PaperRefusal } from "../paper/events.ts";
import { type Facts, orderHead } from "./attempt.ts";
import type { ExecutorRequest, Placed, VenueRefused } from "./messages.ts";
import { isEnded, leavesOf, type OrderState } from "./orders.ts";
import type { ExecutorView } from "./view.ts";

/** `paper:<order>:<n>`: the same fill again, after a restart, is the same trade. */
const paperTradeId = (order: Pick<OrderState, "orderId">, n: number): TradeId =>
  `paper:${order.orderId}:${n}` as TradeId;

export function decidePlaced(view: ExecutorView, order: OrderState, message: Placed): Decision<ExecutorRequest> {
  if (order.status !== "granted" && order.status !== "unknown") return nothing;
  const accepted: FactOf<"OrderAccepted"> = {
    type: "OrderAccepted",
    id: factId("OrderAccepted", order.orderId),
    ...orderHead(order, { atMs: view.nowMs, nowMs: view.nowMs }),
    venueOrderId: `paper:${order.orderId}` as VenueOrderId,
    tsPlacedMs: message.placeAtMs,
  };
  return { facts: [accepted], requests: [] };
}

export function decideRefused(view: ExecutorView, order: OrderState, message: VenueRefused): Decision<ExecutorRequest> {
  if (order.status !== "granted" && order.status !== "unknown") return nothing;
  return { facts: [rejectedFact(view, order, { ...message, atMs: view.nowMs })], requests: [] };
}

const rejectedFact = (
  view: ExecutorView,
  order: OrderState,
  { atMs, code, text }: { readonly atMs: number; readonly code: string; readonly text: string },
): FactOf<"OrderRejected"> => ({
  type: "OrderRejected",
  id: factId("OrderRejected", order.orderId),
  ...orderHead(order, { atMs, nowMs: view.nowMs }),
  code,
  text,
});

/** @throws InvariantError when the venue reports more than the order had left. */
export function decideReport(
  view: ExecutorView,
  order: OrderState,
  events: readonly PaperEvent[],
): Decision<ExecutorRequest> {
  if (isEnded(order)) return nothing;
  const facts: Facts = [];
  let leavesMicro = leavesOf(order);
  for (const event of events) {
    if (event.kind !== "fill") {
      facts.push(endFact(view, order, event, leavesMicro));
      break;
    }
    const tradeId = paperTradeId(order, event.n);
    if (order.trades.has(tradeId)) continue;
    if (event.sizeMicro > leavesMicro) {
      throw new InvariantError(`order ${order.orderId} has ${leavesMicro} left and was filled ${event.sizeMicro}`);
    }
    leavesMicro = subtract(leavesMicro, event.sizeMicro);
    facts.push(fillFact(view, order, event, leavesMicro));
    if (leavesMicro === 0n) break;
  }
  return { facts, requests: [] };
}

function fillFact(view: ExecutorView, order: OrderState, event: PaperFill, leavesMicro: SharesMicro): Facts[number] {
  const { priceMicro, sizeMicro, usdcMicro, feeMicro, liquiditySide } = event;
  const tradeId = paperTradeId(order, event.n);
  return {
    type: "ExecutionFill",
    id: factId("ExecutionFill", tradeId),
    ...orderHead(order, { atMs: event.atMs, nowMs: view.nowMs }),
    ...{ leavesMicro, tradeId, leader: order.leader, kind: order.kind, side: order.side },
    ...{ priceMicro, sizeMicro, usdcMicro, feeMicro, liquiditySide },
  };
}

function endFact(
  view: ExecutorView,
  order: OrderState,
  event: PaperEnd | PaperRefusal,
  leavesMicro: SharesMicro,
): Facts[number] {
  if (event.kind === "refused") return rejectedFact(view, order, event);
  const head = { ...orderHead(order, { atMs: event.atMs, nowMs: view.nowMs }), leavesMicro };
  if (event.kind === "expired") return { type: "OrderExpired", id: factId("OrderExpired", order.orderId), ...head };
  return {
    type: "OrderCanceled",
    id: factId("OrderCanceled", order.orderId),
    ...head,
    reason: cancelReasons[event.kind] ?? order.cancelReason ?? "OPERATOR",
  };
}

const cancelReasons = {
  remainder: "FAK_REMAINDER",
  killed: "FOK_KILLED",
  blind: "BLIND",
  closed: "MARKET_CLOSED",
  canceled: null,
} as const;
