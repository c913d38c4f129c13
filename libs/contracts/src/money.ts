/**
 * All arithmetic on money. Amounts are branded bigints in 1e-6 units, prices branded integers in 1e-6 USDC per share.
 * Adding two brands compiles and drops the brand, so amounts are combined here only and re-branded here only.
 */
import { ContractError, InvariantError } from "./errors.ts";

declare const unit: unique symbol;
/** 1e-6 USDC. */
export type UsdcMicro = bigint & { readonly [unit]: "usdc" };
/** 1e-6 share. */
export type SharesMicro = bigint & { readonly [unit]: "shares" };
/** Integer, 1e-6 USDC per share. An order price lies in (0, 1_000_000); an average may also be 0 or 1_000_000. */
export type PriceMicro = number & { readonly [unit]: "price" };
export type Side = "BUY" | "SELL";
export const otherSide = (side: Side): Side => (side === "BUY" ? "SELL" : "BUY");

export type Rounding = "floor" | "ceil";

export const MICRO = 1_000_000n;
export const MICRO_NUMBER = 1_000_000;

export const usdcMicro = (value: bigint): UsdcMicro => value as UsdcMicro;
export const sharesMicro = (value: bigint): SharesMicro => value as SharesMicro;
export const ZERO_USDC = usdcMicro(0n);
export const ZERO_SHARES = sharesMicro(0n);

/** @throws ContractError unless `value` is an integer from 0 to 1_000_000. */
export function priceMicro(value: number): PriceMicro {
  if (!Number.isInteger(value) || value < 0 || value > MICRO_NUMBER) {
    throw new ContractError(
      "PRICE_INVALID",
      `a price is an integer from 0 to 1000000 micro-USDC per share, got ${value}`,
    );
  }
  return value as PriceMicro;
}

type Amount = UsdcMicro | SharesMicro;
const difference = (a: bigint, b: bigint): bigint => a - b;

/** Adds amounts of one kind. */
export function add<A extends Amount>(...amounts: readonly A[]): A {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  return sum as A;
}
/** Returns `a - b`, which may be negative. */
export const subtract = <A extends Amount>(a: A, b: NoInfer<A>): A => difference(a, b) as A;
/** Returns `a - b`, never below zero. */
export const subtractToZero = <A extends Amount>(a: A, b: NoInfer<A>): A => (a > b ? difference(a, b) : 0n) as A;
export const minAmount = <A extends Amount>(a: A, b: NoInfer<A>): A => (a < b ? a : b);
export const maxAmount = <A extends Amount>(a: A, b: NoInfer<A>): A => (a > b ? a : b);
export const negate = <A extends Amount>(a: A): A => difference(0n, a) as A;

/**
 * Returns `amount * numerator / denominator`.
 * @throws InvariantError when `denominator` is not positive or a factor is negative.
 */
export function scale<A extends Amount>(
  amount: A,
  ratio: { readonly numerator: bigint; readonly denominator: bigint },
  rounding: Rounding,
): A {
  if (ratio.denominator <= 0n || ratio.numerator < 0n || amount < 0n) {
    throw new InvariantError(`scale needs amounts that are not negative and a positive denominator`);
  }
  return divide(amount * ratio.numerator, ratio.denominator, rounding) as A;
}

/** Divides two non-negative bigints with the rounding named. */
export function divide(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  if (numerator < 0n || denominator <= 0n) throw new InvariantError("divide needs numerator >= 0 and denominator > 0");
  const quotient = numerator / denominator;
  return rounding === "ceil" && quotient * denominator < numerator ? quotient + 1n : quotient;
}

/**
 * Returns the cost of `size` at `price`. Buyers reserve with "ceil", so a reservation is never short.
 * @param price - 1e-6 USDC per share.
 * @param size - 1e-6 share, not negative.
 * @returns 1e-6 USDC.
 * @throws InvariantError when `size` is negative.
 */
export function notional(price: PriceMicro, size: SharesMicro, rounding: Rounding): UsdcMicro {
  return divide(BigInt(price) * size, MICRO, rounding) as UsdcMicro;
}

/**
 * Returns the shares that `budget` buys at `price`.
 * @throws InvariantError when `price` is 0 or `budget` negative.
 */
export function sharesFor(budget: UsdcMicro, price: PriceMicro, rounding: Rounding): SharesMicro {
  return divide(budget * MICRO, BigInt(price), rounding) as SharesMicro;
}

/**
 * Returns the average price of a fill, rounded to the nearest micro (half up): for display and price guards only,
 * the amounts stay the truth.
 * @throws InvariantError when `shares` is not positive or the price leaves [0, 1].
 */
export function averagePrice(cost: UsdcMicro, shares: SharesMicro): PriceMicro {
  if (shares <= 0n || cost < 0n)
    throw new InvariantError("an average price needs a positive size and a cost that is not negative");
  const value = Number((cost * MICRO * 2n + shares) / (shares * 2n));
  if (value > MICRO_NUMBER) throw new InvariantError(`an average price of ${value} micro-USDC per share is above 1`);
  return value as PriceMicro;
}

/** The venue trades whole hundredths of a share: on every tick such sizes cost whole micro-USDC. */
export const SIZE_STEP_MICRO = 10_000n;
/** Returns the largest whole number of the venue's steps in `size`, which is not negative. */
export const floorToStep = (size: SharesMicro): SharesMicro => difference(size, size % SIZE_STEP_MICRO) as SharesMicro;

/** A market's taker fee: `fee = shares * rate * (p * (1 - p)) ^ exponent`, in USDC. */
export type FeeSchedule = {
  /** 1e-6: 0.07 is 70_000. */
  readonly rateMicro: number;
  /** A whole number; the venue uses 1. */
  readonly exponent: number;
  readonly takerOnly: boolean;
};

/** The venue rounds fees to 5 decimals and charges at least one of them. */
const FEE_STEP = 10n;

/**
 * Returns the taker fee of `shares` at `price` as the venue charges it: rounded half up to 5 decimals, at least
 * 0.00001 when the schedule has a rate.
 * @returns 1e-6 USDC.
 * @see docs/venue.md, Fees
 */
export function takerFee(schedule: FeeSchedule, price: PriceMicro, shares: SharesMicro): UsdcMicro {
  if (schedule.rateMicro === 0 || shares === 0n) return ZERO_USDC;
  const { numerator, denominator } = feeFraction(schedule, price, shares);
  if (numerator === 0n) return ZERO_USDC;
  const steps = (numerator * 2n + denominator * FEE_STEP) / (denominator * FEE_STEP * 2n);
  return ((steps === 0n ? 1n : steps) * FEE_STEP) as UsdcMicro;
}

/**
 * Returns an upper bound of the fee of any fill of `shares` at `limit` or better, cut into at most `fills` fills:
 * what a buyer reserves. Below one half a better price can only lower p(1-p), above it may raise it up to 1/4.
 */
export function maxTakerFee(schedule: FeeSchedule, limit: PriceMicro, shares: SharesMicro, fills = 64): UsdcMicro {
  if (schedule.rateMicro === 0 || shares === 0n) return ZERO_USDC;
  const worst = (limit > MICRO_NUMBER / 2 ? MICRO_NUMBER / 2 : limit) as PriceMicro;
  const { numerator, denominator } = feeFraction(schedule, worst, shares);
  return (divide(numerator, denominator * FEE_STEP, "ceil") * FEE_STEP + BigInt(fills) * FEE_STEP) as UsdcMicro;
}

/** What the bound may be short of when it is scaled: its rounding, and the least fee of each fill. */
const scaledFeeSlack = (fills: number): bigint => BigInt(fills + 1) * FEE_STEP;

/**
 * Returns an upper bound of the fee of `size` when `maxFee` is one of `whole`, which is not smaller: its part, rounded up,
 * and what does not shrink with the size; never more than `maxFee`. Not below `maxTakerFee` of the smaller size.
 */
export function scaleMaxFee(maxFee: UsdcMicro, size: SharesMicro, whole: SharesMicro, fills = 64): UsdcMicro {
  if (maxFee === 0n || size === 0n) return ZERO_USDC;
  if (size >= whole) return maxFee;
  const part = divide(maxFee * size, whole, "ceil") + scaledFeeSlack(fills);
  return minAmount(maxFee, part as UsdcMicro);
}

function feeFraction(
  schedule: FeeSchedule,
  price: PriceMicro,
  shares: SharesMicro,
): { numerator: bigint; denominator: bigint } {
  const p = BigInt(price);
  let curve = 1n;
  let curveUnit = 1n;
  for (let n = 0; n < schedule.exponent; n++) {
    curve *= p * (MICRO - p);
    curveUnit *= MICRO * MICRO;
  }
  return { numerator: shares * BigInt(schedule.rateMicro) * curve, denominator: MICRO * curveUnit };
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d{1,6})0*)?$/;

/**
 * Parses a decimal string into 1e-6 units, exactly.
 * @throws ContractError for anything but a plain decimal, or when a digit beyond the sixth decimal is not zero.
 */
export function parseMicro(text: string): bigint {
  const match = DECIMAL.exec(text);
  if (match === null) {
    throw new ContractError(
      "AMOUNT_INVALID",
      `an amount is a plain decimal with at most six decimals, got ${JSON.stringify(text)}`,
    );
  }
  const [, sign, whole = "0", fraction = ""] = match;
  const value = BigInt(whole) * MICRO + BigInt(fraction.padEnd(6, "0"));
  return sign === "-" ? -value : value;
}

export const parseUsdc = (text: string): UsdcMicro => parseMicro(text) as UsdcMicro;
export const parseShares = (text: string): SharesMicro => parseMicro(text) as SharesMicro;
/** @throws ContractError outside [0, 1] or with more than six decimals. */
export const parsePrice = (text: string): PriceMicro => priceMicro(Number(parseMicro(text)));

/** Formats 1e-6 units as the shortest exact decimal, the canonical form of the venue's book hash: 500000 is "0.5". */
export function formatMicro(value: bigint | number): string {
  const amount = BigInt(value);
  const digits = (amount < 0n ? -amount : amount).toString().padStart(7, "0");
  const whole = digits.slice(0, -6);
  const fraction = digits.slice(-6).replace(/0+$/, "");
  return `${amount < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

/** The coarsest tick the venue has. */
export const TICK_MAX = 100_000;

/** True for what can be the step of a market's prices, in 1e-6 USDC: a whole part of 1, and no coarser than the venue's. */
export const isTick = (tick: number): boolean =>
  Number.isInteger(tick) && tick > 0 && tick <= TICK_MAX && MICRO_NUMBER % tick === 0;

/** On tick means a whole multiple of the tick, within [tick, 1 - tick]. */
export const isOnTick = (price: PriceMicro, tick: PriceMicro): boolean =>
  price % tick === 0 && price >= tick && price <= MICRO_NUMBER - tick;

/** Returns the nearest price on the grid that is not better for the counterparty: down for a buyer, up for a seller. */
export function toTick(price: number, tick: PriceMicro, side: Side): PriceMicro {
  const steps = side === "BUY" ? Math.floor(price / tick) : Math.ceil(price / tick);
  return Math.min(MICRO_NUMBER - tick, Math.max(tick, steps * tick)) as PriceMicro;
}
