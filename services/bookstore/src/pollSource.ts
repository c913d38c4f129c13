/** Mode rest: all wanted books are read again and again; what differs is what changed. */
import type { TokenId } from "@slipstream/contracts/ids";
import type { ReadOutcome } from "./adapters/restBooks.ts";
import { connectionOf } from "./core/connection.ts";
import { onPong, track, untrack } from "./core/desk.ts";
import { onNoRestBook, onPolledBook } from "./core/deskRest.ts";
import { REST_LAG_MS, type Source, type SourceOptions } from "./source.ts";

export function createPollSource(options: SourceOptions): Source {
  const { desk, process, clock, logger, settings, rest, clockStands, publish } = options;
  const name = `${process}-rest`;
  let tokens: readonly TokenId[] = [];
  let isReading = false;
  let stopped = false;
  let lastReadMs = clock.nowMs();
  let failure: string | null = null;

  const read = async (wanted: readonly TokenId[]): Promise<ReadOutcome> => {
    const askedMs = clock.nowMs();
    try {
      const { books, missing, unreadable } = await rest.books(wanted);
      if (stopped) return "failed";
      const nowMs = clock.nowMs();
      for (const [tokenId, book] of books) publish(onPolledBook(desk, tokenId, book, nowMs));
      for (const tokenId of missing) publish(onNoRestBook(desk, tokenId, nowMs));
      if (clockStands() && nowMs >= askedMs) publish(onPong(desk, name, askedMs - REST_LAG_MS, nowMs));
      lastReadMs = nowMs;
      const [first] = unreadable;
      failure =
        first === undefined
          ? null
          : `${unreadable.length} books of REST cannot be read: ${first.tokenId ?? "no token"}: ${first.text}`;
      if (books.size > 0) return "read";
      return unreadable.length > 0 ? "failed" : "missing";
    } catch (error) {
      failure = String(error);
      logger.warn({ err: error }, "books could not be polled");
      return "failed";
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
    want: (wanted, fence) => {
      const set = new Set(wanted);
      for (const tokenId of [...desk.books.keys()]) if (!set.has(tokenId)) untrack(desk, tokenId);
      const fresh = wanted.filter((tokenId) => !desk.books.has(tokenId));
      for (const tokenId of fresh) track(desk, tokenId, name, fence);
      connectionOf(desk, name);
      if (tokens.length === 0) lastReadMs = clock.nowMs();
      tokens = wanted;
      if (fresh.length > 0) void read(fresh);
    },
    look: () => undefined,
    refresh: (tokenId) => read([tokenId]),
    lagMs: () => (tokens.length === 0 ? null : Math.max(0, Math.floor(clock.nowMs() - lastReadMs))),
    gauges: () => ({}),
    problems: () => (failure === null ? [] : [`books cannot be polled: ${failure}`]),
    stop: () => {
      stopped = true;
      polls.cancel();
    },
  };
}
