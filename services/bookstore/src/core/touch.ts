/**
 * What a book can be doubted by without its hash: the best prices that the venue states, and that bids stand below asks.
 *
 * A message of a burst states the best prices of the burst's end, so they are compared there, and only where no hash can be
 * reckoned. Best prices that come by themselves (`best_bid_ask`) may be ahead of the changes that make them: they are a
 * claim, and a doubt when the book does not come to agree, and nothing else comes either.
 *
 * Books do cross on recorded tapes: for moments within bursts, and once for 6 s with every hash right. So a book that stays
 * crossed is an alarm, and a doubt unless it was proved as it is.
 */
import { type Book, bestAsk, bestBid, isCrossed } from "@slipstream/book/ladder";
import { MICRO_NUMBER } from "@slipstream/contracts/money";
import type { Proof } from "./proof.ts";
import { type At, heal, type Output, type StatedBest, suspect, type TokenBook } from "./tokenBook.ts";

/** Two disagreements this far apart with no agreement between are a divergence. */
const FAILURE_SPAN_MS = 2_000;
/** A book that is crossed for longer than this is wrong, or the venue does not match. */
const CROSSED_MS_MAX = 1_000;
/** Events of different types come up to 0.62 s out of order (reference §6.3). */
const DISORDER_MS = 620;
const CLAIM_MS_MAX = 1_000;
/** The venue names best prices that no change has made: one is missing. */
const CLAIM_DIFFERS = "best prices without their change";

const agrees = (own: number | null, stated: number | null): boolean =>
  stated === null || own === (stated === 0 || stated === MICRO_NUMBER ? null : stated);

export const agreesWith = (book: Book, { bestBidMicro, bestAskMicro }: StatedBest): boolean =>
  agrees(bestBid(book), bestBidMicro) && agrees(bestAsk(book), bestAskMicro);

/** Compares the book with the best prices that the venue states for it as it is now. */
export function checkTouch(book: TokenBook, stated: StatedBest, at: At, reason = "best prices differ"): Proof {
  const live = book.history.book;
  const { touch } = book;
  if (live === null || !touch.trusted) return { outputs: [], diverged: null };
  if (agreesWith(live, stated)) {
    touch.failedMs = null;
    return { outputs: healWithoutHash(book, at), diverged: null };
  }
  touch.failures += 1;
  touch.failedMs ??= at.tsInitMs;
  const lasts = at.tsInitMs - touch.failedMs >= FAILURE_SPAN_MS;
  return lasts ? { outputs: [], diverged: reason } : { outputs: suspect(book, at, reason), diverged: null };
}

/** The venue tells the best prices by themselves. A claim that is repeated is as old as when it came first. */
export function onClaim(book: TokenBook, stated: StatedBest, tsEventMs: number, at: At): Output[] {
  const live = book.history.book;
  const { touch, joining } = book;
  if (live === null || joining !== null || !touch.trusted) return [];
  if (agreesWith(live, stated)) {
    touch.claim = null;
    return book.burst === null ? checkTouch(book, stated, at).outputs.slice() : [];
  }
  const before = touch.claim?.stated;
  const isSame = before?.bestBidMicro === stated.bestBidMicro && before.bestAskMicro === stated.bestAskMicro;
  touch.claim = { stated, tsEventMs, tsInitMs: isSame ? (touch.claim?.tsInitMs ?? at.tsInitMs) : at.tsInitMs };
  return [];
}

/** A change has come: what the venue claimed before it is old. @param tsEventMs - its stamp. */
export function ageClaim({ touch }: TokenBook, tsEventMs: number, tsInitMs: number): void {
  const { claim } = touch;
  if (claim === null) return;
  if (tsEventMs > claim.tsEventMs || tsInitMs - claim.tsInitMs > DISORDER_MS) touch.claim = null;
}

/** Looks whether a claim has stood for too long. Call it some times a second. */
export function checkClaim(book: TokenBook, at: At): Proof {
  const { touch, history, burst } = book;
  const { claim } = touch;
  if (claim === null || burst !== null || history.book === null) return { outputs: [], diverged: null };
  const isOver = at.tsInitMs - claim.tsInitMs >= CLAIM_MS_MAX;
  if (!isOver && !agreesWith(history.book, claim.stated)) return { outputs: [], diverged: null };
  touch.claim = null;
  if (!agreesWith(history.book, claim.stated)) book.isMissing = true;
  return checkTouch(book, claim.stated, at, CLAIM_DIFFERS);
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
