/**
 * All books of one bookstore: market-channel events and REST books in, messages to publish out. Which tokens need a book
 * from REST is asked of the desk (`deskAnswers.ts`), so a request that failed is simply still needed.
 * Pure but for its own state, so replay runs the same code.
 */
import type { BookClock } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import { tellTick } from "./changes.ts";
import { closeReached, endedTokens, resolved } from "./closing.ts";
import { advance, atArrival, atOf, CLOCK_AHEAD_MS_MAX, type Connection, connectionOf, isFar } from "./connection.ts";
import { bookOn, doubt, lose, notBelieved, proved } from "./doubts.ts";
import { isOpeningOpen } from "./heard.ts";
import { isBurstOver, isDoubtOld, proveBurst } from "./proof.ts";
import { isBehindRest, STREAM_BEHIND, startResync } from "./resync.ts";
import { onBook, onPriceChange, onTrade } from "./streamBook.ts";
import { createTokenBook, isOpen, type Output, setHealth, type TokenBook } from "./tokenBook.ts";
import { checkClaim, checkCrossed, onClaim } from "./touch.ts";

export type DeskOutput = Output | BookClock;

/** How long what was sent before a subscription ended may still be on its way: frames are late by less as a rule. */
const GAP_MS = 5_000;

export type Desk = {
  /** First part of the epochs of tokens that are tracked without one of their own. */
  readonly fence: number;
  epochs: number;
  readonly books: Map<TokenId, TokenBook>;
  readonly connections: Map<string, Connection>;
  /** How far our clock may be from the venue's, whatever a connection tells; infinite: nobody knows. */
  clockErrorMs: number;
  /** Messages of ours that were not believed for their time. */
  farStamps: number;
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
  clockErrorMs: CLOCK_AHEAD_MS_MAX,
  farStamps: 0,
  market,
  proves,
  closing: new Set(),
  resyncs: new Map(),
});

/**
 * Our clock was corrected: what was learned of it on each connection moves with it.
 * @param movedMs - what the clock shows more than before.
 * @param errorMs - how far it may be from the venue's now; infinite: nobody knows.
 */
export function onClock(desk: Desk, movedMs: number, errorMs: number): void {
  desk.clockErrorMs = errorMs;
  for (const connection of desk.connections.values()) {
    connection.offsetMs += movedMs;
    connection.clockErrorMs = errorMs;
  }
}

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

/**
 * The token is subscribed again: what the stream sends between its leaving and its coming back is missing, so the book is
 * unknown until its opening book comes, or a hash proves that nothing was.
 */
export function onAskedAgain(desk: Desk, tokenId: TokenId, tsInitMs: number): DeskOutput[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  const connection = connectionOf(desk, book.connection);
  connection.opening.add(tokenId);
  book.asksStream = false;
  book.isAskedAgain = true;
  const outputs = doubt(book, connection, "subscribed again", tsInitMs);
  if (book.joining !== null) book.joining = { fromMs: tsInitMs + GAP_MS, sinceMs: 0, entries: [] };
  return outputs;
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
      if (book === undefined) return [];
      if (isFar(connection, event.tsEventMs, tsInitMs)) return notBelieved(desk, book, connection, tsInitMs);
      return tellTick(book, event.newTickMicro, atArrival(connection, event.tsEventMs, tsInitMs));
    }
    case "bestPrices": {
      const book = bookOn(desk, connection, event.tokenId);
      if (book === undefined || isFar(connection, event.tsEventMs, tsInitMs)) return [];
      return onClaim(book, event, event.tsEventMs, atOf(connection, 0, tsInitMs));
    }
    case "marketResolved":
      return endedTokens(desk, event).flatMap((tokenId) =>
        resolved(desk, connection, tokenId, event.tsEventMs, tsInitMs),
      );
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
 * A book or a change could not be read, and nobody can say whose: it may have concerned any book of the connection. Most
 * likely each is right, so none is thrown away, but what it is nobody knows until a later hash, REST or a full book says so.
 */
export function onUnreadableFrame(desk: Desk, connectionName: string, tsInitMs: number): DeskOutput[] {
  const connection = connectionOf(desk, connectionName);
  return [...desk.books.values()].flatMap((book) =>
    book.connection === connectionName ? doubt(book, connection, "unreadable frame", tsInitMs) : [],
  );
}

/**
 * A text PONG: everything the venue had before it read the ping has arrived.
 * @param pingSentMs - our clock when the ping was sent.
 * @param provenMs - venue time beyond which it proves nothing, where that is known (a tape).
 */
export function onPong(
  desk: Desk,
  connectionName: string,
  pingSentMs: number,
  tsInitMs: number,
  provenMs = Number.POSITIVE_INFINITY,
): DeskOutput[] {
  const connection = connectionOf(desk, connectionName);
  // A stamp of the venue's that is further off than our clock can be tells nothing of our clock.
  const aheadMs = Math.max(-desk.clockErrorMs, Math.min(connection.offsetMs, desk.clockErrorMs));
  // Nothing bounds our clock: the ping says nothing about the venue's time.
  if (!Number.isFinite(aheadMs)) return [];
  return moveOn(desk, connection, Math.min(Math.floor(pingSentMs - aheadMs), provenMs), tsInitMs);
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
    outputs.push(...proved(desk, book, checkClaim(book, at), at));
    if (isOpeningOpen(book, tsInitMs))
      outputs.push(...doubt(book, connection, "changes of the opening's moment", tsInitMs));
    if (isBehindRest(book, connection.watermarkMs)) {
      book.isMissing = true;
      outputs.push(...lose(desk, book, STREAM_BEHIND, at));
    }
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
    book.isAskedAgain = false;
    outputs.push(...lose(desk, book, "connection lost", atOf(connection, 0, tsInitMs), connection.watermarkMs));
  }
  return outputs;
}
