/**
 * The data of one log, read from bytes instead of text. One native copy of the text costs less than looking at each of
 * its characters through a string does; zeros are then compared eight characters at a time, and a token that was seen before
 * is recognised by the eight pieces of its word, without a string or a conversion.
 *
 * One log at a time: `loadData` puts its data here, the readers below look at it until the next one comes.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import { bigintWord, LOWER_HEX_WORD, WORD } from "./words.ts";

/** The longest layout that is read here. */
const WORDS_MAX = 7;
/** "0x" is put right before this place, so that each word begins at a multiple of its pieces. */
const START = 8;
/** Characters that one piece, a double, holds. Eight ASCII characters are never a NaN, so equal means same text. */
const PIECE = 8;
const PIECES = WORD / PIECE;
const bytes = new Uint8Array(START + WORDS_MAX * WORD);
const pieces = new Float64Array(bytes.buffer);
const halves = new Uint32Array(bytes.buffer);
const target = bytes.subarray(START - 2);
const encoder = new TextEncoder();
const ZERO = 0x30;
const ZEROS = new Float64Array(new Uint8Array(PIECE).fill(ZERO).buffer)[0];
const pieceOf = (n: number): number => START / PIECE + n * PIECES;

const decimalDigits = "0123456789";
const NO_DIGIT = 255;
/** Value of a hex digit by its byte, either case. */
const digitOf = new Uint8Array(256).fill(NO_DIGIT);
for (const [value, digit] of [...decimalDigits, ..."abcdef"].entries()) {
  digitOf[digit.charCodeAt(0)] = value;
  digitOf[digit.toUpperCase().charCodeAt(0)] = value;
}

/**
 * Takes the data of a log: "0x" and at most seven words. The caller has checked its length. What is not ASCII becomes
 * bytes that are no digits, so it is refused by whichever reader meets it.
 * @returns false when it does not begin with "0x".
 */
export function loadData(data: string): boolean {
  encoder.encodeInto(data, target);
  return bytes[START - 2] === ZERO && bytes[START - 1] === 0x78;
}

/** True when word `n` is 0. */
export const isZeroWord = (n: number): boolean => areZeros(pieceOf(n), PIECES);

/** Returns the last digit of word `n` when all others are zero, otherwise -1. */
export function lastDigit(n: number): number {
  if (!areZeros(pieceOf(n), PIECES - 1)) return -1;
  const value = eightDigits(START + n * WORD + WORD - PIECE);
  return value < 16 ? value : -1;
}

function areZeros(from: number, count: number): boolean {
  for (let i = from; i < from + count; i++) if (pieces[i] !== ZEROS) return false;
  return true;
}

/** Where two halves become one bigint: cheaper than by way of a double, and exact to 64 bits. */
const joined = new DataView(new ArrayBuffer(8));

/**
 * Returns word `n`, exactly; null when it is not 64 hex digits.
 * @param data - the text that was loaded, for the words of 2^64 and more: they are read by the general way.
 */
export function amountWord(data: string, n: number): bigint | null {
  if (!areZeros(pieceOf(n), PIECES - 2)) return bigintWord(data, 2 + n * WORD);
  const end = START + (n + 1) * WORD;
  const high = eightDigits(end - 2 * PIECE);
  const low = eightDigits(end - PIECE);
  if (high < 0 || low < 0) return null;
  joined.setUint32(0, high);
  joined.setUint32(4, low);
  return joined.getBigUint64(0);
}

/** Reads eight hex digits; -1 when one of them is none. */
function eightDigits(at: number): number {
  let value = 0;
  let seen = 0;
  for (let i = at; i < at + 8; i++) {
    const digit = digitOf[bytes[i] ?? 0] ?? NO_DIGIT;
    seen |= digit;
    value = (value << 4) | digit;
  }
  return seen > 15 ? -1 : value >>> 0;
}

/** Bound of the token memory: some hundred bytes each; the venue trades a few thousand tokens a day. */
const TOKENS_MAX = 32_000;
/** At least twice the tokens, so that a free place is always near. */
const SLOT_BITS = 16;
const SLOTS = 1 << SLOT_BITS;
/** Tokens that were seen, in the order they came (the first is number 1), and the text of their words. */
const tokens: TokenId[] = [];
const keys = new Float64Array((TOKENS_MAX + 1) * PIECES);
/** Number of the token in each slot, 0 for none. Small tables side by side stay in the processor's cache. */
const slots = new Uint16Array(SLOTS);

/**
 * Returns the decimal token id of word `n`; null when it is not 64 lower-case hex digits. The conversion of a 256-bit
 * number costs more than all the rest of a log, and the same tokens return all day, so answers are remembered.
 * @param data - the text that was loaded.
 */
export function tokenOfWord(data: string, n: number): TokenId | null {
  const at = pieceOf(n);
  let slot = slotOf(at);
  for (let number = slots[slot] ?? 0; number !== 0; number = slots[slot] ?? 0) {
    if (isKey(number, at)) return tokens[number - 1] ?? null;
    slot = (slot + 1) % SLOTS;
  }
  const word = data.slice(2 + n * WORD, 2 + (n + 1) * WORD);
  if (!LOWER_HEX_WORD.test(word)) return null;
  const id = BigInt(`0x${word}`).toString() as TokenId;
  remember(id, at, slot);
  return id;
}

/** The middle digits are random in every kind of id, the last ones tell the outcomes of a combo apart. */
function slotOf(at: number): number {
  const half = at * 2;
  const first = Math.imul(halves[half + 4] ?? 0, 0x9e3779b1);
  const second = Math.imul(first ^ (first >>> 15) ^ (halves[half + 5] ?? 0), 0x85ebca6b);
  const third = Math.imul(second ^ (second >>> 13) ^ (halves[half + 15] ?? 0), 0xc2b2ae35);
  return (third ^ (third >>> 16)) >>> (32 - SLOT_BITS);
}

function isKey(number: number, at: number): boolean {
  const key = number * PIECES;
  for (let i = 0; i < PIECES; i++) if (keys[key + i] !== pieces[at + i]) return false;
  return true;
}

function remember(id: TokenId, at: number, slot: number): void {
  if (tokens.length === TOKENS_MAX) {
    tokens.length = 0;
    slots.fill(0);
  }
  const number = tokens.push(id);
  slots[slot] = number;
  keys.set(pieces.subarray(at, at + PIECES), number * PIECES);
}
