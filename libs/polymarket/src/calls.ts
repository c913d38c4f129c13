/**
 * Contract reads for `eth_call`, encoded and decoded by hand.
 * @see docs/venue.md, Contract reads
 */
import { ContractError } from "@slipstream/contracts/errors";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { addressToWord, text, uintArray, uintWord } from "./abi.ts";
import type { Eip712Domain } from "./versions.ts";
import { addressWord, bigintWord, WORD } from "./words.ts";

/** balanceOf(address owner,uint256 id) of an ERC-1155 ledger; answer: `decodeUint`, in 1e-6 share. */
export const encodeBalanceOf = (owner: Address, tokenId: TokenId): string =>
  `0x00fdd58e${addressToWord(owner)}${uintWord(BigInt(tokenId))}`;

/** balanceOf(address) of an ERC-20; answer: `decodeUint`, in 1e-6 USDC for every collateral of the venue. */
export const encodeErc20BalanceOf = (owner: Address): string => `0x70a08231${addressToWord(owner)}`;

/** eip712Domain(); answer: `decodeEip712Domain`. */
export const ENCODED_EIP712_DOMAIN = "0x84b0196e";

/**
 * balanceOfBatch(address[] owners,uint256[] ids) for pairs of one owner and one token; answer: `decodeUintArray`, one
 * balance per pair in the same order, in 1e-6 share.
 */
export function encodeBalanceOfBatch(pairs: readonly { readonly owner: Address; readonly tokenId: TokenId }[]): string {
  const count = uintWord(pairs.length);
  const idsOffset = uintWord((3 + pairs.length) * 32);
  const owners = pairs.map((pair) => addressToWord(pair.owner)).join("");
  const ids = pairs.map((pair) => uintWord(BigInt(pair.tokenId))).join("");
  return `0x4e1273f4${uintWord(64)}${idsOffset}${count}${owners}${count}${ids}`;
}

/** @throws ContractError RPC_UNREADABLE unless the answer is one word. */
export function decodeUint(answer: string): bigint {
  const value = answer.length === 2 + WORD && answer.startsWith("0x") ? bigintWord(answer, 2) : null;
  if (value === null) throw unreadable("one number", answer);
  return value;
}

/** @throws ContractError RPC_UNREADABLE unless the answer is an array of `length` numbers. */
export function decodeUintArray(answer: string, length: number): bigint[] {
  const values = answer.startsWith("0x") ? uintArray(answer, 2, 2) : null;
  if (values === null || values.length !== length) throw unreadable(`${length} numbers`, answer);
  return values;
}

/**
 * Reads the answer of `eip712Domain()`: bytes1 fields, string name, string version, uint256 chainId,
 * address verifyingContract, bytes32 salt, uint256[] extensions.
 * @throws ContractError RPC_UNREADABLE for anything else, such as the empty answer of an address without that function.
 */
export function decodeEip712Domain(answer: string): Eip712Domain {
  const head = (n: number): number => 2 + n * WORD;
  const name = text(answer, 2, head(1));
  const version = text(answer, 2, head(2));
  const chainId = bigintWord(answer, head(3));
  const verifyingContract = addressWord(answer, head(4));
  if (!answer.startsWith("0x") || name === null || version === null || chainId === null || verifyingContract === null) {
    throw unreadable("an EIP-712 domain", answer);
  }
  return { name, version, chainId, verifyingContract };
}

const unreadable = (expected: string, answer: string): ContractError =>
  new ContractError(
    "RPC_UNREADABLE",
    `the node answered ${answer.slice(0, 80) || "nothing"} where ${expected} was expected`,
  );
