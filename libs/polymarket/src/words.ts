/**
 * 32-byte words of logs and call results, read from the hex text the node sent: nothing is copied into bytes first,
 * because a text slice and a short parse are an order of magnitude cheaper than a general ABI decoder.
 */
import type { TokenId } from "@slipstream/contracts/ids";

/** What `eth_getLogs` and `eth_subscription` deliver; only the fields that decoding needs. Hex is lower case. */
export type RawLog = {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
};

/** Why a log could not be read. A value, not an error: the reader decides what a log it cannot read means. */
export type LogRefusal = { readonly kind: "refused"; readonly code: LogRefusalCode; readonly detail: string };
export type LogRefusalCode =
  | "ADDRESS_UNKNOWN"
  | "EVENT_UNKNOWN"
  | "TOPIC_COUNT_WRONG"
  | "TOPIC_MALFORMED"
  | "DATA_LENGTH_WRONG"
  | "DATA_MALFORMED"
  | "SIDE_UNKNOWN"
  | "ASSETS_AMBIGUOUS";

export const refuseLog = (code: LogRefusalCode, detail: string): LogRefusal => ({ kind: "refused", code, detail });

/** Hex characters of one word. */
export const WORD = 64;
/** 13 hex digits are 52 bits: the most that a double holds exactly. */
const SAFE_DIGITS = 13;
const HIGH_ZEROS = "0".repeat(WORD - SAFE_DIGITS);
const ADDRESS_ZEROS = `0x${"0".repeat(24)}`;
const TOPIC_LENGTH = 2 + WORD;
const HEX_WORD = /^[0-9a-fA-F]{64}$/;
export const LOWER_HEX_WORD = /^[0-9a-f]{64}$/;

/** Value of a hex digit by character code; 255 for anything else. */
const digitOf = new Uint8Array(128).fill(255);
for (let n = 0; n < 16; n++) {
  digitOf[n.toString(16).charCodeAt(0)] = n;
  digitOf[n.toString(16).toUpperCase().charCodeAt(0)] = n;
}

/**
 * Reads the word that starts at character `at` as a number.
 * @returns -1 when it is above 2^52 - 1 (read it with `bigintWord` then) or holds anything but hex digits.
 */
export function numberWord(hex: string, at: number): number {
  if (!hex.startsWith(HIGH_ZEROS, at)) return -1;
  let value = 0;
  for (let i = at + WORD - SAFE_DIGITS; i < at + WORD; i++) {
    const digit = digitOf[hex.charCodeAt(i)] ?? 255;
    if (digit === 255) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** Reads the word that starts at character `at`; null when it is not 64 hex digits. */
export function bigintWord(hex: string, at: number): bigint | null {
  const small = numberWord(hex, at);
  if (small >= 0) return BigInt(small);
  const word = hex.slice(at, at + WORD);
  return HEX_WORD.test(word) ? BigInt(`0x${word}`) : null;
}

/** True when a topic has the length and the leading zeros of an address; its digits are not looked at. */
export const isPaddedAddress = (topic: string): boolean =>
  topic.length === TOPIC_LENGTH && topic.startsWith(ADDRESS_ZEROS);

/** Returns the 0x-prefixed address in a topic, or null when the topic is no padded address. */
export function topicAddress(topic: string): string | null {
  return isPaddedAddress(topic) && isLowerHex(topic, 26) ? `0x${topic.slice(26)}` : null;
}

/** Returns the 0x-prefixed address in the word at `at`, or null when the word is no padded address. */
export const addressWord = (hex: string, at: number): string | null => topicAddress(`0x${hex.slice(at, at + WORD)}`);

/** True for 0x + 64 lower-case hex digits. */
export const isWordTopic = (topic: string): boolean =>
  topic.length === TOPIC_LENGTH && topic.startsWith("0x") && isLowerHex(topic, 2);

function isLowerHex(text: string, from: number): boolean {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
  }
  return true;
}

/** Bound of the token memory: some hundred bytes each; the venue trades a few thousand tokens a day. */
const TOKENS_MAX = 50_000;
const decimalOfWord = new Map<string, TokenId>();

/**
 * Returns the decimal token id of the word at `at`, or null when it is not hex. The conversion of a 256-bit number
 * costs more than all the rest of a log, and the same few tokens return all day, so answers are remembered.
 */
export function tokenWord(hex: string, at: number): TokenId | null {
  const word = hex.slice(at, at + WORD);
  const known = decimalOfWord.get(word);
  if (known !== undefined) return known;
  if (!LOWER_HEX_WORD.test(word)) return null;
  const decimal = BigInt(`0x${word}`).toString() as TokenId;
  if (decimalOfWord.size >= TOKENS_MAX) decimalOfWord.clear();
  // A slice would keep the whole log text alive; the round trip through bytes makes a string of its own.
  decimalOfWord.set(Buffer.from(word, "latin1").toString("latin1"), decimal);
  return decimal;
}
