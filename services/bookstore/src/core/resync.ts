/**
 * How a book that lost its continuity becomes whole again: a full book of the stream, or one of REST that the stream has
 * named by its hash. REST lags the stream by up to 1.1 s (reference §6.4), and may say what is not: what the stream has not
 * named is not believed, whatever its time, and the stream is asked again.
 */
import { bookHash, checkBookHash } from "@slipstream/book/hash";
import { openHole } from "@slipstream/book/history";
import { applySnapshot, createBook, gridFor, isRefusal, levelCount, sizeAt } from "@slipstream/book/ladder";
import { applyChanges, openBook } from "./changes.ts";
import { wasHeard } from "./heard.ts";
import { type At, type FullBook, isOpen, type NextEpoch, type Output, setHealth, type TokenBook } from "./tokenBook.ts";

/** REST lags the stream by less (1.1 s at most, reference §6.4). */
const REST_BEHIND_MS_MAX = 1_500;
/** More than messages of one connection come out of order (0.62 s at most, reference §6.3). */
const DISORDER_MS = 1_000;
/** The stream is silent about what REST has. */
export const STREAM_BEHIND = "stream behind REST";

/**
 * Continuity is lost or the book is wrong: what follows is kept for the full book to be joined to.
 * @param provenThroughMs - the connection's watermark: up to there the book stays known; omitted when it was wrong.
 */
export function startResync(book: TokenBook, reason: string, at: At, provenThroughMs?: number): Output[] {
  const isNews = isOpen(book) && book.health !== "resyncing";
  const outputs = isNews ? [setHealth(book, "resyncing", reason, at, provenThroughMs)] : [];
  // Nothing is missing behind what the stream told last when only the book was wrong.
  const isWhole = provenThroughMs === undefined && book.joining === null && !book.isMissing;
  book.health = "resyncing";
  book.burst = null;
  book.opened = null;
  book.firstFailureMs = null;
  book.restAhead = null;
  book.unreadMs = null;
  book.touch.claim = null;
  book.joining = { fromMs: 0, sinceMs: 0, entries: isWhole ? [{ ...book.last, levels: [] }] : [] };
  openHole(book.history, provenThroughMs);
  return outputs;
}

/**
 * Joins a REST book to the stream: what came after the message with its hash is applied on top.
 * @returns nothing when the stream has told no such message: it has to be asked again.
 */
export function joinRestBook(book: TokenBook, full: FullBook, nextEpoch: NextEpoch, at: At): Output[] {
  const { entries, sinceMs, fromMs } = book.joining ?? { entries: [], sinceMs: 0, fromMs: 0 };
  const same = full.hash === "" ? -1 : entries.findLastIndex((entry) => entry.hash === full.hash);
  if (same < 0) {
    // REST may be behind what the stream has told since, and be there with its next answer.
    const toldMs = entries.length > 0 ? sinceMs : fromMs;
    if (at.tsInitMs - toldMs >= REST_BEHIND_MS_MAX) book.asksStream = true;
    return [];
  }
  const outputs = openBook(book, full, nextEpoch(), at);
  if (outputs.length === 0) return [];
  for (const entry of entries.slice(same + 1)) outputs.push(...applyChanges(book, entry, at));
  return outputs;
}

/**
 * Whether a REST book has the hash it states; null when that cannot be reckoned. It proves that the book was not spoiled on
 * its way and says what the market's facts are, not that it is the book of now.
 */
export function provesItself({ tokenId, market }: TokenBook, full: FullBook): boolean | null {
  const tickMicro = full.tickMicro ?? market?.tickMicro;
  const minOrderSizeMicro = full.minOrderSizeMicro ?? market?.minOrderSizeMicro;
  const negRisk = full.negRisk ?? market?.negRisk;
  const { conditionId, tsEventMs, hash: expected, bids, asks } = full;
  if (expected === "" || tickMicro === undefined || minOrderSizeMicro === undefined || negRisk === undefined)
    return null;
  const gridMicro = gridFor(tickMicro, bids, asks);
  if (gridMicro === null) return false;
  const own = createBook({ tokenId, tickMicro: gridMicro });
  if (isRefusal(applySnapshot(own, bids, asks))) return false;
  const hashed = { conditionId, tickMicro, minOrderSizeMicro, negRisk };
  const lastTradePrice = full.lastTradePrice ?? "";
  if (bookHash({ book: own, market: hashed, tsEventMs, lastTradePrice }) === expected) return true;
  const check = { book: own, market: hashed, tsEventMs, expected, lastTradePrices: [], search: "full" } as const;
  return checkBookHash(check).kind === "match";
}

/** What a REST book says of a book that is not being replaced. `wrong`: after the same change, other levels. */
export type Audit = "equal" | "wrong" | "restIsOlder" | "streamIsLate";

/** @param lateAfterMs - how old by our clock a change must be that the stream has not told. */
export function auditWith(book: TokenBook, full: FullBook, tsInitMs: number, lateAfterMs: number): Audit {
  if (full.hash !== "" && book.last.hash === full.hash) {
    // Within a burst all changes carry the hash of its end: only part of it may have come.
    return book.burst !== null || hasLevelsOf(book, full) ? "equal" : "wrong";
  }
  const isNews = full.tsEventMs > book.last.tsEventMs && !wasHeard(book, full);
  return isNews && tsInitMs - full.tsEventMs >= lateAfterMs ? "streamIsLate" : "restIsOlder";
}

/**
 * True when the stream has told everything up to well after a change that REST has, and not this one: it was lost. A
 * market that is silent on the stream and busy at the venue is found by this alone, as its newest change is never old.
 * @param watermarkMs - of the book's connection.
 */
export function isBehindRest(book: TokenBook, watermarkMs: number): boolean {
  const { restAhead, last } = book;
  if (restAhead === null) return false;
  if (last.tsEventMs >= restAhead.tsEventMs || wasHeard(book, restAhead)) book.restAhead = null;
  return book.restAhead !== null && watermarkMs - restAhead.tsEventMs >= DISORDER_MS;
}

export function hasLevelsOf({ history }: TokenBook, full: FullBook): boolean {
  const { book } = history;
  if (book === null) return false;
  for (const side of ["BUY", "SELL"] as const) {
    const flat = side === "BUY" ? full.bids : full.asks;
    let levels = 0;
    for (let at = 0; at < flat.length; at += 2) {
      const size = flat[at + 1] ?? 0;
      if (sizeAt(book, side, flat[at] ?? 0) !== size) return false;
      if (size > 0) levels += 1;
    }
    if (levels !== levelCount(book, side)) return false;
  }
  return true;
}
