/**
 * The last full book of each token on the stream BOOKS, for programs outside the trading path: at most one per token and
 * 100 ms. Losing one costs nothing, the next change brings a newer one.
 */
import type { BookSnapshot } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";

export type LastBooks = {
  /** The token's book has changed. */
  touch(tokenId: TokenId): void;
  stop(): void;
};

const EVERY_MS = 100;

/** @param every - calls back each so many milliseconds until the returned function is called. */
export function createLastBooks(options: {
  readonly every: (ms: number, call: () => void) => { cancel(): void };
  readonly snap: (tokenId: TokenId) => BookSnapshot | null;
  readonly publish: (snapshot: BookSnapshot) => void;
}): LastBooks {
  const changed = new Set<TokenId>();
  const timer = options.every(EVERY_MS, () => {
    for (const tokenId of changed) {
      const snapshot = options.snap(tokenId);
      if (snapshot !== null) options.publish(snapshot);
    }
    changed.clear();
  });
  return {
    touch: (tokenId) => {
      changed.add(tokenId);
    },
    stop: () => timer.cancel(),
  };
}
