/** The gates every order passes, in the order they are asked; each answers a typed reason with its numbers. */
import { quoteTier } from "@slipstream/book/quoteAge";
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { PriceMicro } from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { purchasePrice } from "./price.ts";
import { type RiskAnswer, riskFor } from "./riskGate.ts";
import { isMakerLike } from "./sizing.ts";
import type { ExecutorState, KnownFill } from "./state.ts";
import type { ExecutorView, Quote } from "./view.ts";

/**
 * `wait`: a moment may bring what is missing (first touch of a token, a stale quote that is being refreshed, a risk
 * decision on its way); `reason` is the answer when the moment has passed.
 */
export type Gate<T> =
  | { readonly kind: "pass"; readonly value: T }
  | { readonly kind: "skip"; readonly reason: SkipReason }
  | { readonly kind: "wait"; readonly reason: SkipReason };

export type Tradable = { readonly market: MarketDefinition; readonly quote: Quote; readonly risk: RiskAnswer };

const skip = (reason: SkipReason): { kind: "skip"; reason: SkipReason } => ({ kind: "skip", reason });
const wait = (reason: SkipReason): { kind: "wait"; reason: SkipReason } => ({ kind: "wait", reason });

export type GateQuestion = {
  readonly state: ExecutorState;
  readonly view: ExecutorView;
  readonly fill: KnownFill;
  readonly policy: AccountPolicy;
  /** Since the decision began, for the reason's numbers. */
  readonly waitedMs: number;
};

/** A market of a generation we do not know has no definition (its schema refuses it), so it is MARKET_UNKNOWN. */
export function entryGates(asked: GateQuestion): Gate<Tradable> {
  const { state, view, fill, policy, waitedMs } = asked;
  const market = marketGate(state, view, fill);
  if (market.kind !== "pass") return market;
  const dead = signalGate(fill);
  if (dead !== null) return skip(dead);
  const uncertain = clockGate(view);
  if (uncertain !== null) return wait(uncertain);
  const reason = ageGate(view, fill, policy) ?? leaderGate(state, fill, policy);
  if (reason !== null) return skip(reason);
  const risk = riskFor(state, view, riskSubject(fill, policy, market.value));
  if (risk.entry !== null) return risk.pending ? wait(risk.entry) : skip(risk.entry);
  const { chainLagMs, limits } = view;
  if (chainLagMs === null || chainLagMs > limits.chainLagMsMax) {
    const lagging: SkipReason = { code: "CHAIN_LAGGING", lagMs: chainLagMs, lagMsMax: limits.chainLagMsMax };
    return chainLagMs === null ? wait(lagging) : skip(lagging);
  }
  const book = bookGate(view, fill, waitedMs);
  if (book.kind !== "pass") return book;
  return { kind: "pass", value: { market: ofNow(market.value, book.value), quote: book.value, risk } };
}

/** Exits have no age limit and ask neither the leader list nor the chain's health; of risk only a halt stops them. */
export function exitGates(asked: GateQuestion): Gate<Tradable> {
  const { state, view, fill, policy, waitedMs } = asked;
  const market = marketGate(state, view, fill);
  if (market.kind !== "pass") return market;
  const risk = riskFor(state, view, riskSubject(fill, policy, market.value));
  if (risk.exit !== null) return skip(risk.exit);
  const book = bookGate(view, fill, waitedMs);
  if (book.kind !== "pass") return book;
  return { kind: "pass", value: { market: ofNow(market.value, book.value), quote: book.value, risk } };
}

/** A definition may be a minute old, and the venue refuses what is off the tick of now: the book knows it. */
const ofNow = (market: MarketDefinition, { tickMicro }: Quote): MarketDefinition => ({
  ...market,
  tickMicro: tickMicro ?? market.tickMicro,
});

export const riskSubject = (fill: KnownFill, policy: AccountPolicy, market: MarketDefinition | null) => ({
  account: policy.account,
  leader: fill.leader,
  tokenId: fill.tokenId,
  conditionId: market?.conditionId ?? fill.conditionId,
  eventId: market?.eventId ?? null,
});

/** Whether the venue takes and keeps orders in a market. What the chain has resolved is over, also while the venue is silent. */
export const isTradable = ({ resolved }: ExecutorState, market: MarketDefinition): boolean =>
  !market.closed && market.acceptingOrders && !resolved.has(market.conditionId);

function marketGate(state: ExecutorState, view: ExecutorView, { tokenId }: KnownFill): Gate<MarketDefinition> {
  const market = view.market(tokenId);
  if (market === null) return wait({ code: "MARKET_UNKNOWN", tokenId });
  if (!isTradable(state, market)) return skip({ code: "MARKET_NOT_ACCEPTING_ORDERS" });
  return { kind: "pass", value: market };
}

function signalGate(fill: KnownFill): SkipReason | null {
  if (fill.status !== "ON_CHAIN") return { code: "FILL_REVERTED" };
  if (fill.disputed) return { code: "FILL_DISPUTED" };
  if (fill.historical) return { code: "HISTORICAL_FILL" };
  return null;
}

/** How old a signal is and when an order reaches the venue cannot be said by a clock that may be far off. */
export function clockGate({ clock, limits }: ExecutorView): SkipReason | null {
  const { clockUncertaintyMsMax: uncertaintyMsMax } = limits;
  if (clock !== null && clock.uncertaintyMs <= uncertaintyMsMax) return null;
  return { code: "CLOCK_UNCERTAIN", uncertaintyMs: clock?.uncertaintyMs ?? null, uncertaintyMsMax };
}

/** A signal that is not over yet is not fresh, it is wrong. */
function ageGate(view: ExecutorView, fill: KnownFill, policy: AccountPolicy): SkipReason | null {
  const aheadMs = fill.tsSignalMs - view.nowMs;
  const aheadMsMax = view.limits.signalAheadMsMax + (view.clock?.uncertaintyMs ?? 0);
  if (aheadMs > aheadMsMax) return { code: "SIGNAL_FROM_FUTURE", aheadMs, aheadMsMax };
  const ageMs = view.nowMs - fill.tsSignalMs;
  const ageMsMax = policy.signalAgeMsMax;
  return ageMs > ageMsMax ? { code: "SIGNAL_TOO_OLD", ageMs, ageMsMax } : null;
}

function leaderGate(state: ExecutorState, fill: KnownFill, policy: AccountPolicy): SkipReason | null {
  if (state.leaders.get(fill.leader) !== true) return { code: "LEADER_NOT_FOLLOWED" };
  if (isMakerLike(fill) && policy.makerRatioMicro === 0) return { code: "MAKER_FILLS_SKIPPED" };
  const priceMicro = purchasePrice(fill);
  if (priceMicro < policy.minPriceMicro || priceMicro > policy.maxPriceMicro) {
    return { code: "PRICE_OUT_OF_RANGE", priceMicro };
  }
  return null;
}

/** Only a fresh quote is traded on; an older one is refreshed first and then asked for again. */
function bookGate(view: ExecutorView, { tokenId }: KnownFill, waitedMs: number): Gate<Quote> {
  const quote = view.quote(tokenId);
  if (quote === null) return wait({ code: "BOOK_UNKNOWN", waitedMs });
  if (quote.health !== "healthy") return wait({ code: "BOOK_UNHEALTHY", health: quote.health });
  if (quoteTier(quote.ageMs, view.limits.quoteAges) !== "FRESH")
    return wait({ code: "BOOK_STALE", ageMs: quote.ageMs });
  return { kind: "pass", value: quote };
}

/** Where 10 % of the price is less than a step or two, an offer a step away is nothing unusual. */
const UNCONFIRMED_TICKS = 2;

/**
 * A book is one program's word. An offer far below what the leader has just paid is bought only when the venue's REST has
 * it too, as far below or further.
 * @returns why not; `secondMicro` is null while no answer is there that is fresh.
 */
export function secondSourceGate(
  { limits }: ExecutorView,
  of: { readonly quote: Quote; readonly market: MarketDefinition; readonly leaderPriceMicro: PriceMicro },
): Extract<SkipReason, { code: "BOOK_UNCONFIRMED" }> | null {
  const { quote, market, leaderPriceMicro } = of;
  const bestMicro = quote.bestAskMicro;
  if (bestMicro === null) return null;
  const slack = Math.max(
    Math.floor((leaderPriceMicro * limits.unconfirmedBpsMax) / 10_000),
    UNCONFIRMED_TICKS * market.tickMicro,
  );
  if (leaderPriceMicro - bestMicro <= slack) return null;
  const { second } = quote;
  const isFresh = second !== null && quoteTier(second.ageMs, limits.quoteAges) === "FRESH";
  const secondMicro = isFresh ? second.bestAskMicro : null;
  if (secondMicro !== null && secondMicro - bestMicro <= slack) return null;
  return { code: "BOOK_UNCONFIRMED", bestMicro, leaderPriceMicro, secondMicro };
}
