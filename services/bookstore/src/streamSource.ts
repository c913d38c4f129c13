/**
 * Modes ws and ws+snapshot: the market channel, and REST as a witness: after a loss, for books in doubt, and to look at healthy
 * books from time to time. Where REST cannot settle what a book is, and always in mode ws, its token is subscribed again.
 */
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { FrameRefusal, MarketResolvedEvent, ParsedFrame } from "@slipstream/polymarket/marketChannel";
import { createFrameCosts } from "./adapters/frameCosts.ts";
import { createMarketFeed, type MarketFeed } from "./adapters/marketFeed.ts";
import { createRestBooks, type RestBooks } from "./adapters/restBooks.ts";
import { endedTokens, marketIdOf } from "./core/closing.ts";
import { type Desk, onAskedAgain, onDisconnected, onEvents, onPong, track, untrack } from "./core/desk.ts";
import { onNoRestBook, onRestBook } from "./core/deskRest.ts";
import { onRefused } from "./core/refusals.ts";
import { createOncePerKind } from "./oncePerKind.ts";
import { createSettledTokens, type SettledTokens } from "./settledTokens.ts";
import { REST_LAG_MS, type Source, type SourceOptions } from "./source.ts";
import { createLook, type Parts } from "./streamLook.ts";

/** "all subscribed assets resolved" (reference §6.1). */
const NORMAL_CLOSE = 1000;

export function createStreamSource(options: SourceOptions): Source {
  const { desk, clock, settings } = options;
  const costs = createFrameCosts();
  const settled = createSettledTokens();
  let wanted: readonly TokenId[] = [];
  let fence = desk.fence;
  let restFailure: string | null = null;
  const rest = openRest(options, settled, (failure) => {
    restFailure = failure;
  });
  const feed = openFeed(options, {
    ...{ measure: costs.measure, fence: () => fence, settled },
    onAllSettled: () => readWanted(),
  });
  const parts: Parts = { options, settled, feed, rest, restFailure: () => restFailure };
  const look = createLook(parts);
  const readWanted = (): void => {
    const nowMs = clock.nowMs();
    feed.want(wanted.filter((tokenId) => !settled.has(tokenId, nowMs)));
  };

  return {
    want: (tokens, newFence) => {
      wanted = tokens;
      fence = newFence;
      const set = new Set(tokens);
      for (const tokenId of [...desk.books.keys()]) if (!set.has(tokenId)) untrack(desk, tokenId);
      settled.keep(set);
      readWanted();
      look();
    },
    look: () => {
      readWanted();
      look();
    },
    refresh: async (tokenId) => {
      settled.retry(tokenId);
      readWanted();
      if (settings.BOOKSTORE_MODE === "ws+snapshot") return rest.read(tokenId);
      feed.again(tokenId);
      return "failed";
    },
    lagMs: () => {
      const ages = feed.links().map(({ aliveMs }) => Math.max(0, Math.floor(clock.nowMs() - aliveMs)));
      return ages.length === 0 ? null : Math.max(...ages);
    },
    problems: () => problemsOf(parts),
    gauges: () => {
      const { frames, empty, refused, broken, ignored } = feed.counts();
      const { farStamps } = desk;
      const connections = feed.links().length;
      const ignoredFrames = [...ignored.values()].reduce((sum, count) => sum + count, 0);
      const settledTokens = settled.count(clock.nowMs());
      const fates = { frames, empty, refused, broken, ignored: ignoredFrames, farStamps };
      return { connections, ...fates, settledTokens, ...costs.gauges() };
    },
    stop: () => {
      feed.stop();
      rest.stop();
      costs.stop();
    },
  };
}

function problemsOf({ feed, restFailure }: Parts): string[] {
  const down = feed.links().filter(({ openSinceMs }) => openSinceMs === null);
  const failure = restFailure();
  return [
    ...down.map(({ name, tokens }) => `market channel ${name} with ${tokens} tokens is not connected`),
    ...(failure === null ? [] : [`books cannot be read from REST: ${failure}`]),
  ];
}

function openRest(
  { desk, clock, logger, publish, rest }: SourceOptions,
  settled: SettledTokens,
  onOutcome: (failure: string | null) => void,
): RestBooks {
  return createRestBooks({
    rest,
    nowMs: clock.nowMs,
    onBook: (tokenId, book, why, askedMs) => {
      onOutcome(null);
      settled.back(tokenId);
      publish(onRestBook(desk, tokenId, book, clock.nowMs(), why, askedMs - REST_LAG_MS));
    },
    onMissing: (tokenId) => {
      onOutcome(null);
      publish(onNoRestBook(desk, tokenId, clock.nowMs()));
      if (desk.books.get(tokenId)?.health === "dead") settled.put(tokenId, clock.nowMs());
    },
    onFailure: (error) => {
      onOutcome(String(error));
      logger.warn({ err: error }, "books could not be read from REST");
    },
    onUnreadable: (books) => {
      const [first] = books;
      onOutcome(`${books.length} books of REST cannot be read: ${first?.tokenId ?? "no token"}: ${first?.text}`);
      logger.warn({ books: books.slice(0, 10), count: books.length }, "some books of REST cannot be read");
    },
  });
}

function openFeed(
  { desk, process, clock, logger, settings, clockStands, publish, onResolved }: SourceOptions,
  {
    measure,
    fence,
    settled,
    onAllSettled,
  }: {
    readonly measure: (run: () => void) => void;
    readonly fence: () => number;
    readonly settled: SettledTokens;
    /** All markets of a connection have ended: it is not to be opened again. */
    readonly onAllSettled: () => void;
  },
): MarketFeed {
  const tell = createOncePerKind(logger);
  const refuse = (connection: string, refusal: FrameRefusal, recvMs: number): void => {
    const { code, detail, concerns } = refusal;
    // The field is part of the kind, what stood in it is not.
    const kind = code === "FIELD_INVALID" ? `${code} ${detail.split(":")[0]}` : code;
    tell(`${kind}, ${concerns}`, { detail, connection }, "message of the market channel cannot be read");
    publish(onRefused(desk, connection, refusal, recvMs));
  };
  let { farStamps } = desk;
  const onFrame = (connection: string, { events, refused }: ParsedFrame, recvMs: number): void => {
    clockStands();
    publish(onEvents(desk, connection, events, recvMs));
    hearTime(desk, connection, clock, recvMs);
    for (const refusal of refused) refuse(connection, refusal, recvMs);
    if (desk.farStamps > farStamps) tell("far stamps", { connection }, "message with a time far from its receipt");
    farStamps = desk.farStamps;
    for (const event of events) {
      if (event.kind !== "marketResolved") continue;
      for (const tokenId of endedTokens(desk, event)) settled.put(tokenId, recvMs);
      for (const conditionId of endedMarkets(desk, event)) onResolved(conditionId);
    }
  };
  return createMarketFeed({
    url: settings.CLOB_MARKET_WS_URL,
    clock,
    random: Math.random,
    tokensPerConnection: settings.TOKENS_PER_CONNECTION,
    silenceMsMax: settings.BOOKS_SILENCE_MS,
    name: process,
    siblingOf: (tokenId) => desk.market(tokenId)?.tokens.find((token) => token.tokenId !== tokenId)?.tokenId ?? null,
    measure,
    handlers: {
      onTracked: (tokenId, connection) => track(desk, tokenId, connection, fence()),
      onAgain: (tokenId) => publish(onAskedAgain(desk, tokenId, clock.nowMs())),
      onFrame,
      onPong: (connection, pingSentMs, recvMs) => {
        // When ping and pong were timed by a clock that moved in between, the next pair will do.
        if (clockStands() && recvMs >= pingSentMs) publish(onPong(desk, connection, pingSentMs, recvMs));
      },
      onDown: (connection, reason, code) => {
        logger.warn({ connection, reason }, "market channel lost");
        const nowMs = clock.nowMs();
        publish(onDisconnected(desk, connection, nowMs));
        if (code !== NORMAL_CLOSE || !reason.includes("resolved")) return;
        for (const { tokenId, connection: own } of [...desk.books.values()]) {
          if (own !== connection) continue;
          publish(onNoRestBook(desk, tokenId, nowMs));
          settled.put(tokenId, nowMs);
        }
        onAllSettled();
      },
    },
  });
}

/** Whatever the venue stamps of our books is over when it comes here. One that our own clock rules out says nothing of it. */
function hearTime(desk: Desk, name: string, clock: SourceOptions["clock"], recvMs: number): void {
  const { lastEventMs = 0 } = desk.connections.get(name) ?? {};
  const quality = clock.quality();
  if (lastEventMs === 0 || (quality !== null && lastEventMs > recvMs + quality.uncertaintyMs)) return;
  clock.heard("market channel", lastEventMs);
}

/** Markets of tokens that are read here: registry is told of no other on the word of a message about ours. */
function endedMarkets(desk: Desk, event: MarketResolvedEvent): Set<ConditionId> {
  const ended = endedTokens(desk, event).flatMap((tokenId) => {
    const book = desk.books.get(tokenId);
    return (book === undefined ? null : marketIdOf(desk, book)) ?? [];
  });
  return new Set(ended);
}
