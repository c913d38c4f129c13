/** Decimals of the venue into integers of 1e-6, exactly and without a bigint on the way: for prices and book sizes. */

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
