/**
 * One token's book as bookstore keeps it: applied from the market channel, joined to REST, proved by the venue's hash.
 *
 * Modes: `dead` (no book) → `resyncing` (asked for) → `healthy` ⇄ `suspect` (one failed proof).
 *
 * Invariants
 * 1. `seq` grows by one for each update of an epoch; the snapshot that opens it is 0.
 * 2. Every published delta has been applied to the own book first, so `snap` is the sum of what was published.
 * 3. A book is healthy only while each full proof at a burst's end passed, or none was possible (no market facts).
 */

import { checkBookHash, type HashedMarket, lastTradeText } from "@slipstream/book/hash";
import {
  type BookHistory,
  createHistory,
  lastPosition,
  openEpoch,
  openHole,
  recordLevel,
  recordSnapshot,
  recordTrade,
} from "@slipstream/book/history";
import { deltasAfter } from "@slipstream/book/historyAnswers";
import { type FlatLevels, flatLevels, isRefusal } from "@slipstream/book/ladder";
import type {
  BookDelta,
  BookHealth,
  BookSnapshot,
  BookStatus,
  BookUpdate,
  TradePrint,
} from "@slipstream/contracts/book";
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import { type PriceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";

/** Two failures this far apart with no success between are a divergence; single ones happen (reference §6.4). */
const PROOF_FAILURE_SPAN_MS = 2_000;
/** One full search for the trade price in a hash per token and this time: it costs some 2 ms. */
const FULL_SEARCH_EVERY_MS = 60_000;
/** Prints remembered for the hash. */
const RECENT_PRINTS = 4;

export type TokenBook = {
  readonly tokenId: TokenId;
  readonly history: BookHistory;
  conditionId: ConditionId | null;
  connection: string;
  health: BookHealth;
  epoch: string;
  seq: number;
  /** What the hash covers beside the levels; null while the market is unknown. */
  market: HashedMarket | null;
  /** Hash the last message of the running burst carried. */
  burst: { readonly tsEventMs: number; readonly hash: string } | null;
  lastTradePrices: string[];
  firstFailureMs: number | null;
  fullSearchMs: number;
  proofs: { passed: number; failed: number };
  /** Deltas since a REST book was asked for, with their hashes, for it to be joined to. */
  joining: { readonly tsEventMs: number; readonly hash: string; readonly levels: readonly LevelChange[] }[] | null;
};

export type LevelChange = { readonly side: Side; readonly priceMicro: number; readonly sizeMicro: number };
export type FullBook = {
  readonly conditionId: ConditionId;
  readonly tsEventMs: number;
  readonly hash: string;
  readonly bids: FlatLevels;
  readonly asks: FlatLevels;
  /** Opening books only; otherwise the tick of the epoch stays. */
  readonly tickMicro: number | null;
  readonly lastTradePrice: string | null;
};
export type Output = BookUpdate | TradePrint;
/** Time of a message: venue time (monotonic per connection) and receive time. */
export type At = { readonly tsEventMs: number; readonly tsInitMs: number };

export function createTokenBook(tokenId: TokenId, connection: string): TokenBook {
  return {
    tokenId,
    history: createHistory({ tokenId }),
    conditionId: null,
    connection,
    health: "dead",
    epoch: "0.0",
    seq: 0,
    market: null,
    burst: null,
    lastTradePrices: [],
    firstFailureMs: null,
    fullSearchMs: Number.NEGATIVE_INFINITY,
    proofs: { passed: 0, failed: 0 },
    joining: null,
  };
}

const isOpen = (book: TokenBook): boolean => book.history.book !== null && book.conditionId !== null;

/** Opens an epoch with a full book. Returns nothing when the book is refused: the epoch before it stands. */
export function openBook(book: TokenBook, full: FullBook, epoch: string, at: At): Output[] {
  const tickMicro = full.tickMicro ?? book.market?.tickMicro ?? book.history.book?.tickMicro;
  if (tickMicro === undefined) return [];
  const { bids, asks } = full;
  const result = openEpoch(book.history, { epoch, seq: 0, tsEventMs: at.tsEventMs, tickMicro, bids, asks });
  if (isRefusal(result)) return [];
  book.conditionId = full.conditionId;
  book.epoch = epoch;
  book.seq = 0;
  book.health = "healthy";
  book.firstFailureMs = null;
  book.burst = { tsEventMs: full.tsEventMs, hash: full.hash };
  book.joining = null;
  if (full.lastTradePrice !== null) rememberPrint(book, full.lastTradePrice);
  const snapshot = snapshotOf(book, at);
  return snapshot === null ? [] : [snapshot];
}

/** Applies a full book of the running epoch (the venue sends one after trades) as the levels that differ. */
export function applyFullBook(book: TokenBook, full: FullBook, at: At): Output[] {
  if (!isOpen(book)) return [];
  const position = lastPosition(book.history);
  const stamp = { seq: book.seq + 1, tsEventMs: at.tsEventMs };
  const result = recordSnapshot(book.history, stamp, full.bids, full.asks);
  if (isRefusal(result)) return suspect(book, at, `refused book: ${result}`);
  book.burst = { tsEventMs: full.tsEventMs, hash: full.hash };
  if (result === "unchanged") return [];
  const answer = deltasAfter(book.history, position);
  const changes: LevelChange[] = [];
  if (answer.kind === "entries") {
    for (const entry of answer.entries) if (entry.kind === "level") changes.push(entry);
  }
  return [delta(book, changes, at)];
}

/** Applies the changes of one price_change frame that concern this token. */
export function applyChanges(
  book: TokenBook,
  changes: readonly LevelChange[],
  proof: { readonly tsEventMs: number; readonly hash: string },
  at: At,
): Output[] {
  book.joining?.push({ ...proof, levels: changes });
  if (!isOpen(book)) return [];
  const stamp = { seq: book.seq + 1, tsEventMs: at.tsEventMs };
  const applied: LevelChange[] = [];
  for (const change of changes) {
    const result = recordLevel(book.history, stamp, change.side, change.priceMicro, change.sizeMicro);
    if (isRefusal(result)) return suspect(book, at, `refused level: ${result}`);
    if (result === "changed") applied.push(change);
  }
  book.burst = proof;
  return applied.length === 0 ? [] : [delta(book, applied, at)];
}

export function applyTrade(
  book: TokenBook,
  trade: { readonly side: Side; readonly priceMicro: PriceMicro; readonly sizeMicro: number },
  at: At,
): Output[] {
  rememberPrint(book, lastTradeText(trade.priceMicro));
  if (!isOpen(book)) return [];
  recordTrade(book.history, { seq: book.seq, tsEventMs: at.tsEventMs }, trade.side, trade.priceMicro, trade.sizeMicro);
  const print: TradePrint = {
    ...header(book, at),
    type: "TradePrint",
    side: trade.side,
    priceMicro: trade.priceMicro,
    sizeMicro: sharesMicro(BigInt(trade.sizeMicro)),
  };
  return [print];
}

/** The venue announced another trade price for the market: the hash of both tokens may carry it from now on. */
export function rememberPrint(book: TokenBook, text: string): void {
  book.lastTradePrices = [text, ...book.lastTradePrices.filter((known) => known !== text)].slice(0, RECENT_PRINTS);
}

/**
 * Proves the book at the end of a burst: its hash must be the one the venue sent.
 * @returns updates to publish, and whether a new book must be asked for.
 */
export function proveBurst(book: TokenBook, at: At): { outputs: Output[]; resync: boolean } {
  const { burst, market, history } = book;
  book.burst = null;
  if (burst === null || market === null || history.book === null || burst.hash === "")
    return { outputs: [], resync: false };
  const mayResearch = at.tsInitMs - book.fullSearchMs >= FULL_SEARCH_EVERY_MS;
  const check = { book: history.book, market, tsEventMs: burst.tsEventMs, expected: burst.hash };
  let result = checkBookHash({ ...check, lastTradePrices: book.lastTradePrices, search: "given" });
  if (result.kind === "mismatch" && mayResearch) {
    book.fullSearchMs = at.tsInitMs;
    result = checkBookHash({ ...check, lastTradePrices: [], search: "full" });
  }
  if (result.kind === "match") {
    book.proofs.passed += 1;
    book.firstFailureMs = null;
    rememberPrint(book, result.lastTradePrice);
    return { outputs: book.health === "suspect" ? [setHealth(book, "healthy", "proved", at)] : [], resync: false };
  }
  book.proofs.failed += 1;
  book.firstFailureMs ??= at.tsInitMs;
  const diverged = at.tsInitMs - book.firstFailureMs >= PROOF_FAILURE_SPAN_MS;
  return { outputs: diverged ? [] : suspect(book, at, "hash differs"), resync: diverged };
}

/** Continuity is lost or the book is wrong: what follows is kept for the REST book to be joined to. */
export function startResync(book: TokenBook, reason: string, at: At): Output[] {
  const outputs = isOpen(book) && book.health !== "resyncing" ? [setHealth(book, "resyncing", reason, at)] : [];
  book.health = "resyncing";
  book.joining = [];
  openHole(book.history);
  return outputs;
}

/**
 * Joins a REST book to the stream: what came after the entry with its hash is applied on top; without such an entry,
 * what is stamped later than the book.
 */
export function joinRestBook(book: TokenBook, full: FullBook, epoch: string, at: At): Output[] {
  const entries = book.joining ?? [];
  const same = entries.findLastIndex((entry) => entry.hash === full.hash);
  const later = same >= 0 ? entries.slice(same + 1) : entries.filter((entry) => entry.tsEventMs > full.tsEventMs);
  const outputs = openBook(book, full, epoch, at);
  if (outputs.length === 0) return [];
  for (const entry of later) outputs.push(...applyChanges(book, entry.levels, entry, at));
  return outputs;
}

export function setHealth(book: TokenBook, health: BookHealth, reason: string, at: At): BookStatus {
  book.health = health;
  book.seq += 1;
  return { ...header(book, at), type: "BookStatus", health, reason };
}

function suspect(book: TokenBook, at: At, reason: string): Output[] {
  return book.health === "healthy" ? [setHealth(book, "suspect", reason, at)] : [];
}

function delta(book: TokenBook, changes: readonly LevelChange[], at: At): BookDelta {
  book.seq += 1;
  const bids: number[] = [];
  const asks: number[] = [];
  for (const { side, priceMicro, sizeMicro } of changes) (side === "BUY" ? bids : asks).push(priceMicro, sizeMicro);
  return { ...header(book, at), type: "BookDelta", bids, asks };
}

const header = (book: TokenBook, at: At) => ({
  v: 1 as const,
  tokenId: book.tokenId,
  conditionId: book.conditionId as ConditionId,
  epoch: book.epoch,
  seq: book.seq,
  connection: book.connection,
  ...at,
});

/** The book as it stands, in its epoch at its sequence; null before the first one. */
export function snapshotOf(book: TokenBook, at: At): BookSnapshot | null {
  const live = book.history.book;
  if (live === null || book.conditionId === null) return null;
  return {
    ...header(book, at),
    type: "BookSnapshot",
    tickMicro: live.tickMicro as PriceMicro,
    health: book.health,
    bids: flatLevels(live, "BUY"),
    asks: flatLevels(live, "SELL"),
  };
}
