/** A place in a text that is read once from left to right, and the small pieces that stand there. */
export type Cursor = { text: string; at: number };

export const QUOTE = 34;
const DOT = 46;
const ZERO = 48;
const NINE = 57;

export const HASH_LENGTH = 40;
const DECIMALS = 6;
/** More, with six decimals, might not be an exact double. */
const WHOLE_DIGITS_MAX = 9;
const TIME_DIGITS = 13;
/** Results of `decimal` and `scanTime` that are no values. */
export const BAD = -1;
export const ABSENT = -2;

/** Steps over `expected` if it stands here. */
export function skip(cursor: Cursor, expected: string): boolean {
  if (!cursor.text.startsWith(expected, cursor.at)) return false;
  cursor.at += expected.length;
  return true;
}

/** Reads 40 characters that need no unescaping; the quote after them is the caller's to check. */
export function scanHash(cursor: Cursor): string | null {
  const hash = cursor.text.slice(cursor.at, cursor.at + HASH_LENGTH);
  if (hash.includes("\\") || hash.includes('"')) return null;
  cursor.at += HASH_LENGTH;
  return hash;
}

/** Reads the 13 digits of a time in ms and the quote behind them. */
export function scanTime(cursor: Cursor): number {
  const { text, at } = cursor;
  let value = 0;
  for (let i = at; i < at + TIME_DIGITS; i++) {
    const code = text.charCodeAt(i);
    if (!(code >= ZERO && code <= NINE)) return BAD;
    value = value * 10 + (code - ZERO);
  }
  if (text.charCodeAt(at + TIME_DIGITS) !== QUOTE) return BAD;
  cursor.at = at + TIME_DIGITS + 1;
  return value;
}

/**
 * Reads a decimal and the quote behind it into 1e-6 units.
 * @returns ABSENT for an empty text, BAD for anything but digits with at most six decimals.
 */
export function decimal(cursor: Cursor): number {
  const { text } = cursor;
  let at = cursor.at;
  let value = 0;
  let code = text.charCodeAt(at);
  if (code === QUOTE) {
    cursor.at = at + 1;
    return ABSENT;
  }
  const from = at;
  for (; code >= ZERO && code <= NINE; code = text.charCodeAt(++at)) value = value * 10 + (code - ZERO);
  if (at === from || at - from > WHOLE_DIGITS_MAX) return BAD;
  let missing = DECIMALS;
  if (code === DOT) {
    code = text.charCodeAt(++at);
    const point = at;
    for (; code >= ZERO && code <= NINE && missing > 0; code = text.charCodeAt(++at)) {
      value = value * 10 + (code - ZERO);
      missing--;
    }
    if (at === point) return BAD;
  }
  if (code !== QUOTE) return BAD;
  cursor.at = at + 1;
  return value * (POWERS[missing] ?? 1);
}

const POWERS = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];
