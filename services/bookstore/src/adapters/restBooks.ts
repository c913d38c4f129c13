/**
 * Books from REST, in batches. What is asked for in one turn of the loop goes out together; a token in flight is not
 * asked for twice. A request that failed is reported and forgotten: whoever still needs the book asks again.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import type { ClobRest, RestBook, UnreadableBook } from "@slipstream/polymarket/clobRest";

export type Why = "seed" | "audit" | "refresh";

export type ReadOutcome = "read" | "missing" | "failed";

export type RestBooks = {
  ask(tokenIds: readonly TokenId[], why: Why): void;
  /** Reads one now; resolves after `onBook`, `onMissing` or `onFailure` was called. */
  read(tokenId: TokenId): Promise<ReadOutcome>;
  stop(): void;
};

export type RestBooksOptions = {
  readonly rest: ClobRest;
  readonly nowMs: () => number;
  /** `askedMs`: when the request left. */
  readonly onBook: (tokenId: TokenId, book: RestBook, why: Why, askedMs: number) => void;
  /** The venue has no book for it. */
  readonly onMissing: (tokenId: TokenId) => void;
  readonly onFailure: (error: unknown) => void;
  /** Single books of an answer that cannot be read; the others were told. Whoever needs them asks again. */
  readonly onUnreadable: (books: readonly UnreadableBook[]) => void;
};

export function createRestBooks(options: RestBooksOptions): RestBooks {
  const { rest, nowMs, onBook, onMissing, onFailure, onUnreadable } = options;
  const waiting = new Map<TokenId, Why>();
  const inFlight = new Set<TokenId>();
  let flush: NodeJS.Immediate | null = null;
  let stopped = false;

  const send = async (wanted: ReadonlyMap<TokenId, Why>): Promise<ReadOutcome> => {
    for (const tokenId of wanted.keys()) inFlight.add(tokenId);
    const askedMs = nowMs();
    try {
      const { books, missing, unreadable } = await rest.books([...wanted.keys()]);
      if (stopped) return "failed";
      for (const [tokenId, book] of books) onBook(tokenId, book, wanted.get(tokenId) ?? "seed", askedMs);
      for (const tokenId of missing) onMissing(tokenId);
      if (unreadable.length > 0) onUnreadable(unreadable);
      if (books.size > 0) return "read";
      return unreadable.length > 0 ? "failed" : "missing";
    } catch (error) {
      if (!stopped) onFailure(error);
      return "failed";
    } finally {
      for (const tokenId of wanted.keys()) inFlight.delete(tokenId);
    }
  };

  return {
    ask: (tokenIds, why) => {
      for (const tokenId of tokenIds) if (!inFlight.has(tokenId)) waiting.set(tokenId, why);
      if (waiting.size === 0 || flush !== null || stopped) return;
      flush = setImmediate(() => {
        flush = null;
        const batch = new Map(waiting);
        waiting.clear();
        void send(batch);
      });
    },
    read: (tokenId) => send(new Map([[tokenId, "refresh"]])),
    stop: () => {
      stopped = true;
      if (flush !== null) clearImmediate(flush);
      waiting.clear();
    },
  };
}
