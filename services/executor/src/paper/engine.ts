/**
 * The paper engine: what the venue would have done with our orders, told from the book's own history in venue time. A
 * pure fold: same orders, same history, same watermarks ⇒ same events, whenever the messages arrived.
 *
 * An order placed at T is swept against the book after all changes with a time <= T, once the watermark has passed T. What
 * is left is cancelled (FAK), kills the order (FOK) or rests (GTD) behind the displayed size until T + ttl.
 *
 * Invariants
 * 1. Nothing is decided beyond the watermark, and an order's fills never exceed its size.
 * 2. At equal times: ends (expiry, cancel) first, then the book's changes, then placements.
 * 3. In a hole (epoch change, gap, restart) nothing fills; afterwards the order is at the back of its level.
 * 4. A T that neither the history nor the bookstore can answer ends the order `blind`.
 * 5. Depth we took is not taken again until the venue refills the level; that is forgotten with a hole, and when the
 *    history has dropped what happened since.
 */
import type { BookHistory } from "@slipstream/book/history";
import type { Book } from "@slipstream/book/ladder";
import type { ClientOrderId, TokenId } from "@slipstream/contracts/ids";
import type { OrderToPlace } from "../core/messages.ts";
import type { PaperEvent } from "./events.ts";
import { createDesk, foldDesk, place, type TokenDesk } from "./fold.ts";
import { endOf, expiresAtMs, type KnownFills, NO_FILLS, newPaperOrder, type PaperOrder } from "./orders.ts";

export type PaperEngine = {
  readonly desks: Map<TokenId, TokenDesk>;
  /** Of the orders that have not ended. */
  readonly tokenOf: Map<ClientOrderId, TokenId>;
  /** Cancelled before they came, or over: they are not taken again. */
  readonly closed: Set<ClientOrderId>;
};

/** Far more than can be cancelled or repeated while an order is on its way. */
const CLOSED_MAX = 4_096;

export const createPaperEngine = (): PaperEngine => ({ desks: new Map(), tokenOf: new Map(), closed: new Set() });

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
  const desk = engine.desks.get(order.tokenId);
  if (desk !== undefined) desk.orders = desk.orders.filter((paper) => paper.order.orderId !== order.orderId);
  engine.closed.delete(order.orderId);
  take(engine, order, known);
}

function take(engine: PaperEngine, order: OrderToPlace, known: KnownFills): void {
  const desk = engine.desks.get(order.tokenId) ?? createDesk();
  engine.desks.set(order.tokenId, desk);
  engine.tokenOf.set(order.orderId, order.tokenId);
  desk.orders.push(newPaperOrder(order, known));
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

/** Tokens with orders: the ones to advance when their book or clock moves. */
export const activeTokens = (engine: PaperEngine): readonly TokenId[] =>
  engine.tokenOf.size === 0
    ? NO_TOKENS
    : [...engine.desks].flatMap(([tokenId, { orders }]) => (orders.length > 0 ? [tokenId] : []));
/** The usual answer, asked for with every frame. */
const NO_TOKENS: readonly TokenId[] = [];

/** Books that somebody else has to be asked for; each is answered by `answerBook`. */
export function openQuestions(engine: PaperEngine): { orderId: ClientOrderId; tokenId: TokenId; tsMs: number }[] {
  return [...engine.desks.values()].flatMap(({ orders }) =>
    orders.flatMap(({ phase, order: { orderId, tokenId, placeAtMs } }) =>
      phase === "asking" ? [{ orderId, tokenId, tsMs: placeAtMs }] : [],
    ),
  );
}

/**
 * Folds a token's history up to the watermark.
 * @param watermarkMs - venue time up to which every change of the book has arrived; it never goes back.
 */
export function advance(
  engine: PaperEngine,
  tokenId: TokenId,
  history: BookHistory,
  watermarkMs: number,
): PaperEvent[] {
  const desk = engine.desks.get(tokenId);
  if (desk === undefined || watermarkMs < desk.foldedMs) return [];
  const events: PaperEvent[] = [];
  foldDesk(desk, history, watermarkMs, events);
  sweepOut(engine, tokenId, desk, events);
  return events;
}

/**
 * Takes the answer to one of `openQuestions`.
 * @param book - null: nobody can say what it was.
 * @param history - of the token as far as it is known; null: none.
 */
export function answerBook(
  engine: PaperEngine,
  orderId: ClientOrderId,
  book: Book | null,
  history: BookHistory | null,
): PaperEvent[] {
  const paper = find(engine, orderId);
  const desk = paper === null ? undefined : engine.desks.get(paper.order.tokenId);
  if (paper === null || desk === undefined || paper.phase !== "asking") return [];
  const events: PaperEvent[] = [];
  place(desk, paper, book, history, events);
  sweepOut(engine, paper.order.tokenId, desk, events);
  return events;
}

/**
 * Ends what should have ended long ago although no watermark came: the books have died. Nothing is filled: an order that
 * was never swept ends blind, the others expire or are cancelled.
 * @param overdueMs - venue time that is certainly over.
 */
export function endOverdue(engine: PaperEngine, overdueMs: number): PaperEvent[] {
  const events: PaperEvent[] = [];
  for (const [tokenId, desk] of engine.desks) {
    for (const paper of desk.orders) {
      const { cancelAtMs, phase, order } = paper;
      if (cancelAtMs !== null && cancelAtMs <= overdueMs) events.push(endOf(paper, "canceled", cancelAtMs));
      else if (phase !== "resting" && order.placeAtMs <= overdueMs) events.push(endOf(paper, "blind", order.placeAtMs));
      else if (phase === "resting" && expiresAtMs(paper) <= overdueMs) {
        events.push(endOf(paper, "expired", expiresAtMs(paper)));
      }
    }
    sweepOut(engine, tokenId, desk, events);
  }
  return events;
}

function find(engine: PaperEngine, orderId: ClientOrderId): PaperOrder | null {
  const tokenId = engine.tokenOf.get(orderId);
  const desk = tokenId === undefined ? undefined : engine.desks.get(tokenId);
  return desk?.orders.find(({ order }) => order.orderId === orderId) ?? null;
}

function close(engine: PaperEngine, orderId: ClientOrderId): void {
  engine.closed.add(orderId);
  for (const oldest of engine.closed) {
    if (engine.closed.size <= CLOSED_MAX) break;
    engine.closed.delete(oldest);
  }
}

/** Drops the orders that have ended, and a desk that holds nothing. */
function sweepOut(engine: PaperEngine, tokenId: TokenId, desk: TokenDesk, events: readonly PaperEvent[]): void {
  const ended = new Set(events.filter(({ kind }) => kind !== "fill").map(({ orderId }) => orderId));
  desk.orders = desk.orders.filter(({ leavesMicro, order: { orderId } }) => {
    const isOver = leavesMicro === 0n || ended.has(orderId);
    if (isOver) {
      engine.tokenOf.delete(orderId);
      close(engine, orderId);
    }
    return !isOver;
  });
  if (desk.orders.length === 0 && desk.consumed.size === 0) engine.desks.delete(tokenId);
}
