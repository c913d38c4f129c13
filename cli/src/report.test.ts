import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { factId, type VenueOrderId } from "@slipstream/contracts/ids";
import type { AccountValue, Pending } from "@slipstream/contracts/live";
import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import {
  account,
  condition,
  execution,
  fallen,
  fillId,
  hash,
  intent,
  leader,
  leaderFill,
  nothing,
  orderId,
  overviewOf,
  position,
  skip,
  times,
  tokenId,
} from "./overview.testing.ts";
import { applyAccountValue, type Overview } from "./overview.ts";
import { audit, buildReport, type ChainFill, isGood, quantiles } from "./report.ts";

const onChain = (...blocks: number[]): ChainFill[] =>
  blocks.map((n) => ({ leader, blockHash: hash(n), blockNumber: n, logIndex: 1 }));
const reportOf = (overview: Overview, chain: ChainFill[]) =>
  buildReport(overview, audit(overview, chain, chain, { fromBlock: 0, toBlock: 1_000 }), {
    faults: [],
    errors: [],
    isClosed: () => true,
    pending: nothing,
  });

test("an order is placed when the venue has it, not when the log is told", () => {
  const accepted: FactOf<"OrderAccepted"> = {
    ...times,
    type: "OrderAccepted",
    id: factId("OrderAccepted", orderId(1)),
    ...{ orderId: orderId(1), account, tokenId, conditionId: condition, leaderFillId: fillId(1) },
    venueOrderId: "paper:1" as VenueOrderId,
    tsPlacedMs: 1_412,
  };
  const { latencyMs } = reportOf(overviewOf(leaderFill(1), intent(1), accepted, accepted), onChain(1));
  expect(latencyMs.decidedToPlaced).toEqual({ p50: 400, p90: 400, p99: 400 });
});

test("a run that agrees with the chain is good", () => {
  const overview = overviewOf(
    leaderFill(1),
    intent(1),
    execution(1, 4_000_000n, 6_000_000n),
    execution(1, 6_000_000n, 0n, 1),
    leaderFill(2),
    skip(2),
    position(10_000_000n),
  );
  const report = reportOf(overview, onChain(1, 2));
  expect(report).toMatchObject({
    leaderFills: 2,
    orders: 1,
    executionFills: 2,
    partialFills: 1,
    missed: 0,
    duplicated: 0,
    errors: [],
  });
  expect(report.attempts).toEqual({ trade: 1, skip: 1, byReason: { HISTORICAL_FILL: 1 } });
  expect(report.positions).toEqual([
    { account, tokenId, confirmed: "10000000", effective: "10000000", chain: "10000000" },
  ]);
  expect(isGood(report)).toBe(true);
});

describe("what is not well is found", () => {
  const good = [leaderFill(1), intent(1), execution(1, 10_000_000n, 0n), position(10_000_000n)];
  const cases: [string, Fact[], ChainFill[], { missed?: number; duplicated?: number; errors?: RegExp }][] = [
    ["a fill on the chain that nobody told", good, onChain(1, 2), { missed: 1 }],
    [
      "a fill told that is not on the chain",
      [...good, leaderFill(3), skip(3)],
      onChain(1),
      { errors: /fill .*3 of block 3 is not on the chain/ },
    ],
    ["a fill without an attempt", [...good, leaderFill(2)], onChain(1, 2), { missed: 1 }],
    ["a fill told twice", [...good, leaderFill(1)], onChain(1), { duplicated: 1 }],
    [
      "one log told as two fills",
      [...good, leaderFill(2, { blockNumber: 1, blockHash: hash(1) }), skip(2)],
      onChain(1),
      { duplicated: 1 },
    ],
    ["two orders of one entry", [...good, intent(1, 1)], onChain(1), { duplicated: 1 }],
    [
      "an order filled beyond its size",
      [...good, execution(1, 1n, 0n, 1), position(10_000_001n)],
      onChain(1),
      { duplicated: 1 },
    ],
    ["a fill of our own told twice", [...good, execution(1, 10_000_000n, 0n)], onChain(1), { duplicated: 1 }],
    [
      "a fill of our own from before its signal",
      [...good.slice(0, 2), { ...execution(1, 10_000_000n, 0n), tsEventMs: 999 }, position(10_000_000n)],
      onChain(1),
      { errors: /fill 1\.0 of our own is 1 ms before its signal/ },
    ],
    [
      "money that differs from the ledger",
      [...good.slice(0, 3), { ...position(10_000_000n), availableCollateralMicro: usdcMicro(9_990_000_000n) }],
      onChain(1),
      { errors: /purse paper: collateral 9995000000, available 9990000000, ledger 9995000000/ },
    ],
    [
      "a position that differs from the ledger",
      [...good, position(9_000_000n)],
      onChain(1),
      { errors: /confirmed 9000000, effective 9000000, chain 10000000/ },
    ],
  ];
  test.each(cases)("%s", (_name, facts, chain, expected) => {
    const report = reportOf(overviewOf(...facts), chain);
    expect({ missed: report.missed, duplicated: report.duplicated }).toEqual({
      missed: expected.missed ?? 0,
      duplicated: expected.duplicated ?? 0,
    });
    expect(report.errors.join("\n")).toMatch(expected.errors ?? /./);
    expect(isGood(report)).toBe(false);
  });
});

test("a fill that was reverted and returned is one fill; one that was retracted is not missed", () => {
  const reference = {
    ...times,
    leaderFillId: fillId(1),
    occurrence: 0,
    leader,
    tokenId,
    conditionId: condition,
    blockNumber: 1,
    blockHash: hash(1),
  };
  const reverted: Fact = { ...reference, type: "LeaderFillReverted", id: factId("LeaderFillReverted", fillId(1)) };
  const back = leaderFill(1, { occurrence: 1, blockNumber: 4, blockHash: hash(4) });
  const returned = reportOf(overviewOf(leaderFill(1), skip(1), reverted, back), onChain(4));
  expect(returned).toMatchObject({ leaderFills: 1, missed: 0, duplicated: 0, returned: 1, errors: [] });
  const retracted: Fact = {
    ...reference,
    type: "LeaderFillRetracted",
    id: factId("LeaderFillRetracted", fillId(1)),
    reason: "REORGED_OUT",
  };
  expect(reportOf(overviewOf(leaderFill(1), skip(1), reverted, retracted), [])).toMatchObject({
    missed: 0,
    retracted: 1,
    errors: [],
  });
});

const settled: FactOf<"PositionSettled"> = {
  ...times,
  ...{ type: "PositionSettled", id: factId("PositionSettled", `${account}.${tokenId}`), account, tokenId },
  ...{ conditionId: condition, sharesMicro: sharesMicro(10_000_000n), payoutMicro: usdcMicro(10_000_000n) },
  ...{ costMicro: usdcMicro(5_000_000n), outcomeIndex: 0, payoutNumerators: [1n, 0n], payoutDenominator: 1n },
  ...{ blockNumber: 9, source: "chain" },
};

test("what a market paid belongs to the ledger, once; what a closed one owes is listed", () => {
  const held = [leaderFill(1), intent(1), execution(1, 10_000_000n, 0n), position(10_000_000n)];
  const owed = reportOf(overviewOf(...held), onChain(1));
  expect(owed).toMatchObject({ settled: { count: 0, payout: "0" }, errors: [] });
  expect(owed.unpaid).toEqual([{ account, tokenId, effective: "10000000" }]);
  const cash = usdcMicro(10_005_000_000n);
  const after = { ...position(0n), collateralMicro: cash, availableCollateralMicro: cash };
  const paid = reportOf(overviewOf(...held, settled, settled, after), onChain(1));
  expect(paid).toMatchObject({ settled: { count: 1, payout: "10000000" }, unpaid: [], errors: [] });
});

test("quantiles are of the nearest rank", () => {
  expect(quantiles([5, 1, 4, 2, 3])).toEqual({ p50: 3, p90: 5, p99: 5 });
  expect(quantiles([])).toEqual({ p50: 0, p90: 0, p99: 0 });
});

test("profit that is not the change of equity makes a report not well", () => {
  const judged = (value: AccountValue) => {
    const overview = overviewOf();
    applyAccountValue(overview, value);
    return buildReport(overview, audit(overview, [], [], { fromBlock: 0, toBlock: 0 }), {
      faults: [],
      errors: [],
      isClosed: () => false,
      pending: nothing,
    });
  };
  expect(judged(fallen)).toMatchObject({ errors: [], money: [{ equity: "9994200000", unrealized: "-4800000" }] });
  const wrong = judged({ ...fallen, realizedMicro: usdcMicro(0n) });
  expect(wrong.errors.join()).toMatch(/equity changed by -5800000, realized and unrealized are -4800000/);
});

describe("what a leader leaves behind", () => {
  const lot = { account, leader, tokenId, sharesMicro: sharesMicro(7_000_000n), isUnpaid: false, whenRemoved: null };
  const holding = (block: number, shares: bigint): Fact => ({
    ...times,
    ...{ type: "BalanceSnapshot", id: factId("BalanceSnapshot", leader, block), blockNumber: block, blockHash: null },
    ...{ holder: { kind: "wallet", address: leader }, source: "chain", complete: false, afterReorg: false },
    balances: [{ tokenId, sharesMicro: sharesMicro(shares) }],
    collateralMicro: null,
  });
  const judged = (facts: Fact[], pending: Pending | null) =>
    buildReport(overviewOf(...facts), audit(overviewOf(), [], [], { fromBlock: 0, toBlock: 0 }), {
      ...{ faults: [], errors: [], isClosed: () => false, pending },
    });
  const held = (isDust: boolean): Pending => ({ ...nothing, lots: [{ ...lot, isDust }] });

  test("a lot that nobody sells any more makes the run bad; dust is shown", () => {
    const stranded = judged([holding(1, 9n), holding(2, 0n)], held(false));
    expect(stranded.leftBehind).toMatchObject([{ leader, shares: "7000000", why: "stranded" }]);
    expect(stranded.errors).toEqual([
      `stranded: paper holds 7000000 (1e-6 shares) of ${tokenId}, which ${leader} has left`,
    ]);
    const dust = judged([holding(2, 0n)], held(true));
    expect([dust.leftBehind.map(({ why }) => why), dust.errors]).toEqual([["dust"], []]);
  });

  test("the newest block says what he holds, whatever came last", () => {
    expect(judged([holding(2, 9n), holding(1, 0n)], held(false)).leftBehind).toEqual([]);
  });

  test("an executor that does not answer makes the run bad", () => {
    expect(judged([], null).errors).toEqual(["the executor does not say what it holds after whom"]);
  });
});

test("a fill from before the blocks that nodes still have is neither missed nor doubted", () => {
  const overview = overviewOf(leaderFill(3), skip(3), leaderFill(300), skip(300));
  const kept = [{ leader, blockHash: hash(300), blockNumber: 300, logIndex: 1 }];
  expect(audit(overview, kept, kept, { fromBlock: 200, toBlock: 400 })).toEqual({
    ...{ missed: [], phantom: [], duplicated: [] },
  });
  expect(audit(overview, [], [], { fromBlock: 200, toBlock: 400 }).phantom).toHaveLength(1);
});
