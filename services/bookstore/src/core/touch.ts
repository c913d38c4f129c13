/**
 * What a book can be doubted by without its hash: the best prices that the venue names with each change, and that bids
 * stand below asks. Both are known at once, where a hash is only known at the end of a burst.
 *
 * On recorded tapes (12,162 frames per token) the last change of a frame names the best prices of the book after it, every
 * time. Books do cross there: for moments within bursts, and once for 6 s with every hash right. So a book that stays
 * crossed is an alarm, and a doubt unless it was proved as it is.
 */
import { bestAsk, bestBid, isCrossed } from "@slipstream/book/ladder";
import { MICRO_NUMBER } from "@slipstream/contracts/money";
import type { Proof } from "./proof.ts";
import { type At, heal, type Output, suspect, type TokenBook } from "./tokenBook.ts";

/** Two disagreements this far apart with no agreement between are a divergence. */
const FAILURE_SPAN_MS = 2_000;
/** A book that is crossed for longer than this is wrong, or the venue does not match. */
const CROSSED_MS_MAX = 1_000;

/** As the venue states them: null when it left the field empty, 0 (or 1 for an ask) when the side has no level. */
export type StatedBest = { readonly bestBidMicro: number | null; readonly bestAskMicro: number | null };

const agrees = (own: number | null, stated: number | null): boolean =>
  stated === null || own === (stated === 0 || stated === MICRO_NUMBER ? null : stated);

/** Compares the book with the best prices named by the last change that was applied to it. */
export function checkTouch(book: TokenBook, stated: StatedBest, at: At): Proof {
  const live = book.history.book;
  const { touch } = book;
  if (live === null || !touch.trusted) return { outputs: [], diverged: null };
  if (agrees(bestBid(live), stated.bestBidMicro) && agrees(bestAsk(live), stated.bestAskMicro)) {
    touch.failedMs = null;
    return { outputs: healWithoutHash(book, at), diverged: null };
  }
  touch.failures += 1;
  touch.failedMs ??= at.tsInitMs;
  const lasts = at.tsInitMs - touch.failedMs >= FAILURE_SPAN_MS;
  return lasts
    ? { outputs: [], diverged: "best prices differ" }
    : { outputs: suspect(book, at, "best prices differ"), diverged: null };
}

/** Looks whether the book stays crossed. Call it some times a second. */
export function checkCrossed(book: TokenBook, at: At): Output[] {
  const live = book.history.book;
  const { touch } = book;
  if (live === null || !isCrossed(live)) {
    touch.crossed = null;
    return [];
  }
  touch.crossed ??= { sinceMs: at.tsInitMs, proved: false, told: false };
  if (at.tsInitMs - touch.crossed.sinceMs < CROSSED_MS_MAX) return [];
  if (!touch.crossed.told) touch.crossings += 1;
  touch.crossed.told = true;
  return touch.crossed.proved ? [] : suspect(book, at, "crossed book");
}

/** A book whose hash cannot be reckoned, because its market is not known, is as good as its best prices say. */
const healWithoutHash = (book: TokenBook, at: At): Output[] =>
  book.market === null && book.touch.crossed === null && book.unreadMs === null
    ? heal(book, "best prices agree", at)
    : [];
