/** Sections 7 and 8: whether the venue takes an order, and what a fill costs. */
import type { Fee, Order, RefusalCode, Side } from "./types.ts";

const ONE = 1_000_000n;

/** 7.1 to 7.5, in this sequence. `bestAskMicro`: the lowest displayed ask of the order's token, null without one. */
export function refusalOf(
  order: Order,
  market: { readonly closed: boolean; readonly tickMicro: bigint; readonly bestAskMicro: bigint | null },
): RefusalCode | null {
  const { side, limitMicro, sizeMicro, timeInForce } = order;
  // Price times size is in units of 1e-12 USDC, exactly.
  const worth = limitMicro * sizeMicro;
  if (market.closed) return "MARKET_NOT_ACCEPTING_ORDERS";
  const { tickMicro } = market;
  if (limitMicro % tickMicro !== 0n || limitMicro < tickMicro || limitMicro > ONE - tickMicro) return "PRICE_OFF_TICK";
  if (sizeMicro % 10_000n !== 0n) return "AMOUNT_PRECISION";
  if (timeInForce !== "GTD" && side === "BUY" && worth % 10_000_000_000n !== 0n) return "AMOUNT_PRECISION";
  if (timeInForce !== "GTD" && side === "SELL" && worth % 100_000_000n !== 0n) return "AMOUNT_PRECISION";
  if (sizeMicro < order.minOrderSizeMicro) return "SIZE_BELOW_MINIMUM";
  const { bestAskMicro } = market;
  const marketable = side === "BUY" && bestAskMicro !== null && limitMicro >= bestAskMicro;
  if (marketable && worth < ONE * ONE) return "MARKETABLE_BELOW_MINIMUM";
  return null;
}

/** 8.1: up for a BUY, down for a SELL, to the micro. */
export function usdcOf(side: Side, priceMicro: bigint, sizeMicro: bigint): bigint {
  const worth = priceMicro * sizeMicro;
  return side === "BUY" ? (worth + ONE - 1n) / ONE : worth / ONE;
}

/** 8.2: half up to 0.00001 USDC, at least that when it is not 0. */
export function takerFeeOf({ rateMicro, exponent }: Fee, priceMicro: bigint, sizeMicro: bigint): bigint {
  // In micro-USDC as a fraction: size × rate/1e6 × (p(1 − p)/1e12)^exponent.
  const numerator = sizeMicro * rateMicro * (priceMicro * (ONE - priceMicro)) ** BigInt(exponent);
  const denominator = ONE * (ONE * ONE) ** BigInt(exponent);
  if (numerator === 0n) return 0n;
  // Steps of 10 micro: floor(x + 1/2).
  const steps = (2n * numerator + 10n * denominator) / (20n * denominator);
  return 10n * (steps === 0n ? 1n : steps);
}
