import type { Fact, FactOf } from "@slipstream/contracts/facts";
import {
  type AccountId,
  type Address,
  attemptId,
  type ClientOrderId,
  type ConditionId,
  clientOrderId,
  factId,
  type Hash,
  type LeaderFillId,
  type TokenId,
  type TradeId,
  type VenueOrderId,
} from "@slipstream/contracts/ids";
import type { AccountValue } from "@slipstream/contracts/live";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { subjectOf } from "@slipstream/contracts/subjects";
import { describe, expect, test } from "vitest";
import { renderLiveView } from "./liveView.ts";
import { applyAccountValue, applyFact, emptyOverview, type Overview } from "./overview.ts";
import { audit, buildReport, type ChainFill, isGood, quantiles } from "./report.ts";

const leader = `0x${"11".repeat(20)}` as Address;
const account = "paper" as AccountId;
const condition = `0x${"c0".repeat(32)}` as ConditionId;
const tokenId = "77" as TokenId;
const hash = (n: number): Hash => `0x${String(n).padStart(64, "0")}` as Hash;
const fillId = (n: number): LeaderFillId => String(n).padStart(32, "0") as LeaderFillId;
const times = { v: 1 as const, tsEventMs: 1_000, tsInitMs: 1_010 };

const leaderFill = (n: number, over: Partial<FactOf<"LeaderFill">> = {}): FactOf<"LeaderFill"> => ({
  ...times,
  type: "LeaderFill",
  id: factId("LeaderFill", fillId(n), over.occurrence ?? 0),
  leaderFillId: fillId(n),
  occurrence: 0,
  chainId: 137,
  leader,
  role: "TAKER",
  side: "BUY",
  tokenId,
  conditionId: condition,
  sharesMicro: sharesMicro(100_000_000n),
  usdcMicro: usdcMicro(50_000_000n),
  priceMicro: priceMicro(500_000),
  feeMicro: usdcMicro(0n),
  feeUnit: "USDC",
  exchange: leader,
  orderHash: hash(1),
  txHash: hash(n),
  blockNumber: n,
  blockHash: hash(n),
  logIndex: 1,
  ordinal: 0,
  source: "chain",
  historical: false,
  tsSeenMs: 1_005,
  ...over,
});
const used = {
  riskLevel: "normal" as const,
  bookEpoch: null,
  bookSeq: null,
  bookAgeMs: null,
  bestBidMicro: null,
  bestAskMicro: null,
  configRevision: 1,
  clockOffsetMs: null,
  clockUncertaintyMs: null,
};
const attempt = (n: number) => ({
  ...times,
  attemptId: attemptId(account, fillId(n)),
  account,
  leaderFillId: fillId(n),
  leader,
  kind: "ENTRY" as const,
  tokenId,
  conditionId: condition,
  used,
  tsSignalMs: 1_000,
  tsSignalPublishedMs: 1_010,
  ratioMicro: 100_000,
  targetMicro: null,
  limitMicro: null,
  exitShare: null,
});
const orderId = (n: number, order = 0): ClientOrderId => clientOrderId(attemptId(account, fillId(n)), order);
const intent = (n: number, order = 0): FactOf<"OrderIntent"> => ({
  ...attempt(n),
  type: "OrderIntent",
  id: factId("OrderIntent", orderId(n, order)),
  outcome: "TRADE",
  orderId: orderId(n, order),
  side: "BUY",
  limitPriceMicro: priceMicro(510_000),
  sizeMicro: sharesMicro(10_000_000n),
  timeInForce: "GTD",
  ttlMs: 5_000,
  maxFeeMicro: usdcMicro(0n),
  notionalMicro: usdcMicro(5_100_000n),
  bucketUsed: [],
  minOrderSizeMicro: sharesMicro(5_000_000n),
  tsDecidedMs: 1_012,
});
const skip = (n: number): FactOf<"ExecutionAttempt"> => ({
  ...attempt(n),
  type: "ExecutionAttempt",
  id: factId("ExecutionAttempt", attemptId(account, fillId(n))),
  outcome: "SKIP",
  reasons: [{ code: "HISTORICAL_FILL" }],
  unfollowed: false,
  bucketAddMicro: sharesMicro(0n),
});
const execution = (n: number, size: bigint, leaves: bigint, trade = 0): FactOf<"ExecutionFill"> => ({
  ...times,
  type: "ExecutionFill",
  id: factId("ExecutionFill", `${n}.${trade}`),
  orderId: orderId(n),
  account,
  tokenId,
  conditionId: condition,
  leaderFillId: fillId(n),
  leavesMicro: sharesMicro(leaves),
  tradeId: `${n}.${trade}` as TradeId,
  leader,
  kind: "ENTRY",
  side: "BUY",
  priceMicro: priceMicro(500_000),
  sizeMicro: sharesMicro(size),
  usdcMicro: usdcMicro(size / 2n),
  feeMicro: usdcMicro(0n),
  liquiditySide: "taker",
});
const position = (confirmed: bigint, effective = confirmed): FactOf<"PositionChanged"> => ({
  ...times,
  type: "PositionChanged",
  id: factId("PositionChanged", `p.${confirmed}.${effective}`),
  account,
  tokenId,
  conditionId: condition,
  confirmedMicro: sharesMicro(confirmed),
  confirmedBlock: 5,
  pendingBuysMicro: sharesMicro(0n),
  pendingSellsMicro: sharesMicro(0n),
  reservedBuysMicro: sharesMicro(0n),
  reservedSellsMicro: sharesMicro(0n),
  effectiveMicro: sharesMicro(effective),
  conservativeExposureMicro: sharesMicro(effective),
  availableToSellMicro: sharesMicro(effective),
  settledMicro: sharesMicro(0n),
  claimableMicro: usdcMicro(0n),
  tradedMicro: sharesMicro(effective),
  costMicro: usdcMicro(5_000_000n),
  realizedPnlMicro: usdcMicro(0n),
  feesMicro: usdcMicro(0n),
  collateralMicro: usdcMicro(9_995_000_000n),
  availableCollateralMicro: usdcMicro(9_995_000_000n),
});
const funded: Fact = {
  ...times,
  type: "AccountFunded",
  id: factId("AccountFunded", account),
  account,
  collateralMicro: usdcMicro(10_000_000_000n),
  configRevision: 1,
};
const configured: Fact = {
  ...times,
  type: "ConfigChanged",
  id: factId("ConfigChanged", "accounts.paper", 1),
  key: "accounts.paper",
  revision: 1,
  value: { mode: "paper" },
};

function overviewOf(...facts: Fact[]): Overview {
  const overview = emptyOverview();
  [configured, funded, ...facts].forEach((fact, index) => {
    applyFact(overview, { seq: index + 1, subject: subjectOf(fact), fence: 0, fact }, 1_015);
  });
  return overview;
}
const onChain = (...blocks: number[]): ChainFill[] =>
  blocks.map((n) => ({ leader, blockHash: hash(n), blockNumber: n, logIndex: 1 }));
const reportOf = (overview: Overview, chain: ChainFill[]) =>
  buildReport(overview, audit(overview, chain, chain, 1_000), { faults: [], errors: [], isClosed: () => true });

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

test("the live view says of a position that its market owes it, and what can be claimed", () => {
  const closed = (): MarketDefinition =>
    ({ closed: true, tokens: [{ tokenId, outcome: "Yes" }], question: "?" }) as never;
  const shown = (facts: Fact[]): string =>
    renderLiveView(overviewOf(...facts), {
      ...{ nowMs: 5_000, wallMs: 5_000, width: 200, rows: 5, title: "test" },
      market: closed,
    });
  expect(shown([position(10_000_000n)])).toContain("closed, not paid yet");
  const claim = { ...position(10_000_000n, 0n), claimableMicro: usdcMicro(10_000_000n) };
  expect(shown([claim])).toContain("claimable $10");
  expect(shown([claim])).not.toContain("not paid yet");
});

test("quantiles are of the nearest rank", () => {
  expect(quantiles([5, 1, 4, 2, 3])).toEqual({ p50: 3, p90: 5, p99: 5 });
  expect(quantiles([])).toEqual({ p50: 0, p90: 0, p99: 0 });
});

/** 4 shares that cost 5, now at 0.05, after 1 of fees. */
const fallen: AccountValue = {
  type: "AccountValue",
  v: 1,
  account,
  cashMicro: usdcMicro(9_994_000_000n),
  claimableMicro: usdcMicro(0n),
  fundingMicro: usdcMicro(10_000_000_000n),
  realizedMicro: usdcMicro(-1_000_000n),
  feesMicro: usdcMicro(1_000_000n),
  unrealizedMicro: usdcMicro(-4_800_000n),
  equityMicro: usdcMicro(9_994_200_000n),
  unmarked: 0,
  positions: [
    {
      ...{ tokenId, conditionId: condition, sharesMicro: sharesMicro(4_000_000n), costMicro: usdcMicro(5_000_000n) },
      mark: { priceMicro: priceMicro(50_000), source: "mid", tsMs: 500 },
      ...{ valueMicro: usdcMicro(200_000n), unrealizedMicro: usdcMicro(-4_800_000n) },
    },
  ],
  tsInitMs: 1_000,
};

test("profit that is not the change of equity makes a report not well", () => {
  const judged = (value: AccountValue) => {
    const overview = overviewOf();
    applyAccountValue(overview, value);
    return buildReport(overview, audit(overview, [], [], 0), { faults: [], errors: [], isClosed: () => false });
  };
  expect(judged(fallen)).toMatchObject({ errors: [], money: [{ equity: "9994200000", unrealized: "-4800000" }] });
  const wrong = judged({ ...fallen, realizedMicro: usdcMicro(0n) });
  expect(wrong.errors.join()).toMatch(/equity changed by -5800000, realized and unrealized are -4800000/);
});

test("the live view tells fills, attempts, positions and why nothing trades", () => {
  const overview = overviewOf(
    leaderFill(1),
    intent(1),
    execution(1, 4_000_000n, 6_000_000n),
    leaderFill(2),
    skip(2),
    position(4_000_000n),
  );
  applyAccountValue(overview, fallen);
  const text = renderLiveView(overview, {
    nowMs: 2_000,
    wallMs: 2_000,
    width: 160,
    rows: 5,
    market: () => undefined,
    title: "Slipstream · test",
  });
  for (const line of [
    /risk HALT: no decision of risk yet/,
    /LEADER FILLS 2/,
    /0x1111…1111 BUY {2}100 @ 0.5/,
    /entry BUY 10 ≤ 0.51 +filled 4 /,
    /skip HISTORICAL_FILL/,
    /equity \$9994.2, cash \$9994, realized -\$1 \(after fees of \$1\), unrealized -\$4.8, oldest price 2 s old/,
    /paper +4 +cost \$5 +worth \$0.2 -\$4.8 @ 0.05 2 s old +confirmed 4/,
    /executor silent/,
  ]) {
    expect(text).toMatch(line);
  }
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(160);
});

test("the position that changed last is the last one: it has the newest collateral", () => {
  const other = { ...position(1n), tokenId: `${tokenId}1` as typeof tokenId };
  const newest = { ...position(2n), collateralMicro: usdcMicro(9_990_000_000n) };
  const { positions } = overviewOf(position(1n), other, newest);
  expect([...positions.values()].at(-1)).toBe(newest);
});
