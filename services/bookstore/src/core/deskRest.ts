/**
 * What REST says to a desk: books after a loss, audits, answers to a doubt. It is a witness: what the stream has named by its
 * hash counts, anything else is at most a doubt, and the stream is asked again. In mode rest it is all there is.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import { applyFullBook, learn, openBook } from "./changes.ts";
import { close } from "./closing.ts";
import { atArrival, atOf, connectionOf, isFarAhead, stamp } from "./connection.ts";
import type { Desk, DeskOutput } from "./desk.ts";
import { lose } from "./doubts.ts";
import { wasHeard } from "./heard.ts";
import { learnMarket } from "./learnMarket.ts";
import { auditWith, joinRestBook, provesItself, STREAM_BEHIND } from "./resync.ts";
import {
  type At,
  type FullBook,
  heal,
  isKept,
  isOpen,
  nextEpoch,
  setHealth,
  suspect,
  type TokenBook,
} from "./tokenBook.ts";

/** Frames are seconds late at worst (a PONG took 11 s, reference §6.1); what is missing for longer does not come. */
const AUDIT_LATE_MS = 15_000;

/**
 * A book from REST. `seed`: for a token that needs one. `audit`: a look at a healthy book from time to time. `refresh`:
 * somebody doubts the book and wants to know whether it is still so.
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
  const connection = connectionOf(desk, book.connection);
  const at = atArrival(connection, full.tsEventMs, tsInitMs);
  const provesIt = provesItself(book, full);
  if (provesIt === true && book.market === null) learn(book, { ...full, lastTradePrice: null });
  // Spoiled on its way, or from a time that is none: it says nothing.
  const isSpoiled = provesIt === false || isFarAhead(connection, full.tsEventMs, tsInitMs);
  if (!isKept(book)) return isSpoiled ? askStream(book) : joinRestBook(book, full, nextEpoch(desk, book), at);
  if (why === "seed" && book.health === "healthy") return [];
  const audit = isSpoiled ? "restIsOlder" : auditWith(book, full, tsInitMs, why === "audit" ? AUDIT_LATE_MS : 0);
  switch (audit) {
    case "equal":
      return confirmed(book, full, why, { ...at, tsInitMs: provedMs });
    case "wrong": {
      // The stream has named this hash: REST's book has it, ours has not.
      const lost =
        provesIt === true ? lose(desk, book, "levels differ from REST", at) : suspect(book, at, "REST differs");
      return provesIt === true ? [...lost, ...joinRestBook(book, full, nextEpoch(desk, book), at)] : lost;
    }
    case "streamIsLate":
      book.restAhead ??= { tsEventMs: full.tsEventMs, hash: full.hash };
      book.isMissing = true;
      if (why === "audit") return [...lose(desk, book, STREAM_BEHIND, at), ...askStream(book)];
      // The hash of what the stream told before says nothing of it.
      book.burst = null;
      return [...suspect(book, at, STREAM_BEHIND), ...askStream(book)];
    case "restIsOlder":
      if (!isSpoiled && full.tsEventMs > book.last.tsEventMs && !wasHeard(book, full)) {
        book.restAhead ??= { tsEventMs: full.tsEventMs, hash: full.hash };
      }
      return why !== "audit" && book.health === "suspect" ? askStream(book) : [];
  }
}

function askStream(book: TokenBook): DeskOutput[] {
  book.asksStream = true;
  return [];
}

/** REST says the same. Whoever asked is told so by an update of its own, on a quiet connection the only proof of life. */
function confirmed(book: TokenBook, full: FullBook, why: "seed" | "audit" | "refresh", at: At): DeskOutput[] {
  learn(book, full);
  // What is missing may be newer than what REST has, however old that is: only the stream can tell.
  if (book.unreadMs !== null || book.isMissing) return askStream(book);
  const healed = book.burst === null ? heal(book, "equal to REST", at) : [];
  if (healed.length > 0 || why === "audit" || book.health !== "healthy") return healed;
  return [setHealth(book, "healthy", "equal to REST", at)];
}
/** A book by polling (mode rest): the levels that differ are the changes since the poll before. */
export function onPolledBook(desk: Desk, tokenId: TokenId, full: FullBook, tsInitMs: number): DeskOutput[] {
  const book = desk.books.get(tokenId);
  if (book === undefined) return [];
  learnMarket(desk, book);
  const connection = connectionOf(desk, book.connection);
  if (isFarAhead(connection, full.tsEventMs, tsInitMs))
    return suspect(book, atOf(connection, 0, tsInitMs), "time far from its receipt");
  const at = stamp(connection, full.tsEventMs, tsInitMs);
  return book.health === "healthy" && isOpen(book)
    ? applyFullBook(book, full, at)
    : openBook(book, full, nextEpoch(desk, book)(), at);
}

/**
 * REST has no book for the token: settled or unknown, unless the stream says otherwise. A book in doubt is lost by it, and
 * only one of which the stream is silent too is over.
 */
export function onNoRestBook(desk: Desk, tokenId: TokenId, tsInitMs: number): DeskOutput[] {
  const book = desk.books.get(tokenId);
  if (book === undefined || book.health === "healthy") return [];
  if (book.health === "suspect") {
    const at = atOf(connectionOf(desk, book.connection), 0, tsInitMs);
    return [
      ...lose(desk, book, "no book at REST", at, connectionOf(desk, book.connection).watermarkMs),
      ...askStream(book),
    ];
  }
  return (book.joining?.entries.length ?? 0) > 0
    ? askStream(book)
    : close(desk, tokenId, "no order book at the venue", tsInitMs);
}
