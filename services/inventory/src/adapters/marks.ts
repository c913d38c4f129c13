/** Prices of what accounts hold, from the bookstore's last books, for the valuation. Nothing is decided by them. */
import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import type { Clock } from "@slipstream/actor/clock";
import { listen } from "@slipstream/actor/listen";
import { BookSnapshot } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { Mark } from "@slipstream/contracts/live";
import { priceMicro } from "@slipstream/contracts/money";
import { subjects } from "@slipstream/contracts/subjects";
import { markOf } from "../core/valuation.ts";

export type Marks = {
  /** The tokens to price from now on; the others are dropped. */
  want(tokenIds: ReadonlySet<TokenId>): void;
  /** null: never priced. A mark stays, and grows old, while nobody bids or the book is not healthy. */
  of(tokenId: TokenId): Mark | null;
  stop(): void;
};

/** The bookstore drops a token some time after the last request, and does not publish a book in which nothing moves. */
const ASK_EVERY_MS = 5_000;
const ASK_TIMEOUT_MS = 1_000;
/** Tokens per request, as the bookstore takes them. */
const TRACK_MAX = 500;

type Priced = { mark: Mark | null; readonly stop: () => void };

export function startMarks(bus: Bus, clock: Clock): Marks {
  const priced = new Map<TokenId, Priced>();

  const take = (tokenId: TokenId, snapshot: BookSnapshot): void => {
    const entry = priced.get(tokenId);
    if (entry === undefined || snapshot.tokenId !== tokenId || snapshot.health !== "healthy") return;
    const [bid, offer] = [snapshot.bids[0], snapshot.asks[0]];
    const mark = markOf({
      bestBidMicro: bid === undefined ? null : priceMicro(bid),
      bestAskMicro: offer === undefined ? null : priceMicro(offer),
      tsMs: snapshot.tsInitMs,
    });
    if (mark !== null && mark.tsMs >= (entry.mark?.tsMs ?? 0)) entry.mark = mark;
  };
  const follow = (tokenId: TokenId): void => {
    const stop = listen(bus, subjects.bookLast(tokenId), BookSnapshot, (snapshot) => take(tokenId, snapshot));
    priced.set(tokenId, { mark: null, stop });
  };
  const drop = (tokenId: TokenId): void => {
    priced.get(tokenId)?.stop();
    priced.delete(tokenId);
  };
  const refresh = (tokenIds: readonly TokenId[]): void => {
    if (!bus.connected()) return;
    for (let at = 0; at < tokenIds.length; at += TRACK_MAX) {
      void ask(bus, "bookstore", "track", { tokenIds: tokenIds.slice(at, at + TRACK_MAX) }, ASK_TIMEOUT_MS);
    }
    for (const tokenId of tokenIds) {
      void ask(bus, "bookstore", "snap", { tokenId }, ASK_TIMEOUT_MS).then((answer) => {
        if (answer.ok) take(tokenId, answer.value);
      });
    }
  };
  const timer = clock.every(ASK_EVERY_MS, () => refresh([...priced.keys()]));
  return {
    want: (tokenIds) => {
      for (const tokenId of [...priced.keys()]) if (!tokenIds.has(tokenId)) drop(tokenId);
      const added = [...tokenIds].filter((tokenId) => !priced.has(tokenId));
      for (const tokenId of added) follow(tokenId);
      refresh(added);
    },
    of: (tokenId) => priced.get(tokenId)?.mark ?? null,
    stop: () => {
      timer.cancel();
      for (const tokenId of [...priced.keys()]) drop(tokenId);
    },
  };
}
