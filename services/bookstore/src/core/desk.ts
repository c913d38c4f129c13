/**
 * All books of one bookstore: market-channel events and REST books in, messages to publish out. Which tokens need a book
 * from REST is asked of the desk (`deskAnswers.ts`), so a request that failed is simply still needed.
 * Pure but for its own state, so replay runs the same code.
 */
import type { BookClock } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type {
  BookEvent,
  MarketEvent,
  PriceChange,
  PriceChangeEvent,
  TradeEvent,
} from "@slipstream/polymarket/marketChannel";
import { applyChanges, applyFullBook, applyTrade, openBook } from "./changes.ts";
import { advance, atOf, type Connection, createConnection, stamp } from "./connection.ts";
import { isBurstOver, type Proof, proveBefore, proveBurst } from "./proof.ts";
import { auditWith, joinRestBook, startResync } from "./resync.ts";
import {
  type At,
  createTokenBook,
  type FullBook,
  isOpen,
  type Output,
  rememberPrice,
  setHealth,
  type TokenBook,
} from "./tokenBook.ts";

export type DeskOutput = Output | BookClock;

export type Desk = {
  /** First part of every epoch: the lease revision of the owner. */
  readonly fence: number;
  epochs: number;
  readonly books: Map<TokenId, TokenBook>;
  readonly connections: Map<string, Connection>;
  readonly market: (tokenId: TokenId) => MarketDefinition | undefined;
  /** Losses of continuity by reason. */
  readonly resyncs: Map<string, number>;
};

export const createDesk = (fence: number, market: Desk["market"]): Desk => ({
  fence,
  epochs: 0,
  books: new Map(),
  connections: new Map(),
  market,
  resyncs: new Map(),
});

const nextEpoch = (desk: Desk) => (): string => {
  desk.epochs += 1;
  return `${desk.fence}.${desk.epochs}`;
};

export function connectionOf(desk: Desk, name: string): Connection {
  const connection = desk.connections.get(name) ?? createConnection(name);
  desk.connections.set(name, connection);
  return connection;
}

/** Starts to keep a token; its book opens with the first full book that arrives. */
export function track(desk: Desk, tokenId: TokenId, connection: string): void {
  const book = desk.books.get(tokenId) ?? createTokenBook(tokenId, connection);
  book.connection = connection;
  desk.books.set(tokenId, book);
  connectionOf(desk, connection).opening.add(tokenId);
}

export function untrack(desk: Desk, tokenId: TokenId): void {
  for (const { opening } of desk.connections.values()) opening.delete(tokenId);
  desk.books.delete(tokenId);
}

/** Takes the events of one frame. */
export function onEvents(
  desk: Desk,
  connectionName: string,
  events: readonly MarketEvent[],
  tsInitMs: number,
): DeskOutput[] {
  const connection = connectionOf(desk, connectionName);
  const outputs: DeskOutput[] = [];
  for (const event of events) outputs.push(...onEvent(desk, connection, event, tsInitMs));
  const clock = advance(connection, connection.lastEventMs - 1, tsInitMs);
  if (clock !== null) outputs.push(clock);
  return outputs;
}

function onEvent(desk: Desk, connection: Connection, event: MarketEvent, tsInitMs: number): Output[] {
  switch (event.kind) {
    case "book":
      return onBook(desk, connection, event, tsInitMs);
    case "priceChange":
      return onPriceChange(desk, connection, event, tsInitMs);
    case "trade":
      return onTrade(desk, connection, event, tsInitMs);
    case "tickSizeChange": {
      const book = bookOn(desk, connection, event.tokenId);
      if (book === undefined) return [];
      if (book.market !== null) book.market = { ...book.market, tickMicro: event.newTickMicro };
      return lose(desk, book, "tick size changed", atOf(connection, event.tsEventMs, tsInitMs));
    }
    case "marketResolved":
      return event.tokenIds.flatMap((tokenId) => close(desk, tokenId, "market resolved", tsInitMs));
    case "newMarket":
      return [];
  }
}

/** A message that names these tokens could not be read: their books can no longer be trusted. */
export function onUnreadable(
  desk: Desk,
  connectionName: string,
  tokenIds: readonly TokenId[],
  tsInitMs: number,
): DeskOutput[] {
  const at = atOf(connectionOf(desk, connectionName), 0, tsInitMs);
  return tokenIds.flatMap((tokenId) => {
    const book = desk.books.get(tokenId);
    return book === undefined ? [] : lose(desk, book, "unreadable message", at);
  });
}

/**
 * A text PONG: everything the venue had before it read the ping has arrived.
 * @param pingSentMs - our clock when the ping was sent.
 */
export function onPong(desk: Desk, connectionName: string, pingSentMs: number, tsInitMs: number): DeskOutput[] {
  const connection = connectionOf(desk, connectionName);
  const clock = advance(connection, pingSentMs - connection.offsetMs, tsInitMs);
  return clock === null ? [] : [clock];
}

/** Proves the books whose burst has ended. Call it some times a second. */
export function onTick(desk: Desk, tsInitMs: number): DeskOutput[] {
  const outputs: Output[] = [];
  for (const book of desk.books.values()) {
    if (book.burst === null) continue;
    const connection = connectionOf(desk, book.connection);
    if (!isBurstOver(book, connection.lastEventMs, tsInitMs)) continue;
    const at = atOf(connection, 0, tsInitMs);
    outputs.push(...proved(desk, book, proveBurst(book, at), at));
  }
  return outputs;
}

/** The socket is gone: nothing of its tokens is known from here on. */
export function onDisconnected(desk: Desk, connectionName: string, tsInitMs: number): DeskOutput[] {
  const connection = connectionOf(desk, connectionName);
  const outputs: Output[] = [];
  for (const book of desk.books.values()) {
    if (book.connection !== connectionName) continue;
    connection.opening.add(book.tokenId);
    outputs.push(...lose(desk, book, "connection lost", atOf(connection, 0, tsInitMs)));
  }
  return outputs;
}

/**
 * A book from REST. `seed`: for a token that needs one. `audit`: a look at a healthy book from time to time. `refresh`:
 * somebody doubts the book and wants what REST says, if it is newer.
 */
export function onRestBook(
  desk: Desk,
  tokenId: TokenId,
  full: FullBook,
  tsInitMs: number,
  why: "seed" | "audit" | "refresh" = "seed",
): DeskOutput[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  learnMarket(desk, book);
  const at = atOf(connectionOf(desk, book.connection), full.tsEventMs, tsInitMs);
  const outputs: Output[] = [];
  if (book.health === "healthy" || book.health === "suspect") {
    if (why === "seed" || auditWith(book, full, tsInitMs, why === "audit" ? AUDIT_LATE_MS : 0) !== "streamIsLate")
      return [];
    outputs.push(...lose(desk, book, "stream behind REST", at));
  }
  outputs.push(...joinRestBook(book, full, nextEpoch(desk), at));
  return outputs;
}
/** Frames are seconds late at worst (a PONG took 11 s, reference §6.1); what is missing for longer does not come. */
const AUDIT_LATE_MS = 15_000;

/** A book by polling (mode rest): the levels that differ are the changes since the poll before. */
export function onPolledBook(desk: Desk, tokenId: TokenId, full: FullBook, tsInitMs: number): DeskOutput[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  learnMarket(desk, book);
  const connection = connectionOf(desk, book.connection);
  const at = atOf(connection, full.tsEventMs, tsInitMs);
  connection.lastEventMs = at.tsEventMs;
  return book.health === "healthy" && isOpen(book)
    ? applyFullBook(book, full, nextEpoch(desk), at)
    : openBook(book, full, nextEpoch(desk)(), at);
}

/** REST has no book for the token: settled or unknown. */
export const onNoRestBook = (desk: Desk, tokenId: TokenId, tsInitMs: number): DeskOutput[] =>
  desk.books.get(tokenId)?.health === "healthy" ? [] : close(desk, tokenId, "no order book at the venue", tsInitMs);

function close(desk: Desk, tokenId: TokenId, reason: string, tsInitMs: number): Output[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  const wasDead = book.health === "dead";
  const at = atOf(connectionOf(desk, book.connection), 0, tsInitMs);
  if (wasDead || !isOpen(book)) {
    book.health = "dead";
    return [];
  }
  const lost = startResync(book, reason, at);
  return [...lost, setHealth(book, "dead", reason, at)];
}

/** A market's frames name both tokens: what comes over the sibling's connection is not this book's order of events. */
function bookOn(desk: Desk, { name }: Connection, tokenId: TokenId): TokenBook | undefined {
  const book = desk.books.get(tokenId);
  return book?.connection === name ? book : undefined;
}

function onBook(desk: Desk, connection: Connection, event: BookEvent, tsInitMs: number): Output[] {
  const book = bookOn(desk, connection, event.tokenId);
  if (book === undefined) return [];
  learnMarket(desk, book);
  const isOpening = connection.opening.delete(event.tokenId);
  const isCurrent = isOpen(book) && (book.health === "healthy" || book.health === "suspect");
  if (isOpening || !isCurrent) {
    // Equal hashes cover the time of the last change: between REST's book and the stream's first nothing happened.
    if (isCurrent && event.hash !== "" && book.last.hash === event.hash) {
      if (event.lastTradePrice !== null) rememberPrice(book, event.lastTradePrice);
      return [];
    }
    // An opening book's time is its last change, maybe long ago: it does not tell what time it is.
    return openBook(book, event, nextEpoch(desk)(), atOf(connection, event.tsEventMs, tsInitMs));
  }
  const at = stamp(connection, event.tsEventMs, tsInitMs);
  const outputs = proved(desk, book, proveBefore(book, event.hash, at), at);
  if (book.joining !== null) return [...outputs, ...openBook(book, event, nextEpoch(desk)(), at)];
  return [...outputs, ...applyFullBook(book, event, nextEpoch(desk), at)];
}

function onPriceChange(desk: Desk, connection: Connection, event: PriceChangeEvent, tsInitMs: number): Output[] {
  const at = stamp(connection, event.tsEventMs, tsInitMs);
  const outputs: Output[] = [];
  for (const changes of byTokenAndHash(event.changes)) {
    const [first] = changes;
    const book = first === undefined ? undefined : bookOn(desk, connection, first.tokenId);
    if (first === undefined || book === undefined) continue;
    const { hash } = first;
    outputs.push(...proved(desk, book, proveBefore(book, hash, at), at));
    outputs.push(...applyChanges(book, changes, { tsEventMs: event.tsEventMs, hash }, nextEpoch(desk), at));
  }
  return outputs;
}

/** The changes of one token under one hash are one update; tokens take turns in a frame. */
function byTokenAndHash(changes: readonly PriceChange[]): PriceChange[][] {
  const groups = new Map<string, PriceChange[]>();
  for (const change of changes) {
    const key = `${change.tokenId} ${change.hash}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [change]);
    else group.push(change);
  }
  return [...groups.values()];
}

function onTrade(desk: Desk, connection: Connection, event: TradeEvent, tsInitMs: number): Output[] {
  const book = bookOn(desk, connection, event.tokenId);
  if (book === undefined) return [];
  const outputs = applyTrade(book, event, stamp(connection, event.tsEventMs, tsInitMs));
  const sibling = desk.market(event.tokenId)?.tokens.find((token) => token.tokenId !== event.tokenId)?.tokenId;
  const other = sibling === undefined ? undefined : desk.books.get(sibling);
  const text = book.lastTradePrices[0];
  if (other !== undefined && text !== undefined) rememberPrice(other, text);
  return outputs;
}

function proved(desk: Desk, book: TokenBook, { outputs, diverged }: Proof, at: At): Output[] {
  return diverged ? [...outputs, ...lose(desk, book, "hash differs", at)] : [...outputs];
}

function lose(desk: Desk, book: TokenBook, reason: string, at: At): Output[] {
  if (book.health !== "dead") desk.resyncs.set(reason, (desk.resyncs.get(reason) ?? 0) + 1);
  return startResync(book, reason, at);
}

function learnMarket(desk: Desk, book: TokenBook): void {
  if (book.market !== null) return;
  const market = desk.market(book.tokenId);
  if (market === undefined) return;
  const { conditionId, tickMicro, negRisk, minOrderSizeMicro } = market;
  book.market = { conditionId, tickMicro, negRisk, minOrderSizeMicro: Number(minOrderSizeMicro) };
}
