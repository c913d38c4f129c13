/** Decimals of the venue into integers of 1e-6: prices and book sizes as doubles, amounts of fills as bigints. */
import { divide, MICRO } from "@slipstream/contracts/money";

const DECIMAL = /^(\d{1,10})(?:\.(\d{1,6})0*)?$/;
const UNREADABLE = -1;

/**
 * Reads a plain decimal that is not negative.
 * @returns 1e-6 units; -1 for anything else: a sign, an exponent, a seventh decimal, more than a double holds exactly.
 */
export function microNumber(text: string): number {
  const match = DECIMAL.exec(text);
  if (match === null) return UNREADABLE;
  const [, whole = "", fraction = ""] = match;
  const value = Number(whole + fraction.padEnd(6, "0"));
  return Number.isSafeInteger(value) ? value : UNREADABLE;
}

/**
 * Reads a decimal that JSON carries as a string or as a number. A number goes through its shortest text, which is the
 * text that was sent as long as that has at most 15 digits: 0.07 is 70000, never 70000.00000000001.
 * @returns as `microNumber`.
 */
export function microOfJson(value: unknown): number {
  if (typeof value === "string") return microNumber(value);
  return typeof value === "number" ? microNumber(String(value)) : UNREADABLE;
}

/** Exactly `numerator / denominator`. */
export type Fraction = { readonly numerator: bigint; readonly denominator: bigint };

const ANY_DECIMAL = /^(\d{1,30})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,2}))?$/;

/**
 * Reads a decimal of any length that is not negative, as text or as a number of JSON.
 * @returns null for anything else: a sign, no number at all.
 */
export function decimalFraction(value: unknown): Fraction | null {
  if (typeof value !== "string" && typeof value !== "number") return null;
  const match = ANY_DECIMAL.exec(String(value));
  if (match === null) return null;
  const [, whole = "0", fraction = "", exponent = "0"] = match;
  const shift = fraction.length - Number(exponent);
  const numerator = BigInt(whole + fraction);
  if (shift <= 0) return { numerator: numerator * 10n ** BigInt(-shift), denominator: 1n };
  return { numerator, denominator: 10n ** BigInt(shift) };
}

export type MicroDecimal = {
  /** 1e-6 units. */
  readonly micro: bigint;
  /** False: it was between two micros, and this is the nearest one (half up). */
  readonly exact: boolean;
};

/** Returns `amount * fraction`, in the unit of `amount`. */
export function nearest(amount: bigint, { numerator, denominator }: Fraction): MicroDecimal {
  const product = amount * numerator;
  return {
    micro: divide(product * 2n + denominator, denominator * 2n, "floor"),
    exact: product % denominator === 0n,
  };
}

/**
 * Reads a decimal as micros. The venue's index keeps decimals as doubles: a value with more than six of them is a micro
 * amount plus an error far below half a micro, so the nearest micro is what the chain holds.
 * @returns null as `decimalFraction`.
 */
export function microDecimal(value: unknown): MicroDecimal | null {
  const fraction = decimalFraction(value);
  return fraction === null ? null : nearest(MICRO, fraction);
}
