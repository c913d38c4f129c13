/** How books end: the venue has none any more, or the market is resolved. */
import { recordClosing } from "@slipstream/book/history";
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketResolvedEvent } from "@slipstream/polymarket/marketChannel";
import { atOf, type Connection, closingMs, connectionOf } from "./connection.ts";
import type { Desk } from "./desk.ts";
import { startResync } from "./resync.ts";
import { isOpen, type Output, setHealth, type TokenBook } from "./tokenBook.ts";

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
export function resolved(
  desk: Desk,
  connection: Connection,
  tokenId: TokenId,
  tsEventMs: number | null,
  tsInitMs: number,
): Output[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  const closedMs = closingMs(connection, tsEventMs, tsInitMs);
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
