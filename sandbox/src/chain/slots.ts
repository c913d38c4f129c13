/** Storage of the first block: words, and the slots where Solidity keeps the entries of mappings. */
import { encodeAbiParameters, keccak256 } from "viem/utils";
import { asHex } from "./ctfIds.ts";

export type Word = `0x${string}`;
export type Account = { balance: string; code?: string; storage?: Record<Word, Word> };

export const ONE: Word = word(1n);
export const UNLIMITED: Word = word(2n ** 256n - 1n);

/** The slot of `mapping[key]`, or of `mapping[key][next]…`; `base` is the mapping's own slot. */
export function slotOf(base: bigint, ...keys: Word[]): Word {
  let slot = word(base);
  for (const key of keys) {
    // An address is padded on the left; a bytes4 comes padded on the right to a whole word.
    const padded = asHex(`0x${key.slice(2).padStart(64, "0")}`);
    slot = keccak256(encodeAbiParameters([{ type: "bytes32" }, { type: "bytes32" }], [padded, slot]));
  }
  return slot;
}

export function word(value: bigint): Word {
  return `0x${value.toString(16).padStart(64, "0")}`;
}
