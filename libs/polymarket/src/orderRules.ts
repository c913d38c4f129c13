/**
 * What the venue takes as an order, and in which words it refuses. Pure: the state of the market is an argument. The paper
 * venue asks here, whoever sizes an order sizes it by the same rules, and a live order states what is said here.
 *
 * Where the venue's rule is only reported and not proved, the stricter reading is a refusal: an order that is sized by
 * these rules is taken under both.
 */
import {
  formatMicro,
  isOnTick,
  MICRO,
  maxAmount,
  notional,
  type PriceMicro,
  type SharesMicro,
  type Side,
  sharesFor,
  sharesMicro,
  usdcMicro,
} from "@slipstream/contracts/money";

export type OrderKind = "GTD" | "FAK" | "FOK";

export type OrderTerms = {
  readonly orderId: string;
  readonly side: Side;
  readonly limitPriceMicro: PriceMicro;
  readonly sizeMicro: SharesMicro;
  readonly timeInForce: OrderKind;
};

/** The market at the moment the order arrives. */
export type MarketNow = {
  readonly acceptingOrders: boolean;
  readonly tickMicro: PriceMicro;
  readonly minOrderSizeMicro: SharesMicro;
  /** Best displayed price of the other side; null: there is none. */
  readonly bestOppositeMicro: PriceMicro | null;
};

export type RefusalCode =
  | "MARKET_NOT_ACCEPTING_ORDERS"
  | "PRICE_OFF_TICK"
  | "AMOUNT_PRECISION"
  | "SIZE_BELOW_MINIMUM"
  | "MARKETABLE_BELOW_MINIMUM";
/** `text`: the venue's own words. */
export type OrderRefusal = { readonly code: RefusalCode; readonly text: string };

/** Of any order, whatever the book. */
export const marketClosed: OrderRefusal = {
  code: "MARKET_NOT_ACCEPTING_ORDERS",
  text: "the market is not yet ready to process new orders",
};

/** A marketable purchase must be worth a dollar. */
const MARKETABLE_USDC_MIN = usdcMicro(MICRO);
/** The venue takes sizes of two decimals. */
const SIZE_STEP = 10_000n;
/** Of FAK and FOK the USDC side has at most two decimals on a purchase and four on a sale; 1e-6 USDC. */
const USDC_STEP: Readonly<Record<Side, bigint>> = { BUY: 10_000n, SELL: 100n };

/** Returns why the venue would refuse the order now; null when it would take it. The first rule that is broken counts. */
export function refusalOf(order: OrderTerms, market: MarketNow): OrderRefusal | null {
  const { orderId, side, limitPriceMicro, sizeMicro } = order;
  if (!market.acceptingOrders) return marketClosed;
  if (!isOnTick(limitPriceMicro, market.tickMicro)) {
    const [price, tick] = [formatMicro(limitPriceMicro), formatMicro(market.tickMicro)];
    const text = `order ${orderId} is invalid. Price (${price}) breaks minimum tick size rule: ${tick}`;
    return { code: "PRICE_OFF_TICK", text };
  }
  if (takeableSize(order, sizeMicro) !== sizeMicro) {
    return { code: "AMOUNT_PRECISION", text: precisionText(order, market) };
  }
  if (sizeMicro < market.minOrderSizeMicro || sizeMicro <= 0n) {
    const minimum = formatMicro(market.minOrderSizeMicro);
    const text = `order ${orderId} is invalid. Size (${formatMicro(sizeMicro)}) lower than the minimum: ${minimum}`;
    return { code: "SIZE_BELOW_MINIMUM", text };
  }
  const { bestOppositeMicro: best } = market;
  const worth = notional(limitPriceMicro, sizeMicro, "floor");
  if (side === "BUY" && best !== null && best <= limitPriceMicro && worth < MARKETABLE_USDC_MIN) {
    const text = `invalid amount for a marketable BUY order ($${formatMicro(worth)}), min size: $1`;
    return { code: "MARKETABLE_BELOW_MINIMUM", text };
  }
  return null;
}

function precisionText({ timeInForce, side }: OrderTerms, { tickMicro }: MarketNow): string {
  if (timeInForce !== "GTD") {
    const what = `the market ${side === "BUY" ? "buy" : "sell"} orders`;
    return `invalid amounts, ${what} maker amount supports a max accuracy of 2 decimals, taker amount a max of 4 decimals`;
  }
  // Of a resting order the shares have two decimals and the USDC side those of the tick and two more.
  const usdc = (formatMicro(tickMicro).split(".")[1]?.length ?? 0) + 2;
  const [what, maker, taker] = side === "BUY" ? ["buy", usdc, 2] : ["sell", 2, usdc];
  return `invalid amounts, the ${what} orders maker amount supports a max accuracy of ${maker} decimals, taker amount a max of ${taker} decimals`;
}

type Priced = Pick<OrderTerms, "side" | "limitPriceMicro" | "timeInForce">;

/** The step of sizes that the venue takes at a limit, 1e-6 share: 0.01, or for FAK and FOK what makes the USDC side even. */
function sizeStep({ side, limitPriceMicro, timeInForce }: Priced): bigint {
  if (timeInForce === "GTD") return SIZE_STEP;
  // steps × 0.01 share × price is a whole number of USDC steps.
  const unit = (USDC_STEP[side] * MICRO) / SIZE_STEP;
  return SIZE_STEP * (unit / gcd(BigInt(limitPriceMicro), unit));
}

/** Returns the largest size up to `sizeMicro` whose amounts the venue takes; 0 when there is none. */
export function takeableSize(order: Priced, sizeMicro: SharesMicro): SharesMicro {
  const step = sizeStep(order);
  return sharesMicro(sizeMicro - (sizeMicro % step));
}

/** Returns the smallest order that the venue takes at a limit, 1e-6 share; a purchase may be marketable when it arrives. */
export function smallestOrder(order: Priced & { readonly minOrderSizeMicro: SharesMicro }): SharesMicro {
  const { side, limitPriceMicro, minOrderSizeMicro } = order;
  const least =
    side === "BUY"
      ? maxAmount(minOrderSizeMicro, sharesFor(MARKETABLE_USDC_MIN, limitPriceMicro, "ceil"))
      : minOrderSizeMicro;
  const step = sizeStep(order);
  return sharesMicro(((least + step - 1n) / step) * step);
}

/** The venue drops a GTD order this long before its `expiration`, and wants that at least so far ahead. */
const GTD_DROPPED_BEFORE_MS = 60_000;
const GTD_AHEAD_MIN_MS = 180_000;
const SECOND_MS = 1_000;

/**
 * What a live GTD order has to state to live for `ttlMs`.
 * @returns `expirationS`: unix seconds; `cancelAtMs`: when we have to cancel it, as the venue would keep it for longer; null: never.
 */
export function gtdTerms(options: { readonly nowMs: number; readonly ttlMs: number }): {
  readonly expirationS: number;
  readonly cancelAtMs: number | null;
} {
  const endMs = options.nowMs + options.ttlMs;
  const expirationMs = Math.max(endMs + GTD_DROPPED_BEFORE_MS, options.nowMs + GTD_AHEAD_MIN_MS);
  const expirationS = Math.ceil(expirationMs / SECOND_MS);
  const droppedMs = expirationS * SECOND_MS - GTD_DROPPED_BEFORE_MS;
  return { expirationS, cancelAtMs: droppedMs > endMs ? endMs : null };
}

/** Returns why the venue would refuse an `expiration`; null when it takes it. 0 is none. */
export const expirationRefusal = (expirationS: number, nowMs: number): { readonly text: string } | null =>
  expirationS === 0 || expirationS * SECOND_MS >= nowMs + GTD_AHEAD_MIN_MS ? null : { text: "invalid expiration" };

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}
