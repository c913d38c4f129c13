/**
 * One token's book as bookstore keeps it, and the messages that tell it. `changes.ts` applies the market channel,
 * `resync.ts` joins REST, `proof.ts` compares with the venue's hash.
 *
 * Modes: `dead` (no book) → `resyncing` (asked for) → `healthy` ⇄ `suspect` (one failed proof).
 *
 * Invariants
 * 1. `seq` grows by one for each update of an epoch; the snapshot that opens it is 0.
 * 2. Every published delta has been applied to the own book first, so `snap` is the sum of what was published.
 * 3. While `resyncing` the book stands still: what arrives waits for the full book that it belongs to.
 */
import type { HashedMarket } from "@slipstream/book/hash";
import { type BookHistory, createHistory, resumeEpoch } from "@slipstream/book/history";
import { type FlatLevels, flatLevels } from "@slipstream/book/ladder";
import type {
  BookDelta,
  BookHealth,
  BookSnapshot,
  BookStatus,
  BookUpdate,
  TradePrint,
} from "@slipstream/contracts/book";
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { PriceMicro, Side } from "@slipstream/contracts/money";

/** Prints remembered for the hash. */
const RECENT_PRICES = 4;

export type TokenBook = {
  readonly tokenId: TokenId;
  readonly history: BookHistory;
  /** First part of its epochs: a later owner of the token has a higher one. */
  fence: number;
  conditionId: ConditionId | null;
  connection: string;
  health: BookHealth;
  /** The connection that has told that the market is resolved, and with it all of this book; null: none, or REST has one again. */
  resolvedOn: string | null;
  epoch: string;
  seq: number;
  /** What the hash covers beside the levels; null while the market is unknown. */
  market: HashedMarket | null;
  /** Of a full book that states none, when the epoch before has none: stated since, or the market definition's. */
  nextTickMicro: number | null;
  /** When a frame came that could not be read and may have changed the book: a hole until it is proved. Null: none did. */
  unreadMs: number | null;
  /** Of messages with one hash: what the book must hash to when they end. */
  burst: Burst | null;
  /** Time and hash of the last message that was applied, of whatever kind. */
  last: Stamped;
  /** Something after it may be missing. */
  isMissing: boolean;
  /** Messages that came, by hash and with their times, the newest last: what comes again is a repeat. */
  heard: Heard;
  /** The stream's opening book, while changes from before it may still come; null: they are over. */
  opened: Opened | null;
  /** Texts of the last trade price that the hash may carry, likeliest first. */
  lastTradePrices: string[];
  /** Prints of the last moments, to tell a repeat. */
  prints: string[];
  firstFailureMs: number | null;
  fullSearchMs: number;
  readonly touch: Touch;
  /** `entries`: books and level changes that carried a hash which was proved at the end of their burst. */
  readonly proofs: { passed: number; failed: number; entries: number };
  /** A change that REST has and the stream had not told by then; null when there is none. */
  restAhead: Stamped | null;
  /** Deltas since a full book was asked for, for it to be joined to; null when none is awaited. */
  joining: Joining | null;
  /** REST cannot settle what the book is: the stream has to be asked for it again. */
  asksStream: boolean;
  /** The stream was asked again: what it sent between the two subscriptions is missing until its opening book comes. */
  isAskedAgain: boolean;
};

/** By hash, when each happened and when it came; `before`: those of before the newest ones. */
export type Heard = { times: HeardTimes; before: HeardTimes; last: string };
type HeardTimes = Map<string, { readonly tsEventMs: number; readonly tsInitMs: number }>;

/**
 * `held`: changes of the book's own millisecond, of which nobody knows yet whether it has them. `wasApplied`: some were
 * taken for later ones.
 */
export type Opened = Stamped & {
  readonly untilMs: number;
  readonly wasApplied: boolean;
  readonly held: readonly (Stamped & { readonly levels: readonly LevelChange[] })[];
};

/** As the venue states them: null when it left the field empty, 0 (or 1 for an ask) when the side has no level. */
export type StatedBest = { readonly bestBidMicro: number | null; readonly bestAskMicro: number | null };

/** What the best prices say (`touch.ts`). */
export type Touch = {
  /** Since when they disagree with what the venue names; null while they agree. */
  failedMs: number | null;
  /** False once a proved book disagreed: what the venue names is then of another kind. */
  trusted: boolean;
  /** Since when the book is crossed, whether its hash was right so, and whether it was counted; null while it is not. */
  crossed: { readonly sinceMs: number; proved: boolean; told: boolean } | null;
  /** Best prices that the venue told by themselves, until the book agrees, or later changes make them old. */
  claim: { readonly stated: StatedBest; readonly tsEventMs: number; readonly tsInitMs: number } | null;
  failures: number;
  /** Times the book stayed crossed. */
  crossings: number;
};

export type Burst = {
  readonly tsEventMs: number;
  readonly hash: string;
  readonly entries: number;
  /** Receive time of the last message. */
  readonly tsInitMs: number;
  /** Time of its first message on the connection: stamps may go back. */
  readonly sinceMs: number;
  /** Best prices at its end, as its last message states them; null: it states none. */
  readonly stated: StatedBest | null;
};
export type Stamped = { readonly tsEventMs: number; readonly hash: string };
/** Changes since continuity was lost, without a gap: the first is what the stream had told before, where nothing is missing. */
export type Joining = {
  /** What comes before it, our clock, may be from before a gap. */
  readonly fromMs: number;
  /** When the first of them came, our clock; 0: long ago. */
  readonly sinceMs: number;
  readonly entries: readonly (Stamped & { readonly levels: readonly LevelChange[] })[];
};

export type LevelChange = { readonly side: Side; readonly priceMicro: number; readonly sizeMicro: number };
export type FullBook = {
  readonly conditionId: ConditionId;
  readonly tsEventMs: number;
  readonly hash: string;
  readonly bids: FlatLevels;
  readonly asks: FlatLevels;
  /** Opening books and REST only; otherwise the tick of the epoch stays. */
  readonly tickMicro: number | null;
  readonly lastTradePrice: string | null;
  /** REST only. */
  readonly minOrderSizeMicro?: number | null;
  readonly negRisk?: boolean | null;
};
export type Output = BookUpdate | TradePrint;
/** Time of a message: venue time (monotonic per connection) and receive time. */
export type At = { readonly tsEventMs: number; readonly tsInitMs: number };
export type NextEpoch = () => string;

export function createTokenBook(tokenId: TokenId, connection: string, fence: number): TokenBook {
  return {
    tokenId,
    history: createHistory({ tokenId }),
    fence,
    conditionId: null,
    connection,
    health: "dead",
    resolvedOn: null,
    epoch: "0.0",
    seq: 0,
    market: null,
    nextTickMicro: null,
    unreadMs: null,
    burst: null,
    last: { tsEventMs: 0, hash: "" },
    isMissing: false,
    heard: { times: new Map(), before: new Map(), last: "" },
    opened: null,
    lastTradePrices: [],
    prints: [],
    firstFailureMs: null,
    fullSearchMs: Number.NEGATIVE_INFINITY,
    touch: { failedMs: null, trusted: true, crossed: null, claim: null, failures: 0, crossings: 0 },
    proofs: { passed: 0, failed: 0, entries: 0 },
    restAhead: null,
    joining: { fromMs: 0, sinceMs: 0, entries: [] },
    asksStream: false,
    isAskedAgain: false,
  };
}

/** Names the next epoch of a token when it is needed. */
export const nextEpoch =
  (desk: { epochs: number }, { fence }: TokenBook): NextEpoch =>
  () => {
    desk.epochs += 1;
    return `${fence}.${desk.epochs}`;
  };

/** True when there is a book, good or not. */
export const isOpen = (book: TokenBook): boolean => book.history.book !== null && book.conditionId !== null;

/** True while what comes changes the book: it may be doubted, but nothing is awaited that replaces it. */
export const isKept = ({ health }: TokenBook): boolean => health === "healthy" || health === "suspect";

/** The venue announced another trade price for the market: the hash of both tokens may carry it from now on. */
export function rememberPrice(book: TokenBook, text: string): void {
  if (book.lastTradePrices[0] === text) return;
  book.lastTradePrices = [text, ...book.lastTradePrices.filter((known) => known !== text)].slice(0, RECENT_PRICES);
}

/** @param knownThroughMs - venue time up to which a book that is lost stays known; omitted: as its updates tell. */
export function setHealth(
  book: TokenBook,
  health: BookHealth,
  reason: string,
  at: At,
  knownThroughMs?: number,
): BookStatus {
  book.health = health;
  book.seq += 1;
  const { closedTsMs: closedMs } = book.history;
  const known = knownThroughMs === undefined ? {} : { knownThroughMs };
  return { ...header(book, at), type: "BookStatus", health, ...ifUnknown(book), reason, closedMs, ...known };
}

const ifUnknown = ({ unreadMs }: TokenBook) => (unreadMs === null ? {} : { unknown: true as const });

export function suspect(book: TokenBook, at: At, reason: string): Output[] {
  return book.health === "healthy" ? [setHealth(book, "suspect", reason, at)] : [];
}

/** Ends a doubt. A book that was unknown is known again as it stands. */
export function heal(book: TokenBook, reason: string, at: At): Output[] {
  if (book.health !== "suspect") return [];
  book.unreadMs = null;
  const status = setHealth(book, "healthy", reason, at);
  resumeEpoch(book.history, { epoch: book.epoch, seq: book.seq, tsEventMs: at.tsEventMs });
  return [status];
}

/** Levels that were applied just now, as the next update of the epoch. */
export function deltaOf(book: TokenBook, changes: readonly LevelChange[], at: At): BookDelta {
  book.seq += 1;
  const bids: number[] = [];
  const asks: number[] = [];
  for (const { side, priceMicro, sizeMicro } of changes) (side === "BUY" ? bids : asks).push(priceMicro, sizeMicro);
  return { ...header(book, at), type: "BookDelta", tickMicro: book.history.tickMicro as PriceMicro, bids, asks };
}

export const header = (book: TokenBook, at: At) => ({
  v: 1 as const,
  tokenId: book.tokenId,
  conditionId: book.conditionId as ConditionId,
  epoch: book.epoch,
  seq: book.seq,
  connection: book.connection,
  // A tick, or a first book, may be stamped ahead of the clock: what is told of the book now is not from before it.
  tsEventMs: Math.max(at.tsEventMs, book.history.lastTsMs),
  tsInitMs: at.tsInitMs,
});

/** The book as it stands, in its epoch at its sequence; null before the first one. */
export function snapshotOf(book: TokenBook, at: At): BookSnapshot | null {
  const live = book.history.book;
  if (live === null || book.conditionId === null) return null;
  return {
    ...header(book, at),
    type: "BookSnapshot",
    tickMicro: book.history.tickMicro as PriceMicro,
    health: book.health,
    ...ifUnknown(book),
    closedMs: book.history.closedTsMs,
    bids: flatLevels(live, "BUY"),
    asks: flatLevels(live, "SELL"),
  };
}
