/** An order arrives at the venue (rules 4, 7): it is refused, takes what the book displays, and what is left ends or rests. */
import type { Book } from "@slipstream/book/ladder";
import { bestPrice, sizeAt } from "@slipstream/book/ladder";
import { sweep } from "@slipstream/book/sweep";
import {
  otherSide,
  type PriceMicro,
  type SharesMicro,
  type Side,
  sharesMicro,
  subtractToZero,
} from "@slipstream/contracts/money";
import { marketClosed, refusalOf } from "@slipstream/polymarket/orderRules";
import type { PaperEvent } from "./events.ts";
import { mirrored } from "./market.ts";
import { end, fill, type PaperOrder, refuse } from "./orders.ts";
import { type TakenDepth, take, takenAt } from "./taken.ts";

/** The book of the order's token at the time of placement, and the market's tick then. */
export type BookThen = { readonly book: Book; readonly tickMicro: PriceMicro };

/** A reservation's bound of the fee counts on it; no limit within a price guard spans more levels. */
const SWEEP_LEVELS_MAX = 64;

/**
 * Places an order. Fills that the log already has are counted, not made again: the same book gives the same fills with
 * the same numbers.
 * @param then - null: nobody knows it.
 * @param closedMs - venue time from which the market takes no orders; null: it is open.
 * @returns true when it rests from now on; its queue is the caller's business.
 */
export function place(
  paper: PaperOrder,
  then: BookThen | null,
  taken: TakenDepth,
  closedMs: number | null,
  events: PaperEvent[],
): boolean {
  const { order, known } = paper;
  const isFresh = known.fills === 0;
  const isClosed = isClosedFor(paper, closedMs);
  if (then === null && isFresh && isClosed) {
    refuse(paper, marketClosed, events);
    return false;
  }
  if (then === null && (isFresh || order.timeInForce !== "GTD")) {
    end(paper, "blind", order.placeAtMs, events);
    return false;
  }
  if (then !== null && isFresh) {
    const refusal = refusalOf(order, {
      acceptingOrders: !isClosed,
      tickMicro: then.tickMicro,
      minOrderSizeMicro: order.minOrderSizeMicro,
      bestOppositeMicro: bestPrice(then.book, otherSide(order.side)),
    });
    if (refusal !== null) {
      refuse(paper, refusal, events);
      return false;
    }
  }
  if (then !== null && !takeLiquidity(paper, then.book, taken, events)) return false;
  paper.next = Math.max(paper.next, known.fills);
  if (paper.leavesMicro === 0n) {
    if (order.restMicro > 0n) end(paper, "remainder", order.placeAtMs, events);
    paper.isOver = true;
    return false;
  }
  if (order.timeInForce !== "GTD") {
    end(paper, "remainder", order.placeAtMs, events);
    return false;
  }
  paper.phase = "resting";
  return true;
}

/** The venue refuses an order for a closed market whatever its book was. */
export const isClosedFor = ({ order }: PaperOrder, closedMs: number | null): boolean =>
  closedMs !== null && order.placeAtMs >= closedMs;

/** @returns false when it was a FOK that could not be filled at once. */
function takeLiquidity(paper: PaperOrder, book: Book, taken: TakenDepth, events: PaperEvent[]): boolean {
  const { order, known } = paper;
  const { account } = order;
  const levels = crossing(paper, book, order.sizeMicro, taken).slice(0, SWEEP_LEVELS_MAX);
  const missing = levels.reduce((left, { sizeMicro }) => subtractToZero(left, sizeMicro), order.sizeMicro);
  if (order.timeInForce === "FOK" && missing > 0n && known.fills === 0) {
    end(paper, "killed", order.placeAtMs, events);
    return false;
  }
  const side = otherSide(order.side);
  for (const { priceMicro, sizeMicro } of levels) {
    take(taken, account, mirrored(paper.which, { side, priceMicro }), sizeMicro);
    if (paper.next < known.fills) paper.next += 1;
    else fill(paper, { atMs: order.placeAtMs, priceMicro, liquiditySide: "taker" }, sizeMicro, events);
  }
  return true;
}

/** What an order of that size would take from the book now, best first, one per level. */
export const crossing = ({ order, which }: PaperOrder, book: Book, sizeMicro: SharesMicro, taken: TakenDepth) =>
  sweep(book, { ...order, sizeMicro }, (side, priceMicro) =>
    takenAt(taken, order.account, mirrored(which, { side, priceMicro })),
  ).fills;

/** Size of a level, 1e-6 share. */
export const displayed = (book: Book, side: Side, price: PriceMicro): SharesMicro =>
  sharesMicro(BigInt(sizeAt(book, side, price)));
