/**
 * Modes ws and ws+snapshot: the market channel, and REST for first books, after a loss, for books in doubt, and to look at
 * healthy books from time to time. In mode ws a lost book is asked for by subscribing its token again.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import type { FrameRefusal, ParsedFrame } from "@slipstream/polymarket/marketChannel";
import { createFrameCosts } from "./adapters/frameCosts.ts";
import { createMarketFeed, type MarketFeed } from "./adapters/marketFeed.ts";
import { createRestBooks, type RestBooks } from "./adapters/restBooks.ts";
import { createAuditRound, takeTurns } from "./core/auditRound.ts";
import { onDisconnected, onEvents, onPong, onUnreadable, onUnreadableFrame, track, untrack } from "./core/desk.ts";
import { doubtedTokens, tokensWithoutBook } from "./core/deskAnswers.ts";
import { onNoRestBook, onRestBook } from "./core/deskRest.ts";
import { createOncePerKind } from "./oncePerKind.ts";
import { createSettledTokens, type SettledTokens } from "./settledTokens.ts";
import { REST_LAG_MS, type Source, type SourceOptions } from "./source.ts";

/** Opening books come within 0.52 s of a subscription (reference §6.1): only later ones are missed. */
const OPENING_WAIT_MS = 700;
const ASK_AGAIN_MS = 500;
const ASK_AGAIN_MS_MAX = 30_000;
/** Single failed proofs pass within 50 ms as a rule (reference §6.4); a doubt that lasts is settled by REST. */
const DOUBT_ASK_MS = 500;
const DOUBT_AGAIN_MS = 5_000;
const AUDIT_LOOK_MS = 1_000;
/** "all subscribed assets resolved" (reference §6.1). */
const NORMAL_CLOSE = 1000;

type Asking = { tries: number; nextMs: number };

/** What the parts of one source share. */
type Parts = {
  readonly options: SourceOptions;
  readonly settled: SettledTokens;
  readonly feed: MarketFeed;
  readonly rest: RestBooks;
  readonly restFailure: () => string | null;
};

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
      const connections = feed.links().length;
      const ignoredFrames = [...ignored.values()].reduce((sum, count) => sum + count, 0);
      const settledTokens = settled.count(clock.nowMs());
      return { connections, frames, empty, refused, broken, ignored: ignoredFrames, settledTokens, ...costs.gauges() };
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
  const refuse = (connection: string, { code, detail, tokenIds }: FrameRefusal, recvMs: number): void => {
    // The field is part of the kind, what stood in it is not.
    const kind = code === "FIELD_INVALID" ? `${code} ${detail.split(":")[0]}` : code;
    tell(kind, { detail, connection }, "message of the market channel cannot be read");
    if (tokenIds.length > 0) publish(onUnreadable(desk, connection, tokenIds, recvMs));
    else publish(onUnreadableFrame(desk, connection, recvMs));
  };
  const onFrame = (connection: string, { events, refused }: ParsedFrame, recvMs: number): void => {
    clockStands();
    // Whatever the venue stamps is over when it comes here.
    if (events.length > 0) clock.heard("market channel", Math.max(...events.map(({ tsEventMs }) => tsEventMs)));
    publish(onEvents(desk, connection, events, recvMs));
    for (const refusal of refused) refuse(connection, refusal, recvMs);
    for (const event of events) {
      if (event.kind !== "marketResolved") continue;
      for (const tokenId of event.tokenIds) settled.put(tokenId, recvMs);
      onResolved(event.conditionId);
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

/** Asks for what is missing, for what is doubted, and for what is due to be audited. */
function createLook({ options, settled, feed, rest }: Parts): () => void {
  const { desk, clock, settings } = options;
  const withRest = settings.BOOKSTORE_MODE === "ws+snapshot";
  const asking = new Map<TokenId, Asking>();
  const doubted = new Map<TokenId, number>();
  const round = createAuditRound();
  let lastAuditMs = clock.nowMs();

  /** True when the stream will not bring the book by itself: it is open and silent about it, or was never open yet. */
  const isDue = (tokenId: TokenId, nowMs: number): boolean => {
    const book = desk.books.get(tokenId);
    const link = feed.linkOf(tokenId);
    if (book === undefined || link === null || settled.has(tokenId, nowMs)) return false;
    if ((asking.get(tokenId)?.nextMs ?? 0) > nowMs) return false;
    const isFirst = book.history.book === null && book.health === "dead";
    if (isFirst && withRest) return true;
    if (link.openSinceMs === null) return false;
    const awaitsOpening = desk.connections.get(link.name)?.opening.has(tokenId) === true;
    return !awaitsOpening || nowMs - link.openSinceMs >= OPENING_WAIT_MS;
  };
  const askMissing = (nowMs: number): void => {
    const missing = tokensWithoutBook(desk);
    forgetOthers(asking, missing);
    const due = missing.filter((tokenId) => isDue(tokenId, nowMs));
    for (const tokenId of due) {
      const tries = (asking.get(tokenId)?.tries ?? 0) + 1;
      const waitMs = Math.min(ASK_AGAIN_MS_MAX, ASK_AGAIN_MS * 2 ** Math.min(tries - 1, 10));
      asking.set(tokenId, { tries, nextMs: nowMs + (withRest ? waitMs : Math.max(waitMs, 2_000)) });
      if (!withRest) feed.again(tokenId);
    }
    if (withRest) rest.ask(due, "seed");
  };
  const settleDoubts = (nowMs: number): void => {
    const tokens = doubtedTokens(desk);
    forgetOthers(doubted, tokens);
    for (const tokenId of tokens) if (!doubted.has(tokenId)) doubted.set(tokenId, nowMs + DOUBT_ASK_MS);
    const due = tokens.filter((tokenId) => (doubted.get(tokenId) ?? 0) <= nowMs);
    for (const tokenId of due) doubted.set(tokenId, nowMs + DOUBT_AGAIN_MS);
    rest.ask(due, "refresh");
  };
  const audit = (nowMs: number): void => {
    const elapsedMs = nowMs - lastAuditMs;
    if (elapsedMs < AUDIT_LOOK_MS) return;
    lastAuditMs = nowMs;
    const books = [...desk.books.values()];
    const healthy = new Set(books.filter(({ health }) => health === "healthy").map(({ tokenId }) => tokenId));
    rest.ask(takeTurns(round, healthy, elapsedMs, settings.BOOKS_AUDIT_SECONDS * 1_000), "audit");
  };
  return () => {
    const nowMs = clock.nowMs();
    askMissing(nowMs);
    if (!withRest) return;
    settleDoubts(nowMs);
    audit(nowMs);
  };
}

function forgetOthers(map: Map<TokenId, unknown>, tokens: readonly TokenId[]): void {
  const still = new Set(tokens);
  for (const tokenId of map.keys()) if (!still.has(tokenId)) map.delete(tokenId);
}
