/**
 * The order book of one token: a ladder by tick. It mutates in place inside its owner; what leaves the owner is copied.
 * A finer ladder is a new book with the same levels. Refusals are values, and a refused change leaves the book as it was.
 *
 * A book may be crossed for a moment inside a burst of changes, so the two sides are kept apart and both may hold the
 * same price; `isCrossed` tells.
 */
import { InvariantError } from "@slipstream/contracts/errors";
import { MICRO_NUMBER, type PriceMicro, type Side } from "@slipstream/contracts/money";
import {
  copySide,
  createSide,
  type LadderSide,
  rankBelow,
  rankFrom,
  reserve,
  setRank,
  sideBytes,
  sizeAtRank,
} from "./ladderSide.ts";

export type Book = {
  readonly tokenId: string;
  /** Step of the ladder, 1e-6 USDC per share: the market's tick or finer, once it was finer. */
  readonly tickMicro: number;
  bids: LadderSide;
  asks: LadderSide;
};

/** Why a level was not taken. PRICE_INVALID: not an integer strictly between 0 and 1; SIZE_INVALID: negative or not a safe integer. */
export type BookRefusal = "PRICE_INVALID" | "PRICE_OFF_TICK" | "SIZE_INVALID" | "LEVELS_ODD" | "LEVEL_TWICE";
export type ApplyResult = "changed" | "unchanged" | BookRefusal;

/** 1e-6 USDC per share and 1e-6 share; a book is a quote, so the size is a plain integer number. */
export type Level = { readonly priceMicro: PriceMicro; readonly sizeMicro: number };

/** `[price, size, price, size, …]`, integers in 1e-6 units. */
export type FlatLevels = readonly number[];

export const isRefusal = (result: ApplyResult): result is BookRefusal => result !== "changed" && result !== "unchanged";

/**
 * Creates an empty book.
 * @param tickMicro - a whole divisor of 1_000_000; the venue uses 100_000, 10_000, 5_000, 2_500, 1_000, 100.
 * @throws InvariantError for any other tick.
 */
export function createBook(options: { readonly tokenId: string; readonly tickMicro: number }): Book {
  const { tokenId, tickMicro } = options;
  if (!Number.isInteger(tickMicro) || tickMicro < 1 || MICRO_NUMBER % tickMicro !== 0) {
    throw new InvariantError(`a tick is a whole divisor of 1000000 micro-USDC per share, got ${tickMicro}`);
  }
  const rankEnd = MICRO_NUMBER / tickMicro;
  return { tokenId, tickMicro, bids: createSide(rankEnd), asks: createSide(rankEnd) };
}

/** Ticks of the venue, coarse to fine. */
const VENUE_TICKS: readonly number[] = [100_000, 10_000, 5_000, 2_500, 1_000, 100];

/**
 * Returns the coarsest venue tick on which both the present ladder and `priceMicro` lie: what the next epoch's book needs
 * after a PRICE_OFF_TICK. Recordings show markets whose tick became finer without any announcement.
 * @returns null when no venue tick fits.
 */
export function finerTick(tickMicro: number, priceMicro: number): number | null {
  const fits = (tick: number): boolean => tickMicro % tick === 0 && priceMicro % tick === 0;
  return VENUE_TICKS.find(fits) ?? null;
}

/** Returns the coarsest venue tick on which the present ladder and all prices of a full book lie; null when none fits. */
export function gridFor(tickMicro: number, ...sides: readonly FlatLevels[]): number | null {
  let grid: number | null = tickMicro;
  for (const levels of sides) {
    for (let at = 0; at < levels.length && grid !== null; at += 2) {
      const price = levels[at] ?? 0;
      if (price % grid !== 0) grid = finerTick(grid, price);
    }
  }
  return grid;
}

/** Returns the same book on a finer ladder. @param tickMicro - divides the present one. */
export function onFinerLadder(book: Book, tickMicro: number): Book {
  const finer = createBook({ tokenId: book.tokenId, tickMicro });
  applySnapshot(finer, flatLevels(book, "BUY"), flatLevels(book, "SELL"));
  return finer;
}

/** Returns a copy that shares nothing with `book`. */
export const copyBook = (book: Book): Book => ({ ...book, bids: copySide(book.bids), asks: copySide(book.asks) });

/**
 * Sets the total size of one level; 0 removes it.
 * @param side - BUY is the bids, SELL the asks.
 * @returns "unchanged" when the level already had that size.
 */
export function applyLevel(book: Book, side: Side, priceMicro: number, sizeMicro: number): ApplyResult {
  const before = replaceLevel(book, side, priceMicro, sizeMicro);
  if (typeof before !== "number") return before;
  return before === sizeMicro ? "unchanged" : "changed";
}

/** As `applyLevel`, but returns the size before, 1e-6 share: what a history needs, found on the way. */
export function replaceLevel(book: Book, side: Side, priceMicro: number, sizeMicro: number): number | BookRefusal {
  const refusal = levelRefusal(book, priceMicro, sizeMicro);
  return refusal ?? setRank(sideOf(book, side), rankOf(book, side, priceMicro), sizeMicro);
}

/**
 * Replaces the whole book, or refuses and leaves it. Levels in any order; a size of 0 is no level.
 * @returns "changed" also when both books were equal.
 */
export function applySnapshot(book: Book, bids: FlatLevels, asks: FlatLevels): ApplyResult {
  const next = createBook(book);
  const refusal = fill(next, "BUY", bids) ?? fill(next, "SELL", asks);
  if (refusal !== null) return refusal;
  book.bids = next.bids;
  book.asks = next.asks;
  return "changed";
}

function fill(book: Book, side: Side, levels: FlatLevels): BookRefusal | null {
  if (levels.length % 2 !== 0) return "LEVELS_ODD";
  const target = sideOf(book, side);
  const best = Math.max(rankOf(book, side, levels[0] ?? 0), rankOf(book, side, levels.at(-2) ?? 0));
  // Levels are in order as a rule, so one of the ends is the best; any other order only grows the arrays by steps.
  if (Number.isInteger(best) && best > 0 && best < target.rankEnd) reserve(target, best);
  for (let at = 0; at < levels.length; at += 2) {
    const price = levels[at] ?? 0;
    const size = levels[at + 1] ?? 0;
    const refusal = levelRefusal(book, price, size);
    if (refusal !== null) return refusal;
    if (setRank(target, rankOf(book, side, price), size) !== 0) return "LEVEL_TWICE";
  }
  return null;
}

/** Why a level cannot be taken; null when it can. */
export function levelRefusal(book: Book, priceMicro: number, sizeMicro: number): BookRefusal | null {
  if (!(priceMicro > 0 && priceMicro < MICRO_NUMBER) || !Number.isInteger(priceMicro)) return "PRICE_INVALID";
  if (priceMicro % book.tickMicro !== 0) return "PRICE_OFF_TICK";
  if (!(sizeMicro >= 0) || !Number.isSafeInteger(sizeMicro)) return "SIZE_INVALID";
  return null;
}

const sideOf = (book: Book, side: Side): LadderSide => (side === "BUY" ? book.bids : book.asks);

const rankOf = (book: Book, side: Side, priceMicro: number): number =>
  (side === "BUY" ? priceMicro : MICRO_NUMBER - priceMicro) / book.tickMicro;

const priceOf = (book: Book, side: Side, rank: number): PriceMicro =>
  (side === "BUY" ? rank * book.tickMicro : MICRO_NUMBER - rank * book.tickMicro) as PriceMicro;

/** Returns the best price of a side, null when it is empty. */
export function bestPrice(book: Book, side: Side): PriceMicro | null {
  const { best } = sideOf(book, side);
  return best < 0 ? null : priceOf(book, side, best);
}
export const bestBid = (book: Book): PriceMicro | null => bestPrice(book, "BUY");
export const bestAsk = (book: Book): PriceMicro | null => bestPrice(book, "SELL");

/** Returns the size at a price in 1e-6 share; 0 when there is no such level, also off tick or out of range. */
export function sizeAt(book: Book, side: Side, priceMicro: number): number {
  return sizeAtRank(sideOf(book, side), rankOf(book, side, priceMicro));
}

/**
 * Returns the next worse price that has a size, null at the end: iteration without garbage, starting at `bestPrice`.
 * @param priceMicro - on tick, inside (0, 1).
 */
export function nextWorsePrice(book: Book, side: Side, priceMicro: PriceMicro): PriceMicro | null {
  const rank = rankBelow(sideOf(book, side), rankOf(book, side, priceMicro));
  return rank < 0 ? null : priceOf(book, side, rank);
}

/** Number of levels of a side. */
export const levelCount = (book: Book, side: Side): number => sideOf(book, side).count;

/** Returns the best `n` levels, best first. */
export function depth(book: Book, side: Side, n: number): Level[] {
  const ladder = sideOf(book, side);
  const levels: Level[] = [];
  for (let rank = ladder.best; rank >= 0 && levels.length < n; rank = rankBelow(ladder, rank)) {
    levels.push({ priceMicro: priceOf(book, side, rank), sizeMicro: sizeAtRank(ladder, rank) });
  }
  return levels;
}

/** Calls `visit` for each level, best first (our wire form) or worst first (the venue's). */
export function forEachLevel(
  book: Book,
  side: Side,
  order: "bestFirst" | "worstFirst",
  visit: (priceMicro: PriceMicro, sizeMicro: number) => void,
): void {
  const ladder = sideOf(book, side);
  if (order === "bestFirst") {
    for (let rank = ladder.best; rank >= 0; rank = rankBelow(ladder, rank)) {
      visit(priceOf(book, side, rank), sizeAtRank(ladder, rank));
    }
    return;
  }
  for (let rank = rankFrom(ladder, 0); rank >= 0; rank = rankFrom(ladder, rank + 1)) {
    visit(priceOf(book, side, rank), sizeAtRank(ladder, rank));
  }
}

/** Returns the levels of a side as the flat array of `BookSnapshot`, best first. */
export function flatLevels(book: Book, side: Side): number[] {
  const levels: number[] = [];
  forEachLevel(book, side, "bestFirst", (price, size) => levels.push(price, size));
  return levels;
}

/** True when the best bid is at or above the best ask: only inside a burst, else the book is wrong. */
export function isCrossed(book: Book): boolean {
  const bid = bestBid(book);
  const ask = bestAsk(book);
  return bid !== null && ask !== null && bid >= ask;
}

/** Bytes of the book's arrays. */
export const bookBytes = (book: Book): number => sideBytes(book.bids) + sideBytes(book.asks);
