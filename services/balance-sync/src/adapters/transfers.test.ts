import { Address } from "@slipstream/contracts/ids";
import { TRANSFER_SINGLE } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { expect, test } from "vitest";
import { transfersIn } from "./transfers.ts";

const wallet = Address.parse(`0x${"a".repeat(40)}`);
const from = Address.parse(`0x${"b".repeat(40)}`);
const topic = (address: string): string => `0x${"0".repeat(24)}${address.slice(2)}`;
const word = (n: number): string => n.toString(16).padStart(64, "0");
const notice = (over: Record<string, unknown> = {}) => ({
  address: CONDITIONAL_TOKENS,
  topics: [TRANSFER_SINGLE, topic(from), topic(from), topic(wallet)],
  data: `0x${word(7)}${word(5)}`,
  ...{ blockNumber: "0x10", blockHash: `0x${"c".repeat(64)}`, logIndex: "0x1", ...over },
});
const told = (over: Record<string, unknown>) => transfersIn(notice(over), new Set([wallet]));

test.each([null, undefined, false])("a transfer that is removed: %s, is a transfer", (removed) => {
  expect(told({ removed })).toMatchObject([{ wallet, tokenIds: ["7"], heard: [{ movedMicro: 5n, blockNumber: 16 }] }]);
});

test.each([
  ["its block", { blockNumber: "0x" }],
  ["its block's hash", { blockHash: "pending" }],
  ["its place", { logIndex: 1 }],
  ["nothing, but it was taken back", { removed: true }],
])("a transfer that does not say %s in a readable way still tells that something moved", (_name, over) => {
  expect(told(over)).toMatchObject([{ wallet, tokenIds: ["7"], heard: null }]);
});

test.each([[null], [[]], [{}], [notice({ data: "0x" })], [notice({ topics: null })]])("%j is no transfer", (value) => {
  expect(transfersIn(value, new Set([wallet]))).toEqual([]);
});
