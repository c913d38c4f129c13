/**
 * Books from REST, in batches. What is asked for in one turn of the loop goes out together; a token in flight is not
 * asked for twice. A request that failed is reported and forgotten: whoever still needs the book asks again.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import type { ClobRest, RestBook } from "@slipstream/polymarket/clobRest";

export type Why = "seed" | "audit" | "refresh";

export type RestBooks = {
  ask(tokenIds: readonly TokenId[], why: Why): void;
  /** Reads one now; resolves after `onBook` or `onMissing` was called, also when the request failed. */
  read(tokenId: TokenId): Promise<void>;
  stop(): void;
};

export type RestBooksOptions = {
  readonly rest: ClobRest;
  readonly onBook: (tokenId: TokenId, book: RestBook, why: Why) => void;
  /** The venue has no book for it. */
  readonly onMissing: (tokenId: TokenId) => void;
  readonly onFailure: (error: unknown) => void;
};

export function createRestBooks({ rest, onBook, onMissing, onFailure }: RestBooksOptions): RestBooks {
  const waiting = new Map<TokenId, Why>();
  const inFlight = new Set<TokenId>();
  let flush: NodeJS.Immediate | null = null;
  let stopped = false;

  const send = async (wanted: ReadonlyMap<TokenId, Why>): Promise<void> => {
    for (const tokenId of wanted.keys()) inFlight.add(tokenId);
    try {
      const { books, missing } = await rest.books([...wanted.keys()]);
      if (stopped) return;
      for (const [tokenId, book] of books) onBook(tokenId, book, wanted.get(tokenId) ?? "seed");
      for (const tokenId of missing) onMissing(tokenId);
    } catch (error) {
      if (!stopped) onFailure(error);
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
