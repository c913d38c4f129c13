/**
 * All books of one bookstore: market-channel events and REST books in, messages to publish out. Which tokens need a book
 * from REST is asked of the desk (`deskAnswers.ts`), so a request that failed is simply still needed.
 * Pure but for its own state, so replay runs the same code.
 */
import { isLive, openHole, recordClosing } from "@slipstream/book/history";
import type { BookClock } from "@slipstream/contracts/book";
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type {
  BookEvent,
  MarketEvent,
  MarketResolvedEvent,
  PriceChangeEvent,
  TradeEvent,
} from "@slipstream/polymarket/marketChannel";
import { applyFullBook, applyTrade, byTokenAndHash, openBook, type Told, takeChanges, tellTick } from "./changes.ts";
import {
  advance,
  atOf,
  CLOCK_AHEAD_MS_MAX,
  type Connection,
  closingMs,
  createConnection,
  isFar,
  isFarAhead,
  stamp,
  stampPrint,
} from "./connection.ts";
import { afterOpening, hear, isOpeningOpen, isRepeat, openedNow } from "./heard.ts";
import { learnMarket } from "./learnMarket.ts";
import { isBurstOver, isDoubtOld, type Proof, proveBefore, proveBurst } from "./proof.ts";
import { hasLevelsOf, isBehindRest, STREAM_BEHIND, startResync } from "./resync.ts";
import {
  type At,
  createTokenBook,
  heal,
  isOpen,
  type Output,
  rememberPrice,
  setHealth,
  type TokenBook,
} from "./tokenBook.ts";
import { ageClaim, checkClaim, checkCrossed, onClaim } from "./touch.ts";

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

export const nextEpoch =
  (desk: Desk, { fence }: TokenBook) =>
  (): string => {
    desk.epochs += 1;
    return `${fence}.${desk.epochs}`;
  };

export function connectionOf(desk: Desk, name: string): Connection {
  const connection = desk.connections.get(name) ?? createConnection(name, desk.clockErrorMs);
  desk.connections.set(name, connection);
  return connection;
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
  const outputs: DeskOutput[] = [];
  for (const tokenId of desk.closing) {
    const book = desk.books.get(tokenId);
    const closedMs = book?.history.closedTsMs ?? null;
    if (book?.connection !== connection.name || closedMs === null || connection.watermarkMs < closedMs - 1) continue;
    outputs.push(...close(desk, tokenId, "market resolved", tsInitMs, closedMs - 1));
  }
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
      return tellTick(book, event.newTickMicro, atOf(connection, event.tsEventMs, tsInitMs));
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

/** Tokens of ours that a resolution is about: those it names, and those of the market it names. */
export function endedTokens(desk: Desk, { tokenIds, conditionId }: MarketResolvedEvent): TokenId[] {
  const ended = new Set(tokenIds.filter((tokenId) => desk.books.has(tokenId)));
  if (conditionId !== null) for (const tokenId of tokensOf(desk, conditionId)) ended.add(tokenId);
  return [...ended];
}

/** Tokens of a market that are read. */
export const tokensOf = (desk: Desk, conditionId: ConditionId): TokenId[] =>
  [...desk.books.values()].flatMap((book) => (marketIdOf(desk, book) === conditionId ? [book.tokenId] : []));

/** Null: neither a book nor a definition has told. */
export const marketIdOf = (desk: Desk, { tokenId, conditionId }: TokenBook): ConditionId | null =>
  conditionId ?? desk.market(tokenId)?.conditionId ?? null;

/**
 * The market is closed from its time on. A connection that says so has told all before it; what a slower one still brings
 * of the other token has happened before it and counts.
 */
function resolved(
  desk: Desk,
  connection: Connection,
  tokenId: TokenId,
  tsEventMs: number | null,
  tsInitMs: number,
): Output[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  const closedMs = closingMs(connection, tsEventMs, tsInitMs);
  recordClosing(book.history, closedMs);
  if (book.connection === connection.name) return close(desk, tokenId, "market resolved", tsInitMs, closedMs - 1);
  if (!isOpen(book) || book.health === "dead") return [];
  desk.closing.add(tokenId);
  return [setHealth(book, book.health, "market resolved", atOf(connectionOf(desk, book.connection), 0, tsInitMs))];
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

/** Something of the book did not come, or was not believed: what it is is unknown until it is proved as it stands. */
function doubt(book: TokenBook, connection: Connection, reason: string, tsInitMs: number): Output[] {
  // To what came before, a full book cannot be joined any more.
  if (book.joining !== null) book.joining = { ...book.joining, entries: [] };
  const isCurrent = isOpen(book) && (book.health === "healthy" || book.health === "suspect");
  if (!isCurrent) return [];
  // The hash of what came before says nothing of what is missing.
  book.burst = null;
  book.opened = null;
  book.touch.claim = null;
  book.unreadMs = tsInitMs;
  book.isMissing = true;
  openHole(book.history, connection.watermarkMs);
  return [setHealth(book, "suspect", reason, atOf(connection, 0, tsInitMs))];
}

/** A message of ours whose stamp is no time: dropped, and its book proved anew. */
function notBelieved(desk: Desk, book: TokenBook, connection: Connection, tsInitMs: number): Output[] {
  desk.farStamps += 1;
  return doubt(book, connection, "time far from its receipt", tsInitMs);
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
    const at = atOf(connection, 0, tsInitMs);
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

/** The venue has no book of the token any more. @param provenThroughMs - venue time up to which the book is known. */
export function close(
  desk: Desk,
  tokenId: TokenId,
  reason: string,
  tsInitMs: number,
  provenThroughMs?: number,
): Output[] {
  desk.closing.delete(tokenId);
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  const wasDead = book.health === "dead";
  const at = atOf(connectionOf(desk, book.connection), 0, tsInitMs);
  if (wasDead || !isOpen(book)) {
    book.health = "dead";
    return [];
  }
  const lost = startResync(book, reason, at, provenThroughMs);
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
  // A book that is unknown for something that is missing begins anew with a full one.
  const isCurrent = isLive(book.history) && (book.health === "healthy" || book.health === "suspect");
  // Only an opening book states the tick: another may have been on its way when the token was subscribed again.
  const isAwaited = connection.opening.has(event.tokenId) && (!book.isAskedAgain || event.tickMicro !== null);
  if (isAwaited || (!isCurrent && !book.isAskedAgain)) return onOpening(desk, connection, book, event, tsInitMs);
  const told = { tsEventMs: event.tsEventMs, hash: event.hash, levels: [] };
  if (!isCurrent || (event.hash !== "" && isRepeat(book, told, tsInitMs))) return [];
  if (isFar(connection, event.tsEventMs, tsInitMs)) return notBelieved(desk, book, connection, tsInitMs);
  const at = stamp(connection, event.tsEventMs, tsInitMs);
  ageClaim(book, event.tsEventMs, tsInitMs);
  const outputs = proved(desk, book, proveBefore(book, event.hash, at), at);
  hear(book, told, tsInitMs);
  book.opened = null;
  if (book.joining !== null) return [...outputs, ...openBook(book, event, nextEpoch(desk, book)(), at)];
  return [...outputs, ...applyFullBook(book, event, at)];
}

/** A full book after which the stream is continuous. Its time is its last change, maybe long ago: it is not what time it is. */
function onOpening(desk: Desk, connection: Connection, book: TokenBook, event: BookEvent, tsInitMs: number): Output[] {
  if (isFarAhead(connection, event.tsEventMs, tsInitMs)) {
    desk.farStamps += 1;
    book.asksStream = true;
    return doubt(book, connection, "time far from its receipt", tsInitMs);
  }
  // Changes from before a book come after it only where a subscription begins.
  const opened = connection.opening.delete(event.tokenId) ? openedNow(event, tsInitMs) : null;
  const at = atOf(connection, event.tsEventMs, tsInitMs);
  const told = { tsEventMs: event.tsEventMs, hash: event.hash, levels: [] };
  const isCurrent = isOpen(book) && (book.health === "healthy" || book.health === "suspect");
  // Equal hashes cover the time of the last change: nothing has happened since.
  if (isCurrent && event.hash !== "" && book.last.hash === event.hash && hasLevelsOf(book, event)) {
    book.asksStream = false;
    book.isAskedAgain = false;
    book.opened = opened;
    if (event.lastTradePrice !== null) rememberPrice(book, event.lastTradePrice);
    book.isMissing = false;
    return heal(book, "opened as it was", at);
  }
  const outputs = openBook(book, event, nextEpoch(desk, book)(), at);
  if (outputs.length === 0) return [];
  hear(book, told, tsInitMs);
  book.opened = opened;
  return outputs;
}

function onPriceChange(desk: Desk, connection: Connection, event: PriceChangeEvent, tsInitMs: number): Output[] {
  const { tsEventMs } = event;
  const ours = byTokenAndHash(event.changes).flatMap((levels) => {
    const stated = levels.at(-1);
    const book = stated === undefined ? undefined : bookOn(desk, connection, stated.tokenId);
    return book === undefined || stated === undefined
      ? []
      : [{ book, told: { tsEventMs, hash: stated.hash, levels, stated } }];
  });
  // What happens in other markets tells nothing of ours, nor what time it is for them.
  if (ours.length === 0) return [];
  if (isFar(connection, tsEventMs, tsInitMs)) {
    const news = ours.filter(({ book, told }) => !isRepeat(book, told, tsInitMs));
    return news.flatMap(({ book }) => notBelieved(desk, book, connection, tsInitMs));
  }
  const at = stamp(connection, tsEventMs, tsInitMs);
  return ours.flatMap(({ book, told }) => {
    const isOpeningHash = told.hash !== "" && told.hash === book.opened?.hash;
    if (!isOpeningHash && isRepeat(book, told, tsInitMs)) return [];
    if (!isOpeningHash) hear(book, told, tsInitMs);
    const { apply, wasInside } = afterOpening(book, told, tsInitMs);
    if (wasInside) return doubt(book, connection, "changes of the opening's moment", tsInitMs);
    return apply.flatMap((each) => applyOne(desk, book, each, at));
  });
}

function applyOne(desk: Desk, book: TokenBook, told: Told, at: At): Output[] {
  ageClaim(book, told.tsEventMs, at.tsInitMs);
  const outputs = proved(desk, book, proveBefore(book, told.hash, at), at);
  return [...outputs, ...takeChanges(book, told, at)];
}

function onTrade(desk: Desk, connection: Connection, event: TradeEvent, tsInitMs: number): Output[] {
  const book = bookOn(desk, connection, event.tokenId);
  // A print whose time is none is nobody's, and no level's.
  if (book === undefined || isFar(connection, event.tsEventMs, tsInitMs)) return [];
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
