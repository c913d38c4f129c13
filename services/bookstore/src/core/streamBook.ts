/** What the market channel tells of one token: full books, changes, prints, each as it arrives. */
import { isLive } from "@slipstream/book/history";
import type { BookEvent, PriceChangeEvent, TradeEvent } from "@slipstream/polymarket/marketChannel";
import { applyFullBook, applyTrade, byTokenAndHash, openBook, type Told, takeChanges } from "./changes.ts";
import { atArrival, type Connection, isFar, isFarAhead, stamp, stampPrint } from "./connection.ts";
import type { Desk } from "./desk.ts";
import { bookOn, doubt, notBelieved, proved } from "./doubts.ts";
import { afterOpening, hear, isRepeat, openedNow } from "./heard.ts";
import { learnMarket } from "./learnMarket.ts";
import { proveBefore } from "./proof.ts";
import { hasLevelsOf } from "./resync.ts";
import { type At, heal, isKept, isOpen, nextEpoch, type Output, rememberPrice, type TokenBook } from "./tokenBook.ts";
import { ageClaim } from "./touch.ts";

export function onBook(desk: Desk, connection: Connection, event: BookEvent, tsInitMs: number): Output[] {
  const book = bookOn(desk, connection, event.tokenId);
  if (book === undefined) return [];
  learnMarket(desk, book);
  // A book that is unknown for something that is missing begins anew with a full one.
  const isCurrent = isLive(book.history) && isKept(book);
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
  const at = atArrival(connection, event.tsEventMs, tsInitMs);
  const told = { tsEventMs: event.tsEventMs, hash: event.hash, levels: [] };
  const isCurrent = isOpen(book) && isKept(book);
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

export function onPriceChange(desk: Desk, connection: Connection, event: PriceChangeEvent, tsInitMs: number): Output[] {
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

export function onTrade(desk: Desk, connection: Connection, event: TradeEvent, tsInitMs: number): Output[] {
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
