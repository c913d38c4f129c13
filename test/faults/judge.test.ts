/** The judge finds what is wrong: a log that tells the chain is clean, and each way of spoiling it is named. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { Address, factId, Hash, leaderFillId, TokenId } from "@slipstream/contracts/ids";
import { priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { isClean, judge, type TrueFill, type Verdict } from "./judge.ts";

type Fill = FactOf<"LeaderFill">;
const hash = (n: number) => Hash.parse(`0x${n.toString(16).padStart(64, "0")}`);
const leader = Address.parse(`0x${"a".repeat(40)}`);
const exchange = Address.parse(`0x${"e".repeat(40)}`);
const content = { txHash: hash(1), leader, tokenId: TokenId.parse("7"), side: "BUY" as const };
const shares = sharesMicro(1_000_000n);

/** The chain's only fill. */
const logged: TrueFill = {
  ...content,
  role: "TAKER",
  sharesMicro: shares,
  usdcMicro: 500_000n,
  feeMicro: 0n,
  exchange,
  orderHash: hash(2),
  blockNumber: 9,
  blockHash: hash(3),
  logIndex: 4,
};
function told(changes: Partial<Fill> = {}): Fill {
  const ordinal = changes.ordinal ?? 0;
  const id = leaderFillId({ ...content, chainId: 137, sharesMicro: shares, ordinal });
  return {
    type: "LeaderFill",
    v: 1,
    id: factId("LeaderFill", id, changes.occurrence ?? 0),
    leaderFillId: id,
    occurrence: 0,
    ordinal,
    chainId: 137,
    ...content,
    role: "TAKER",
    conditionId: null,
    sharesMicro: shares,
    usdcMicro: usdcMicro(500_000n),
    priceMicro: priceMicro(500_000),
    feeMicro: usdcMicro(0n),
    feeUnit: "USDC",
    exchange,
    orderHash: hash(2),
    blockNumber: 9,
    blockHash: hash(3),
    logIndex: 4,
    source: "chain",
    historical: false,
    tsSeenMs: 1,
    tsEventMs: 1,
    tsInitMs: 1,
    ...changes,
  };
}
const seen = (changes: Partial<Fill> = {}) =>
  told({ source: "rtds", role: "UNKNOWN", blockNumber: null, blockHash: null, logIndex: null, ...changes });
function ended(type: "LeaderFillReverted", of: Fill): FactOf<"LeaderFillReverted">;
function ended(type: "LeaderFillRetracted", of: Fill): FactOf<"LeaderFillRetracted">;
function ended(type: "LeaderFillReverted" | "LeaderFillRetracted", of: Fill): Fact {
  const { leaderFillId: id, occurrence, tokenId, conditionId, blockNumber, blockHash } = of;
  const common = { v: 1 as const, leaderFillId: id, occurrence, leader, tokenId, conditionId, blockNumber, blockHash };
  const times = { id: factId(type, id, occurrence), tsEventMs: 1, tsInitMs: 1 };
  return type === "LeaderFillReverted"
    ? { type, ...common, ...times }
    : { type, reason: "REORGED_OUT", ...common, ...times };
}

const clean: readonly (readonly [string, readonly Fact[], Partial<Verdict["counts"]>])[] = [
  ["told by the chain", [told()], { firstBy: { chain: 1, data_api: 0, rtds: 0 } }],
  ["seen elsewhere first", [seen(), told({ occurrence: 1 })], { confirmed: 1, returned: 0 }],
  [
    "returned from another block",
    [told({ blockHash: hash(5) }), ended("LeaderFillReverted", told()), told({ occurrence: 1 })],
    { reverted: 1, returned: 1 },
  ],
  [
    "beside one that never came",
    [told(), seen({ ordinal: 1, disputed: true }), ended("LeaderFillRetracted", seen({ ordinal: 1 }))],
    { retracted: 1, disputed: 1 },
  ],
];
test.each(clean)("a fill %s is told as it should be", (_, facts, counts) => {
  const verdict = judge(facts, [logged]);
  expect(isClean(verdict)).toBe(true);
  expect(verdict.counts).toMatchObject(counts);
});

const spoiled: readonly (readonly [string, readonly Fact[], Exclude<keyof Verdict, "counts">])[] = [
  ["a fill that is not told", [], "missed"],
  ["one that is told as gone", [told(), ended("LeaderFillReverted", told())], "missed"],
  ["one fact twice", [told(), told()], "doubled"],
  ["one log as two fills", [told(), told({ ordinal: 1 })], "doubled"],
  ["a telling again without a revert", [told(), told({ occurrence: 1 })], "doubled"],
  [
    "two tellings for whoever copies, one of them taken back",
    [seen(), told({ ordinal: 1 }), ended("LeaderFillRetracted", seen())],
    "doubled",
  ],
  ["a fill that only others saw", [told(), seen({ ordinal: 1, disputed: true })], "phantom"],
  ["a fill in a block that is gone", [told({ blockHash: hash(6) })], "phantom"],
  ["another amount", [told({ usdcMicro: usdcMicro(499_999n) })], "wrong"],
  ["another role", [told({ role: "MAKER" })], "wrong"],
  ["the end of a fill nobody told of", [told(), ended("LeaderFillRetracted", told({ ordinal: 5 }))], "wrong"],
];
test.each(spoiled)("%s is found", (_, facts, kind) => {
  expect(judge(facts, [logged])[kind]).not.toEqual([]);
});
