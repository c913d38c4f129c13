/** The executor on the log: books and heartbeats in, orders to the paper venue. */
import { serve } from "@slipstream/actor/ask";
import { watchMarkets } from "@slipstream/actor/markets";
import { leaseBuckets } from "@slipstream/actor/provision";
import { type ActorHandle, startActor } from "@slipstream/actor/runtime";
import type { RunningService, ServiceContext } from "@slipstream/actor/service";
import { within } from "@slipstream/actor/within";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { startBooks } from "./adapters/books.ts";
import { createFirstTouch } from "./adapters/firstTouch.ts";
import { listenToNeighbours } from "./adapters/heartbeats.ts";
import { createPaperVenue } from "./adapters/paper.ts";
import { type executorEnv, limitsOf } from "./config.ts";
import { executorCore } from "./core/core.ts";
import { effectiveRisk } from "./core/effective.ts";
import type { ExecutorMessage, ExecutorRequest } from "./core/messages.ts";
import { whyNotPlaced } from "./core/open.ts";
import { pendingOf } from "./core/pending.ts";
import { type ExecutorState, openOrders } from "./core/state.ts";
import type { ExecutorView } from "./core/view.ts";

type Actor = ActorHandle<ExecutorState, ExecutorMessage>;

/** Real time. */
const TICK_MS = 250;
const WANT_EVERY_MS = 1_000;
const HOUR_MS = 3_600_000;
/** A halt is answered when what was decided before it is in the log, or after this time. */
const HALT_SETTLE_MS = 1_000;
/** Heartbeats come each second. */
const FIRST_HEARD_MS = 1_500;

export async function buildExecutor(context: ServiceContext<typeof executorEnv>): Promise<RunningService> {
  const { bus, clock, logger, instance, settings, fatal } = context;
  const limits = limitsOf(settings);
  const markets = await watchMarkets(bus, logger);
  const neighbours = listenToNeighbours(bus, clock.steadyMs);
  let localHalt = false;
  let actor: Actor | null = null;
  const post = (message: ExecutorMessage): boolean => actor?.post(message) ?? false;
  const books = startBooks({ bus, clock, logger, onClock: () => venue.advance() });
  const market = (tokenId: TokenId): MarketDefinition | null => markets.byToken.get(tokenId) ?? null;
  const venue = createPaperVenue({ bus, clock, logger, books, market, post });
  const view = (): ExecutorView => ({
    nowMs: clock.nowMs(),
    clock: clock.quality(),
    market,
    quote: books.quote,
    riskHeartbeatAgeMs: neighbours.riskAgeMs(),
    riskDecisionSeq: neighbours.riskDecisionSeq(),
    chainLagMs: neighbours.chainLagMs(),
    localHalt,
    limits,
  });
  const firstTouch = createFirstTouch({ bus, clock, books, view });
  const perform = async (request: ExecutorRequest): Promise<ExecutorMessage | null> =>
    request.type === "AwaitBook" ? firstTouch.wait(request) : venue.perform(request);
  const halt = async (halted: boolean): Promise<void> => {
    localHalt = halted;
    post({ type: "Tick" });
    if (halted) await within(HALT_SETTLE_MS, actor?.idle() ?? Promise.resolve());
  };
  // Whoever decides before they were heard refuses what a moment later is allowed; without them it starts and refuses.
  await neighbours.whenHeard(FIRST_HEARD_MS);
  let stopServing: () => void = () => undefined;
  const serveAsOwner = (role: "owner" | "standby"): void => {
    stopServing();
    stopServing = () => undefined;
    if (role === "owner") stopServing = serveOperations(context, { halt, actor: () => actor, view });
    // What the desk holds belongs to the tenure: the next one gives it its orders from the log, before it is announced.
    else venue.reset();
  };
  actor = await startActor({
    core: executorCore,
    bus,
    clock,
    logger,
    instance,
    lease: { bucket: leaseBuckets.executor, key: "executor" },
    view,
    perform,
    // Cancelling and waiting need nobody's leave.
    passesAlways: ({ type }) => type !== "PlaceOrder",
    latch: (request) => {
      const reason = whyShut(actor?.state() ?? null, view(), request);
      return reason === null ? { open: true } : { open: false, reason };
    },
    onOwnership: serveAsOwner,
    onFatal: fatal,
  });
  const running = actor;
  const ticks = setInterval(() => {
    if (!bus.connected()) return;
    venue.look();
    post({ type: "Tick" });
  }, TICK_MS);
  const trackMs = settings.EXECUTOR_TRACK_HOURS * HOUR_MS;
  const want = (): void => books.want(wantedTokens(running.state(), clock.nowMs() - trackMs, venue.tokens()));
  want();
  const wants = setInterval(want, WANT_EVERY_MS);
  return {
    status: () => ({ ...running.status(), ...statusOf({ running, books: books.counts(), view: view() }) }),
    drain: async () => {
      clearInterval(ticks);
      clearInterval(wants);
      stopServing();
      firstTouch.stop();
      await running.drain();
      books.stop();
      neighbours.stop();
      await markets.stop();
    },
  };
}

/** Asked right before a request leaves, when decision and grant may be some time ago. Only placing needs leave. */
function whyShut(state: ExecutorState | null, view: ExecutorView, request: ExecutorRequest): string | null {
  if (request.type !== "PlaceOrder") return null;
  return state === null ? "STARTING" : whyNotPlaced({ state, view }, request.order.orderId);
}

function serveOperations(
  { bus, logger }: ServiceContext<typeof executorEnv>,
  by: { halt: (halted: boolean) => Promise<void>; actor: () => Actor | null; view: () => ExecutorView },
): () => void {
  const { halt, actor, view } = by;
  const stops = [
    serve(bus, "executor", "halt", async ({ halted, who }) => {
      logger.warn({ halted, who }, "local latch changed");
      await halt(halted);
      return { ok: true, value: { halted } };
    }),
    serve(bus, "executor", "pending", ({ account }) => {
      const now = actor()?.state() ?? null;
      if (now === null) return { ok: false, code: "STARTING", text: "the executor has not read its log yet" };
      return { ok: true, value: pendingOf({ state: now, view: view() }, account ?? null) };
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Tokens of what we hold, have ordered or have to sell, and of what leaders traded lately. */
function wantedTokens(state: ExecutorState, sinceMs: number, atVenue: readonly TokenId[]): Set<TokenId> {
  const tokens = new Set<TokenId>(atVenue);
  for (const { tokenId } of state.lots.values()) tokens.add(tokenId);
  for (const { tokenId } of state.unfollowed.values()) tokens.add(tokenId);
  for (const { tokenId } of openOrders(state)) tokens.add(tokenId);
  for (const { tokenId, tsSignalPublishedMs, historical } of state.fills.values()) {
    if (!historical && tsSignalPublishedMs >= sinceMs) tokens.add(tokenId);
  }
  return tokens;
}

function statusOf({
  running,
  books,
  view,
}: {
  readonly running: Actor;
  readonly books: { readonly wanted: number; readonly healthy: number };
  readonly view: ExecutorView;
}): Pick<ReturnType<RunningService["status"]>, "problems" | "gauges" | "effective"> {
  const state = running.state();
  const unfollowedExits = state.unfollowed.size;
  return {
    problems: [...running.status().problems, ...(view.localHalt ? ["halted by its local latch"] : [])],
    effective: effectiveRisk(state, view),
    gauges: {
      openOrders: [...openOrders(state)].length,
      lots: state.lots.size,
      buckets: state.buckets.size,
      unfollowedExits,
      booksWanted: books.wanted,
      booksHealthy: books.healthy,
    },
  };
}
