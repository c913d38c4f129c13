/** Questions to a book history: the book at a time or a position, and the entries after a position. */
import { InvariantError } from "@slipstream/contracts/errors";
import type { PriceMicro, Side } from "@slipstream/contracts/money";
import { entryTs, readEntry } from "./entryRing.ts";
import type { BookHistory, Segment } from "./history.ts";
import { applyLevel, applySnapshot, type Book, copyBook, createBook } from "./ladder.ts";

export type HistoryEntry =
  /** A level got a new size; sizes in 1e-6 share. */
  | {
      readonly kind: "level";
      readonly position: number;
      readonly seq: number;
      readonly tsEventMs: number;
      readonly side: Side;
      readonly priceMicro: PriceMicro;
      readonly sizeMicro: number;
      readonly beforeMicro: number;
    }
  /** A print; side of the taker. Its own time may be later than that of the entries after it. */
  | {
      readonly kind: "trade";
      readonly position: number;
      readonly seq: number;
      readonly tsEventMs: number;
      readonly side: Side;
      readonly priceMicro: PriceMicro;
      readonly sizeMicro: number;
    }
  /** A full book replaced whatever was there; read it with `bookAfter(position)`. */
  | {
      readonly kind: "epoch";
      readonly position: number;
      readonly seq: number;
      readonly tsEventMs: number;
      readonly epoch: string;
    }
  /** The market has another tick. */
  | {
      readonly kind: "tick";
      readonly position: number;
      readonly seq: number;
      readonly tsEventMs: number;
      readonly tickMicro: PriceMicro;
    }
  /** From here to the next "epoch" nothing is known. */
  | { readonly kind: "hole"; readonly position: number; readonly seq: number; readonly tsEventMs: number };

export type BookAnswer =
  | { readonly kind: "book"; readonly book: Book; readonly epoch: string; readonly tickMicro: PriceMicro }
  /** Before everything kept. */
  | { readonly kind: "tooOld"; readonly oldestTsMs: number }
  /** Between a loss of continuity and the book that ended it, or still inside one. */
  | { readonly kind: "hole" }
  /** After the watermark the caller gave. */
  | { readonly kind: "notYet"; readonly watermarkMs: number };

export type EntriesAnswer =
  | { readonly kind: "entries"; readonly entries: readonly HistoryEntry[] }
  /** Entries after the position were dropped; the oldest one kept. */
  | { readonly kind: "tooOld"; readonly oldestPosition: number };

/**
 * Returns a copy of the book after all changes with venue time <= `tsMs`, or why there is none.
 * @param watermarkMs - up to where the venue's changes are known to have arrived. Without it the caller vouches that
 *   nothing with a time <= `tsMs` is still on its way.
 */
export function bookAt(history: BookHistory, tsMs: number, watermarkMs?: number): BookAnswer {
  if (watermarkMs !== undefined && tsMs > watermarkMs) return { kind: "notYet", watermarkMs };
  const segment = history.segments.findLast((candidate) => candidate.startTsMs <= tsMs);
  if (segment === undefined || tsMs < history.droppedTsMs) {
    return { kind: "tooOld", oldestTsMs: oldestTs(history) };
  }
  if (segment.closed !== null && tsMs > segment.closed.endTsMs) return { kind: "hole" };
  const { ring } = history;
  let keep = segment.closed?.endPosition ?? ring.end;
  while (keep > ring.first && keep > segment.startPosition && entryTs(ring, keep - 1) > tsMs) keep -= 1;
  return undone(history, segment, keep);
}

/** Returns a copy of the book right after the entry at `position`. */
export function bookAfter(history: BookHistory, position: number): BookAnswer {
  const { ring } = history;
  const segment = history.segments.findLast((candidate) => candidate.startPosition <= position);
  if (segment === undefined || position < ring.first - 1) return { kind: "tooOld", oldestTsMs: oldestTs(history) };
  if (segment.closed !== null && position >= segment.closed.endPosition) return { kind: "hole" };
  return undone(history, segment, position + 1);
}

/**
 * Returns the entries after a position (-1: from the beginning), oldest first.
 * @param untilMs - only entries with venue time <= this, which for prints is the time of the change before them.
 */
export function deltasAfter(history: BookHistory, position: number, untilMs = Number.POSITIVE_INFINITY): EntriesAnswer {
  const { ring } = history;
  if (position + 1 < ring.first) return { kind: "tooOld", oldestPosition: ring.first };
  const entries: HistoryEntry[] = [];
  for (let at = position + 1; at < ring.end && entryTs(ring, at) <= untilMs; at++) entries.push(entryAt(history, at));
  return { kind: "entries", entries };
}

/** A copy of the segment's last book, and its tick, with every entry from `keep` on undone. */
function undone(history: BookHistory, segment: Segment, keep: number): BookAnswer {
  const book = endOf(history, segment);
  const { ring } = history;
  let tickMicro = segment.closed?.tickMicro ?? history.tickMicro;
  for (let at = (segment.closed?.endPosition ?? ring.end) - 1; at >= keep; at--) {
    const entry = readEntry(ring, at);
    if (entry.kind === "level") applyLevel(book, entry.side, entry.priceMicro, entry.before);
    if (entry.kind === "tick") tickMicro = entry.before;
  }
  return { kind: "book", book, epoch: segment.epoch, tickMicro: tickMicro as PriceMicro };
}

function endOf(history: BookHistory, segment: Segment): Book {
  if (segment.closed !== null) {
    const book = createBook({ tokenId: history.tokenId, tickMicro: segment.closed.gridMicro });
    applySnapshot(book, segment.closed.bids, segment.closed.asks);
    return book;
  }
  if (history.book === null) throw new InvariantError("a live segment of a book history has a book");
  return copyBook(history.book);
}

/** The earliest time that can be answered; Infinity before the first book. */
function oldestTs(history: BookHistory): number {
  const first = history.segments[0];
  return first === undefined ? Number.POSITIVE_INFINITY : Math.max(first.startTsMs, history.droppedTsMs);
}

function entryAt(history: BookHistory, position: number): HistoryEntry {
  const raw = readEntry(history.ring, position);
  const { seq, side, priceMicro } = raw;
  const common = { position, seq, tsEventMs: raw.tsMs };
  switch (raw.kind) {
    case "level":
      return { kind: "level", ...common, side, priceMicro, sizeMicro: raw.size, beforeMicro: raw.before };
    case "trade":
      return { kind: "trade", ...common, tsEventMs: raw.before, side, priceMicro, sizeMicro: raw.size };
    case "tick":
      return { kind: "tick", ...common, tickMicro: priceMicro };
    case "epoch": {
      const segment = history.segments.find((candidate) => candidate.startPosition === position);
      return { kind: "epoch", ...common, epoch: segment?.epoch ?? "" };
    }
    case "hole":
      return { kind: "hole", ...common };
  }
}
