/** Balance-sync on the log: polls, listens to transfers, reads after fills, answers `now`. */
import { serve } from "@slipstream/actor/ask";
import { type ActorHandle, startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import { httpRpc } from "@slipstream/polymarket/rpc";
import { pause } from "@slipstream/polymarket/wireClock";
import { type ChainReader, createChainReader } from "./adapters/chain.ts";
import { watchTransfers } from "./adapters/transfers.ts";
import { type balanceSyncEnv, providerUrl } from "./config.ts";
import { balanceSyncCore } from "./core/core.ts";
import type { BalanceSyncMessage } from "./core/messages.ts";
import type { BalanceSyncState } from "./core/state.ts";

export async function buildBalanceSync(context: ServiceContext<typeof balanceSyncEnv>): Promise<RunningService> {
  const { bus, clock, logger, instance, settings, fatal } = context;
  const timeoutMs = settings.AQ_ONCHAIN_SYNC_TIMEOUT_SECONDS * 1_000;
  const startMs = clock.steadyMs();
  let lastFailure: string | null = null;
  const reader = createChainReader({
    rpc: httpRpc(providerUrl(settings), { timeoutMs }),
    multiCall: settings.AQ_ONCHAIN_MULTI_CALL_ENABLED,
    steadyMs: clock.steadyMs,
    pause: (ms) => pause(clock, ms),
    random: Math.random,
    onFailure: (error) => {
      // An outage is told at its begin and its end; in between the lag grows in the heartbeat.
      if (lastFailure === null) logger.warn({ err: error }, "balances cannot be read");
      lastFailure = error.message;
    },
  });
  let stopServing: () => void = () => undefined;
  const actor = await startActor({
    core: balanceSyncCore,
    bus,
    clock,
    logger,
    instance,
    lease: { bucket: "leases", key: "balance-sync" },
    view: () => ({ nowMs: clock.nowMs() }),
    perform: async (request) => {
      const message = await reader.perform(request);
      if (message !== null && lastFailure !== null) {
        lastFailure = null;
        logger.info("balances are read again");
      }
      return message;
    },
    // Only the owner publishes, so only he answers.
    onOwnership: (role) => {
      stopServing();
      stopServing = role === "owner" ? serveNow(context, reader, () => actor) : () => undefined;
    },
    onFatal: fatal,
  });
  const transfers =
    settings.POLYGON_WS_URL === undefined
      ? null
      : watchTransfers({
          url: settings.POLYGON_WS_URL,
          timeoutMs,
          clock,
          random: Math.random,
          onTransfer: (address, tokenIds) => actor.post({ type: "TransferSeen", address, tokenIds }),
          onDown: (reason) => logger.warn({ reason }, "transfers are not heard, polling goes on"),
        });
  const polls = clock.every(settings.AQ_ONCHAIN_SYNC_INTERVAL_SECONDS * 1_000, () => {
    const wallets = [...actor.state().wallets.values()];
    transfers?.follow(wallets.filter(({ followed }) => followed).map(({ address }) => address));
    // A reading that takes longer than the interval is not overtaken by the next.
    if (!reader.busy()) actor.post({ type: "Poll" });
  });
  return {
    status: () => {
      const status = actor.status();
      const lagMs = Math.floor(clock.steadyMs() - (reader.lastReadMs() ?? startMs));
      const late = lagMs > 3 * settings.AQ_ONCHAIN_SYNC_INTERVAL_SECONDS * 1_000 + timeoutMs;
      const problems = [
        ...status.problems,
        ...(late
          ? [`balances were last read ${Math.floor(lagMs / 1_000)} s ago: ${lastFailure ?? "no answer yet"}`]
          : []),
      ];
      const { wallets, purses, head } = actor.state();
      return {
        ...status,
        problems,
        lagMs: status.role === "owner" ? lagMs : null,
        gauges: {
          wallets: wallets.size,
          purses: purses.size,
          headBlock: head.blockNumber,
          transfersHeard: Number(transfers?.connected() ?? false),
        },
      };
    },
    drain: async () => {
      polls.cancel();
      stopServing();
      transfers?.stop();
      await actor.drain();
    },
  };
}

/** Reads a holder's balances now; what is news comes as a fact before long. */
function serveNow(
  { bus }: ServiceContext<typeof balanceSyncEnv>,
  reader: ChainReader,
  actor: () => ActorHandle<BalanceSyncState, BalanceSyncMessage>,
): () => void {
  return serve(bus, "balance-sync", "now", async ({ address, tokenIds }) => {
    const { post, state } = actor();
    const known = state().wallets.get(address)?.tokens;
    const pairs = tokenIds.map((tokenId) => ({
      owner: address,
      tokenId,
      exchange: known?.get(tokenId)?.exchange ?? null,
    }));
    const request = { type: "ReadBalances", pairs, verify: state().tip, source: "chain", afterReorg: false } as const;
    const message = await reader.read(request);
    if (message === null) return { ok: false, code: "RPC_UNREACHABLE", text: "the node did not answer" };
    post(message);
    if (message.type !== "BalancesRead")
      return { ok: false, code: "REORG", text: "the chain has just changed, ask again" };
    return { ok: true, value: { blockNumber: message.block.blockNumber } };
  });
}
