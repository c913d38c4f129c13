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
/** Tokens take turns within that time: all of them at once would hold the loop. */
const TURNS = 10;
/** Ids are long random decimals: their ends are spread evenly. */
const turnOf = (tokenId: TokenId): number => Number(tokenId.slice(-3)) % TURNS;

/** @param every - calls back each so many milliseconds until the returned function is called. */
export function createLastBooks(options: {
  readonly every: (ms: number, call: () => void) => { cancel(): void };
  readonly snap: (tokenId: TokenId) => BookSnapshot | null;
  readonly publish: (snapshot: BookSnapshot) => void;
}): LastBooks {
  const turns = Array.from({ length: TURNS }, () => new Set<TokenId>());
  let turn = 0;
  const timer = options.every(EVERY_MS / TURNS, () => {
    turn = (turn + 1) % TURNS;
    const changed = turns[turn] ?? new Set();
    for (const tokenId of changed) {
      const snapshot = options.snap(tokenId);
      if (snapshot !== null) options.publish(snapshot);
    }
    changed.clear();
  });
  return {
    touch: (tokenId) => {
      turns[turnOf(tokenId)]?.add(tokenId);
    },
    stop: () => timer.cancel(),
  };
}
