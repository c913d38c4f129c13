/**
 * What a tape proves about venue time. A watermark says that everything of the book up to it has come; live, a connection
 * has only the order of the venue's answers to go by. A tape knows what is still to come on each connection: no watermark
 * of a replay passes a frame that has not come yet.
 */
import { STAMP_FAR_MS } from "@slipstream/bookstore/core/connection";
import { createMarketParser, type MarketEvent } from "@slipstream/polymarket/marketChannel";
import type { TapeRecord } from "@slipstream/sandbox/tape/format";

type Line = { readonly delays: number[]; readonly times: number[]; taken: number; usualMs: number };

export type FrameTimes = {
  /** The next frame of this connection has come. Frames are counted: call it for each, in the order of the tape. */
  next(connection: string): void;
  /** Venue time, ms, below that of every frame which is still to come on the connection; Infinity when none is. */
  provenMs(connection: string): number;
  /** What frames of the connection are usually later than their stamps, ms: delay, and error of the recorder's clock. */
  usualDelayMs(connection: string): number;
};

/** The connection of a record: recorders with several name them. */
export const connectionOf = ({ c }: Pick<TapeRecord, "c">): string => c ?? "tape";

/**
 * Venue time of an event that tells something about a book at a moment, ms; null for an opening book, whose time is that of
 * its last change, maybe long ago, and for what does not concern books.
 */
export function bookTimeOf(event: MarketEvent): number | null {
  if (event.kind === "newMarket" || event.kind === "bestPrices") return null;
  return event.kind === "book" && event.tickMicro !== null ? null : event.tsEventMs;
}

/** Reads the venue times of all frames of a tape. */
export function readFrameTimes(tape: readonly TapeRecord[]): FrameTimes {
  const parser = createMarketParser();
  const lines = new Map<string, Line>();
  for (const record of tape) {
    if (!isFrame(record)) continue;
    const name = connectionOf(record);
    const line = lines.get(name) ?? { delays: [], times: [], taken: 0, usualMs: 0 };
    lines.set(name, line);
    const earliestMs = earliestOf(record.d, (text) => parser.parse(text).events);
    line.times.push(earliestMs);
    if (Number.isFinite(earliestMs)) line.delays.push(record.t - earliestMs);
    else line.delays.push(0);
  }
  for (const line of lines.values()) {
    const { delays, times } = line;
    const known = delays.filter((_, index) => Number.isFinite(times[index])).sort((a, b) => a - b);
    const usualMs = known[Math.floor(known.length / 2)] ?? 0;
    line.usualMs = usualMs;
    let earliestMs = Number.POSITIVE_INFINITY;
    // From the end: each entry becomes the earliest time of its frame and all that follow. A stamp that is no time holds
    // nothing up, and is not believed when it comes.
    for (let at = times.length - 1; at >= 0; at--) {
      const isOdd = Math.abs((delays[at] ?? 0) - usualMs) > STAMP_FAR_MS;
      earliestMs = isOdd ? earliestMs : Math.min(earliestMs, times[at] ?? earliestMs);
      times[at] = earliestMs;
    }
  }
  return {
    next: (connection) => {
      const line = lines.get(connection);
      if (line !== undefined) line.taken += 1;
    },
    usualDelayMs: (connection) => lines.get(connection)?.usualMs ?? 0,
    provenMs: (connection) => {
      const line = lines.get(connection);
      return (line?.times[line.taken] ?? Number.POSITIVE_INFINITY) - 1;
    },
  };
}

/** A frame of the market channel. */
export const isFrame = (record: TapeRecord): record is TapeRecord & { readonly d: string } =>
  record.ch === "clob.market.ws" && typeof record.d === "string";

const STAMP = '"timestamp":"';

/** Nearly all frames are one price change: its time is read without the rest. Infinity: the frame tells no time. */
function earliestOf(text: string, parse: (text: string) => readonly MarketEvent[]): number {
  if (text.startsWith('{"market":"') && text.includes('"price_changes":') && text.includes('"price_change"')) {
    const at = text.lastIndexOf(STAMP) + STAMP.length;
    const stamp = text.slice(at, text.indexOf('"', at));
    if (at >= STAMP.length && /^\d{1,15}$/.test(stamp)) return Number(stamp);
  }
  let earliestMs = Number.POSITIVE_INFINITY;
  for (const event of parse(text)) earliestMs = Math.min(earliestMs, bookTimeOf(event) ?? earliestMs);
  return earliestMs;
}
