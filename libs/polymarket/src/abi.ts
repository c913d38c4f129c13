/** The few pieces of the contract ABI that logs and calls of the venue need: dynamic arrays and strings of a tail. */
import { bigintWord, numberWord, WORD } from "./words.ts";

/** Bound of any array in a log or an answer: a block cannot hold more entries of this kind. */
const ARRAY_MAX = 100_000;

/**
 * Reads a uint256[] whose offset (in bytes, from character `base`) is the word at `headAt`.
 * @returns null unless offset, length and all entries lie within `hex`.
 */
export function uintArray(hex: string, base: number, headAt: number): bigint[] | null {
  const offset = numberWord(hex, headAt);
  if (offset < 0) return null;
  const lengthAt = base + offset * 2;
  const length = numberWord(hex, lengthAt);
  if (length < 0 || length > ARRAY_MAX || lengthAt + (length + 1) * WORD > hex.length) return null;
  const values: bigint[] = [];
  for (let i = 1; i <= length; i++) {
    const value = bigintWord(hex, lengthAt + i * WORD);
    if (value === null) return null;
    values.push(value);
  }
  return values;
}

/** Reads a string whose offset (in bytes, from character `base`) is the word at `headAt`; null when it does not fit. */
export function text(hex: string, base: number, headAt: number): string | null {
  const offset = numberWord(hex, headAt);
  if (offset < 0) return null;
  const lengthAt = base + offset * 2;
  const length = numberWord(hex, lengthAt);
  if (length < 0 || lengthAt + WORD + length * 2 > hex.length) return null;
  const content = hex.slice(lengthAt + WORD, lengthAt + WORD + length * 2);
  return /^([0-9a-fA-F]{2})*$/.test(content) ? Buffer.from(content, "hex").toString("utf8") : null;
}

/** Encodes a number that is not negative as one word, without 0x. */
export const uintWord = (value: bigint | number): string => value.toString(16).padStart(WORD, "0");
/** Encodes a 0x-prefixed address as one word, without 0x. */
export const addressToWord = (address: string): string => address.slice(2).toLowerCase().padStart(WORD, "0");
