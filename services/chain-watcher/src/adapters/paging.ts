/**
 * How far a leader's list at the Data API has been read, page by page. Pure.
 *
 * 1. Pages are windows of time, never offsets: the head of the list moves while it is read.
 * 2. Only seconds whose rows came whole in one page are counted. A full page may cut its oldest second, which is left out
 *    and begins the next page.
 * 3. The position moves when a window was read to its beginning, and never further than `overlapMs` before the newest row
 *    that was seen: rows appear late, with old times.
 */
import type { FillWindow } from "@slipstream/polymarket/dataApi";

export type Position = {
  /** Begin of the window. */
  readonly fromSeconds: number;
  /** Of any row seen so far. */
  readonly newestSeconds: number | null;
  /** End of what is missing of a window that was begun; null: the next page is the head of a new one. */
  readonly endSeconds: number | null;
};

/** The head is open: an end in the future, different each second, so that no cache answers with an old page. */
const HEAD_SECONDS = 3_600;
const seconds = (ms: number): number => Math.floor(ms / 1_000);

export const startPosition = (nowMs: number, overlapMs: number): Position => ({
  fromSeconds: seconds(nowMs - overlapMs),
  newestSeconds: null,
  endSeconds: null,
});

export const nextWindow = (position: Position, nowMs: number, limit: number): FillWindow => ({
  startSeconds: position.fromSeconds,
  endSeconds: position.endSeconds ?? seconds(nowMs) + HEAD_SECONDS,
  limit,
});

export type PageRead = {
  readonly position: Position;
  /** Rows of this second and later count. */
  readonly countedFromSeconds: number;
  /** A second with more rows than a page holds: what is counted of it is too few, never too many. */
  readonly cutSecond: number | null;
};

/** @param page - how many rows were listed, and the times of those that have one, in any order. */
export function afterPage(
  position: Position,
  asked: FillWindow,
  { listed, listedSeconds: told }: { readonly listed: number; readonly listedSeconds: readonly number[] },
  options: { readonly nowMs: number; readonly overlapMs: number },
): PageRead {
  const listedSeconds = believed(told, asked);
  const oldest = listedSeconds.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const newest = listedSeconds.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const newestSeconds = newestOf(position.newestSeconds, newest, seconds(options.nowMs));
  const done: Position = {
    fromSeconds: Math.max(position.fromSeconds, (newestSeconds ?? 0) - Math.ceil(options.overlapMs / 1_000)),
    newestSeconds,
    endSeconds: null,
  };
  // A full page without a single time says nothing of where it ends.
  if (listed < asked.limit || listedSeconds.length === 0) {
    return { position: done, countedFromSeconds: asked.startSeconds, cutSecond: null };
  }
  const until = (endSeconds: number): Position =>
    endSeconds < asked.startSeconds ? done : { ...position, newestSeconds, endSeconds };
  // Rows newer than asked for: the end is not kept to, so nothing below this page can be asked for.
  if (newest > asked.endSeconds) return { position: done, countedFromSeconds: oldest, cutSecond: oldest };
  if (oldest === newest) return { position: until(oldest - 1), countedFromSeconds: oldest, cutSecond: oldest };
  return { position: until(oldest), countedFromSeconds: oldest + 1, cutSecond: null };
}

/** A few times outside of what was asked are no times; many of them say that the venue does not keep to the window. */
function believed(told: readonly number[], { startSeconds, endSeconds }: FillWindow): readonly number[] {
  const inside = told.filter((at) => at >= startSeconds && at <= endSeconds);
  return inside.length * 2 > told.length ? inside : told;
}

/** A row from the future, by our clock, must not move the window past rows to come. */
function newestOf(known: number | null, seen: number, nowSeconds: number): number | null {
  if (seen === Number.NEGATIVE_INFINITY) return known;
  return Math.max(known ?? 0, Math.min(seen, nowSeconds));
}
