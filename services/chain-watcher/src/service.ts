/** Chain-watcher on the log: sources for speed, ranges for truth, shards of leaders shared by the replicas. */
import { type Markets, watchMarkets } from "@slipstream/actor/markets";
import { leaseBuckets } from "@slipstream/actor/provision";
import { type ActorHandle, startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import { ALL_SHARDS } from "@slipstream/contracts/subjects";
import { decodeEip712Domain, ENCODED_EIP712_DOMAIN } from "@slipstream/polymarket/calls";
import { checkChain } from "@slipstream/polymarket/chainCheck";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import { createRpcPool, httpProviders, type RpcPool } from "@slipstream/polymarket/rpcPool";
import { CHAIN_ID, type ExchangeTable, exchangesWith } from "@slipstream/polymarket/versions";
import { createEmptyCheck } from "./adapters/emptyBlocks.ts";
import { createLiveInbox } from "./adapters/liveInbox.ts";
import { type LiveLogs, watchLiveLogs } from "./adapters/liveLogs.ts";
import { createMetrics, type WatcherMetrics } from "./adapters/metrics.ts";
import { createNodes } from "./adapters/nodes.ts";
import { createObserver, type Observer } from "./adapters/observer.ts";
import { createReading, type Reading } from "./adapters/reading.ts";
import type { Nodes } from "./adapters/readingTypes.ts";
import { createSources, followEverywhere, type NamedSource } from "./adapters/sources.ts";
import type { WireLog } from "./adapters/wire.ts";
import type { watcherEnv } from "./config.ts";
import { watcherCore, watcherShards } from "./core/core.ts";
import { shardOfWatcherChain } from "./core/decide.ts";
import type { WatcherMessage } from "./core/messages.ts";
import { withPastOf } from "./core/roster.ts";
import { followed, type WatcherState } from "./core/state.ts";

type Context = ServiceContext<typeof watcherEnv>;
type Actor = ActorHandle<WatcherState, WatcherMessage>;

/** Providers that are not in use are asked for their heads this often: else nobody sees that the one in use lags. */
const PROBE_MS = 5_000;

/**
 * How far a block's time may be ahead of the world's: a producer may announce a block as much as a block time (2 s at most)
 * before its time, and its clock may be a second off.
 */
const BLOCK_AHEAD_MS_MAX = 3_000;

/** What the parts share. */
type Parts = {
  readonly context: Context;
  readonly actor: Actor;
  readonly observe: Observer;
  readonly pool: RpcPool;
  readonly nodes: Nodes;
  readonly exchanges: () => ExchangeTable;
  readonly metrics: WatcherMetrics;
};

export async function buildWatcher(context: Context): Promise<RunningService> {
  const { bus, clock, logger, settings } = context;
  const providers = httpProviders(settings.POLYGON_HTTP_URL, { timeoutMs: settings.CHAIN_TIMEOUT_MS });
  await checkChain("POLYGON_HTTP_URL", providers);
  const pool = createRpcPool({
    providers,
    steadyMs: clock.steadyMs,
    onChange: ({ provider, from, to, detail }) => logger.warn({ provider, from, to, detail }, "state of a node"),
  });
  const table = await exchangeTable(pool, settings);
  const exchanges = (): ExchangeTable => table;
  const markets = await watchMarkets(bus, logger);
  const metrics = createMetrics(clock.steadyMs);
  const actor = await startWatcherActor(context, metrics);
  const nodes = createNodes(pool, settings.LOG_RANGE_MAX, clock.nowMs);
  // Asked of the best node each time: the one of the start may be gone.
  const blockMs = (log: WireLog): Promise<number> => nodes.pick().reader.blockMs(log);
  const observe = createObserver({ bus, markets, exchanges, blockMs, nowMs: clock.nowMs, logger });
  return runParts({ context, actor, observe, pool, nodes, exchanges, metrics }, markets);
}

const startWatcherActor = ({ bus, clock, logger, instance, settings, fatal }: Context, metrics: WatcherMetrics) =>
  startActor({
    core: watcherCore,
    bus,
    clock,
    logger,
    instance,
    lease: {
      bucket: leaseBuckets["chain-watcher"],
      key: "chain-watcher",
      shards: { names: watcherShards, of: shardOfWatcherChain },
    },
    view: () => ({
      nowMs: clock.nowMs(),
      chainId: CHAIN_ID,
      historicalAgeMs: settings.HISTORICAL_AGE_MS,
      seenDeadlineMs: settings.SEEN_DEADLINE_MS,
      progressEveryMs: settings.CHAIN_PROGRESS_MS,
    }),
    perform: async () => null,
    onStored: (fact) => {
      if (fact.type === "LeaderFill") metrics.told(fact);
      if (fact.type === "LeaderFillSighted") metrics.sighted(fact);
    },
    onFatal: fatal,
  });

function runParts(parts: Parts, markets: Markets): RunningService {
  const { context, actor, pool } = parts;
  const { clock, logger, settings } = context;
  const failure: { text: string | null } = { text: null };
  const reading = startReading(parts, failure);
  const live = settings.TRIGGER_MODE === "data_api" ? null : startLive(parts, reading);
  const sources = createSources({
    settings,
    clock,
    random: Math.random,
    onRows: (batch) => void actor.post({ ...batch, type: "RowsSeen" }),
    onBudgetError: (error) => logger.warn({ err: error }, "the shared request budget is not reached"),
  });
  const polls = clock.every(settings.CHAIN_POLL_MS, () => {
    if (actor.status().role !== "owner") return;
    const ours = followed(actor.state(), actor.owns);
    live?.logs.follow(ours);
    followEverywhere(sources, ours);
    reading.request();
  });
  const probes = clock.every(PROBE_MS, () => void pool.probe());
  return {
    status: () => statusOf(parts, { failure, live: live?.logs ?? null, sources }),
    drain: async () => {
      polls.cancel();
      probes.cancel();
      live?.logs.stop();
      for (const source of sources) source.stop();
      reading.stop();
      await actor.drain();
      await markets.stop();
    },
  };
}

function startReading(parts: Parts, failure: { text: string | null }): Reading {
  const { context, actor, observe, nodes, exchanges, metrics } = parts;
  const { clock, logger, settings } = context;
  return createReading({
    nodes,
    emptyCheck: createEmptyCheck(nodes, metrics.unproven),
    observe,
    exchanges,
    state: actor.state,
    owns: actor.owns,
    headShard: ALL_SHARDS,
    post: (message) => {
      if (message.type === "HeadSeen") clock.heard("block headers", message.headTsMs - BLOCK_AHEAD_MS_MAX);
      return actor.post(message);
    },
    settled: actor.idle,
    nowMs: clock.nowMs,
    steadyMs: clock.steadyMs,
    settings: {
      wholeAbove: settings.WATCH_ALL_ABOVE,
      gapBlocks: settings.GAP_BLOCKS,
      exactCosts: settings.EXACT_COSTS,
      readsAhead: settings.CHAIN_READS_AHEAD,
      progressMs: settings.CHAIN_PROGRESS_MS,
    },
    onRange: metrics.range,
    onCostUnknown: (txHash, { code, detail }) =>
      logger.error({ txHash, code, detail }, "the logs of a transaction do not say what an order paid"),
    onSuccess: () => {
      if (failure.text !== null) logger.info("the chain is read again");
      failure.text = null;
    },
    onFailure: (error, node) => {
      // An outage is told at its begin and its end; in between the lag grows in the heartbeat.
      if (failure.text === null) logger.warn({ node, err: error }, "the chain cannot be read");
      failure.text = error instanceof Error ? error.message : String(error);
    },
  });
}

function startLive(parts: Parts, reading: Reading): { readonly logs: LiveLogs } {
  const { context, actor, observe, exchanges } = parts;
  const { clock, logger, settings } = context;
  const isOwner = (): boolean => actor.status().role === "owner";
  const inbox = createLiveInbox({ observe, post: actor.post, nowMs: clock.nowMs, logger });
  const logs = watchLiveLogs({
    urls: settings.POLYGON_WS_URL,
    timeoutMs: settings.CHAIN_TIMEOUT_MS,
    clock,
    random: Math.random,
    exchanges,
    wholeAbove: settings.WATCH_ALL_ABOVE,
    onLog: (log) => {
      if (isOwner()) inbox.take(log);
    },
    onHead: () => {
      if (isOwner()) reading.request();
    },
    onDown: (reason) => logger.warn({ reason }, "live logs are not heard, ranges go on"),
  });
  return { logs };
}

function statusOf(
  { context, actor, pool, metrics }: Parts,
  more: { failure: { readonly text: string | null }; live: LiveLogs | null; sources: readonly NamedSource[] },
): ReturnType<RunningService["status"]> {
  const { failure, live, sources } = more;
  const status = actor.status();
  const { progress, leaders, openGaps, fills } = actor.state();
  const chain = progress.get(ALL_SHARDS);
  const problems = [
    ...status.problems,
    ...(failure.text === null ? [] : [`the chain cannot be read: ${failure.text}`]),
    ...(live === null || live.connected() ? [] : [`live logs are not heard, fills come by polling: ${live.problem()}`]),
    ...sources.flatMap((source) => (source.problem() === null ? [] : [`${source.name}: ${source.problem()}`])),
  ];
  const unread = [...withPastOf(leaders)].reduce((blocks, leader) => {
    const backfill = leaders.get(leader)?.backfill;
    return blocks + (backfill == null ? 0 : backfill.toBlock - backfill.cursor);
  }, 0);
  return {
    ...status,
    problems,
    lagMs: chain === undefined ? null : Math.max(0, context.clock.nowMs() - chain.headTsMs),
    gauges: {
      leaders: followed(actor.state()).size,
      shards: watcherShards.filter(actor.owns).length,
      headBlock: chain?.head ?? 0,
      finalizedBlock: chain?.finalized ?? 0,
      cursorBlock: chain?.cursor ?? 0,
      finalizedLagBlocks: chain === undefined ? 0 : chain.head - chain.finalized,
      openGaps: openGaps.size,
      gapBlocks: unreadOf(actor.state()),
      backfillBlocks: unread,
      openFills: fills.open.size,
      nodesHealthy: pool.status().filter(({ state }) => state === "HEALTHY").length,
      liveLogs: Number(live?.connected() ?? false),
      ...metrics.gauges(),
    },
    histograms: metrics.histograms(),
  };
}

/** Blocks that are still to be read of the longest gap: shards that are equally far are read together. */
const unreadOf = ({ openGaps, progress }: WatcherState): number =>
  Math.max(
    0,
    ...[...openGaps.values()].map(({ shard, fromBlock, toBlock }) => {
      const readTo = Math.max(fromBlock - 1, progress.get(shard)?.cursor ?? 0);
      return Math.max(0, toBlock - readTo);
    }),
  );

/** @throws ContractError when an override is no known exchange, TransientError when the node does not say. */
async function exchangeTable(
  rpc: RpcReader,
  settings: { readonly POLY_EXCHANGE_CTF?: string | undefined; readonly POLY_EXCHANGE_NEGRISK?: string | undefined },
): Promise<ExchangeTable> {
  const overrides = { ctf: settings.POLY_EXCHANGE_CTF, negRisk: settings.POLY_EXCHANGE_NEGRISK };
  return exchangesWith(overrides, async (to) =>
    decodeEip712Domain(String(await rpc.call("eth_call", [{ to, data: ENCODED_EIP712_DOMAIN }, "latest"]))),
  );
}
