import type { Address, TokenId } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { decodeFunctionData, encodeFunctionResult, parseAbi } from "viem";
import { describe, expect, test } from "vitest";
import {
  decodeEip712Domain,
  decodeUint,
  decodeUintArray,
  ENCODED_EIP712_DOMAIN,
  encodeBalanceOf,
  encodeBalanceOfBatch,
  encodeErc20BalanceOf,
} from "./calls.ts";
import { decodeCollateralTransfer } from "./erc20.ts";
import { decodeTokenTransfer } from "./erc1155.ts";
import { decodePositionEvent } from "./positionEvents.ts";
import { fixedHex, rawLog } from "./testing/logs.ts";
import { CONDITIONAL_TOKENS, NEG_RISK_ADAPTER, PUSD, USDC_E } from "./versions.ts";

const alice = fixedHex("a1", 20) as Address;
const bob = fixedHex("b0", 20) as Address;
const carol = fixedHex("c0", 20) as Address;
const condition = fixedHex("c0de", 32);
const erc1155 = parseAbi([
  "function balanceOf(address owner,uint256 id) view returns (uint256)",
  "function balanceOfBatch(address[] owners,uint256[] ids) view returns (uint256[])",
]);
const erc20 = parseAbi(["function balanceOf(address owner) view returns (uint256)"]);
const eip5267 = parseAbi([
  "function eip712Domain() view returns (bytes1 fields,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt,uint256[] extensions)",
]);
const uint256 = fc.bigInt({ min: 0n, max: (1n << 256n) - 1n });
const address = fc
  .bigInt({ min: 0n, max: (1n << 160n) - 1n })
  .map((value) => fixedHex(value.toString(16), 20) as Address);

describe("token transfers", () => {
  const head = { operator: alice, from: bob, to: carol };
  test("single and batch give the same record", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(uint256, uint256), { minLength: 1, maxLength: 6 }), (pairs) => {
        const entries = pairs.map(([id, value]) => ({ tokenId: id.toString(), sharesMicro: value }));
        const expected = { kind: "tokenTransfer", ledger: CONDITIONAL_TOKENS, ...head, entries };
        const [first] = pairs;
        const batch = { ...head, ids: pairs.map(([id]) => id), values: pairs.map(([, value]) => value) };
        expect(decodeTokenTransfer(rawLog(CONDITIONAL_TOKENS, "TRANSFER_BATCH", batch))).toEqual(expected);
        if (first === undefined) return;
        const single = { ...head, id: first[0], value: first[1] };
        expect(decodeTokenTransfer(rawLog(CONDITIONAL_TOKENS, "TRANSFER_SINGLE", single))).toEqual({
          ...expected,
          entries: entries.slice(0, 1),
        });
      }),
      { numRuns: 300 },
    );
  });
  const batch = rawLog(CONDITIONAL_TOKENS, "TRANSFER_BATCH", { ...head, ids: [1n, 2n], values: [3n, 4n] });
  const single = rawLog(CONDITIONAL_TOKENS, "TRANSFER_SINGLE", { ...head, id: 1n, value: 2n });
  const unequal = rawLog(CONDITIONAL_TOKENS, "TRANSFER_BATCH", { ...head, ids: [1n, 2n], values: [3n] });
  test.each([
    ["arrays of different length", unequal, "DATA_MALFORMED"],
    ["a batch that ends early", { ...batch, data: batch.data.slice(0, -64) }, "DATA_MALFORMED"],
    ["a batch with a wild offset", { ...batch, data: `0x${"f".repeat(64)}${batch.data.slice(66)}` }, "DATA_MALFORMED"],
    ["a single with a third word", { ...single, data: `${single.data}${"0".repeat(64)}` }, "DATA_LENGTH_WRONG"],
    ["three topics", { ...single, topics: single.topics.slice(0, 3) }, "TOPIC_COUNT_WRONG"],
    ["another event", { ...single, topics: [] }, "EVENT_UNKNOWN"],
  ])("refuses %s", (_name, log, code) => {
    expect(decodeTokenTransfer(log)).toMatchObject({ kind: "refused", code });
  });
});

test("collateral transfers", () => {
  const log = rawLog(PUSD, "ERC20_TRANSFER", { from: alice, to: bob, value: 5_050_504n });
  expect(decodeCollateralTransfer(log)).toEqual({
    kind: "collateralTransfer",
    collateral: PUSD,
    from: alice,
    to: bob,
    usdcMicro: 5_050_504n,
  });
  expect(decodeCollateralTransfer({ ...log, topics: [...log.topics, condition] })).toMatchObject({
    code: "TOPIC_COUNT_WRONG",
  });
});

describe("splits, merges, conversions and redemptions", () => {
  const parts = { collateralToken: USDC_E, parentCollectionId: fixedHex("0", 32), partition: [1n, 2n] };
  const held = { stakeholder: alice, conditionId: condition, amount: 20_000_000n };
  const common = { stakeholder: alice, conditionId: condition, sharesMicro: 20_000_000n };
  test.each([
    [
      "CTF split",
      rawLog(CONDITIONAL_TOKENS, "CTF_POSITION_SPLIT", { ...parts, ...held }),
      { kind: "split", collateral: USDC_E, ...common },
    ],
    [
      "CTF merge",
      rawLog(CONDITIONAL_TOKENS, "CTF_POSITIONS_MERGE", { ...parts, ...held }),
      { kind: "merge", collateral: USDC_E, ...common },
    ],
    [
      "neg-risk split",
      rawLog(NEG_RISK_ADAPTER, "NEG_RISK_POSITION_SPLIT", held),
      { kind: "split", collateral: null, ...common },
    ],
    [
      "neg-risk merge",
      rawLog(NEG_RISK_ADAPTER, "NEG_RISK_POSITIONS_MERGE", held),
      { kind: "merge", collateral: null, ...common },
    ],
    [
      "conversion",
      rawLog(NEG_RISK_ADAPTER, "NEG_RISK_POSITIONS_CONVERTED", {
        stakeholder: alice,
        marketId: condition,
        indexSet: 1024n,
        amount: 10_000_000n,
      }),
      {
        kind: "convert",
        stakeholder: alice,
        negRiskMarketId: condition,
        indexSet: 1024n,
        sharesMicro: 10_000_000n,
      },
    ],
    [
      "CTF redemption",
      rawLog(CONDITIONAL_TOKENS, "CTF_PAYOUT_REDEMPTION", {
        ...{ redeemer: alice, collateralToken: USDC_E, parentCollectionId: fixedHex("0", 32) },
        ...{ conditionId: condition, indexSets: [1n, 2n], payout: 7_000_000n },
      }),
      { kind: "redeem", stakeholder: alice, conditionId: condition, collateral: USDC_E, payoutMicro: 7_000_000n },
    ],
    [
      "neg-risk redemption",
      rawLog(NEG_RISK_ADAPTER, "NEG_RISK_PAYOUT_REDEMPTION", {
        ...{ redeemer: alice, conditionId: condition, amounts: [3n, 4n], payout: 7_000_000n },
      }),
      { kind: "redeem", stakeholder: alice, conditionId: condition, collateral: null, payoutMicro: 7_000_000n },
    ],
  ])("%s", (_name, log, expected) => {
    expect(decodePositionEvent(log)).toEqual(expected);
    expect(decodePositionEvent({ ...log, data: log.data.slice(0, -64) })).toMatchObject({ kind: "refused" });
    expect(decodePositionEvent({ ...log, topics: log.topics.slice(0, -1) })).toMatchObject({
      code: "TOPIC_COUNT_WRONG",
    });
  });
});

describe("contract calls", () => {
  test("requests read back by viem are what was asked", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(address, uint256), { maxLength: 5 }), (pairs) => {
        const asked = pairs.map(([owner, id]) => ({ owner, tokenId: id.toString() as TokenId }));
        const { args } = decodeFunctionData({ abi: erc1155, data: encodeBalanceOfBatch(asked) as `0x${string}` });
        expect([args[0], args[1]]).toEqual([
          pairs.map(([owner]) => expect.stringMatching(new RegExp(`^${owner}$`, "i"))),
          pairs.map(([, id]) => id),
        ]);
      }),
      { numRuns: 200 },
    );
    const one = decodeFunctionData({ abi: erc1155, data: encodeBalanceOf(alice, "7" as TokenId) as `0x${string}` });
    expect(one).toMatchObject({ functionName: "balanceOf", args: [expect.anything(), 7n] });
    const cash = decodeFunctionData({ abi: erc20, data: encodeErc20BalanceOf(alice) as `0x${string}` });
    expect(String(cash.args[0]).toLowerCase()).toBe(alice);
    expect(decodeFunctionData({ abi: eip5267, data: ENCODED_EIP712_DOMAIN }).functionName).toBe("eip712Domain");
  });
  test("answers written by viem are read, others refused", () => {
    const abi = erc1155;
    fc.assert(
      fc.property(fc.array(uint256, { maxLength: 5 }), (values) => {
        const answer = encodeFunctionResult({ abi, functionName: "balanceOfBatch", result: values });
        expect(decodeUintArray(answer, values.length)).toEqual(values);
        expect(() => decodeUintArray(answer, values.length + 1)).toThrow(/numbers was expected/);
      }),
      { numRuns: 200 },
    );
    expect(decodeUint(encodeFunctionResult({ abi, functionName: "balanceOf", result: 99n }))).toBe(99n);
    for (const answer of ["0x", "", "0x12", `0x${"z".repeat(64)}`]) expect(() => decodeUint(answer)).toThrow();
  });
  test("an EIP-712 domain is read; no answer is unreadable", () => {
    const result = encodeFunctionResult({
      abi: eip5267,
      functionName: "eip712Domain",
      result: ["0x0f", "Polymarket CTF Exchange", "2", 137n, fixedHex("a1", 20), condition, []],
    });
    expect(decodeEip712Domain(result)).toEqual({
      name: "Polymarket CTF Exchange",
      version: "2",
      chainId: 137n,
      verifyingContract: alice,
    });
    expect(() => decodeEip712Domain("0x")).toThrow(/EIP-712/);
  });
});
