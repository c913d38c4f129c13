/** How books end: the venue has none any more, or the market is resolved. */
import { recordClosing } from "@slipstream/book/history";
import type { TokenId } from "@slipstream/contracts/ids";
import { atOf, type Connection, connectionOf } from "./connection.ts";
import type { Desk } from "./desk.ts";
import { startResync } from "./resync.ts";
import { isOpen, type Output, setHealth } from "./tokenBook.ts";

/**
 * The market is closed from its time on. A connection that says so has told all before it; what a slower one still brings
 * of the other token has happened before it and counts.
 */
export function resolved(
  desk: Desk,
  connection: Connection,
  tokenId: TokenId,
  tsEventMs: number,
  tsInitMs: number,
): Output[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  const closedMs = Math.max(connection.lastEventMs, tsEventMs);
  const isNews = recordClosing(book.history, closedMs);
  const isDead = book.health === "dead";
  const isHere = book.connection === connection.name;
  if (isHere) book.resolvedOn = connection.name;
  if (isHere && !isDead) return close(desk, tokenId, "market resolved", tsInitMs, closedMs - 1);
  if (!isOpen(book) || (isDead && !isNews)) return [];
  if (!isDead) desk.closing.add(tokenId);
  return [setHealth(book, book.health, "market resolved", atOf(connectionOf(desk, book.connection), 0, tsInitMs))];
}

/** Closes the books whose market's end their connection has reached. */
export function closeReached(desk: Desk, connection: Connection, tsInitMs: number): Output[] {
  const outputs: Output[] = [];
  for (const tokenId of desk.closing) {
    const book = desk.books.get(tokenId);
    const closedMs = book?.history.closedTsMs ?? null;
    if (book?.connection !== connection.name || closedMs === null || connection.watermarkMs < closedMs - 1) continue;
    outputs.push(...close(desk, tokenId, "market resolved", tsInitMs, closedMs - 1));
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
  if (book.health === "dead" || !isOpen(book)) {
    book.health = "dead";
    return [];
  }
  const at = atOf(connectionOf(desk, book.connection), 0, tsInitMs);
  const lost = startResync(book, reason, at, provenThroughMs);
  return [...lost, setHealth(book, "dead", reason, at)];
}
