/** What both tokens' histories tell, as one sequence of events in venue time (rules 1.7, 1.12, 3.1, 3.2). */
import { entryTs, readEntry } from "@slipstream/book/entryRing";
import type { BookHistory } from "@slipstream/book/history";
import { bookAfter, deltasAfter, type HistoryEntry } from "@slipstream/book/historyAnswers";
import type { Side } from "@slipstream/contracts/money";
import { BOTH, type KnownMarket, type Which } from "./market.ts";

export type Print = Extract<HistoryEntry, { kind: "trade" }>;

/** One token's history as far as it has been read. */
export type Feed = {
  /** Last entry read; null before the first reading. */
  readTo: number | null;
  /** Last entry that was applied. */
  position: number;
  /** Whether its book is known where the fold stands. */
  isLive: boolean;
  /** Prints that were read and whose time has not come. */
  pending: Print[];
};

export const newFeed = (): Feed => ({ readTo: null, position: -1, isLive: false, pending: [] });

export type Happening = { readonly which: Which; readonly tsMs: number; readonly entry: HistoryEntry };

/** Only somebody who forges the channel has more prints from the future; the farthest go. */
const PENDING_MAX = 4_096;
/** How far a print's own time may be ahead of the changes around it, to be found again by looking back. */
const PRINT_AHEAD_MS = 10_000;

/**
 * Reads on up to the watermark.
 * @param fromMs - where a token that is read for the first time begins.
 * @param foldedMs - nothing happens before it any more.
 */
export function readOn(
  feeds: readonly [Feed, Feed],
  { histories, watermarkMs }: KnownMarket,
  fromMs: number,
  foldedMs: number,
): Happening[] {
  const happenings: Happening[] = [];
  for (const which of BOTH) {
    const history = histories[which];
    if (history !== null) readFeed(feeds[which], which, history, { watermarkMs, fromMs, foldedMs }, happenings);
  }
  const rank = ({ entry }: Happening): number => (entry.kind === "trade" ? 1 : 0);
  return happenings.sort((a, b) => a.tsMs - b.tsMs || rank(a) - rank(b) || a.which - b.which);
}

type Span = { readonly watermarkMs: number; readonly fromMs: number; readonly foldedMs: number };

function readFeed(feed: Feed, which: Which, history: BookHistory, span: Span, into: Happening[]): void {
  if (feed.readTo === null) begin(feed, history, span.fromMs);
  for (const entry of newEntries(feed, history, span)) {
    feed.readTo = entry.position;
    if (entry.kind === "trade") {
      feed.pending.push(entry);
      continue;
    }
    // What was printed before a gap and has its time in it belongs to the gap.
    if (entry.kind === "hole") feed.pending = feed.pending.filter(({ tsEventMs }) => tsEventMs < entry.tsEventMs);
    into.push({ which, tsMs: Math.max(entry.tsEventMs, span.foldedMs), entry });
  }
  const later: Print[] = [];
  for (const print of feed.pending) {
    if (print.tsEventMs > span.watermarkMs) later.push(print);
    else into.push({ which, tsMs: Math.max(print.tsEventMs, span.foldedMs), entry: print });
  }
  feed.pending = later.sort((a, b) => a.tsEventMs - b.tsEventMs || a.position - b.position).slice(0, PENDING_MAX);
}

function begin(feed: Feed, history: BookHistory, fromMs: number): void {
  const { ring } = history;
  let position = ring.end - 1;
  while (position >= ring.first && entryTs(ring, position) > fromMs) position -= 1;
  feed.readTo = position;
  feed.position = position;
  feed.isLive = bookAfter(history, position).kind === "book";
  feed.pending = printsBack(history, position, fromMs).filter(({ tsEventMs }) => tsEventMs > fromMs);
}

/** A history that dropped entries before they were read has made a hole of its own: it ends with the oldest book kept. */
function newEntries(feed: Feed, history: BookHistory, { watermarkMs, foldedMs }: Span): readonly HistoryEntry[] {
  const answer = deltasAfter(history, feed.readTo ?? -1, watermarkMs);
  if (answer.kind === "entries") return answer.entries;
  const position = answer.oldestPosition - 1;
  const rest = deltasAfter(history, position, watermarkMs);
  const at = { position, seq: 0, tsEventMs: foldedMs };
  const hole: HistoryEntry[] = [
    { kind: "hole", ...at },
    { kind: "epoch", ...at, epoch: "" },
  ];
  return [...hole, ...(rest.kind === "entries" ? rest.entries : [])];
}

/** Prints up to a position whose own time may be `sinceMs` or later, oldest first; those that a gap ended are left out. */
export function printsBack(history: BookHistory, position: number, sinceMs: number): Print[] {
  const { ring } = history;
  const prints: Print[] = [];
  let beforeMs = Number.POSITIVE_INFINITY;
  for (let at = position; at >= ring.first; at--) {
    const raw = readEntry(ring, at);
    if (raw.kind === "hole") beforeMs = Math.min(beforeMs, raw.tsMs);
    else if (raw.kind !== "trade") {
      if (raw.tsMs < sinceMs - PRINT_AHEAD_MS) break;
    } else if (raw.before >= sinceMs && raw.before < beforeMs) {
      const { seq, side, priceMicro, size } = raw;
      prints.push({ kind: "trade", position: at, seq, tsEventMs: raw.before, side, priceMicro, sizeMicro: size });
    }
  }
  return prints.reverse();
}

export type LevelChange = { readonly atMs: number; readonly beforeMicro: number; readonly sizeMicro: number };

/**
 * The changes of one level with times in (`sinceMs`, `untilMs`] since the last full book, oldest first.
 * @returns also when that full book came; -Infinity: before `sinceMs`.
 */
export function changesOf(
  history: BookHistory,
  level: { readonly side: Side; readonly priceMicro: number },
  sinceMs: number,
  untilMs: number,
): { readonly changes: LevelChange[]; readonly wholeSinceMs: number } {
  const { ring } = history;
  const changes: LevelChange[] = [];
  for (let at = ring.end - 1; at >= ring.first; at--) {
    const raw = readEntry(ring, at);
    if (raw.kind === "trade" || raw.tsMs > untilMs) continue;
    if (raw.tsMs <= sinceMs) break;
    if (raw.kind === "epoch") return { changes: changes.reverse(), wholeSinceMs: raw.tsMs };
    if (raw.kind !== "level" || raw.side !== level.side || raw.priceMicro !== level.priceMicro) continue;
    changes.push({ atMs: raw.tsMs, beforeMicro: raw.before, sizeMicro: raw.size });
  }
  return { changes: changes.reverse(), wholeSinceMs: Number.NEGATIVE_INFINITY };
}
