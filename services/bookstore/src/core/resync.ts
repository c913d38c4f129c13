/**
 * How a book that lost its continuity becomes whole again: a full book of the stream, or one of REST that is joined to
 * what the stream said meanwhile. REST lags the stream by up to 1.1 s (reference §6.4), so its book may be too old.
 */
import { openHole } from "@slipstream/book/history";
import { levelCount, sizeAt } from "@slipstream/book/ladder";
import { applyChanges, openBook } from "./changes.ts";
import { type At, type FullBook, isOpen, type NextEpoch, type Output, setHealth, type TokenBook } from "./tokenBook.ts";

/** A REST book that stays the same for longer than REST lags (1.1 s at most, reference §6.4) is the book. */
export const REST_SETTLED_MS = 1_500;
/** More than messages of one connection come out of order (0.62 s at most, reference §6.3). */
const DISORDER_MS = 1_000;

/**
 * Continuity is lost or the book is wrong: what follows is kept for the full book to be joined to.
 * @param provenThroughMs - the connection's watermark: up to there the book stays known; omitted when it was wrong.
 */
export function startResync(book: TokenBook, reason: string, at: At, provenThroughMs?: number): Output[] {
  const isNews = isOpen(book) && book.health !== "resyncing";
  const outputs = isNews ? [setHealth(book, "resyncing", reason, at, provenThroughMs)] : [];
  book.health = "resyncing";
  book.burst = null;
  book.firstFailureMs = null;
  book.restAheadMs = null;
  book.unreadMs = null;
  book.joining = { sinceMs: Math.max(book.newest.tsEventMs, book.last.tsEventMs), entries: [], refused: null };
  openHole(book.history, provenThroughMs);
  return outputs;
}

/**
 * Joins a REST book to the stream: what came after the message with its hash is applied on top; without such a message,
 * what is stamped later than the book.
 * @returns nothing when the book is older than what was known before continuity was lost: ask again.
 */
export function joinRestBook(book: TokenBook, full: FullBook, nextEpoch: NextEpoch, at: At): Output[] {
  const { joining } = book;
  const entries = joining?.entries ?? [];
  const same = full.hash === "" ? -1 : entries.findLastIndex((entry) => entry.hash === full.hash);
  if (joining !== null && same < 0 && full.tsEventMs < joining.sinceMs) {
    const { refused } = joining;
    if (refused?.hash !== full.hash) joining.refused = { hash: full.hash, tsInitMs: at.tsInitMs };
    if (refused?.hash !== full.hash || at.tsInitMs - refused.tsInitMs < REST_SETTLED_MS) return [];
  }
  const later = same >= 0 ? entries.slice(same + 1) : entries.filter((entry) => entry.tsEventMs > full.tsEventMs);
  const outputs = openBook(book, full, nextEpoch(), at);
  if (outputs.length === 0) return [];
  // The stream may still tell what the REST book already has.
  book.newest = { tsEventMs: full.tsEventMs, hashes: [full.hash] };
  for (const entry of later) outputs.push(...applyChanges(book, entry.levels, entry, at));
  return outputs;
}

/** What a REST book says of a book that is not being replaced. `wrong`: after the same change, other levels. */
export type Audit = "equal" | "wrong" | "restIsOlder" | "streamIsLate";

/** @param lateAfterMs - how old by our clock a change must be that the stream has not told. */
export function auditWith(book: TokenBook, full: FullBook, tsInitMs: number, lateAfterMs: number): Audit {
  if (full.hash !== "" && book.last.hash === full.hash) {
    // Within a burst all changes carry the hash of its end: only part of it may have come.
    return book.burst !== null || hasLevelsOf(book, full) ? "equal" : "wrong";
  }
  return full.tsEventMs > book.last.tsEventMs && tsInitMs - full.tsEventMs >= lateAfterMs
    ? "streamIsLate"
    : "restIsOlder";
}

/**
 * True when the stream has told everything up to well after a change that REST has, and not this one: it was lost. A
 * market that is silent on the stream and busy at the venue is found by this alone, as its newest change is never old.
 * @param watermarkMs - of the book's connection.
 */
export function isBehindRest(book: TokenBook, watermarkMs: number): boolean {
  if (book.restAheadMs === null) return false;
  if (book.last.tsEventMs >= book.restAheadMs) book.restAheadMs = null;
  return book.restAheadMs !== null && watermarkMs - book.restAheadMs >= DISORDER_MS;
}

function hasLevelsOf({ history }: TokenBook, full: FullBook): boolean {
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
