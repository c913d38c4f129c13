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

/**
 * Returns the worst price an order may trade at: the leader's price plus (BUY) or minus (SELL) the guard's basis points
 * of it and ticks, less the ticks risk takes off, on tick in our favour and inside [tick, 1 - tick].
 */
export function limitPrice(options: {
  readonly leaderPriceMicro: PriceMicro;
  readonly side: Side;
  readonly tickMicro: PriceMicro;
  readonly policy: Pick<AccountPolicy, "priceGuardBps" | "priceGuardTicks">;
  /** Ticks in our favour, from risk. */
  readonly riskTicks: number;
}): PriceMicro {
  const { leaderPriceMicro, side, tickMicro, policy, riskTicks } = options;
  const slack = Math.floor((leaderPriceMicro * policy.priceGuardBps) / 10_000);
  const away = slack + (policy.priceGuardTicks - riskTicks) * tickMicro;
  const raw = side === "BUY" ? leaderPriceMicro + away : leaderPriceMicro - away;
  return toTick(priceMicro(Math.min(MICRO_NUMBER, Math.max(0, raw))), tickMicro, side);
}

/** The price an order of `side` would trade at first; null when that side of the book is empty. */
export const opposite = (quote: Quote, side: Side): PriceMicro | null =>
  side === "BUY" ? quote.bestAskMicro : quote.bestBidMicro;

/** True when an order with this limit would trade against the best price now. */
export const isMarketable = (best: PriceMicro | null, limit: PriceMicro, side: Side): boolean =>
  best !== null && (side === "BUY" ? best <= limit : best >= limit);
