/** Mode rest: all wanted books are read again and again; what differs is what changed. */
import type { TokenId } from "@slipstream/contracts/ids";
import { connectionOf, onNoRestBook, onPolledBook, onPong, track, untrack } from "./core/desk.ts";
import type { Source, SourceOptions } from "./source.ts";

/** REST lags the venue by up to this (reference §6.4): a poll proves no later moment. */
const REST_LAG_MS = 1_100;

export function createPollSource({ desk, clock, logger, settings, rest, publish }: SourceOptions): Source {
  const name = `${desk.fence}-rest`;
  let tokens: readonly TokenId[] = [];
  let isReading = false;
  let stopped = false;
  let lastReadMs = clock.nowMs();
  let failure: string | null = null;

  const read = async (wanted: readonly TokenId[]): Promise<void> => {
    const askedMs = clock.nowMs();
    try {
      const { books, missing } = await rest.books(wanted);
      if (stopped) return;
      const nowMs = clock.nowMs();
      for (const [tokenId, book] of books) publish(onPolledBook(desk, tokenId, book, nowMs));
      for (const tokenId of missing) publish(onNoRestBook(desk, tokenId, nowMs));
      publish(onPong(desk, name, askedMs - REST_LAG_MS, nowMs));
      lastReadMs = nowMs;
      failure = null;
    } catch (error) {
      failure = String(error);
      logger.warn({ err: error }, "books could not be polled");
    }
  };
  const polls = clock.every(settings.BOOKS_POLL_MS, () => {
    if (isReading || tokens.length === 0) return;
    isReading = true;
    void read(tokens).finally(() => {
      isReading = false;
    });
  });

  return {
    want: (wanted) => {
      const set = new Set(wanted);
      for (const tokenId of [...desk.books.keys()]) if (!set.has(tokenId)) untrack(desk, tokenId);
      const fresh = wanted.filter((tokenId) => !desk.books.has(tokenId));
      for (const tokenId of fresh) track(desk, tokenId, name);
      connectionOf(desk, name);
      if (tokens.length === 0) lastReadMs = clock.nowMs();
      tokens = wanted;
      if (fresh.length > 0) void read(fresh);
    },
    look: () => undefined,
    refresh: (tokenId) => read([tokenId]),
    lagMs: () => (tokens.length === 0 ? null : Math.max(0, Math.floor(clock.nowMs() - lastReadMs))),
    problems: () => (failure === null ? [] : [`books cannot be polled: ${failure}`]),
    stop: () => {
      stopped = true;
      polls.cancel();
    },
  };
}
