/** Bookstore on the log: what is to be read comes from facts, the books go out on core NATS while this is the owner. */
import { serve } from "@slipstream/actor/ask";
import { watchMarkets } from "@slipstream/actor/markets";
import { startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import type { BookSnapshot } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import { createClobRest } from "@slipstream/polymarket/clobRest";
import { createHttpReader } from "@slipstream/polymarket/http";
import { createRateBudget, VENUE_BUDGETS } from "@slipstream/polymarket/rateBudget";
import { createPublisher } from "./adapters/publisher.ts";
import type { bookstoreEnv } from "./config.ts";
import { bookstoreCore } from "./core/core.ts";
import type { PastRefusal } from "./core/deskAnswers.ts";
import { type Keeper, startKeeper } from "./keeper.ts";
import { createRequested, type Requested, tokensToRead } from "./wanted.ts";

type Context = ServiceContext<typeof bookstoreEnv>;
type Refusal = { readonly ok: false; readonly code: string; readonly text: string };

const REST_TIMEOUT_MS = 3_000;
/** Whoever still needs a book asks again, so one request is not repeated for long. */
const REST_ATTEMPTS = 2;
/** World time: tokens that are no longer wanted are dropped. */
const REVIEW_MS = 5_000;

export async function buildBookstore(context: Context): Promise<RunningService> {
  const { bus, clock, logger, instance, settings, fatal } = context;
  const requested = createRequested();
  const budget = createRateBudget({
    name: "clob-books",
    perSecond: VENUE_BUDGETS.clobBooks,
    clock,
    redisUrl: settings.REDIS_URL,
    onError: (error) => logger.warn({ err: error }, "redis does not answer, counting requests alone"),
  });
  const rest = createClobRest(
    createHttpReader({
      baseUrl: settings.CLOB_HTTP_URL,
      clock,
      random: Math.random,
      budget,
      timeoutMs: REST_TIMEOUT_MS,
      attemptsMax: REST_ATTEMPTS,
    }),
  );
  const publisher = createPublisher(bus);
  let keeper: Keeper | null = null;
  let stopServing: () => void = () => undefined;
  let wantedCount = 0;
  let review: NodeJS.Immediate | null = null;
  const reviewNow = (): void => {
    if (keeper === null) return;
    const tokens = tokensToRead(actor.state(), requested.at(clock.nowMs()), market);
    wantedCount = tokens.length;
    keeper.want(tokens.slice(0, settings.BOOKS_TOKENS_MAX));
  };
  /** A token that leaders trade for the first time is read at once; many facts in one turn are one review. */
  const reviewSoon = (): void => {
    review ??= setImmediate(() => {
      review = null;
      reviewNow();
    });
  };
  const markets = await watchMarkets(bus, logger, reviewSoon);
  const market = (tokenId: TokenId) => markets.byToken.get(tokenId);
  const actor = await startActor({
    core: { ...bookstoreCore, evolve: evolveAndTell(reviewSoon) },
    bus,
    clock,
    logger,
    instance,
    lease: { bucket: "leases", key: "bookstore" },
    view: () => null,
    perform: async () => null,
    onOwnership: (role) => {
      stopServing();
      keeper?.stop();
      stopServing = () => undefined;
      keeper = null;
      if (role === "standby") return;
      const fence = actor.status().fence ?? 0;
      keeper = startKeeper({ fence, clock, logger, settings, rest, market, publisher });
      stopServing = serveBooks(context, { keeper, requested, reviewNow });
      reviewNow();
    },
    onFatal: fatal,
  });
  const reviews = clock.every(REVIEW_MS, reviewNow);
  return {
    status: () => {
      const status = actor.status();
      return { ...status, ...healthOf(status.problems, keeper, wantedCount, settings.BOOKS_TOKENS_MAX) };
    },
    drain: async () => {
      reviews.cancel();
      if (review !== null) clearImmediate(review);
      stopServing();
      keeper?.stop();
      keeper = null;
      await actor.drain();
      await markets.stop();
      budget.close();
    },
  };
}

/** Folds as the core does and tells when a token came or went. */
const evolveAndTell =
  (onChange: () => void): typeof bookstoreCore.evolve =>
  (state, recorded) => {
    const before = state.traded.size + state.held.size;
    const next = bookstoreCore.evolve(state, recorded);
    if (next.traded.size + next.held.size !== before) onChange();
    return next;
  };

function serveBooks(
  { bus, clock }: Context,
  { keeper, requested, reviewNow }: { keeper: Keeper; requested: Requested; reviewNow: () => void },
): () => void {
  const touch = (tokenIds: readonly TokenId[]): void => {
    const isNew = tokenIds.some((tokenId) => !requested.has(tokenId));
    requested.add(tokenIds, clock.nowMs());
    if (isNew) reviewNow();
  };
  const snap = (tokenId: TokenId): { ok: true; value: BookSnapshot } | Refusal => {
    const value = keeper.snap(tokenId);
    return value === null ? refused("UNKNOWN_TOKEN") : { ok: true, value };
  };
  const stops = [
    serve(bus, "bookstore", "snap", ({ tokenId }) => {
      const answer = snap(tokenId);
      // Whoever needs a book that nobody reads yet gets it by asking again.
      if (!answer.ok) touch([tokenId]);
      return answer;
    }),
    serve(bus, "bookstore", "bookAt", ({ tokenId, tsMs }) => {
      const value = keeper.snapAt(tokenId, tsMs);
      return "refused" in value ? refused(value.refused) : { ok: true, value };
    }),
    serve(bus, "bookstore", "track", ({ tokenIds }) => {
      touch(tokenIds);
      return { ok: true, value: { tracked: keeper.counts().books } };
    }),
    serve(bus, "bookstore", "refresh", async ({ tokenId }) => {
      touch([tokenId]);
      await keeper.refresh(tokenId);
      return snap(tokenId);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

const texts: Readonly<Record<PastRefusal, string>> = {
  UNKNOWN_TOKEN: "there is no book of this token yet",
  TOO_OLD: "books are kept for a minute",
  HOLE: "the book was not continuous at that time",
  NOT_YET: "the venue's changes up to that time have not all arrived",
};
const refused = (code: PastRefusal): Refusal => ({ ok: false, code, text: texts[code] });

function healthOf(
  problems: readonly string[],
  keeper: Keeper | null,
  wanted: number,
  max: number,
): { problems: string[]; lagMs: number | null; gauges: Record<string, number> } {
  if (keeper === null) return { problems: [...problems], lagMs: null, gauges: {} };
  const { books, unhealthy, proofsPassed, proofsFailed, resyncs } = keeper.counts();
  return {
    problems: [
      ...problems,
      ...keeper.problems(),
      ...(unhealthy === 0 ? [] : [`${unhealthy} of ${books} books are not healthy`]),
      ...(wanted <= max ? [] : [`${wanted} tokens are wanted, ${max} are read (BOOKS_TOKENS_MAX)`]),
    ],
    lagMs: keeper.lagMs(),
    gauges: { books, unhealthyBooks: unhealthy, proofsPassed, proofsFailed, resyncs },
  };
}
