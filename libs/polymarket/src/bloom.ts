/**
 * The bloom filter of a header: 2048 bits in which the address and each topic of every log of the block have set three.
 * What has not all its bits set is surely not in the block; what has them may be there.
 * @see the Ethereum yellow paper, section 4.4.3, function M3:2048
 */
import { ContractError } from "@slipstream/contracts/errors";
import { keccak256 } from "@slipstream/contracts/keccak";

const BITS = 2_048;
/** Hexadecimal digits after 0x. */
const DIGITS = BITS / 4;
/** What filters ask for again at each block: leaders, exchanges and events, which are fewer. */
const KEPT_MAX = 50_000;

/** `0x` and 512 hexadecimal digits, as the field `logsBloom` of a header; lower-case. */
export type Bloom = string;

/** One bit: its digit in the text, and which of the four of it. */
type Place = { readonly digit: number; readonly mask: number };

/** @throws ContractError RPC_UNREADABLE when it is no bloom of a header. */
export function parseBloom(value: unknown): Bloom {
  if (typeof value === "string" && value.length === DIGITS + 2 && /^0x[0-9a-f]+$/i.test(value))
    return value.toLowerCase();
  throw new ContractError("RPC_UNREADABLE", "a header without a logs bloom of 2048 bits");
}

/**
 * Says whether a log with all of these may be in the block; a no is certain.
 * @param items - addresses and topics, 0x and hexadecimal digits of either case.
 */
export function mayContain(bloom: Bloom, items: readonly string[]): boolean {
  return items.every((item) => areSet(bloom, bitsOf(item)));
}

/**
 * `mayContain` of one item that is asked for at each block: its bits are remembered. Not for what logs hold, which is new
 * each time.
 */
export function mayContainAsked(bloom: Bloom, item: string): boolean {
  return areSet(bloom, keptBitsOf(item));
}

/** Returns the part of the bits that is set, 0 to 1. An item that is not there looks as if with its third power. */
export function saturation(bloom: Bloom): number {
  let set = 0;
  for (let digit = 2; digit < bloom.length; digit++) set += bitsOfDigit[digitAt(bloom, digit)] ?? 0;
  return set / BITS;
}
const bitsOfDigit = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4];

/** Returns the bloom of a block with these logs and no others. */
export function bloomOf(logs: readonly { readonly address: string; readonly topics: readonly string[] }[]): Bloom {
  const digits = new Uint8Array(DIGITS + 2);
  for (const { address, topics } of logs) {
    for (const item of [address, ...topics]) {
      for (const { digit, mask } of placesOf(item)) digits[digit] = (digits[digit] ?? 0) | mask;
    }
  }
  return `0x${Array.from(digits.subarray(2), (digit) => digit.toString(16)).join("")}`;
}

/** Says whether each bit of `part` is set in `whole` too. */
export function isWithin(part: Bloom, whole: Bloom): boolean {
  for (let digit = 2; digit < part.length; digit++) {
    if ((digitAt(part, digit) & ~digitAt(whole, digit)) !== 0) return false;
  }
  return true;
}

/** Three bits in one number, which takes less room than their places. */
const kept = new Map<string, number>();
function keptBitsOf(item: string): number {
  const known = kept.get(item);
  if (known !== undefined) return known;
  if (kept.size >= KEPT_MAX) kept.clear();
  const bits = bitsOf(item);
  kept.set(item, bits);
  return bits;
}

/** How many items are remembered. */
export const itemsKept = (): number => kept.size;

/** The item's three bits as digits of base 2048, which are exact in a double. */
function bitsOf(item: string): number {
  const hash = keccak256(Buffer.from(item.slice(2), "hex"));
  return [0, 2, 4].reduce((bits, from) => bits * BITS + ((((hash[from] ?? 0) << 8) | (hash[from + 1] ?? 0)) % BITS), 0);
}

/** Bit 0 is the lowest of the last digit. */
const placeOf = (bit: number): Place => ({ digit: DIGITS + 1 - (bit >> 2), mask: 1 << (bit & 3) });
const placesOf = (item: string): Place[] => bitsIn(bitsOf(item)).map(placeOf);
const bitsIn = (bits: number): number[] => [Math.floor(bits / BITS ** 2), Math.floor(bits / BITS) % BITS, bits % BITS];

/** Without a list of places: it is asked ten thousand times a block. */
function areSet(bloom: Bloom, bits: number): boolean {
  for (let left = bits, at = 0; at < 3; at++, left = Math.floor(left / BITS)) {
    const { digit, mask } = placeOf(left % BITS);
    if ((digitAt(bloom, digit) & mask) === 0) return false;
  }
  return true;
}

/** 0 to 15; the text is lower-case. */
function digitAt(bloom: Bloom, index: number): number {
  const code = bloom.charCodeAt(index);
  return code <= 57 ? code - 48 : code - 87;
}
