/** A full book beside the one there is: whether it can be taken, and which levels it no longer has. Nothing is copied. */
import type { PriceMicro, Side } from "@slipstream/contracts/money";
import {
  applySnapshot,
  type Book,
  type BookRefusal,
  bestPrice,
  createBook,
  type FlatLevels,
  isRefusal,
  levelRefusal,
  nextWorsePrice,
  sizeAt,
} from "./ladder.ts";

/** Order of the prices: what the venue sends has one, best first or worst first. */
type Order = "rising" | "falling" | "none";

function orderOf(levels: FlatLevels): Order {
  if (levels.length < 4) return "rising";
  const isRising = (levels[2] ?? 0) > (levels[0] ?? 0);
  for (let at = 2; at < levels.length; at += 2) {
    const step = (levels[at] ?? 0) - (levels[at - 2] ?? 0);
    if (isRising ? !(step > 0) : !(step < 0)) return "none";
  }
  return isRising ? "rising" : "falling";
}

/** Why a full book cannot be taken on the ladder of `book`; null when it can. */
export function fullBookRefusal(book: Book, bids: FlatLevels, asks: FlatLevels): BookRefusal | null {
  const refusal = sideRefusal(book, bids) ?? sideRefusal(book, asks);
  if (refusal !== null) return refusal;
  if (orderOf(bids) !== "none" && orderOf(asks) !== "none") return null;
  // Without order a level may come twice, which a ladder of its own finds out.
  const result = applySnapshot(createBook(book), bids, asks);
  return isRefusal(result) ? result : null;
}

function sideRefusal(book: Book, levels: FlatLevels): BookRefusal | null {
  if (levels.length % 2 !== 0) return "LEVELS_ODD";
  for (let at = 0; at < levels.length; at += 2) {
    const refusal = levelRefusal(book, levels[at] ?? 0, levels[at + 1] ?? 0);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Prices of `book` that are not in `levels`, best first. */
export function goneLevels(book: Book, side: Side, levels: FlatLevels): PriceMicro[] {
  const order = orderOf(levels);
  return order === "none" ? goneByLadder(book, side, levels) : goneByOrder(book, side, levels, order);
}

/** Walks both from the best to the worst. */
function goneByOrder(book: Book, side: Side, levels: FlatLevels, order: Order): PriceMicro[] {
  const gone: PriceMicro[] = [];
  const isBestFirst = (order === "falling") === (side === "BUY");
  const step = isBestFirst ? 2 : -2;
  let at = isBestFirst ? 0 : levels.length - 2;
  for (let price = bestPrice(book, side); price !== null; price = nextWorsePrice(book, side, price)) {
    let given = levels[at];
    while (given !== undefined && (side === "BUY" ? given > price : given < price)) {
      at += step;
      given = levels[at];
    }
    if (given !== price) gone.push(price);
  }
  return gone;
}

function goneByLadder(book: Book, side: Side, levels: FlatLevels): PriceMicro[] {
  const next = createBook(book);
  applySnapshot(next, side === "BUY" ? levels : [], side === "BUY" ? [] : levels);
  const gone: PriceMicro[] = [];
  for (let price = bestPrice(book, side); price !== null; price = nextWorsePrice(book, side, price)) {
    if (sizeAt(next, side, price) === 0) gone.push(price);
  }
  return gone;
}
