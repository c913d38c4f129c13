/** How a book stops being believed: something of it is missing, was not believed, or a proof of it failed. */
import { openHole } from "@slipstream/book/history";
import type { TokenId } from "@slipstream/contracts/ids";
import { atOf, type Connection } from "./connection.ts";
import type { Desk } from "./desk.ts";
import type { Proof } from "./proof.ts";
import { startResync } from "./resync.ts";
import { type At, isKept, isOpen, type Output, setHealth, type TokenBook } from "./tokenBook.ts";

/**
 * A market's frames name both tokens: what comes over the sibling's connection is not this book's order of events, and what
 * comes after the market's end is no event of it.
 */
export function bookOn(desk: Desk, { name }: Connection, tokenId: TokenId): TokenBook | undefined {
  const book = desk.books.get(tokenId);
  return book?.connection === name && book.resolvedOn !== name ? book : undefined;
}

/** Something of the book did not come, or was not believed: what it is is unknown until it is proved as it stands. */
export function doubt(book: TokenBook, connection: Connection, reason: string, tsInitMs: number): Output[] {
  // To what came before, a full book cannot be joined any more.
  if (book.joining !== null) book.joining = { ...book.joining, entries: [] };
  if (!isOpen(book) || !isKept(book)) return [];
  // The hash of what came before says nothing of what is missing.
  book.burst = null;
  book.opened = null;
  book.touch.claim = null;
  book.unreadMs = tsInitMs;
  book.isMissing = true;
  const told = setHealth(book, "suspect", reason, atOf(connection, 0, tsInitMs), connection.watermarkMs);
  openHole(book.history, connection.watermarkMs);
  return [told];
}

/** A message of ours whose stamp is no time: dropped, and its book proved anew. */
export function notBelieved(desk: Desk, book: TokenBook, connection: Connection, tsInitMs: number): Output[] {
  desk.farStamps += 1;
  return doubt(book, connection, "time far from its receipt", tsInitMs);
}

export function proved(desk: Desk, book: TokenBook, { outputs, diverged }: Proof, at: At): Output[] {
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
