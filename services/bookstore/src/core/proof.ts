/**
 * Proof that a book is the venue's: its hash at the end of a burst. Messages of one burst carry the hash of its end, so
 * the book is proved when a message with another hash comes, before it is applied, or when a while has passed.
 */
import { checkBookHash } from "@slipstream/book/hash";
import { likelyPrices } from "./likelyPrices.ts";
import { type At, type Burst, heal, type Output, rememberPrice, suspect, type TokenBook } from "./tokenBook.ts";
import { agreesWith, checkTouch } from "./touch.ts";

/** Two failures this far apart with no success between are a divergence; single ones happen (reference §6.4). */
const FAILURE_SPAN_MS = 2_000;
/**
 * The hash may carry a trade price that was never announced. When none of the likely ones fits, a search through all of
 * them, at some 2 ms, tells a wrong book from an unknown price: once per token and minute. In between a book that does
 * not fit is doubted unsearched: a right one that is replaced by REST's, price included, costs less than a wrong one
 * called healthy.
 */
const FULL_SEARCH_EVERY_MS = 60_000;
/** Entries of one burst come up to 0.27 s apart (reference §6.4), by venue time. */
const BURST_END_MS = 300;
/** The same by our clock, for a connection on which nothing else happens. */
const BURST_QUIET_MS = 1_000;

/** `diverged`: why the book is wrong for good; null when it is not. */
export type Proof = { readonly outputs: readonly Output[]; readonly diverged: string | null };
const nothing: Proof = { outputs: [], diverged: null };

/** True when no message of the running burst is to be expected any more. @param connectionMs - its newest time. */
export const isBurstOver = ({ burst }: TokenBook, connectionMs: number, tsInitMs: number): boolean =>
  burst !== null && (connectionMs - burst.sinceMs >= BURST_END_MS || tsInitMs - burst.tsInitMs >= BURST_QUIET_MS);

/** Proves the running burst before a message with `hash` is applied. */
export const proveBefore = (book: TokenBook, hash: string, at: At): Proof =>
  book.burst === null || book.burst.hash === hash ? nothing : proveBurst(book, at);

/**
 * Proves the book against the hash of the burst that has ended. Where no hash can be reckoned, the best prices that the
 * burst's last message states are all there is.
 */
export function proveBurst(book: TokenBook, at: At): Proof {
  const { burst, market, history } = book;
  if (burst === null || history.book === null || book.joining !== null) return nothing;
  book.burst = null;
  if (burst.hash === "" || market === null) return burst.stated === null ? nothing : checkTouch(book, burst.stated, at);
  const check = { book: history.book, market, tsEventMs: burst.tsEventMs, expected: burst.hash };
  let result = checkBookHash({ ...check, lastTradePrices: book.lastTradePrices, search: "given" });
  if (result.kind === "mismatch") {
    const search = at.tsInitMs - book.fullSearchMs < FULL_SEARCH_EVERY_MS ? "given" : "full";
    if (search === "full") book.fullSearchMs = at.tsInitMs;
    result = checkBookHash({ ...check, lastTradePrices: likelyPrices(book), search });
  }
  if (result.kind === "match") {
    book.proofs.passed += 1;
    book.proofs.entries += burst.entries;
    book.firstFailureMs = null;
    rememberPrice(book, result.lastTradePrice);
    noteProved(book, burst);
    return { outputs: heal(book, "proved", at), diverged: null };
  }
  book.proofs.failed += 1;
  book.firstFailureMs ??= at.tsInitMs;
  if (at.tsInitMs - book.firstFailureMs >= FAILURE_SPAN_MS) return { outputs: [], diverged: "hash differs" };
  return { outputs: suspect(book, at, "hash differs"), diverged: null };
}

/** What the best prices are worth beside a hash that fits: what the venue states is of another kind when it differs. */
function noteProved({ history: { book }, touch }: TokenBook, { stated }: Burst): void {
  if (touch.crossed !== null) touch.crossed.proved = true;
  touch.failedMs = null;
  if (book === null || stated === null || agreesWith(book, stated)) return;
  touch.failures += 1;
  touch.trusted = false;
}

/**
 * True when a failed proof has stood for as long as two failures must be apart, and nothing came to prove again: what
 * passes by itself passes within a moment, so this is the second failure.
 */
export const isDoubtOld = ({ burst, firstFailureMs, health }: TokenBook, tsInitMs: number): boolean =>
  burst === null && health === "suspect" && firstFailureMs !== null && tsInitMs - firstFailureMs >= FAILURE_SPAN_MS;
