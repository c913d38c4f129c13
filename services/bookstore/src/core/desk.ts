/**
 * All books of one bookstore: market-channel events and REST books in, messages to publish out. Which tokens need a book
 * from REST is asked of the desk (`deskAnswers.ts`), so a request that failed is simply still needed.
 * Pure but for its own state, so replay runs the same code.
 */
import { isLive, openHole } from "@slipstream/book/history";
import type { BookClock } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { BookEvent, MarketEvent, PriceChangeEvent, TradeEvent } from "@slipstream/polymarket/marketChannel";
import { applyChanges, applyFullBook, applyTrade, byTokenAndHash, isRepeat, openBook, tellTick } from "./changes.ts";
import { closeReached, resolved } from "./closing.ts";
import {
  advance,
  atArrival,
  atOf,
  CLOCK_AHEAD_MS_MAX,
  type Connection,
  connectionOf,
  stamp,
  stampPrint,
} from "./connection.ts";
import { learnMarket } from "./learnMarket.ts";
import { isBurstOver, isDoubtOld, type Proof, proveBefore, proveBurst } from "./proof.ts";
import { isBehindRest, startResync } from "./resync.ts";
import {
  type At,
  createTokenBook,
  isKept,
  isOpen,
  type Output,
  rememberPrice,
  setHealth,
  type TokenBook,
} from "./tokenBook.ts";
import { checkCrossed, checkTouch } from "./touch.ts";

export type DeskOutput = Output | BookClock;

export type Desk = {
  /** First part of the epochs of tokens that are tracked without one of their own. */
  readonly fence: number;
  epochs: number;
  readonly books: Map<TokenId, TokenBook>;
  readonly connections: Map<string, Connection>;
  /** How far our clock may be ahead of the venue's, whatever a connection tells. */
  clockAheadMsMax: number;
  readonly market: (tokenId: TokenId) => MarketDefinition | undefined;
  /** Whether books are proved by the venue's hash. */
  readonly proves: boolean;
  /** Tokens whose market was resolved on another connection than theirs: closed when their own has told all before it. */
  readonly closing: Set<TokenId>;
  /** Losses of continuity by reason. */
  readonly resyncs: Map<string, number>;
};

export const createDesk = (fence: number, market: Desk["market"], proves = true): Desk => ({
  fence,
  epochs: 0,
  books: new Map(),
  connections: new Map(),
  clockAheadMsMax: CLOCK_AHEAD_MS_MAX,
  market,
  proves,
  closing: new Set(),
  resyncs: new Map(),
});

/**
 * Our clock was corrected: what was learned of it on each connection moves with it.
 * @param movedMs - what the clock shows more than before.
 * @param aheadMsMax - how far it may be ahead of the venue's now; infinite: nobody knows.
 */
export function onClock(desk: Desk, movedMs: number, aheadMsMax: number): void {
  desk.clockAheadMsMax = aheadMsMax;
  for (const connection of desk.connections.values()) connection.offsetMs += movedMs;
}

export const nextEpoch =
  (desk: Desk, { fence }: TokenBook) =>
  (): string => {
    desk.epochs += 1;
    return `${fence}.${desk.epochs}`;
  };

/**
 * Starts to keep a token; its book opens with the first full book that arrives.
 * @param fence - of the owner that reads it; consumers refuse what an owner with a lower one says.
 */
export function track(desk: Desk, tokenId: TokenId, connection: string, fence: number = desk.fence): void {
  const book = desk.books.get(tokenId) ?? createTokenBook(tokenId, connection, fence);
  book.connection = connection;
  book.fence = Math.max(book.fence, fence);
  desk.books.set(tokenId, book);
  connectionOf(desk, connection).opening.add(tokenId);
}

/** The token goes to another process, or to none: whoever follows it is told that nothing more comes from here. */
export function letGo(desk: Desk, tokenId: TokenId, tsInitMs: number): DeskOutput[] {
  const book = desk.books.get(tokenId);
  if (book === undefined || !isOpen(book) || book.health === "dead") return [];
  const connection = connectionOf(desk, book.connection);
  return startResync(book, "not read here any more", atOf(connection, 0, tsInitMs), connection.watermarkMs);
}

/** Messages may have been lost behind us: an update of each book, by whose sequence consumers notice. */
export const tellAgain = (desk: Desk, tsInitMs: number): DeskOutput[] =>
  [...desk.books.values()]
    .filter(isOpen)
    .map((book) =>
      setHealth(book, book.health, "the bus was away", atOf(connectionOf(desk, book.connection), 0, tsInitMs)),
    );

export function untrack(desk: Desk, tokenId: TokenId): void {
  for (const { opening } of desk.connections.values()) opening.delete(tokenId);
  desk.books.delete(tokenId);
  desk.closing.delete(tokenId);
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
  return [...outputs, ...moveOn(desk, connection, connection.lastEventMs - 1, tsInitMs)];
}

/** Moves the connection's watermark, and closes the books whose market's end it has reached. */
function moveOn(desk: Desk, connection: Connection, watermarkMs: number, tsInitMs: number): DeskOutput[] {
  const clock = advance(connection, watermarkMs, tsInitMs);
  const outputs = closeReached(desk, connection, tsInitMs);
  return clock === null ? outputs : [...outputs, clock];
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
      return book === undefined
        ? []
        : tellTick(book, event.newTickMicro, atArrival(connection, event.tsEventMs, tsInitMs));
    }
    case "marketResolved":
      return event.tokenIds.flatMap((tokenId) => resolved(desk, connection, tokenId, event.tsEventMs, tsInitMs));
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
  const connection = connectionOf(desk, connectionName);
  const at = atOf(connection, 0, tsInitMs);
  return tokenIds.flatMap((tokenId) => {
    const book = bookOn(desk, connection, tokenId);
    return book === undefined ? [] : lose(desk, book, "unreadable message", at, connection.watermarkMs);
  });
}

/**
 * A message that names no token could not be read: it may have concerned any book of the connection. Most likely each is
 * right, so none is thrown away, but what it is nobody knows until a later hash, REST or a full book says so.
 */
export function onUnreadableFrame(desk: Desk, connectionName: string, tsInitMs: number): DeskOutput[] {
  const connection = connectionOf(desk, connectionName);
  const at = atOf(connection, 0, tsInitMs);
  return [...desk.books.values()].flatMap((book) => {
    if (book.connection !== connectionName || !isOpen(book) || !isKept(book)) return [];
    // The hash of what came before the frame says nothing of the frame.
    book.burst = null;
    book.unreadMs = tsInitMs;
    const told = setHealth(book, "suspect", "unreadable frame", at, connection.watermarkMs);
    openHole(book.history, connection.watermarkMs);
    return [told];
  });
}

/**
 * A text PONG: everything the venue had before it read the ping has arrived.
 * @param pingSentMs - our clock when the ping was sent.
 */
export function onPong(desk: Desk, connectionName: string, pingSentMs: number, tsInitMs: number): DeskOutput[] {
  const connection = connectionOf(desk, connectionName);
  // A stamp of the venue's that is further off than our clock can be tells nothing of our clock.
  const aheadMs = Math.max(-desk.clockAheadMsMax, Math.min(connection.offsetMs, desk.clockAheadMsMax));
  // Nothing bounds our clock: the ping says nothing about the venue's time.
  if (!Number.isFinite(aheadMs)) return [];
  return moveOn(desk, connection, Math.floor(pingSentMs - aheadMs), tsInitMs);
}

/** Proves the books whose burst has ended, and looks for crossed ones. Call it some times a second. */
export function onTick(desk: Desk, tsInitMs: number): DeskOutput[] {
  const outputs: Output[] = [];
  for (const book of desk.books.values()) {
    const connection = connectionOf(desk, book.connection);
    const at = atArrival(connection, 0, tsInitMs);
    if (isBurstOver(book, connection.lastEventMs, tsInitMs)) {
      outputs.push(...proved(desk, book, proveBurst(book, at), at));
    }
    if (isBehindRest(book, connection.watermarkMs)) outputs.push(...lose(desk, book, "stream behind REST", at));
    if (isDoubtOld(book, tsInitMs)) outputs.push(...lose(desk, book, "hash differs", at));
    outputs.push(...checkCrossed(book, at));
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
    outputs.push(...lose(desk, book, "connection lost", atOf(connection, 0, tsInitMs), connection.watermarkMs));
  }
  return outputs;
}

/**
 * A market's frames name both tokens: what comes over the sibling's connection is not this book's order of events, and what
 * comes after the market's end is no event of it.
 */
function bookOn(desk: Desk, { name }: Connection, tokenId: TokenId): TokenBook | undefined {
  const book = desk.books.get(tokenId);
  return book?.connection === name && book.resolvedOn !== name ? book : undefined;
}

function onBook(desk: Desk, connection: Connection, event: BookEvent, tsInitMs: number): Output[] {
  const book = bookOn(desk, connection, event.tokenId);
  if (book === undefined) return [];
  learnMarket(desk, book);
  const isOpening = connection.opening.delete(event.tokenId);
  // A book that is unknown for an unread frame begins anew with a full one.
  const isCurrent = isLive(book.history) && isKept(book);
  if (isOpening || !isCurrent) {
    // Equal hashes cover the time of the last change: between REST's book and the stream's first nothing happened.
    if (isCurrent && event.hash !== "" && book.last.hash === event.hash) {
      if (event.lastTradePrice !== null) rememberPrice(book, event.lastTradePrice);
      return [];
    }
    // An opening book's time is its last change, maybe long ago: it does not tell what time it is.
    const outputs = openBook(book, event, nextEpoch(desk, book)(), atArrival(connection, event.tsEventMs, tsInitMs));
    // Changes from before it may still be on their way (reference §6.3): it has them.
    if (outputs.length > 0) book.newest = { tsEventMs: event.tsEventMs, hashes: [event.hash] };
    return outputs;
  }
  const at = stamp(connection, event.tsEventMs, tsInitMs);
  const outputs = proved(desk, book, proveBefore(book, event.hash, at), at);
  if (book.joining !== null) return [...outputs, ...openBook(book, event, nextEpoch(desk, book)(), at)];
  return [...outputs, ...applyFullBook(book, event, at)];
}

function onPriceChange(desk: Desk, connection: Connection, event: PriceChangeEvent, tsInitMs: number): Output[] {
  const at = stamp(connection, event.tsEventMs, tsInitMs);
  const outputs: Output[] = [];
  for (const changes of byTokenAndHash(event.changes)) {
    const last = changes.at(-1);
    const book = last === undefined ? undefined : bookOn(desk, connection, last.tokenId);
    if (last === undefined || book === undefined) continue;
    const stamped = { tsEventMs: event.tsEventMs, hash: last.hash };
    if (isRepeat(book, stamped)) continue;
    outputs.push(...proved(desk, book, proveBefore(book, last.hash, at), at));
    outputs.push(...applyChanges(book, changes, stamped, at));
    if (book.joining === null) outputs.push(...proved(desk, book, checkTouch(book, last, at), at));
  }
  return outputs;
}

function onTrade(desk: Desk, connection: Connection, event: TradeEvent, tsInitMs: number): Output[] {
  const book = bookOn(desk, connection, event.tokenId);
  if (book === undefined) return [];
  const at = stampPrint(connection, event.tsEventMs, tsInitMs, book.history.lastTsMs);
  const outputs = applyTrade(book, event, at);
  const sibling = desk.market(event.tokenId)?.tokens.find((token) => token.tokenId !== event.tokenId)?.tokenId;
  const other = sibling === undefined ? undefined : desk.books.get(sibling);
  const text = book.lastTradePrices[0];
  if (other !== undefined && text !== undefined) rememberPrice(other, text);
  return outputs;
}

function proved(desk: Desk, book: TokenBook, { outputs, diverged }: Proof, at: At): Output[] {
  return diverged === null ? [...outputs] : [...outputs, ...lose(desk, book, diverged, at)];
}

/**
 * Counts the loss by its reason and voids the book.
 * @param provenThroughMs - venue time up to which everything has arrived; omitted when the book was found wrong.
 */
export function lose(desk: Desk, book: TokenBook, reason: string, at: At, provenThroughMs?: number): Output[] {
  if (book.health !== "dead") desk.resyncs.set(reason, (desk.resyncs.get(reason) ?? 0) + 1);
  return startResync(book, reason, at, provenThroughMs);
}
