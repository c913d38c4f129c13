/**
 * Bookstore on the log: what is to be read comes from facts, the books go out on core NATS. Every replica follows the
 * facts and hears the requests; each reads the tokens of its partitions (`tokenShare.ts`).
 */
import { ask } from "@slipstream/actor/ask";
import { watchMarkets } from "@slipstream/actor/markets";
import { leaseBuckets } from "@slipstream/actor/provision";
import { startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { createClobRest } from "@slipstream/polymarket/clobRest";
import { createHttpReader, type HttpReader } from "@slipstream/polymarket/http";
import { createRateBudget, type RateBudget, VENUE_BUDGETS } from "@slipstream/polymarket/rateBudget";
import { createPublisher } from "./adapters/publisher.ts";
import { followTopMarkets } from "./adapters/topMarkets.ts";
import type { bookstoreEnv } from "./config.ts";
import { bookstoreCore, trackedCount } from "./core/core.ts";
import { type Keeper, startKeeper } from "./keeper.ts";
import { keepReading, type Reading } from "./reading.ts";
import { serveBooks } from "./requests.ts";
import { shareTokens } from "./tokenShare.ts";
import { createRequested, tokensToRead } from "./wanted.ts";

type Context = ServiceContext<typeof bookstoreEnv>;

const REST_TIMEOUT_MS = 3_000;
const ENDED_TIMEOUT_MS = 5_000;
/** Whoever still needs a book asks again, so one request is not repeated for long. */
const REST_ATTEMPTS = 2;
/** World time: tokens that are no longer wanted are dropped. */
const REVIEW_MS = 5_000;

export async function buildBookstore(context: Context): Promise<RunningService> {
  const { bus, clock, logger, instance, settings, fatal } = context;
  const requested = createRequested();
  const budgets = budgetsOf(context);
  // Connections must not be taken for those of another process, nor of this one before it started again.
  const name = `${instance}-${process.pid.toString(36)}${Math.floor(performance.timeOrigin).toString(36)}`;
  /** A token that leaders trade for the first time is read at once; many facts in one turn are one review. */
  let soon: NodeJS.Immediate | null = null;
  let reading: Reading | null = null;
  const reviewSoon = (): void => {
    soon ??= setImmediate(() => {
      soon = null;
      void reading?.review();
    });
  };
  const markets = await watchMarkets(bus, logger, reviewSoon);
  const actor = await startActor({
    core: { ...bookstoreCore, evolve: evolveAndTell(reviewSoon) },
    bus,
    clock,
    logger,
    instance,
    // Only who saves the state: it has nothing to do with who reads which books.
    lease: { bucket: leaseBuckets.bookstore, key: "bookstore" },
    view: () => null,
    perform: async () => null,
    onFatal: fatal,
  });
  const gamma = readerOf(context, settings.GAMMA_URL, budgets.gamma);
  const top = followTopMarkets({
    http: gamma,
    clock,
    logger,
    count: settings.BOOKSTORE_TOP_N,
    onChange: reviewSoon,
  });
  const market = (tokenId: TokenId): MarketDefinition | undefined =>
    markets.byToken.get(tokenId) ?? top.market(tokenId);
  const keeper = startKeeper({
    process: name,
    clock,
    logger,
    settings,
    rest: createClobRest(readerOf(context, settings.CLOB_HTTP_URL, budgets.books)),
    market,
    publisher: createPublisher(bus),
    // Registry closes the market. If it does not hear, Gamma tells it with its next reading.
    onResolved: (conditionId) => void ask(bus, "registry", "ended", { conditionId }, ENDED_TIMEOUT_MS),
    // The definition must say so soon. Nothing depends on the answer: registry reads every market again from time to time.
    onEnded: (tokenId) => void ask(bus, "registry", "doubt", { tokenId }, ENDED_TIMEOUT_MS),
  });
  const stopWatching = bus.onLink((link) => (link === "back" ? keeper.tellAgain() : undefined));
  const share = shareTokens({
    bus,
    clock,
    logger,
    instance,
    process: name,
    // Replicas must agree: what only this one knows does not count.
    conditionOf: (tokenId) => markets.byToken.get(tokenId)?.conditionId ?? null,
    onChange: () => void reading?.review(),
  });
  const wanted = (): readonly TokenId[] => {
    const nowMs = clock.nowMs();
    const leaderHours = settings.BOOKSTORE_LEADER_HOURS;
    return tokensToRead(actor.state(), {
      requested: requested.at(nowMs),
      top: top.tokens(),
      market,
      nowMs,
      leaderHours,
    });
  };
  reading = keepReading({ keeper, share, wanted, max: settings.BOOKS_TOKENS_MAX, logger });
  const { review, stop, wanted: wantedCount } = reading;
  const stopServing = serveBooks({
    bus,
    clock,
    keeper,
    share,
    requested,
    refreshMsMax: settings.BOOKS_REFRESH_MAX_MS,
    review,
  });
  const reviews = clock.every(REVIEW_MS, () => void review());
  return {
    status: () => {
      const status = actor.status();
      const isRunning = status.role === "owner" || status.role === "standby";
      const role = share.count() > 0 ? "owner" : "standby";
      const books = healthOf(keeper, share.count(), wantedCount(), settings.BOOKS_TOKENS_MAX);
      return {
        ...status,
        ...books,
        role: isRunning ? role : status.role,
        problems: [...status.problems, ...books.problems],
      };
    },
    drain: async () => {
      reviews.cancel();
      if (soon !== null) clearImmediate(soon);
      stop();
      stopServing();
      stopWatching();
      top.stop();
      keeper.stop();
      await share.release();
      await actor.drain();
      await markets.stop();
      for (const budget of Object.values(budgets)) budget.close();
    },
  };
}

function budgetsOf({ clock, logger, settings }: Context): { readonly books: RateBudget; readonly gamma: RateBudget } {
  const { REDIS_URL: redisUrl } = settings;
  const onError = (error: Error): void => logger.warn({ err: error }, "redis does not answer, counting requests alone");
  return {
    books: createRateBudget({ name: "clob-books", perSecond: VENUE_BUDGETS.clobBooks, clock, redisUrl, onError }),
    gamma: createRateBudget({ name: "gamma-markets", perSecond: VENUE_BUDGETS.gammaMarkets, clock, redisUrl, onError }),
  };
}

const readerOf = ({ clock }: Context, baseUrl: string, budget: RateBudget): HttpReader =>
  createHttpReader({
    baseUrl,
    clock,
    random: Math.random,
    budget,
    timeoutMs: REST_TIMEOUT_MS,
    attemptsMax: REST_ATTEMPTS,
  });

/** Folds as the core does and tells when a token came or went. */
const evolveAndTell =
  (onChange: () => void): typeof bookstoreCore.evolve =>
  (state, recorded) => {
    const before = trackedCount(state);
    const next = bookstoreCore.evolve(state, recorded);
    if (trackedCount(next) !== before) onChange();
    return next;
  };

function healthOf(
  keeper: Keeper,
  partitions: number,
  wanted: number,
  max: number,
): { problems: string[]; lagMs: number | null; gauges: Record<string, number> } {
  const { books, unhealthy, ...counts } = keeper.counts();
  return {
    problems: [
      ...keeper.problems(),
      ...(unhealthy === 0 ? [] : [`${unhealthy} of ${books} books are not healthy`]),
      ...(wanted <= max ? [] : [`${wanted} tokens are wanted, ${max} are read (BOOKS_TOKENS_MAX)`]),
    ],
    lagMs: keeper.lagMs(),
    gauges: { books, unhealthyBooks: unhealthy, partitions, ...counts, ...keeper.gauges() },
  };
}
