/**
 * Modes ws and ws+snapshot: the market channel, and REST for first books, after a loss, and to look at healthy books
 * from time to time. In mode ws a lost book is asked for by subscribing its token again.
 */
import { performance } from "node:perf_hooks";
import type { TokenId } from "@slipstream/contracts/ids";
import { createMarketFeed } from "./adapters/marketFeed.ts";
import { createRestBooks } from "./adapters/restBooks.ts";
import {
  onDisconnected,
  onEvents,
  onNoRestBook,
  onPong,
  onRestBook,
  onUnreadable,
  track,
  untrack,
} from "./core/desk.ts";
import { tokensWithoutBook } from "./core/deskAnswers.ts";
import type { Source, SourceOptions } from "./source.ts";

/** Opening books come within 0.52 s of a subscription (reference §6.1): only later ones are missed. */
const OPENING_WAIT_MS = 700;
const ASK_AGAIN_MS = 500;
const ASK_AGAIN_MS_MAX = 30_000;
/** A token without a book at the venue is looked at again after this. */
const MISSING_AGAIN_MS = 30_000;
const AUDIT_LOOK_MS = 1_000;

type Asking = { tries: number; nextMs: number };

export function createStreamSource(options: SourceOptions): Source {
  const { desk, clock, logger, settings, publish } = options;
  const withRest = settings.BOOKSTORE_MODE === "ws+snapshot";
  const asking = new Map<TokenId, Asking>();
  let auditAt = 0;
  let lastAuditMs = performance.now();
  let restFailure: string | null = null;

  const rest = createRestBooks({
    rest: options.rest,
    onBook: (tokenId, book, why) => {
      restFailure = null;
      publish(onRestBook(desk, tokenId, book, clock.nowMs(), why));
    },
    onMissing: (tokenId) => {
      restFailure = null;
      asking.set(tokenId, { tries: 0, nextMs: clock.nowMs() + MISSING_AGAIN_MS });
      publish(onNoRestBook(desk, tokenId, clock.nowMs()));
    },
    onFailure: (error) => {
      restFailure = String(error);
      logger.warn({ err: error }, "books could not be read from REST");
    },
  });
  const feed = createMarketFeed({
    url: settings.CLOB_MARKET_WS_URL,
    clock,
    random: Math.random,
    tokensPerConnection: settings.TOKENS_PER_CONNECTION,
    name: String(desk.fence),
    siblingOf: (tokenId) => desk.market(tokenId)?.tokens.find((token) => token.tokenId !== tokenId)?.tokenId ?? null,
    handlers: {
      onTracked: (tokenId, connection) => track(desk, tokenId, connection),
      onFrame: (connection, frame, recvMs) => {
        publish(onEvents(desk, connection, frame.events, recvMs));
        for (const { code, detail, tokenIds } of frame.refused) {
          logger.error({ code, detail, connection }, "message of the market channel cannot be read");
          publish(onUnreadable(desk, connection, tokenIds, recvMs));
        }
      },
      onPong: (connection, pingSentMs, recvMs) => publish(onPong(desk, connection, pingSentMs, recvMs)),
      onDown: (connection, reason) => {
        logger.warn({ connection, reason }, "market channel lost");
        publish(onDisconnected(desk, connection, clock.nowMs()));
      },
    },
  });

  /** True when the stream will not bring the book by itself: it is open and silent about it, or was never open yet. */
  const isDue = (tokenId: TokenId, nowMs: number): boolean => {
    const book = desk.books.get(tokenId);
    const link = feed.linkOf(tokenId);
    if (book === undefined || link === null || (asking.get(tokenId)?.nextMs ?? 0) > nowMs) return false;
    const isFirst = book.history.book === null && book.health === "dead";
    if (isFirst && withRest) return true;
    if (link.openSinceMs === null) return false;
    const awaitsOpening = desk.connections.get(link.name)?.opening.has(tokenId) === true;
    return !awaitsOpening || nowMs - link.openSinceMs >= OPENING_WAIT_MS;
  };

  const look = (): void => {
    const nowMs = clock.nowMs();
    const missing = tokensWithoutBook(desk);
    const still = new Set(missing);
    for (const tokenId of asking.keys()) if (!still.has(tokenId)) asking.delete(tokenId);
    const due = missing.filter((tokenId) => isDue(tokenId, nowMs));
    for (const tokenId of due) {
      const tries = (asking.get(tokenId)?.tries ?? 0) + 1;
      const waitMs = Math.min(ASK_AGAIN_MS_MAX, ASK_AGAIN_MS * 2 ** Math.min(tries - 1, 10));
      asking.set(tokenId, { tries, nextMs: nowMs + (withRest ? waitMs : Math.max(waitMs, 2_000)) });
      if (!withRest) feed.again(tokenId);
    }
    if (withRest) rest.ask(due, "seed");
    if (withRest) audit();
  };

  /** Takes the tokens in turn, so that each is compared once in the audit's time. */
  const audit = (): void => {
    const elapsedMs = performance.now() - lastAuditMs;
    if (elapsedMs < AUDIT_LOOK_MS) return;
    lastAuditMs = performance.now();
    const tokens = [...desk.books.keys()];
    const count = Math.min(
      tokens.length,
      Math.ceil((tokens.length * elapsedMs) / (settings.BOOKS_AUDIT_SECONDS * 1_000)),
    );
    const part = Array.from({ length: count }, (_, n) => tokens[(auditAt + n) % tokens.length]);
    auditAt = tokens.length === 0 ? 0 : (auditAt + count) % tokens.length;
    rest.ask(
      part.filter((tokenId) => tokenId !== undefined && desk.books.get(tokenId)?.health === "healthy") as TokenId[],
      "audit",
    );
  };

  return {
    want: (tokens) => {
      const wanted = new Set(tokens);
      for (const tokenId of [...desk.books.keys()]) if (!wanted.has(tokenId)) untrack(desk, tokenId);
      feed.want(tokens);
      look();
    },
    look,
    refresh: (tokenId) => rest.read(tokenId),
    lagMs: () => {
      const ages = feed.links().map(({ aliveMs }) => Math.max(0, Math.floor(clock.nowMs() - aliveMs)));
      return ages.length === 0 ? null : Math.max(...ages);
    },
    problems: () => {
      const down = feed.links().filter(({ openSinceMs }) => openSinceMs === null);
      return [
        ...down.map(({ name, tokens }) => `market channel ${name} with ${tokens} tokens is not connected`),
        ...(restFailure === null ? [] : [`books cannot be read from REST: ${restFailure}`]),
      ];
    },
    stop: () => {
      feed.stop();
      rest.stop();
    },
  };
}
