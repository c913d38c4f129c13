/** Decimals of the venue into integers of 1e-6: prices and book sizes as doubles, amounts of fills as bigints. */
import { MICRO } from "@slipstream/contracts/money";

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

export type MicroDecimal = {
  /** 1e-6 units. */
  readonly micro: bigint;
  /** False: there were more than six decimals, and the value is the nearest one (half up). */
  readonly exact: boolean;
};

const ANY_DECIMAL = /^(\d{1,30})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,2}))?$/;

/**
 * Reads a decimal of any length that is not negative, as text or as a number of JSON. The venue's index keeps decimals as
 * doubles: a value with more than six of them is a micro amount plus an error far below half a micro, so the nearest
 * micro is what the chain holds.
 * @returns null for anything else: a sign, no number at all.
 */
export function microDecimal(value: unknown): MicroDecimal | null {
  if (typeof value !== "string" && typeof value !== "number") return null;
  const match = ANY_DECIMAL.exec(String(value));
  if (match === null) return null;
  const [, whole = "0", fraction = "", exponent = "0"] = match;
  const digits = BigInt(whole + fraction) * MICRO;
  const shift = fraction.length - Number(exponent);
  if (shift <= 0) return { micro: digits * 10n ** BigInt(-shift), exact: true };
  const unit = 10n ** BigInt(shift);
  return { micro: (digits * 2n + unit) / (unit * 2n), exact: digits % unit === 0n };
}
