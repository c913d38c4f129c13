/**
 * Contract reads for `eth_call`, encoded and decoded by hand.
 * @see docs/venue.md, Contract reads
 */
import { ContractError } from "@slipstream/contracts/errors";
import type { Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import { addressToWord, text, uintArray, uintWord } from "./abi.ts";
import type { Eip712Domain } from "./versions.ts";
import { addressWord, bigintWord, numberWord, WORD } from "./words.ts";

/** Many reads in one `eth_call`, all of one block; the same address on every chain that has it. */
export const MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11" as Address;

/** balanceOf(address owner,uint256 id) of an ERC-1155 ledger; answer: `decodeUint`, in 1e-6 share. */
export const encodeBalanceOf = (owner: Address, tokenId: TokenId): string =>
  `0x00fdd58e${addressToWord(owner)}${uintWord(BigInt(tokenId))}`;

/** balanceOf(address) of an ERC-20; answer: `decodeUint`, in 1e-6 USDC for every collateral of the venue. */
export const encodeErc20BalanceOf = (owner: Address): string => `0x70a08231${addressToWord(owner)}`;

/** allowance(address owner,address spender) of an ERC-20; answer: `decodeUint`. Unlimited is 2^256 - 1, or near it. */
export const encodeAllowance = (owner: Address, spender: Address): string =>
  `0xdd62ed3e${addressToWord(owner)}${addressToWord(spender)}`;

/** isApprovedForAll(address owner,address operator) of an ERC-1155 ledger; answer: `decodeUint`, 0 or 1. */
export const encodeIsApprovedForAll = (owner: Address, operator: Address): string =>
  `0xe985e9c5${addressToWord(owner)}${addressToWord(operator)}`;

/** The conditionId as one word: only conditions of ConditionalTokens, 32 bytes, fit. */
const conditionWord = (conditionId: ConditionId): string => conditionId.slice(2).padStart(WORD, "0");

/** getOutcomeSlotCount(bytes32 conditionId) of ConditionalTokens; answer: `decodeUint`, 0 for one it does not know. */
export const encodeOutcomeSlotCount = (conditionId: ConditionId): string => `0xd42dc0c2${conditionWord(conditionId)}`;

/** payoutDenominator(bytes32 conditionId) of ConditionalTokens; answer: `decodeUint`, 0 while it is not resolved. */
export const encodePayoutDenominator = (conditionId: ConditionId): string => `0xdd34de67${conditionWord(conditionId)}`;

/** payoutNumerators(bytes32 conditionId,uint256 slot) of ConditionalTokens; answer: `decodeUint`. Refused without that slot. */
export const encodePayoutNumerator = (conditionId: ConditionId, slot: number): string =>
  `0x0504c814${conditionWord(conditionId)}${uintWord(slot)}`;

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

export type ContractCall = { readonly to: Address; readonly data: string };

/**
 * aggregate3((address target,bool allowFailure,bytes callData)[]) of Multicall3, each call allowed to fail; answer:
 * `decodeAggregate3`.
 */
export function encodeAggregate3(calls: readonly ContractCall[]): string {
  const tuples = calls.map(({ to, data }) => {
    const bytes = data.slice(2);
    const padded = bytes.padEnd(Math.ceil(bytes.length / WORD) * WORD, "0");
    return `${addressToWord(to)}${uintWord(1)}${uintWord(96)}${uintWord(bytes.length / 2)}${padded}`;
  });
  let offset = calls.length * 32;
  const offsets = tuples.map((tuple) => {
    const at = uintWord(offset);
    offset += tuple.length / 2;
    return at;
  });
  return `0x82ad56cb${uintWord(32)}${uintWord(calls.length)}${offsets.join("")}${tuples.join("")}`;
}

/**
 * Reads the answer of `aggregate3`: what each call answered, in order; null for one that failed.
 * @throws ContractError RPC_UNREADABLE unless it holds `length` answers.
 */
export function decodeAggregate3(answer: string, length: number): (string | null)[] {
  const unread = (): ContractError => unreadable(`the answers of ${length} calls`, answer);
  const listAt = 2 + numberWord(answer, 2) * 2;
  if (!answer.startsWith("0x") || listAt < 2 || numberWord(answer, listAt) !== length) throw unread();
  const base = listAt + WORD;
  const answers: (string | null)[] = [];
  for (let i = 0; i < length; i++) {
    const tupleAt = base + numberWord(answer, base + i * WORD) * 2;
    const bytesAt = tupleAt + numberWord(answer, tupleAt + WORD) * 2;
    const bytes = numberWord(answer, bytesAt);
    const succeeded = numberWord(answer, tupleAt);
    const end = bytesAt + WORD + bytes * 2;
    if (tupleAt < base || bytesAt < tupleAt || bytes < 0 || succeeded < 0 || end > answer.length) throw unread();
    answers.push(succeeded === 1 ? `0x${answer.slice(bytesAt + WORD, end)}` : null);
  }
  return answers;
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
