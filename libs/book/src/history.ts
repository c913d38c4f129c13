/**
 * The last minute of one token's book: what it was at any moment, and what happened since a position. This file records,
 * `historyAnswers.ts` reads.
 *
 * The live book is the only full copy; each entry also keeps the size before it, so a past book is a copy of the live one
 * with the later entries undone. That needs no checkpoints, and the usual question (some 100 ms ago) undoes few entries.
 *
 * A *segment* is a stretch without a hole: it begins with a full book and ends when continuity is lost. The book at the
 * end of a closed segment is kept as flat levels. Time is venue time made monotonic per token: an entry stamped earlier
 * than the one before it gets the time of the one before it, because the stream is applied in arrival order.
 *
 * The market's tick is part of the history. Its change is an entry, no hole: the levels stay, on a finer ladder if need be.
 * A print stands where it came in the order of the stream and keeps its own time, which may be later than its entry's.
 *
 * Invariants
 * 1. Undoing every entry of a segment gives the book the segment began with.
 * 2. A question is answered only when each change up to its time is known: a message lost at a hole may carry the time
 *    of the last one received, so without a watermark a closed segment answers only *before* its last entry's time.
 * 3. Positions never repeat; `first <= position < end` can be read.
 * 4. Bytes: entries are bounded by time and by `bytesMax`, segments by SEGMENTS_MAX.
 */
import { InvariantError } from "@slipstream/contracts/errors";
import type { PriceMicro, Side } from "@slipstream/contracts/money";
import {
  createRing,
  dropFirst,
  ENTRY_BYTES,
  type EntryKind,
  type EntryRing,
  entryTs,
  pushEntry,
  ringCapacity,
  ringCount,
} from "./entryRing.ts";
import { fullBookRefusal, goneLevels } from "./fullBook.ts";
import {
  type ApplyResult,
  applySnapshot,
  type Book,
  bookBytes,
  createBook,
  type FlatLevels,
  finerTick,
  flatLevels,
  gridFor,
  isRefusal,
  levelRefusal,
  onFinerLadder,
  replaceLevel,
} from "./ladder.ts";

export type Segment = {
  readonly epoch: string;
  readonly startTsMs: number;
  /** Position of its "epoch" entry. */
  readonly startPosition: number;
  /** Null while it is the live one. */
  closed: {
    /** Last moment the segment can answer for; below `startTsMs` when there is none. */
    readonly endTsMs: number;
    /** Position of its "hole" entry. */
    readonly endPosition: number;
    /** Of the market, and of the ladder of its levels. */
    readonly tickMicro: number;
    readonly gridMicro: number;
    readonly bids: FlatLevels;
    readonly asks: FlatLevels;
  } | null;
};

export type BookHistory = {
  readonly tokenId: string;
  readonly retentionMs: number;
  readonly ring: EntryRing;
  readonly segments: Segment[];
  /** The live book; null before the first epoch. Stays readable in a hole, but is then not to be trusted. */
  book: Book | null;
  /** The market's tick as far as it is known: stated by the venue, or as fine as its levels show. 0 before the first book. */
  tickMicro: number;
  /** Venue time at which the market was closed for good; null while it is open. */
  closedTsMs: number | null;
  /** Venue time of the last entry. */
  lastTsMs: number;
  /** Venue time of the last entry dropped: nothing before it can be answered. */
  droppedTsMs: number;
};

/** Resyncs come seconds apart at worst: this covers a minute of them. */
const SEGMENTS_MAX = 16;
const RETENTION_MS = 60_000;
/** Room for 65,536 entries: a minute at 1,092 changes per second; busy markets peaked at some 840 frames for a second. */
const BYTES_MAX = 2_097_152;

export function createHistory(options: {
  readonly tokenId: string;
  readonly retentionMs?: number;
  readonly bytesMax?: number;
}): BookHistory {
  return {
    tokenId: options.tokenId,
    retentionMs: options.retentionMs ?? RETENTION_MS,
    ring: createRing(Math.max(1, Math.floor((options.bytesMax ?? BYTES_MAX) / ENTRY_BYTES))),
    segments: [],
    book: null,
    tickMicro: 0,
    closedTsMs: null,
    lastTsMs: 0,
    droppedTsMs: Number.NEGATIVE_INFINITY,
  };
}

/**
 * Begins a segment with a full book: first book, resync, new owner. Closes the one before it. On a refusal nothing
 * changes, except that a hole stays a hole.
 * @param opening.tickMicro - the market's; levels between its steps make the ladder finer.
 * @param opening.tsEventMs - venue time from which the book is known; an earlier one than the last entry's counts as that.
 */
export function openEpoch(
  history: BookHistory,
  opening: {
    readonly epoch: string;
    readonly seq: number;
    readonly tsEventMs: number;
    readonly tickMicro: number;
    readonly bids: FlatLevels;
    readonly asks: FlatLevels;
  },
): ApplyResult {
  const gridMicro = gridFor(opening.tickMicro, opening.bids, opening.asks);
  if (gridMicro === null) return "PRICE_OFF_TICK";
  const book = createBook({ tokenId: history.tokenId, tickMicro: gridMicro });
  const result = applySnapshot(book, opening.bids, opening.asks);
  if (isRefusal(result)) return result;
  openHole(history);
  history.book = book;
  history.tickMicro = opening.tickMicro;
  beginSegment(history, opening);
  return result;
}

/** Ends a hole with the live book as it stands: continuity was lost and found again without a new book. */
export function resumeEpoch(
  history: BookHistory,
  opening: { readonly epoch: string; readonly seq: number; readonly tsEventMs: number },
): void {
  if (history.book === null) throw new InvariantError("a book history resumes only after a first book");
  if (isLive(history)) return;
  beginSegment(history, opening);
}

function beginSegment(
  history: BookHistory,
  opening: { readonly epoch: string; readonly seq: number; readonly tsEventMs: number },
): void {
  const tsMs = record(history, "epoch", opening.tsEventMs, opening.seq, "BUY", 0, 0, 0);
  const { epoch } = opening;
  history.segments.push({ epoch, startTsMs: tsMs, startPosition: history.ring.end - 1, closed: null });
  if (history.segments.length > SEGMENTS_MAX) dropSegment(history);
}

/**
 * Continuity is lost: nothing is recorded until the next `openEpoch` or `resumeEpoch`. A second call changes nothing.
 * @param provenThroughMs - venue time up to which everything is known to have arrived (the connection's watermark).
 */
export function openHole(history: BookHistory, provenThroughMs?: number): void {
  const segment = liveSegment(history);
  const { book } = history;
  if (segment === null || book === null) return;
  // An entry that is stamped ahead of the clock (a tick, a first book) proves nothing of the time before it.
  const endTsMs = provenThroughMs ?? history.lastTsMs - 1;
  // What is known has happened before the hole.
  record(history, "hole", endTsMs + 1, 0, "BUY", 0, 0, 0);
  segment.closed = {
    endTsMs,
    endPosition: history.ring.end - 1,
    tickMicro: history.tickMicro,
    gridMicro: book.tickMicro,
    bids: flatLevels(book, "BUY"),
    asks: flatLevels(book, "SELL"),
  };
}

/** True while changes are recorded: a book is there and no hole is open. */
export const isLive = (history: BookHistory): boolean => liveSegment(history) !== null;

/**
 * Applies a level to the live book and records it. Inside a hole the book still changes, without a record.
 * An "unchanged" level is not recorded: the venue repeats messages. A price off the ladder makes both ladder and tick
 * finer: the venue does not announce each change of the tick.
 */
export function recordLevel(
  history: BookHistory,
  at: { readonly seq: number; readonly tsEventMs: number },
  side: Side,
  priceMicro: number,
  sizeMicro: number,
): ApplyResult {
  if (history.book === null) throw new InvariantError("a book history takes levels only after a first book");
  const refusal = levelRefusal(history.book, priceMicro, sizeMicro);
  if (refusal === "PRICE_OFF_TICK" && isSize(sizeMicro)) {
    const finer = finerTick(history.book.tickMicro, priceMicro);
    if (finer !== null) recordTick(history, at, finer);
  }
  const before = replaceLevel(history.book, side, priceMicro, sizeMicro);
  if (typeof before !== "number") return before;
  if (before === sizeMicro) return "unchanged";
  if (isLive(history)) record(history, "level", at.tsEventMs, at.seq, side, priceMicro, sizeMicro, before);
  return "changed";
}

const isSize = (sizeMicro: number): boolean => sizeMicro >= 0 && Number.isSafeInteger(sizeMicro);

/** The market has another tick from here on. A coarser one leaves the ladder as it is: levels between its steps may stay. */
export function recordTick(
  history: BookHistory,
  at: { readonly seq: number; readonly tsEventMs: number },
  tickMicro: number,
): void {
  const { book } = history;
  if (book === null || tickMicro === history.tickMicro) return;
  if (isLive(history)) record(history, "tick", at.tsEventMs, at.seq, "BUY", tickMicro, 0, history.tickMicro);
  history.tickMicro = tickMicro;
  const gridMicro = finerTick(book.tickMicro, tickMicro);
  if (gridMicro !== null && gridMicro !== book.tickMicro) history.book = onFinerLadder(book, gridMicro);
}

/**
 * In a hole, or before the first book, a tick was told that holds from a venue time on: the book that ends the hole is none
 * from before it. Outside a hole `recordTick` records it, and this does nothing.
 */
export function tickInHole(history: BookHistory, tsEventMs: number): void {
  if (!isLive(history)) history.lastTsMs = Math.max(history.lastTsMs, tsEventMs);
}

/**
 * The market is closed for good: of several tellings the earliest counts. Entries that are stamped ahead of the clock do not
 * move it: what has a time from the closing on counts for nobody.
 * @param tsEventMs - venue time, not before the newest change of its connection.
 * @returns whether it is news.
 */
export function recordClosing(history: BookHistory, tsEventMs: number): boolean {
  if (history.closedTsMs !== null && history.closedTsMs <= tsEventMs) return false;
  history.closedTsMs = tsEventMs;
  return true;
}

/** Replaces the live book by a full one of the same epoch (the venue sends some after trades): recorded as the levels that differ. */
export function recordSnapshot(
  history: BookHistory,
  at: { readonly seq: number; readonly tsEventMs: number },
  bids: FlatLevels,
  asks: FlatLevels,
): ApplyResult {
  if (history.book === null) {
    throw new InvariantError("a book history takes a snapshot of its epoch only after a first book");
  }
  const gridMicro = gridFor(history.book.tickMicro, bids, asks);
  if (gridMicro !== null && gridMicro !== history.book.tickMicro) recordTick(history, at, gridMicro);
  const { book } = history;
  const refusal = fullBookRefusal(book, bids, asks);
  if (refusal !== null) return refusal;
  let result: ApplyResult = "unchanged";
  for (const side of ["BUY", "SELL"] as const) {
    const levels = side === "BUY" ? bids : asks;
    for (const price of goneLevels(book, side, levels)) {
      result = changedIfAny(result, recordLevel(history, at, side, price, 0));
    }
    for (let n = 0; n < levels.length; n += 2) {
      result = changedIfAny(result, recordLevel(history, at, side, levels[n] ?? 0, levels[n + 1] ?? 0));
    }
  }
  return result;
}

const changedIfAny = (a: ApplyResult, b: ApplyResult): ApplyResult => (a === "changed" ? a : b);

/**
 * Records a print; ignored inside a hole, where nobody may count it. It moves no time: the changes that come after it may
 * have happened before it.
 * @param at.tsEventMs - the print's own time; an earlier one than the last entry's counts as that.
 */
export function recordTrade(
  history: BookHistory,
  at: { readonly seq: number; readonly tsEventMs: number },
  side: Side,
  priceMicro: number,
  sizeMicro: number,
): void {
  if (!isLive(history)) return;
  const ownTsMs = Math.max(at.tsEventMs, history.lastTsMs);
  record(history, "trade", history.lastTsMs, at.seq, side, priceMicro, sizeMicro, ownTsMs);
}

/** The market's tick as the venue tells it; null before the first book. */
export const tickOf = ({ tickMicro }: BookHistory): PriceMicro | null =>
  tickMicro > 0 ? (tickMicro as PriceMicro) : null;

/** Position of the newest entry, -1 before the first: where a new reader begins. */
export const lastPosition = (history: BookHistory): number => history.ring.end - 1;

/** Bytes held by arrays, the live book included. */
export function historyBytes(history: BookHistory): number {
  let bytes = ringCapacity(history.ring) * ENTRY_BYTES + (history.book === null ? 0 : bookBytes(history.book));
  for (const { closed } of history.segments)
    bytes += closed === null ? 0 : (closed.bids.length + closed.asks.length) * 8;
  return bytes;
}

function liveSegment(history: BookHistory): Segment | null {
  const last = history.segments.at(-1);
  return last === undefined || last.closed !== null ? null : last;
}

/** Appends an entry and drops what has become too old or too much. Returns its time. */
function record(
  history: BookHistory,
  kind: EntryKind,
  tsEventMs: number,
  seq: number,
  side: Side,
  priceMicro: number,
  size: number,
  before: number,
): number {
  const { ring } = history;
  const tsMs = Math.max(tsEventMs, history.lastTsMs);
  while (ringCount(ring) > 0 && entryTs(ring, ring.first) < tsMs - history.retentionMs) dropOldest(history);
  while (ringCount(ring) >= ring.entriesMax) dropOldest(history);
  pushEntry(ring, kind, tsMs, seq, side, priceMicro, size, before);
  history.lastTsMs = tsMs;
  return tsMs;
}

function dropOldest(history: BookHistory): void {
  const { ring, segments } = history;
  history.droppedTsMs = entryTs(ring, ring.first);
  dropFirst(ring);
  const oldest = segments[0];
  if (oldest !== undefined && oldest.closed !== null && oldest.closed.endPosition < ring.first) segments.shift();
}

/** Drops a segment with all its entries, so that no entry is left whose book cannot be told. */
function dropSegment(history: BookHistory): void {
  const endPosition = history.segments[0]?.closed?.endPosition ?? -1;
  while (history.ring.first <= endPosition) dropOldest(history);
}
