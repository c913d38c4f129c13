/** Decisions that wait for a token's first book, its definition or a refreshed quote. */
import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import type { Clock, Timer } from "@slipstream/actor/clock";
import { quoteTier } from "@slipstream/book/quoteAge";
import type { QuoteTier } from "@slipstream/contracts/book";
import type { AwaitBook, DecideFill } from "../core/messages.ts";
import type { ExecutorView } from "../core/view.ts";
import type { Books } from "./books.ts";

export type FirstTouch = {
  /** Resolves when the token can be traded, at the latest at the request's end. */
  wait(request: AwaitBook): Promise<DecideFill>;
  /** Lets all of them go at once. */
  stop(): void;
};

/** World time between two looks; also the least a decision waits, so that it is not asked in a loop. */
const LOOK_MS = 10;
const RESOLVE_TIMEOUT_MS = 2_000;

const tierOf = ({ limits }: ExecutorView, ageMs: number): QuoteTier => quoteTier(ageMs, limits.quoteAges);

export function createFirstTouch(options: {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly books: Books;
  readonly view: () => ExecutorView;
}): FirstTouch {
  const { bus, clock, books, view } = options;
  /** How each waiting decision is let go. */
  const waiting = new Set<() => void>();
  const isReady = ({ tokenId, secondSource }: AwaitBook): boolean => {
    const now = view();
    const quote = now.quote(tokenId);
    const isFresh = (ageMs: number): boolean => tierOf(now, ageMs) === "FRESH";
    if (now.market(tokenId) === null || quote?.health !== "healthy" || !isFresh(quote.ageMs)) return false;
    return !secondSource || (quote.second !== null && isFresh(quote.second.ageMs));
  };
  const wake = (request: AwaitBook): void => {
    const { tokenId, secondSource } = request;
    books.touch(tokenId);
    const now = view();
    // The paper engine reads a market by both its tokens.
    for (const token of now.market(tokenId)?.tokens ?? []) books.touch(token.tokenId);
    // The definition comes back on the stream of markets.
    if (now.market(tokenId) === null) void ask(bus, "registry", "resolve", { tokenId }, RESOLVE_TIMEOUT_MS);
    if (secondSource || tierOf(now, now.quote(tokenId)?.ageMs ?? 0) !== "FRESH") books.refresh(tokenId);
  };
  return {
    wait: (request) => {
      const { account, leaderFillId, sinceMs, untilMs } = request;
      wake(request);
      return new Promise((resolve) => {
        let timer: Timer | null = null;
        const letGo = (): void => {
          timer?.cancel();
          waiting.delete(letGo);
          resolve({ type: "DecideFill", account, leaderFillId, sinceMs });
        };
        const look = (): void => {
          const nowMs = clock.nowMs();
          // Before it began: the clock was set back.
          if (isReady(request) || nowMs >= untilMs || nowMs < sinceMs) letGo();
          else timer = clock.after(LOOK_MS, look);
        };
        waiting.add(letGo);
        timer = clock.after(LOOK_MS, look);
      });
    },
    stop: () => {
      for (const letGo of [...waiting]) letGo();
    },
  };
}
