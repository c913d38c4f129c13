/** Questions to a desk: a book now or at a time, and which tokens need a book from REST. */
import { entryTs, readEntry } from "@slipstream/book/entryRing";
import type { BookHistory } from "@slipstream/book/history";
import { bookAt } from "@slipstream/book/historyAnswers";
import { flatLevels } from "@slipstream/book/ladder";
import type { BookSnapshot } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import { atOf, connectionOf } from "./connection.ts";
import type { Desk } from "./desk.ts";
import { snapshotOf, type TokenBook } from "./tokenBook.ts";

/** The book now, whatever its health; null when there is none yet. */
export function snap(desk: Desk, tokenId: TokenId, tsInitMs: number): BookSnapshot | null {
  const book = desk.books.get(tokenId);
  return book === undefined ? null : snapshotOf(book, atOf(connectionOf(desk, book.connection), 0, tsInitMs));
}

export type PastRefusal = "UNKNOWN_TOKEN" | "TOO_OLD" | "HOLE" | "NOT_YET";

/** The book after all changes with venue time <= `tsMs`, or why there is none. Its health is the one of now. */
export function snapAt(
  desk: Desk,
  tokenId: TokenId,
  tsMs: number,
  tsInitMs: number,
): BookSnapshot | { readonly refused: PastRefusal } {
  const book = desk.books.get(tokenId);
  const now = book === undefined ? null : snapshotOf(book, { tsEventMs: tsMs, tsInitMs });
  if (book === undefined || now === null) return { refused: "UNKNOWN_TOKEN" };
  const answer = bookAt(book.history, tsMs, connectionOf(desk, book.connection).watermarkMs);
  if (answer.kind === "tooOld") return { refused: "TOO_OLD" };
  if (answer.kind === "hole") return { refused: "HOLE" };
  if (answer.kind === "notYet") return { refused: "NOT_YET" };
  const { book: past, epoch, tickMicro } = answer;
  return {
    ...now,
    tsEventMs: tsMs,
    epoch,
    seq: seqAt(book.history, tsMs),
    tickMicro,
    bids: flatLevels(past, "BUY"),
    asks: flatLevels(past, "SELL"),
  };
}

/** Sequence of the last entry at that time; a status, which changes no level, may have come after it. */
function seqAt({ ring }: BookHistory, tsMs: number): number {
  for (let at = ring.end - 1; at >= ring.first; at--) if (entryTs(ring, at) <= tsMs) return readEntry(ring, at).seq;
  return 0;
}

/** Tokens whose book is missing or not continuous. */
export function tokensWithoutBook(desk: Desk): TokenId[] {
  const tokens: TokenId[] = [];
  for (const book of desk.books.values()) {
    if (book.health === "resyncing" || book.health === "dead") tokens.push(book.tokenId);
  }
  return tokens;
}

/** Tokens of which only the stream can say what their book is, and has to be asked again. */
export const tokensToAskAgain = (desk: Desk): TokenId[] =>
  [...desk.books.values()].filter(({ asksStream }) => asksStream).map(({ tokenId }) => tokenId);

/** Tokens whose book is most likely right, and not proved to be. */
export const doubtedTokens = (desk: Desk): TokenId[] =>
  [...desk.books.values()].filter(({ health }) => health === "suspect").map(({ tokenId }) => tokenId);

export type DeskCounts = {
  readonly books: number;
  readonly unhealthy: number;
  readonly proofsPassed: number;
  readonly proofsFailed: number;
  readonly resyncs: number;
  /** Times a book stayed crossed, and changes whose best prices were not the book's. */
  readonly crossings: number;
  readonly touchFailures: number;
};

export function countsOf(desk: Desk): DeskCounts {
  const books: readonly TokenBook[] = [...desk.books.values()];
  const sum = (of: (book: TokenBook) => number): number => books.reduce((total, book) => total + of(book), 0);
  return {
    books: books.length,
    unhealthy: books.filter(({ health }) => health === "suspect" || health === "resyncing").length,
    proofsPassed: sum(({ proofs }) => proofs.passed),
    proofsFailed: sum(({ proofs }) => proofs.failed),
    crossings: sum(({ touch }) => touch.crossings),
    touchFailures: sum(({ touch }) => touch.failures),
    resyncs: [...desk.resyncs.values()].reduce((total, count) => total + count, 0),
  };
}
