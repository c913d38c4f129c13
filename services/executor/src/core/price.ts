/** Limit prices, and the guard that keeps an order from being sent when the book is beyond its limit. */
import { InvariantError } from "@slipstream/contracts/errors";
import { MICRO_NUMBER, type PriceMicro, priceMicro, type Side, toTick } from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import type { KnownFill } from "./state.ts";
import type { Quote } from "./view.ts";

/** The price a leader bought at. @throws InvariantError for an act without a price: such are never copied as purchases. */
export function purchasePrice({ priceMicro: price, leaderFillId }: KnownFill): PriceMicro {
  if (price === null) throw new InvariantError(`${leaderFillId} has no price and is to be bought`);
  return price;
}

type GuardOptions = {
  readonly leaderPriceMicro: PriceMicro;
  readonly side: Side;
  readonly tickMicro: PriceMicro;
  readonly policy: Pick<AccountPolicy, "priceGuardBps" | "priceGuardTicks" | "priceGuardMaxBps">;
  /** Ticks in our favour, from risk. */
  readonly riskTicks: number;
};

/**
 * Returns the worst price the guard allows, on the tick or not: the leader's price plus (BUY) or minus (SELL) basis points
 * of it and ticks, together never more than `priceGuardMaxBps` of it, less the ticks risk takes off. Within [0, 1].
 */
export function guardPrice({ leaderPriceMicro, side, tickMicro, policy, riskTicks }: GuardOptions): PriceMicro {
  const partOf = (bps: number): number => Math.floor((leaderPriceMicro * bps) / 10_000);
  const slack = partOf(policy.priceGuardBps) + policy.priceGuardTicks * tickMicro;
  const away = Math.min(slack, partOf(policy.priceGuardMaxBps)) - riskTicks * tickMicro;
  const raw = side === "BUY" ? leaderPriceMicro + away : leaderPriceMicro - away;
  return priceMicro(Math.min(MICRO_NUMBER, Math.max(0, raw)));
}

/**
 * The price of the market's grid, which ends a tick before 0 and 1, that is nearest to `bound` and as good; null when the
 * grid has none.
 */
export function withinGrid(bound: PriceMicro, tickMicro: PriceMicro, side: Side): PriceMicro | null {
  const limit = toTick(bound, tickMicro, side);
  return (side === "BUY" ? limit <= bound : limit >= bound) ? limit : null;
}

/** The price an order of `side` would trade at first; null when that side of the book is empty. */
export const opposite = (quote: Quote, side: Side): PriceMicro | null =>
  side === "BUY" ? quote.bestAskMicro : quote.bestBidMicro;

/** True when an order with this limit would trade against the best price now. */
export const isMarketable = (best: PriceMicro | null, limit: PriceMicro, side: Side): boolean =>
  best !== null && (side === "BUY" ? best <= limit : best >= limit);
