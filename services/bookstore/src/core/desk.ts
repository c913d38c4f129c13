/**
 * All books of one bookstore: market-channel events and REST books in, messages to publish and tokens to ask for out.
 * Pure but for its own state, so replay runs the same code.
 *
 * Book time is venue time made monotonic per connection. The watermark of a connection says up to which venue time every
 * change has been published: one millisecond below the newest frame, or, on a quiet connection, what a ping proves.
 */
import type { HashedMarket } from "@slipstream/book/hash";
import { bookAt } from "@slipstream/book/historyAnswers";
import { flatLevels } from "@slipstream/book/ladder";
import type { BookClock, BookSnapshot } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { PriceMicro } from "@slipstream/contracts/money";
import type { BookEvent, MarketEvent, PriceChangeEvent, TradeEvent } from "@slipstream/polymarket/marketChannel";
import {
  type At,
  applyChanges,
  applyFullBook,
  applyTrade,
  createTokenBook,
  type FullBook,
  joinRestBook,
  type LevelChange,
  type Output,
  openBook,
  proveBurst,
  rememberPrint,
  setHealth,
  snapshotOf,
  startResync,
  type TokenBook,
} from "./tokenBook.ts";

/** Entries of one burst come up to 0.27 s apart (reference §6.4): a quiet token is proved after this. */
const BURST_END_MS = 300;
/** How far our clock may be ahead of the venue's when nothing on the connection tells; keep the machine on NTP. */
export const CLOCK_AHEAD_MS_MAX = 1_000;

type Connection = {
  readonly name: string;
  lastEventMs: number;
  watermarkMs: number;
  /** Smallest (receive − venue time) seen: our clock is ahead of the venue's by at most this. */
  offsetMs: number;
  /** Tokens whose opening book on this connection is still awaited. */
  readonly opening: Set<TokenId>;
};

export type DeskOutput = Output | BookClock;
export type DeskResult = {
  readonly outputs: readonly DeskOutput[];
  readonly resync: readonly { tokenId: TokenId; reason: string }[];
};

export type Desk = {
  /** First part of every epoch: the lease revision of the owner. */
  fence: number;
  epochs: number;
  readonly books: Map<TokenId, TokenBook>;
  readonly connections: Map<string, Connection>;
  market: (tokenId: TokenId) => MarketDefinition | undefined;
  /** Events of a kind that carries no book, and refused ones, counted by kind. */
  readonly counts: Map<string, number>;
};

export const createDesk = (fence: number, market: Desk["market"]): Desk => ({
  fence,
  epochs: 0,
  books: new Map(),
  connections: new Map(),
  market,
  counts: new Map(),
});

const nextEpoch = (desk: Desk): string => `${desk.fence}.${++desk.epochs}`;

function connectionOf(desk: Desk, name: string): Connection {
  const known = desk.connections.get(name);
  if (known !== undefined) return known;
  const made = { name, lastEventMs: 0, watermarkMs: 0, offsetMs: CLOCK_AHEAD_MS_MAX, opening: new Set<TokenId>() };
  desk.connections.set(name, made);
  return made;
}

/** Starts to keep a token; its book opens with the first full book that arrives. */
export function track(desk: Desk, tokenId: TokenId, connection: string): void {
  const book = desk.books.get(tokenId) ?? createTokenBook(tokenId, connection);
  book.connection = connection;
  desk.books.set(tokenId, book);
  connectionOf(desk, connection).opening.add(tokenId);
}

export const untrack = (desk: Desk, tokenId: TokenId): void => {
  desk.books.delete(tokenId);
};

/** Takes the events of one frame. */
export function onEvents(
  desk: Desk,
  connectionName: string,
  events: readonly MarketEvent[],
  tsInitMs: number,
): DeskResult {
  const connection = connectionOf(desk, connectionName);
  const outputs: DeskOutput[] = [];
  const resync: { tokenId: TokenId; reason: string }[] = [];
  for (const event of events) {
    switch (event.kind) {
      case "book":
        outputs.push(...onBook(desk, connection, event, tsInitMs, resync));
        break;
      case "priceChange":
        outputs.push(...onPriceChange(desk, connection, event, tsInitMs, resync));
        break;
      case "trade":
        outputs.push(...onTrade(desk, connection, event, tsInitMs));
        break;
      case "tickSizeChange": {
        const book = desk.books.get(event.tokenId);
        if (book === undefined) break;
        if (book.market !== null) book.market = { ...book.market, tickMicro: event.newTickMicro };
        outputs.push(...startResync(book, "tick size changed", atOf(connection, event.tsEventMs, tsInitMs)));
        resync.push({ tokenId: event.tokenId, reason: "tick size changed" });
        break;
      }
      default:
        desk.counts.set(event.kind, (desk.counts.get(event.kind) ?? 0) + 1);
    }
  }
  const clock = advance(connection, connection.lastEventMs - 1, tsInitMs);
  if (clock !== null) outputs.push(clock);
  return { outputs, resync };
}

/**
 * A text PONG: everything the venue had before it read the ping has arrived.
 * @param pingSentMs - our clock when the ping was sent.
 */
export function onPong(desk: Desk, connectionName: string, pingSentMs: number, tsInitMs: number): DeskResult {
  const connection = connectionOf(desk, connectionName);
  const clock = advance(connection, pingSentMs - connection.offsetMs, tsInitMs);
  return { outputs: clock === null ? [] : [clock], resync: [] };
}

/** Proves the books whose burst has ended. Call it some times a second. */
export function onTick(desk: Desk, tsInitMs: number): DeskResult {
  const outputs: Output[] = [];
  const resync: { tokenId: TokenId; reason: string }[] = [];
  for (const book of desk.books.values()) {
    const connection = connectionOf(desk, book.connection);
    const ended = book.burst !== null && connection.lastEventMs - book.burst.tsEventMs >= BURST_END_MS;
    if (ended) outputs.push(...prove(book, atOf(connection, connection.lastEventMs, tsInitMs), resync));
  }
  return { outputs, resync };
}

/** The socket is gone: nothing of its tokens is known from here on. */
export function onDisconnected(desk: Desk, connectionName: string, tsInitMs: number): DeskResult {
  const connection = connectionOf(desk, connectionName);
  const outputs: Output[] = [];
  for (const book of desk.books.values()) {
    if (book.connection !== connectionName) continue;
    connection.opening.add(book.tokenId);
    outputs.push(...startResync(book, "connection lost", atOf(connection, connection.lastEventMs, tsInitMs)));
  }
  connection.lastEventMs = 0;
  return { outputs, resync: [] };
}

/** A book from REST, asked for by `resync` or as a first seed. One that the stream has overtaken changes nothing. */
export function onRestBook(desk: Desk, tokenId: TokenId, full: FullBook, tsInitMs: number): DeskResult {
  const book = desk.books.get(tokenId);
  if (book === undefined || book.health === "healthy") return { outputs: [], resync: [] };
  learnMarket(desk, book);
  const connection = connectionOf(desk, book.connection);
  const at = atOf(connection, full.tsEventMs, tsInitMs);
  return { outputs: joinRestBook(book, full, nextEpoch(desk), at), resync: [] };
}

/** REST has no book for the token: settled or unknown. */
export function onNoRestBook(desk: Desk, tokenId: TokenId, tsInitMs: number): DeskResult {
  const book = desk.books.get(tokenId);
  if (book === undefined || book.conditionId === null) return { outputs: [], resync: [] };
  const connection = connectionOf(desk, book.connection);
  return {
    outputs: [setHealth(book, "dead", "no order book at the venue", atOf(connection, 0, tsInitMs))],
    resync: [],
  };
}

export function snap(desk: Desk, tokenId: TokenId, tsInitMs: number): BookSnapshot | null {
  const book = desk.books.get(tokenId);
  return book === undefined ? null : snapshotOf(book, atOf(connectionOf(desk, book.connection), 0, tsInitMs));
}

/** The book after all changes with venue time <= `tsMs`, or why there is none. */
export function snapAt(
  desk: Desk,
  tokenId: TokenId,
  tsMs: number,
  tsInitMs: number,
): BookSnapshot | { readonly refused: "UNKNOWN_TOKEN" | "TOO_OLD" | "HOLE" | "NOT_YET" } {
  const book = desk.books.get(tokenId);
  const now = book === undefined ? null : snapshotOf(book, { tsEventMs: tsMs, tsInitMs });
  if (book === undefined || now === null) return { refused: "UNKNOWN_TOKEN" };
  const answer = bookAt(book.history, tsMs, connectionOf(desk, book.connection).watermarkMs);
  if (answer.kind === "tooOld") return { refused: "TOO_OLD" };
  if (answer.kind === "hole") return { refused: "HOLE" };
  if (answer.kind === "notYet") return { refused: "NOT_YET" };
  const { book: past, epoch } = answer;
  return {
    ...now,
    epoch,
    tickMicro: past.tickMicro as PriceMicro,
    bids: flatLevels(past, "BUY"),
    asks: flatLevels(past, "SELL"),
  };
}

function onBook(
  desk: Desk,
  connection: Connection,
  event: BookEvent,
  tsInitMs: number,
  resync: { tokenId: TokenId; reason: string }[],
): Output[] {
  const book = desk.books.get(event.tokenId);
  if (book === undefined) return [];
  learnMarket(desk, book);
  const full: FullBook = event;
  // An opening book's time is its last change, maybe long ago: it does not tell what time it is.
  const opens = connection.opening.delete(event.tokenId);
  if (!opens && book.history.book !== null && book.health !== "resyncing") {
    const at = stamp(connection, event.tsEventMs, tsInitMs);
    const proved = endBurst(book, event.tsEventMs, at, resync);
    return [...proved, ...applyFullBook(book, full, at)];
  }
  return openBook(book, full, nextEpoch(desk), atOf(connection, event.tsEventMs, tsInitMs));
}

function onPriceChange(
  desk: Desk,
  connection: Connection,
  event: PriceChangeEvent,
  tsInitMs: number,
  resync: { tokenId: TokenId; reason: string }[],
): Output[] {
  const at = stamp(connection, event.tsEventMs, tsInitMs);
  const outputs: Output[] = [];
  const { changes } = event;
  for (let start = 0; start < changes.length; ) {
    const first = changes[start];
    if (first === undefined) break;
    let end = start + 1;
    while (changes[end]?.tokenId === first.tokenId) end += 1;
    const book = desk.books.get(first.tokenId);
    if (book !== undefined) {
      const levels: LevelChange[] = changes.slice(start, end);
      outputs.push(...endBurst(book, event.tsEventMs, at, resync));
      const hash = changes[end - 1]?.hash ?? "";
      outputs.push(...applyChanges(book, levels, { tsEventMs: event.tsEventMs, hash }, at));
    }
    start = end;
  }
  return outputs;
}

function onTrade(desk: Desk, connection: Connection, event: TradeEvent, tsInitMs: number): Output[] {
  const book = desk.books.get(event.tokenId);
  if (book === undefined) return [];
  const outputs = applyTrade(book, event, stamp(connection, event.tsEventMs, tsInitMs));
  const sibling = desk.market(event.tokenId)?.tokens.find((token) => token.tokenId !== event.tokenId)?.tokenId;
  const other = sibling === undefined ? undefined : desk.books.get(sibling);
  const text = book.lastTradePrices[0];
  if (other !== undefined && text !== undefined) rememberPrint(other, text);
  return outputs;
}

/** A burst ends when a message of another time comes: then its hash can be checked. */
function endBurst(
  book: TokenBook,
  tsEventMs: number,
  at: At,
  resync: { tokenId: TokenId; reason: string }[],
): Output[] {
  return book.burst !== null && book.burst.tsEventMs !== tsEventMs ? prove(book, at, resync) : [];
}

function prove(book: TokenBook, at: At, resync: { tokenId: TokenId; reason: string }[]): Output[] {
  const proof = proveBurst(book, at);
  if (!proof.resync) return proof.outputs;
  resync.push({ tokenId: book.tokenId, reason: "hash differs" });
  return [...proof.outputs, ...startResync(book, "hash differs", at)];
}

function learnMarket(desk: Desk, book: TokenBook): void {
  const market = desk.market(book.tokenId);
  if (market === undefined || book.market !== null) return;
  const { conditionId, tickMicro, negRisk, minOrderSizeMicro } = market;
  book.market = {
    conditionId,
    tickMicro,
    negRisk,
    minOrderSizeMicro: Number(minOrderSizeMicro),
  } satisfies HashedMarket;
}

/** Monotonic venue time, and what it says of our clock. */
function stamp(connection: Connection, tsEventMs: number, tsInitMs: number): At {
  connection.offsetMs = Math.min(connection.offsetMs, tsInitMs - tsEventMs);
  connection.lastEventMs = Math.max(connection.lastEventMs, tsEventMs);
  return { tsEventMs: connection.lastEventMs, tsInitMs };
}

const atOf = (connection: Connection, tsEventMs: number, tsInitMs: number): At => ({
  tsEventMs: Math.max(connection.lastEventMs, tsEventMs),
  tsInitMs,
});

function advance(connection: Connection, watermarkMs: number, tsInitMs: number): BookClock | null {
  if (watermarkMs <= connection.watermarkMs) return null;
  connection.watermarkMs = watermarkMs;
  return { type: "BookClock", v: 1, connection: connection.name, watermarkMs, tsInitMs };
}
