/** What REST says to a desk: first books, books after a loss, audits, answers to a doubt; in mode rest all there is. */
import type { TokenId } from "@slipstream/contracts/ids";
import { applyFullBook, learn, openBook } from "./changes.ts";
import { close } from "./closing.ts";
import { atArrival, atOf, connectionOf } from "./connection.ts";
import { type Desk, type DeskOutput, lose, nextEpoch } from "./desk.ts";
import { learnMarket } from "./learnMarket.ts";
import { auditWith, joinRestBook, REST_SETTLED_MS } from "./resync.ts";
import { type At, type FullBook, heal, isKept, isOpen, type Output, setHealth, type TokenBook } from "./tokenBook.ts";

/** Frames are seconds late at worst (a PONG took 11 s, reference §6.1); what is missing for longer does not come. */
const AUDIT_LATE_MS = 15_000;

/**
 * A book from REST. `seed`: for a token that needs one. `audit`: a look at a healthy book from time to time. `refresh`:
 * somebody doubts the book and wants what REST says, if it is newer.
 * @param provedMs - our clock at which REST's book is known to have been the venue's: how fresh a confirmed book is.
 */
export function onRestBook(
  desk: Desk,
  tokenId: TokenId,
  full: FullBook,
  tsInitMs: number,
  why: "seed" | "audit" | "refresh" = "seed",
  provedMs: number = tsInitMs,
): DeskOutput[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  learnMarket(desk, book);
  const at = atArrival(connectionOf(desk, book.connection), full.tsEventMs, tsInitMs);
  const outputs: Output[] = [];
  if (isKept(book)) {
    const audit = auditWith(book, full, tsInitMs, why === "audit" ? AUDIT_LATE_MS : 0);
    if (audit === "wrong") outputs.push(...lose(desk, book, "levels differ from REST", at));
    else if (audit === "restIsOlder") {
      if (why === "audit" && full.tsEventMs > book.last.tsEventMs) book.restAheadMs ??= full.tsEventMs;
      return [];
    } else if (why === "seed") return [];
    else if (audit === "equal") return confirmed(book, full, why, { ...at, tsInitMs: provedMs });
    else outputs.push(...lose(desk, book, "stream behind REST", at));
  }
  outputs.push(...joinRestBook(book, full, nextEpoch(desk, book), at));
  return outputs;
}

/** REST says the same. Whoever asked is told so by an update of its own, on a quiet connection the only proof of life. */
function confirmed(book: TokenBook, full: FullBook, why: "audit" | "refresh", at: At): Output[] {
  learn(book, full);
  // Sooner, REST may not have what an unread frame said.
  const isSoon = book.unreadMs !== null && at.tsInitMs - book.unreadMs < REST_SETTLED_MS;
  const healed = book.burst === null && !isSoon ? heal(book, "equal to REST", at) : [];
  if (healed.length > 0 || why === "audit" || book.health !== "healthy") return healed;
  return [setHealth(book, "healthy", "equal to REST", at)];
}
/** A book by polling (mode rest): the levels that differ are the changes since the poll before. */
export function onPolledBook(desk: Desk, tokenId: TokenId, full: FullBook, tsInitMs: number): DeskOutput[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  learnMarket(desk, book);
  const connection = connectionOf(desk, book.connection);
  const at = atOf(connection, full.tsEventMs, tsInitMs);
  connection.lastEventMs = at.tsEventMs;
  return book.health === "healthy" && isOpen(book)
    ? applyFullBook(book, full, at)
    : openBook(book, full, nextEpoch(desk, book)(), at);
}

/** REST has no book for the token: settled or unknown. */
export const onNoRestBook = (desk: Desk, tokenId: TokenId, tsInitMs: number): DeskOutput[] =>
  desk.books.get(tokenId)?.health === "healthy" ? [] : close(desk, tokenId, "no order book at the venue", tsInitMs);
