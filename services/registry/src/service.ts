/** Registry on the log: configuration becomes facts, Gamma's markets become definitions. */
import { serve } from "@slipstream/actor/ask";
import type { Timer } from "@slipstream/actor/clock";
import { publishMarket, watchMarkets } from "@slipstream/actor/markets";
import { leaseBuckets } from "@slipstream/actor/provision";
import { onRemade } from "@slipstream/actor/remade";
import { startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { streams } from "@slipstream/contracts/subjects";
import { gammaClient } from "@slipstream/polymarket/gamma";
import { createHttpReader } from "@slipstream/polymarket/http";
import { type ConfigWatch, watchConfig } from "./adapters/configBucket.ts";
import { createMarketSync, type MarketSync } from "./adapters/marketSync.ts";
import type { registryEnv } from "./config.ts";
import { registryCore } from "./core/core.ts";

/** How often it is looked whether the stream of markets was made again. */
const TELL_AGAIN_MS = 1_000;
/** How often doubted markets are looked at. */
const DOUBTS_MS = 1_000;
/** Refusals that are remembered, so that each is logged once. */
const REFUSED_MAX = 10_000;
/** After a sync that failed: a venue that starts together with us is there a moment later. */
const RETRY_MS = 2_000;

export async function buildRegistry(context: ServiceContext<typeof registryEnv>): Promise<RunningService> {
  const { bus, clock, logger, instance, settings, fatal } = context;
  const markets = await watchMarkets(bus, logger);
  const refusedMarkets = new Set<string>();
  const sync = createMarketSync({
    gamma: gammaClient(
      createHttpReader({
        baseUrl: settings.GAMMA_URL,
        clock,
        random: Math.random,
        timeoutMs: settings.REGISTRY_TIMEOUT_MS,
        // Who waits for a market asks again by himself, and so does the next sync.
        attemptsMax: 1,
      }),
    ),
    nowMs: clock.nowMs,
    pagesMax: settings.REGISTRY_PAGES_MAX,
    known: () => markets.byCondition.values(),
    byCondition: (conditionId) => markets.byCondition.get(conditionId),
    publish: (market) => publishMarket(bus, market),
    onRefused: (conditionId, text) => {
      const key = `${conditionId}: ${text}`;
      if (refusedMarkets.size >= REFUSED_MAX) refusedMarkets.clear();
      if (!refusedMarkets.has(key)) logger.warn({ conditionId, reason: text }, "market cannot be used");
      refusedMarkets.add(key);
    },
  });
  const refusedConfig = new Map<string, string>();
  let failure: string | null = null;
  let duties: Duties | null = null;
  let owner = false;
  let takeUp: () => void = () => undefined;
  const actor = await startActor({
    core: registryCore,
    bus,
    clock,
    logger,
    instance,
    lease: { bucket: leaseBuckets.registry, key: "registry" },
    view: () => ({ nowMs: clock.nowMs() }),
    perform: async () => null,
    onFatal: fatal,
    onOwnership: (role) => {
      owner = role === "owner";
      takeUp();
    },
  });
  // Ownership may come before the actor is there to post to.
  takeUp = () => {
    duties?.stop();
    duties = owner ? begin() : null;
  };
  takeUp();

  /**
   * Definitions are nowhere but on their stream, and a sync tells only what differs from what is known. Whoever is the owner
   * when the stream is there again tells them: it may have vanished together with the leases.
   */
  const again = followMadeAgain(context, () => markets.byCondition.values());

  /** What only the owner does. */
  function begin(): Duties {
    const config = watchConfig(
      bus,
      logger,
      (seen) => {
        refusedConfig.delete(seen.key);
        actor.post(seen);
      },
      ({ key, revision, text }) => {
        refusedConfig.set(key, text);
        logger.error({ key, revision, reason: text }, "configuration refused, the last accepted value stands");
      },
      (key) => refusedConfig.delete(key),
    );
    let retry: Timer | null = null;
    let isReading = false;
    let stopped = false;
    const run = async (): Promise<void> => {
      if (isReading) return;
      isReading = true;
      try {
        const { listed, published } = await sync.sync();
        if (published > 0) logger.info({ listed, published }, "markets changed");
        failure = null;
      } catch (error) {
        failure = error instanceof Error ? error.message : String(error);
        logger.warn({ err: error }, "markets cannot be read, the known ones stand");
        if (stopped) return;
        retry?.cancel();
        retry = clock.after(Math.min(RETRY_MS, settings.REGISTRY_SYNC_INTERVAL_MS), () => void run());
      } finally {
        isReading = false;
      }
    };
    void run();
    const timer = clock.every(settings.REGISTRY_SYNC_INTERVAL_MS, () => void run());
    const doubts = clock.every(DOUBTS_MS, once(sync.readDoubted, logger));
    const known = (tokenId: TokenId) => markets.byToken.get(tokenId);
    const tellings = clock.every(TELL_AGAIN_MS, () => void again.tell());
    const stops = [
      () => tellings.cancel(),
      serveResolve(context, sync, known),
      serveDoubts(context, sync, known),
      serve(bus, "registry", "ended", async ({ conditionId }) => ({
        ok: true,
        value: { known: await sync.ended(conditionId) },
      })),
    ];
    return {
      stop: () => {
        timer.cancel();
        doubts.cancel();
        stopped = true;
        retry?.cancel();
        for (const stop of stops) stop();
        void config.then((watch: ConfigWatch) => watch.stop());
      },
    };
  }

  return {
    status: () => {
      const status = actor.status();
      const problems = [
        ...status.problems,
        ...[...refusedConfig.values()].map((text) => `configuration refused: ${text}`),
      ];
      if (failure !== null) problems.push(`markets cannot be read: ${failure}`);
      return {
        ...status,
        problems,
        gauges: { markets: markets.byCondition.size, refusedMarkets: refusedMarkets.size },
      };
    },
    drain: async () => {
      duties?.stop();
      again.stop();
      await actor.drain();
      await markets.stop();
    },
  };
}

type Duties = { stop(): void };

/** Notices that the stream of markets was made again; `tell` then publishes what is known, until all of it is there. */
function followMadeAgain(
  { bus, logger }: ServiceContext<typeof registryEnv>,
  known: () => Iterable<MarketDefinition>,
): { tell(): Promise<void>; stop(): void } {
  let isDue = false;
  let isTelling = false;
  const stop = onRemade(bus, streams.markets, () => {
    isDue = true;
  });
  const tell = async (): Promise<void> => {
    if (!isDue || isTelling) return;
    isDue = false;
    isTelling = true;
    try {
      const markets = [...known()];
      for (const market of markets) await publishMarket(bus, market);
      logger.warn({ markets: markets.length }, "the stream of markets was made again: told what is known once more");
    } catch (error) {
      isDue = true;
      logger.warn({ err: error }, "markets cannot be told again now");
    } finally {
      isTelling = false;
    }
  };
  return { tell, stop };
}

/** Returns a call of `read` that never runs twice at a time; what fails is repeated by a later one. */
function once(read: MarketSync["readDoubted"], logger: ServiceContext<typeof registryEnv>["logger"]): () => void {
  let isReading = false;
  return () => {
    if (isReading) return;
    isReading = true;
    read()
      .then((ended) => {
        for (const { conditionId, slug, payoutMicro } of ended) {
          logger.info({ conditionId, slug, payoutMicro }, "market has ended");
        }
      })
      .catch((error: unknown) => logger.warn({ err: error }, "markets that seem to have ended cannot be read"))
      .finally(() => {
        isReading = false;
      });
  };
}

function serveDoubts(
  { bus }: ServiceContext<typeof registryEnv>,
  sync: MarketSync,
  known: (tokenId: TokenId) => MarketDefinition | undefined,
): () => void {
  return serve(bus, "registry", "doubt", async ({ tokenId }) => {
    const market = known(tokenId);
    if (market !== undefined) sync.doubt(market.conditionId);
    return { ok: true, value: { known: market !== undefined } };
  });
}

function serveResolve(
  { bus }: ServiceContext<typeof registryEnv>,
  sync: MarketSync,
  known: (tokenId: TokenId) => MarketDefinition | undefined,
): () => void {
  return serve(bus, "registry", "resolve", async ({ tokenId }) => {
    let market: MarketDefinition | null;
    try {
      market = known(tokenId) ?? (await sync.resolve(tokenId));
    } catch (error) {
      if (!(error instanceof TransientError || error instanceof ContractError)) throw error;
      return { ok: false, code: error.code, text: error.message };
    }
    if (market === null)
      return { ok: false, code: "MARKET_UNKNOWN", text: `Gamma knows no usable market of token ${tokenId}` };
    return { ok: true, value: market };
  });
}
