/**
 * Order books on core NATS. Levels are flat arrays [price, size, price, size, …] of integers (1e-6 USDC per share and
 * 1e-6 share; sizes are exact in a double up to 9e9 shares): a book is a quote, money is reckoned from fills.
 */
import { z } from "zod";
import { Ms, Price, Shares, SideSchema, Tick } from "./codec.ts";
import { ConditionId, TokenId } from "./ids.ts";

const levels = z.array(z.int().nonnegative());
/** `<lease revision>.<n>`: a new one after every resync or change of owner. */
export const BookEpoch = z.string().regex(/^\d+\.\d+$/);

/** Why a book may not be traded on; "none" when it may. */
export const BookHealth = z.enum(["healthy", "suspect", "resyncing", "dead"]);
export type BookHealth = z.infer<typeof BookHealth>;
export const QuoteTier = z.enum(["FRESH", "SOFT_STALE", "HARD_STALE"]);
export type QuoteTier = z.infer<typeof QuoteTier>;

const common = {
  v: z.literal(1),
  tokenId: TokenId,
  conditionId: ConditionId,
  epoch: BookEpoch,
  /** +1 per update of this token in this epoch; the snapshot that opens an epoch is 0. */
  seq: z.int().nonnegative(),
  /** The venue connection the token is read from; its clock is `BookClock`. */
  connection: z.string(),
  /** Venue time, monotonic per connection; after a tick or first book that was stamped ahead, not before it either. */
  tsEventMs: Ms,
  /** Receive time. */
  tsInitMs: Ms,
};

/** There when a frame was lost that may have changed the book: what it is nobody knows until a status or book without it. */
const unknown = z.literal(true).optional();

/** The whole book, best first on both sides. Opens an epoch, or answers `snap` and `bookAt`. */
export const BookSnapshot = z.object({
  type: z.literal("BookSnapshot"),
  ...common,
  /** The market's tick; levels may lie between its steps, left from a finer one. */
  tickMicro: Tick,
  health: BookHealth,
  unknown,
  /** When the market closed, venue time; null: it has not. Absent: it is not said. */
  closedMs: Ms.nullable().optional(),
  bids: levels,
  asks: levels,
});
export type BookSnapshot = z.infer<typeof BookSnapshot>;

/** New totals of levels; size 0 removes a level. A change of the tick is one without levels. */
export const BookDelta = z.object({
  type: z.literal("BookDelta"),
  ...common,
  /** The market's tick from here on. */
  tickMicro: Tick,
  bids: levels,
  asks: levels,
});
export type BookDelta = z.infer<typeof BookDelta>;

/** Continuity was lost or found again without a new book. */
export const BookStatus = z.object({
  type: z.literal("BookStatus"),
  ...common,
  health: BookHealth,
  unknown,
  reason: z.string(),
  /** Venue time at which the market was resolved; null: it was not, as far as is known here. */
  closedMs: Ms.nullable(),
  /** Of a status that makes the book unknown: venue time up to which it stays known; omitted: as its updates tell. */
  knownThroughMs: Ms.optional(),
});
export type BookStatus = z.infer<typeof BookStatus>;

/** `md.book.v1.<tokenId>` */
export const BookUpdate = z.discriminatedUnion("type", [BookSnapshot, BookDelta, BookStatus]);
export type BookUpdate = z.infer<typeof BookUpdate>;

/**
 * `md.trade.v1.<tokenId>`: a print; `seq` is the book's at that moment. Side is the taker's, as recorders read it. Its time
 * is its own, later than everything that was known when it came; the changes that come after it may be earlier.
 */
export const TradePrint = z.object({
  type: z.literal("TradePrint"),
  ...common,
  priceMicro: Price,
  sizeMicro: Shares,
  side: SideSchema,
});
export type TradePrint = z.infer<typeof TradePrint>;

/**
 * `md.clock.v1`: everything the venue changed up to `watermarkMs` (venue time) on this connection has been published.
 * Paper orders placed at T are swept when the watermark has passed T.
 */
export const BookClock = z.object({
  type: z.literal("BookClock"),
  v: z.literal(1),
  connection: z.string(),
  watermarkMs: Ms,
  tsInitMs: Ms,
});
export type BookClock = z.infer<typeof BookClock>;
