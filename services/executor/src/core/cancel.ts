/** Cancelling: the request is a fact first, so that it survives whoever made it. */
import type { Decision } from "@slipstream/actor/core";
import { factId } from "@slipstream/contracts/ids";
import { orderHead } from "./attempt.ts";
import { isTradable } from "./gates.ts";
import type { CancelOrder, ExecutorRequest } from "./messages.ts";
import { type CancelReason, isMayBeAtVenue, type OrderState } from "./orders.ts";
import { riskFor } from "./riskGate.ts";
import { asCopied } from "./splitSale.ts";
import type { ExecutorState } from "./state.ts";
import type { ExecutorView } from "./view.ts";

/**
 * Asks for the end of an open order. Before the grant only the fact is written: the grant is then answered by
 * OrderAbandoned, so the reservation always ends after it was made.
 */
export function cancelOpen(
  by: { readonly state: ExecutorState; readonly view: ExecutorView },
  order: OrderState,
  reason: CancelReason,
): Decision<ExecutorRequest> {
  const { nowMs } = by.view;
  const fact = {
    type: "OrderCancelRequested" as const,
    id: factId("OrderCancelRequested", order.orderId),
    ...orderHead(order, { atMs: nowMs, nowMs }),
    reason,
  };
  return { facts: [fact], requests: isMayBeAtVenue(order) ? [cancelRequest(by, order)] : [] };
}

/** A cancel takes as long to the venue as an order. */
export function cancelRequest(
  { state, view }: { readonly state: ExecutorState; readonly view: ExecutorView },
  { orderId, tokenId, account }: OrderState,
): CancelOrder {
  const latencyMs = state.accounts.get(account)?.policy.submitLatencyMs ?? 0;
  return { type: "CancelOrder", orderId, tokenId, atMs: view.nowMs + latencyMs };
}

/** Why an open order has to go, null when it may stay. */
export function reasonToCancel(state: ExecutorState, view: ExecutorView, order: OrderState): CancelReason | null {
  if (order.cancelReason !== null) return order.cancelReason;
  const fill = state.fills.get(order.leaderFillId);
  const isLost = fill !== undefined && fill.status !== "ON_CHAIN";
  // The exit from a retracted purchase refers to that purchase, and is wanted because it was lost.
  const isOwnExit = fill !== undefined && asCopied(fill, order.tokenId).side === "BUY";
  if (isLost && (order.kind === "ENTRY" || !isOwnExit)) return "FILL_REVERTED";
  // Nothing says where the order of an account that was never configured would go.
  if (view.localHalt || !state.accounts.has(order.account) || !isWanted(state, order)) return "OPERATOR";
  const market = view.market(order.tokenId);
  if (market !== null && !isTradable(state, market)) return "MARKET_CLOSED";
  const eventId = market?.eventId ?? null;
  return riskFor(state, view, { ...order, eventId }).level === "halt" ? "RISK_HALT" : null;
}

/** Nothing is bought for an account that is switched off or after a leader who was removed; what is kept is not sold. */
function isWanted(state: ExecutorState, { kind, account, leader }: OrderState): boolean {
  if (kind === "EXIT") return state.removed.get(leader) !== "keep";
  return state.accounts.get(account)?.policy.enabled === true && !state.removed.has(leader);
}
