/** Chain-watcher on the log: a socket for speed, ranges for truth. */
import { watchMarkets } from "@slipstream/actor/markets";
import { startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import { decodeEip712Domain, ENCODED_EIP712_DOMAIN } from "@slipstream/polymarket/calls";
import { httpRpc, type RpcReader } from "@slipstream/polymarket/rpc";
import { CHAIN_ID, type ExchangeTable, exchangesWith } from "@slipstream/polymarket/versions";
import { watchLiveLogs } from "./adapters/liveLogs.ts";
import { createObserver } from "./adapters/observer.ts";
import { createRangeReader } from "./adapters/rangeReader.ts";
import { createReading } from "./adapters/reading.ts";
import type { WireLog } from "./adapters/wire.ts";
import type { watcherEnv } from "./config.ts";
import { watcherCore } from "./core/core.ts";

export async function buildWatcher(context: ServiceContext<typeof watcherEnv>): Promise<RunningService> {
  const { bus, clock, logger, instance, settings, fatal } = context;
  const rpc = httpRpc(settings.POLYGON_HTTP_URL, { timeoutMs: settings.CHAIN_TIMEOUT_MS });
  const table = await exchangeTable(rpc, settings);
  const exchanges = (): ExchangeTable => table;
  const markets = await watchMarkets(bus, logger);
  const reader = createRangeReader(rpc, exchanges, settings.LOG_RANGE_MAX);
  const observe = createObserver({ bus, markets, exchanges, blockMs: reader.blockMs, nowMs: clock.nowMs, logger });
  let failure: string | null = null;
  let liveFailure = "not connected yet";
  const actor = await startActor({
    core: watcherCore,
    bus,
    clock,
    logger,
    instance,
    lease: { bucket: "leases", key: "chain-watcher" },
    view: () => ({ nowMs: clock.nowMs(), chainId: CHAIN_ID, historicalAgeMs: settings.HISTORICAL_AGE_MS }),
    perform: async () => null,
    onFatal: fatal,
  });
  const reading = createReading({
    reader,
    observe,
    state: actor.state,
    post: (message) => actor.post(message),
    nowMs: clock.nowMs,
    onSuccess: () => {
      if (failure !== null) logger.info("the chain is read again");
      failure = null;
    },
    onFailure: (error) => {
      // An outage is told at its begin and its end; in between the lag grows in the heartbeat.
      if (failure === null) logger.warn({ err: error }, "the chain cannot be read");
      failure = error instanceof Error ? error.message : String(error);
    },
  });
  const isOwner = (): boolean => actor.status().role === "owner";
  /** Logs whose market or time is still asked for. */
  const inHand = new Set<string>();
  const onLog = (log: WireLog): void => {
    if (!isOwner()) return;
    const key = `${log.blockHash}:${log.logIndex}`;
    if (log.removed) {
      // Taken back before it was told: it never was.
      if (inHand.delete(key)) return;
      actor.post({ type: "FillsRemoved", logs: [{ blockHash: log.blockHash, logIndex: Number(log.logIndex) }] });
      return;
    }
    inHand.add(key);
    observe([log], clock.nowMs()).then(
      (fills) => {
        if (inHand.delete(key) && fills.length > 0) actor.post({ type: "FillsSeen", fills });
      },
      (error: unknown) => {
        inHand.delete(key);
        logger.warn({ err: error, txHash: log.transactionHash }, "a live log is left to the range reader");
      },
    );
  };
  const live = watchLiveLogs({
    url: settings.POLYGON_WS_URL,
    timeoutMs: settings.CHAIN_TIMEOUT_MS,
    clock,
    random: Math.random,
    exchanges,
    onLog,
    onHead: () => {
      if (isOwner()) reading.request();
    },
    onDown: (reason) => {
      liveFailure = reason;
      logger.warn({ reason }, "live logs are not heard, ranges go on");
    },
  });
  const polls = clock.every(settings.CHAIN_POLL_MS, () => {
    if (!isOwner()) return;
    live.follow(actor.state().leaders);
    reading.request();
  });
  return {
    status: () => {
      const status = actor.status();
      const { progress, leaders, openGaps } = actor.state();
      const problems = [
        ...status.problems,
        ...(failure === null ? [] : [`the chain cannot be read: ${failure}`]),
        ...(live.connected() ? [] : [`live logs are not heard, fills come by polling: ${liveFailure}`]),
      ];
      return {
        ...status,
        problems,
        lagMs: progress === null ? null : Math.max(0, clock.nowMs() - progress.headTsMs),
        gauges: {
          leaders: leaders.size,
          headBlock: progress?.head ?? 0,
          finalizedBlock: progress?.finalized ?? 0,
          cursorBlock: progress?.cursor ?? 0,
          openGaps: openGaps.size,
          liveLogs: Number(live.connected()),
        },
      };
    },
    drain: async () => {
      polls.cancel();
      live.stop();
      reading.stop();
      await actor.drain();
      await markets.stop();
    },
  };
}

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
