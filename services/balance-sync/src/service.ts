/** Balance-sync on the log: polls, listens to transfers, reads after fills, compares with the index, answers `now`. */
import { serve } from "@slipstream/actor/ask";
import { watchMarkets } from "@slipstream/actor/markets";
import { leaseBuckets } from "@slipstream/actor/provision";
import { type ActorHandle, startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { pause } from "@slipstream/polymarket/wireClock";
import { type ChainReader, createChainReader } from "./adapters/chain.ts";
import { createNodes, ledgersBy, openIndex, readExchanges } from "./adapters/outside.ts";
import { createOwnEyes, type OwnEyes } from "./adapters/ownEyes.ts";
import { createRegistryAsker } from "./adapters/registryAsker.ts";
import { createResolutionReader } from "./adapters/resolutions.ts";
import { type TransferWatch, watchTransfers } from "./adapters/transfers.ts";
import { checkWallets } from "./adapters/walletCheck.ts";
import { type BalanceSyncSettings, type balanceSyncEnv, walletsOf } from "./config.ts";
import { createTransferAudit } from "./core/audit.ts";
import { balanceSyncCore } from "./core/core.ts";
import type { BalanceSyncMessage, BalanceSyncRequest, BalanceSyncView } from "./core/messages.ts";
import { resolutionsToAsk, type ToAsk } from "./core/resolutions.ts";
import type { BalanceSyncState } from "./core/state.ts";
import { pairsOf, unreadTokens, watchedWallets } from "./core/tokens.ts";

type Context = ServiceContext<typeof balanceSyncEnv>;
type Actor = ActorHandle<BalanceSyncState, BalanceSyncMessage>;

export async function buildBalanceSync(context: Context): Promise<RunningService> {
  const { bus, clock, logger, instance, settings, fatal } = context;
  const wallets = walletsOf(settings);
  const nodes = await createNodes(context);
  await checkWallets(wallets, { rpc: nodes.pool, pause: (ms) => pause(clock, ms), random: Math.random });
  const exchanges = await readExchanges(settings, nodes.pool);
  let onMarket: (market: MarketDefinition) => void = () => undefined;
  const markets = await watchMarkets(bus, logger, (market) => onMarket(market));
  const chain = watchChain(context, nodes, exchanges);
  const { reader } = chain;
  const view = viewOf(context, wallets, markets.byToken, ledgersBy(markets.byToken, exchanges));
  const eyes = createOwnEyes({ context, reader, index: openIndex(context), ledgerOf: view().ledgerOf });
  let stopServing: () => void = () => undefined;
  const actor: Actor = await startActor({
    core: balanceSyncCore,
    bus,
    clock,
    logger,
    instance,
    lease: { bucket: leaseBuckets["balance-sync"], key: "balance-sync" },
    view,
    perform: (request) => perform(request, chain, eyes),
    // Only the owner publishes, so only he answers.
    onOwnership: (role) => {
      stopServing();
      stopServing = role === "owner" ? serveNow(context, reader, view, () => actor) : () => undefined;
    },
    onFatal: fatal,
  });
  const transfers = listenToTransfers(context, chain, actor);
  const registry = createRegistryAsker(context);
  let unread: readonly TokenId[] = [];
  const check = (all: boolean): boolean => actor.post({ type: "CheckResolutions", all });
  onMarket = ({ closed, tokens }) => {
    if (closed && tokens.some(({ tokenId }) => actor.state().held.has(tokenId))) check(false);
  };
  const timers = [
    clock.every(settings.AQ_ONCHAIN_RESOLUTION_SECONDS * 1_000, () => check(false)),
    clock.every(settings.AQ_ONCHAIN_RESOLUTION_ALL_SECONDS * 1_000, () => check(true)),
    clock.every(settings.AQ_ONCHAIN_SYNC_INTERVAL_SECONDS * 1_000, () => {
      transfers?.follow(watchedWallets(actor.state(), view()).map(({ address }) => address));
      nodes.probe();
      unread = [
        ...new Set([...unreadTokens(actor.state(), view()), ...resolutionsToAsk(actor.state(), view(), false).unknown]),
      ];
      if (actor.status().role === "owner") registry.ask(unread);
      // A reading that takes longer than the interval is not overtaken by the next.
      if (!reader.busy()) actor.post({ type: "Poll" });
    }),
    clock.every(settings.AQ_ONCHAIN_COMPARE_SECONDS * 1_000, () => actor.post({ type: "Compare" })),
  ];
  return {
    status: () => {
      const own = wallets.map(({ address }) => address);
      const toAsk = resolutionsToAsk(actor.state(), view(), true);
      return statusOf(context, { actor, chain, eyes, transfers, unread, own, toAsk });
    },
    drain: async () => {
      for (const timer of timers) timer.cancel();
      stopServing();
      transfers?.stop();
      await actor.drain();
      await markets.stop();
    },
  };
}

/** Everything that is not in the log; read anew for each decision. */
function viewOf(
  { clock, settings }: Context,
  own: BalanceSyncView["own"],
  byToken: ReadonlyMap<TokenId, MarketDefinition>,
  ledgerOf: BalanceSyncView["ledgerOf"],
): () => BalanceSyncView {
  const startedMs = clock.nowMs();
  const { AQ_ONCHAIN_PHASE: phase } = settings;
  const market: BalanceSyncView["market"] = (tokenId) => byToken.get(tokenId) ?? null;
  return () => ({ nowMs: clock.nowMs(), startedMs, own, phase, ledgerOf, market });
}

type Chain = ReturnType<typeof watchChain>;

/** The reader of nodes with what it tells people: outages by their begin and end, and what two eyes do not agree on. */
function watchChain(
  { clock, logger, settings }: Context,
  nodes: Awaited<ReturnType<typeof createNodes>>,
  exchanges: Awaited<ReturnType<typeof readExchanges>>,
) {
  const audit = createTransferAudit();
  const told = { failure: null as string | null, unread: null as string | null, transferDifferences: 0 };
  const reader = createChainReader({
    providers: nodes.providers,
    onHead: nodes.pool.sawHead,
    multiCall: settings.AQ_ONCHAIN_MULTI_CALL_ENABLED,
    exchanges,
    steadyMs: clock.steadyMs,
    pause: (ms) => pause(clock, ms),
    random: Math.random,
    onUnread: (text) => {
      if (text !== null && told.unread === null)
        logger.warn({ reason: text }, "a contract cannot be read, the others are");
      told.unread = text;
    },
    onFailure: (error) => {
      // An outage is told at its begin and its end; in between the lag grows in the heartbeat.
      if (told.failure === null) logger.warn({ err: error }, "balances cannot be read");
      told.failure = error.message;
    },
  });
  const sawAnswer = (message: BalanceSyncMessage | null, isHearing: boolean): void => {
    if (message?.type === "TipGone") audit.reset();
    if (message?.type !== "BalancesRead") return;
    if (told.failure !== null) logger.info("balances are read again");
    told.failure = null;
    if (!isHearing) return;
    for (const { readMicro, heardMicro, ...difference } of audit.read(message)) {
      told.transferDifferences += 1;
      const numbers = { ...difference, read: String(readMicro), heard: String(heardMicro) };
      logger.warn(numbers, "a balance moved otherwise than its transfers");
    }
  };
  const resolutions = createResolutionReader({
    providers: nodes.providers,
    multiCall: settings.AQ_ONCHAIN_MULTI_CALL_ENABLED,
    onProblem: (reason) => logger.warn({ reason }, "a market cannot be settled"),
  });
  return { reader, resolutions, audit, told, sawAnswer, hearing: { isOn: false } };
}

async function perform(request: BalanceSyncRequest, chain: Chain, eyes: OwnEyes): Promise<BalanceSyncMessage | null> {
  switch (request.type) {
    case "ReadBalances": {
      const message = await chain.reader.perform(request);
      chain.sawAnswer(message, chain.hearing.isOn);
      return message;
    }
    case "ReadResolutions":
      return chain.resolutions.read(request);
    case "ReadIndex":
      return eyes.readIndex(request.address);
    case "CompareWallet":
      return eyes.compare(request.address, request.pairs);
  }
}

function listenToTransfers(context: Context, { audit, hearing }: Chain, actor: Actor): TransferWatch | null {
  const { clock, logger, settings } = context;
  if (settings.POLYGON_WS_URL === undefined) return null;
  const listen = (isOn: boolean): void => {
    hearing.isOn = isOn;
    audit.reset();
  };
  return watchTransfers({
    urls: settings.POLYGON_WS_URL,
    timeoutMs: settings.AQ_ONCHAIN_SYNC_TIMEOUT_SECONDS * 1_000,
    clock,
    random: Math.random,
    onTransfer: ({ wallet, ledger, tokenIds, heard }) => {
      if (heard === null) audit.reset();
      else if (hearing.isOn) for (const transfer of heard) audit.heard(transfer);
      actor.post({ type: "TransferSeen", address: wallet, ledger, tokenIds });
    },
    onUp: () => listen(true),
    onDown: (reason) => {
      listen(false);
      logger.warn({ reason }, "transfers are not heard, polling goes on");
    },
  });
}

type Seen = {
  readonly actor: Actor;
  readonly chain: Chain;
  readonly eyes: OwnEyes;
  readonly transfers: TransferWatch | null;
  readonly unread: readonly TokenId[];
  readonly own: readonly Address[];
  readonly toAsk: ToAsk;
};

function statusOf({ clock, settings }: Context, seen: Seen): ReturnType<RunningService["status"]> {
  const { actor, chain, eyes, transfers, unread, own } = seen;
  const status = actor.status();
  const { wallets, purses, head } = actor.state();
  const degraded = own.filter((address) => wallets.get(address)?.degraded === true);
  const lagMs = Math.floor(clock.steadyMs() - (chain.reader.lastReadMs() ?? eyes.startMs));
  return {
    ...status,
    problems: [...status.problems, ...problemsOf(settings, { ...seen, lagMs, degraded })],
    lagMs: status.role === "owner" ? lagMs : null,
    gauges: {
      wallets: wallets.size,
      ownWallets: own.length,
      purses: purses.size,
      headBlock: head.blockNumber,
      transfersHeard: Number(transfers?.connected() ?? false),
      transferDifferences: chain.told.transferDifferences,
      indexDifferences: eyes.differences(),
      degradedWallets: degraded.length,
      unreadTokens: unread.length,
      unresolvedConditions: seen.toAsk.questions.length,
    },
  };
}

function problemsOf(
  settings: BalanceSyncSettings,
  {
    chain,
    eyes,
    unread,
    own,
    lagMs,
    degraded,
    toAsk,
  }: Seen & { readonly lagMs: number; readonly degraded: readonly Address[] },
): string[] {
  const lateMs = (3 * settings.AQ_ONCHAIN_SYNC_INTERVAL_SECONDS + settings.AQ_ONCHAIN_SYNC_TIMEOUT_SECONDS) * 1_000;
  const { failure, unread: refused } = chain.told;
  const problems: string[] = [];
  if (lagMs > lateMs) {
    problems.push(`balances were last read ${Math.floor(lagMs / 1_000)} s ago: ${failure ?? "no answer yet"}`);
  }
  if (degraded.length > 0) problems.push(`balances of ${degraded.join(", ")} are the Data API's, no node answers`);
  if (failure !== null && own.length > 0 && eyes.indexFailure() !== null) {
    problems.push(`no node answers, nor does the Data API, nothing is told of our wallets: ${eyes.indexFailure()}`);
  }
  if (unread.length > 0) {
    problems.push(
      `${unread.length} tokens are not read, their market is not known: ${unread[0]}${unread[1] ? " …" : ""}`,
    );
  }
  if (refused !== null && failure === null) problems.push(refused);
  const open = new Set(toAsk.questions.map(({ conditionId }) => conditionId));
  const [doubt, ...doubts] = chain.resolutions.problems(open);
  if (doubt !== undefined) problems.push(`${doubt}${doubts.length === 0 ? "" : `, and ${doubts.length} more`}`);
  const [unreadable, ...others] = toAsk.unreadable;
  if (unreadable !== undefined) {
    problems.push(
      `how condition ${unreadable} is resolved cannot be read, its contract is another one${others.length === 0 ? "" : `, and ${others.length} more`}`,
    );
  }
  return problems;
}

/** Reads a holder's balances now; what is news comes as a fact before long. */
function serveNow({ bus }: Context, reader: ChainReader, view: () => BalanceSyncView, actor: () => Actor): () => void {
  return serve(bus, "balance-sync", "now", async ({ address, tokenIds }) => {
    const { post, state } = actor();
    const pairs = pairsOf(state(), view(), address, tokenIds);
    const purses = view().own.some((own) => own.address === address) ? [address] : [];
    const message = await reader.read({
      type: "ReadBalances",
      pairs,
      purses,
      complete: [],
      verify: state().tip,
      source: "chain",
      afterReorg: false,
    });
    if (message === null) return { ok: false, code: "RPC_UNREACHABLE", text: "the node did not answer" };
    post(message);
    if (message.type !== "BalancesRead")
      return { ok: false, code: "REORG", text: "the chain has just changed, ask again" };
    return { ok: true, value: { blockNumber: message.block.blockNumber } };
  });
}
