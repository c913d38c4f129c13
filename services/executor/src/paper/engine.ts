/**
 * The paper engine: what the venue would have done with our orders, told from what it published of the market. A pure
 * fold: same orders, same histories, same watermarks ⇒ same events, whenever the messages arrived. All its rules, one by
 * one, are in docs/paper-engine.md.
 *
 * Invariants
 * 1. Nothing is decided beyond the watermark, and an order's fills never exceed its size.
 * 2. Of a level never more is taken than it displayed since it last grew, on both tokens together.
 * 3. In a gap of its token nothing fills an order; afterwards it is at the back of its level.
 * 4. A time of placement that neither the history nor the bookstore can answer ends the order `blind`.
 */
import type { ClientOrderId, ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { OrderToPlace } from "../core/messages.ts";
import type { PaperEvent } from "./events.ts";
import { createMarketDesk, foldMarket, type MarketDesk, placeAndRest } from "./fold.ts";
import type { KnownMarket, Tokens } from "./market.ts";
import { end, expiresAtMs, type KnownFills, NO_FILLS, newPaperOrder, type PaperOrder } from "./orders.ts";
import type { BookThen } from "./placement.ts";

export type PaperEngine = {
  /** Markets with orders or with something taken; those without an order since longest first among themselves. */
  readonly desks: Map<ConditionId, MarketDesk>;
  /** Of the orders that have not ended. */
  readonly marketOf: Map<ClientOrderId, ConditionId>;
  /** Cancelled before they came, or over: they are not taken again. */
  readonly closed: Set<ClientOrderId>;
  sequence: number;
};

/** Far more than can be cancelled or repeated while an order is on its way. */
const CLOSED_MAX = 4_096;
/** Markets without an order in which something is taken; beyond, the oldest is forgotten. */
const IDLE_MAX = 1_024;

export const createPaperEngine = (): PaperEngine => ({
  ...{ desks: new Map(), marketOf: new Map(), closed: new Set(), sequence: 0 },
});

/**
 * Takes an order. Repeating it changes nothing.
 * @returns the venue time of placement, null when the order has ended or was cancelled before it came.
 */
export function placeOrder(engine: PaperEngine, order: OrderToPlace): number | null {
  if (engine.closed.has(order.orderId)) return null;
  const taken = find(engine, order.orderId);
  if (taken !== null) return taken.order.placeAtMs;
  take(engine, order, NO_FILLS);
  return order.placeAtMs;
}

/**
 * Takes an order up again as the log has it, whatever the engine thought of it: what it told meanwhile may have been lost.
 * @param known - its fills in the log.
 */
export function resumeOrder(engine: PaperEngine, order: OrderToPlace, known: KnownFills): void {
  const desk = engine.desks.get(order.conditionId);
  if (desk !== undefined) drop(desk, ({ order: { orderId } }) => orderId === order.orderId);
  engine.closed.delete(order.orderId);
  take(engine, order, known);
}

function take(engine: PaperEngine, order: OrderToPlace, known: KnownFills): void {
  const desk = engine.desks.get(order.conditionId) ?? createMarketDesk(order.conditionId, order.tokens);
  engine.desks.set(order.conditionId, desk);
  engine.marketOf.set(order.orderId, order.conditionId);
  engine.sequence += 1;
  desk.orders.push(newPaperOrder(order, known, engine.sequence));
}

function drop(desk: MarketDesk, isGone: (paper: PaperOrder) => boolean): void {
  desk.orders = desk.orders.filter((paper) => !isGone(paper));
  desk.resting = desk.resting.filter((paper) => !isGone(paper));
}

/**
 * Cancels an order at a venue time.
 * @returns false when the engine does not have it; it will not take it any more.
 */
export function cancelOrder(engine: PaperEngine, orderId: ClientOrderId, atMs: number): boolean {
  const paper = find(engine, orderId);
  if (paper === null) close(engine, orderId);
  else paper.cancelAtMs ??= atMs;
  return paper !== null;
}

export type MarketRef = { readonly conditionId: ConditionId; readonly tokens: Tokens };

/** Markets with orders: the ones to advance when one of their books or clocks moves. */
export const activeMarkets = (engine: PaperEngine): readonly MarketRef[] =>
  engine.marketOf.size === 0 ? NO_MARKETS : [...engine.desks.values()].filter(({ orders }) => orders.length > 0);
/** The usual answer, asked for with every frame. */
const NO_MARKETS: readonly MarketRef[] = [];

/** Markets without orders in which something is taken: to be advanced before their history drops what happened. */
export const idleMarkets = (engine: PaperEngine): readonly MarketRef[] =>
  [...engine.desks.values()].filter(({ orders }) => orders.length === 0);

/** Books that somebody else has to be asked for; each is answered by `answerBook`. */
export function openQuestions(engine: PaperEngine): { orderId: ClientOrderId; tokenId: TokenId; tsMs: number }[] {
  return [...engine.desks.values()].flatMap(({ orders }) =>
    orders.flatMap(({ phase, order: { orderId, tokenId, placeAtMs } }) =>
      phase === "asking" ? [{ orderId, tokenId, tsMs: placeAtMs }] : [],
    ),
  );
}

/** Folds what is known of a market up to its watermark, which never goes back. */
export function advance(engine: PaperEngine, conditionId: ConditionId, known: KnownMarket): PaperEvent[] {
  const desk = engine.desks.get(conditionId);
  if (desk === undefined || known.watermarkMs < desk.foldedMs) return [];
  const events: PaperEvent[] = [];
  foldMarket(desk, known, events);
  sweepOut(engine, desk);
  return events;
}

/**
 * Takes the answer to one of `openQuestions`.
 * @param then - null: nobody can say what it was.
 * @param known - of the market now; null: nothing.
 */
export function answerBook(
  engine: PaperEngine,
  orderId: ClientOrderId,
  then: BookThen | null,
  known: KnownMarket | null,
): PaperEvent[] {
  const desk = marketOfOrder(engine, orderId);
  const paper = find(engine, orderId);
  if (paper === null || desk === null || paper.phase !== "asking") return [];
  const events: PaperEvent[] = [];
  placeAndRest(desk, paper, then, known, events);
  sweepOut(engine, desk);
  return events;
}

/**
 * Ends what should have ended long ago although no watermark came: the books have died. Nothing is filled: an order that
 * was never swept ends blind, the others expire or are cancelled.
 * @param overdueMs - venue time that is certainly over.
 */
export function endOverdue(engine: PaperEngine, overdueMs: number): PaperEvent[] {
  const events: PaperEvent[] = [];
  for (const desk of [...engine.desks.values()]) {
    for (const paper of desk.orders) {
      const { cancelAtMs, phase, order } = paper;
      if (phase !== "asking" && cancelAtMs !== null && cancelAtMs <= overdueMs)
        end(paper, "canceled", cancelAtMs, events);
      else if (phase !== "resting" && order.placeAtMs <= overdueMs) end(paper, "blind", order.placeAtMs, events);
      else if (phase === "resting" && expiresAtMs(paper) <= overdueMs) {
        end(paper, "expired", expiresAtMs(paper), events);
      }
    }
    sweepOut(engine, desk);
  }
  return events;
}

/** The market of an order that has not ended; null when there is no such order. */
export function marketOfOrder(engine: PaperEngine, orderId: ClientOrderId): MarketDesk | null {
  const conditionId = engine.marketOf.get(orderId);
  return conditionId === undefined ? null : (engine.desks.get(conditionId) ?? null);
}

const find = (engine: PaperEngine, orderId: ClientOrderId): PaperOrder | null =>
  marketOfOrder(engine, orderId)?.orders.find(({ order }) => order.orderId === orderId) ?? null;

function close(engine: PaperEngine, orderId: ClientOrderId): void {
  engine.closed.add(orderId);
  for (const oldest of engine.closed) {
    if (engine.closed.size <= CLOSED_MAX) break;
    engine.closed.delete(oldest);
  }
}

/** Drops the orders that have ended, and a desk that holds nothing. */
function sweepOut(engine: PaperEngine, desk: MarketDesk): void {
  const over = desk.orders.filter(({ isOver }) => isOver);
  if (over.length > 0) drop(desk, ({ isOver }) => isOver);
  for (const { order } of over) {
    engine.marketOf.delete(order.orderId);
    close(engine, order.orderId);
  }
  if (desk.orders.length > 0) return;
  if (over.length > 0 || desk.taken.size === 0) engine.desks.delete(desk.conditionId);
  if (over.length > 0 && desk.taken.size > 0) {
    engine.desks.set(desk.conditionId, desk);
    forgetOldest(engine);
  }
}

function forgetOldest(engine: PaperEngine): void {
  if (engine.desks.size <= IDLE_MAX) return;
  const idle = idleMarkets(engine);
  for (const { conditionId } of idle.slice(0, Math.max(0, idle.length - IDLE_MAX))) engine.desks.delete(conditionId);
}
