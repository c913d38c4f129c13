import type { ConditionId } from "@slipstream/contracts/ids";
import { CTF_CONDITION_RESOLUTION } from "@slipstream/polymarket/topics";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { type AddedFill, addFills, type TapeHead } from "@slipstream/sandbox/tape/addFills";
import { defaultAssumptions, deriveMarkets } from "@slipstream/sandbox/tape/deriveMarkets";
import type { TapeRecord } from "@slipstream/sandbox/tape/format";
import { describe, expect, test } from "vitest";
import { createEndings } from "./endings.ts";
import { eventLine } from "./eventLog.ts";
import { account, condition, fill, lines, marketTape, no, START_MS, yes } from "./replay.testing.ts";
import { replay } from "./replay.ts";

const gammaRecord = (afterMs: number, over: Readonly<Record<string, unknown>> = {}): TapeRecord => ({
  t: START_MS + afterMs,
  ch: "gamma.market",
  d: {
    conditionId: condition,
    outcomes: '["Yes","No"]',
    clobTokenIds: JSON.stringify([yes, no]),
    ...{ version: "v1", negRisk: false, orderPriceMinTickSize: 0.01, orderMinSize: 5, feesEnabled: false },
    ...{ secondsDelay: 0, acceptingOrders: true, closed: false },
    ...over,
  },
});
const closed = { closed: true, acceptingOrders: false };
const resolvedFrame = (afterMs: number, winner: string | null = yes): TapeRecord => ({
  t: START_MS + afterMs,
  ch: "clob.market.ws",
  d: JSON.stringify({
    ...{ event_type: "market_resolved", id: "1", market: condition, assets_ids: [yes, no] },
    ...{ winning_asset_id: winner, winning_outcome: "Yes", event_message: null, timestamp: String(START_MS + afterMs) },
  }),
});

const word = (value: bigint): string => value.toString(16).padStart(64, "0");
/** ConditionResolution of our condition, in the newest block of the tape then. */
function resolutionLog(
  tape: readonly TapeRecord[],
  afterMs: number,
  payouts: readonly bigint[],
  over = {},
): TapeRecord {
  const t = START_MS + afterMs;
  const head = tape.findLast((record) => record.ch === "chain.head" && record.t <= t)?.d as TapeHead;
  const words = [BigInt(payouts.length), 64n, BigInt(payouts.length), ...payouts];
  const d = {
    address: CONDITIONAL_TOKENS,
    topics: [CTF_CONDITION_RESOLUTION, condition, `0x${word(1n)}`, `0x${word(2n)}`],
    data: `0x${words.map(word).join("")}`,
    ...{ blockNumber: head.number, blockHash: head.hash, logIndex: "0x63", removed: false },
    ...{ transactionHash: `0x${"7".repeat(64)}`, transactionIndex: "0x0" },
    ...over,
  };
  return { t, ch: "chain.log", d };
}

const bought = [fill(2_000, "BUY", "0.50", "300")];
type Extra = (tape: readonly TapeRecord[]) => readonly TapeRecord[];
function run(extra: Extra, fills: readonly AddedFill[] = bought, first = gammaRecord(0)) {
  const tape = addFills([first, ...marketTape()], fills);
  const whole = [...tape, ...extra(tape)].toSorted((a, b) => a.t - b.t);
  const result = replay({ tape: whole, leaders: [], account });
  const resolutions = result.events.filter(({ event }) => event === "resolution");
  return {
    ...result,
    resolutions: resolutions.map((event) => JSON.parse(eventLine(event)) as Record<string, unknown>),
  };
}
/** Why the leader's later fill was not copied. */
const skipped = ({ events }: ReturnType<typeof run>): unknown[] =>
  events.flatMap(({ told }) => (told["outcome"] === "SKIP" ? [told["reasons"]] : []));
const CLOSED = [[{ code: "MARKET_NOT_ACCEPTING_ORDERS" }]];
const later = [...bought, fill(9_000, "BUY", "0.51", "300")];

describe("the chain of the tape", () => {
  test.each([
    [[1n, 0n], 1n],
    [[0n, 1n], 1n],
    [[1n, 1n], 2n],
    [[3n, 7n], 10n],
  ])("pays %s once the block is final", (payouts, denominator) => {
    const result = run((tape) => [
      resolutionLog(tape, 6_000, payouts),
      resolvedFrame(6_500),
      gammaRecord(7_000, closed),
    ]);
    expect(result.resolutions).toMatchObject([
      {
        ...{ conditionId: condition, source: "chain", payoutDenominator: String(denominator) },
        payoutNumerators: payouts.map(String),
      },
    ]);
    expect(result.resolutions[0]?.["atMs"]).toBeGreaterThan(START_MS + 6_000);
    expect(result.resolutions[0]?.["blockNumber"]).toBeGreaterThan(0);
    expect([result.assumed, result.report.errors]).toEqual([[], []]);
  });

  test("closes the market: what the leader does then is not copied", () => {
    const result = run((tape) => [resolutionLog(tape, 4_000, [1n, 0n])], later);
    expect(skipped(result)).toEqual(CLOSED);
    expect(lines(result)).toHaveLength(2);
  });

  test.each([
    ["taken back before it was final", { over: {}, again: { removed: true } }],
    ["of another contract", { over: { address: `0x${"9".repeat(40)}` } }],
    ["of a market that is not on the tape", { over: { topics: [CTF_CONDITION_RESOLUTION, `0x${"99".repeat(32)}`] } }],
  ])("does not pay what is %s", (_name, { over, again }: { over: object; again?: object }) => {
    const result = run((tape) => [
      resolutionLog(tape, 6_000, [1n, 0n], over),
      ...(again === undefined ? [] : [resolutionLog(tape, 6_000, [1n, 0n], again)]),
    ]);
    expect(result.resolutions).toEqual([]);
    expect(result.report.errors).toEqual([]);
  });

  test.each([
    [[0n, 0n], /pays nothing to anybody/],
    [[1n, 0n, 0n], /3 payouts for 3 outcomes/],
  ])("payouts of %s are refused, and said", (payouts, text) => {
    const result = run((tape) => [resolutionLog(tape, 6_000, payouts)]);
    expect(result.resolutions).toEqual([]);
    expect(result.report.errors).toEqual([expect.stringMatching(text)]);
  });

  test("the same told twice pays once; another one is said", () => {
    const log = (tape: readonly TapeRecord[]) => resolutionLog(tape, 6_000, [1n, 0n]);
    const twice = run((tape) => [log(tape), log(tape), resolutionLog(tape, 12_000, [1n, 0n])]);
    expect([twice.resolutions.length, twice.report.errors]).toEqual([1, []]);
    for (const afterMs of [6_000, 12_000]) {
      const { resolutions, report } = run((tape) => [log(tape), resolutionLog(tape, afterMs, [0n, 1n])]);
      expect(resolutions).toMatchObject([{ payoutNumerators: ["1", "0"] }]);
      expect(report.errors).toEqual([expect.stringMatching(/resolved as 1:0 of 1 and again as 0:1 of 1/)]);
    }
  });
});

describe("without chain records the venue's word is taken, and said", () => {
  const trusted = (who: string) => [
    `${condition}: paid out by the venue's word (${who}), no ConditionResolution is on the tape`,
  ];
  test("market_resolved closes at its time and pays the winner", () => {
    const result = run(() => [resolvedFrame(5_000, no)], later);
    expect(result.resolutions).toMatchObject([
      {
        ...{ atMs: START_MS + 5_000, payoutNumerators: ["0", "1"], payoutDenominator: "1" },
        ...{ source: "gamma", blockNumber: null },
      },
    ]);
    expect(result.assumed).toEqual(trusted("market_resolved"));
    expect(skipped(result)).toEqual(CLOSED);
    expect(result.report.errors).toEqual([]);
  });

  test.each([
    ['["1","0"]', ["1", "0"], "1"],
    ['["0.5","0.5"]', ["500000", "500000"], "1000000"],
  ])("a closed Gamma record with prices %s pays at its time", (outcomePrices, payoutNumerators, payoutDenominator) => {
    const result = run(
      () => [gammaRecord(5_000, { ...closed, outcomePrices, umaResolutionStatus: "resolved" })],
      later,
    );
    expect(result.resolutions).toMatchObject([{ atMs: START_MS + 5_000, payoutNumerators, payoutDenominator }]);
    expect(result.assumed).toEqual(trusted("Gamma's closed market"));
    expect(skipped(result)).toEqual(CLOSED);
  });

  test("closed without a price is closed, unpaid; so is a winner of none or of another market", () => {
    const gamma = run(() => [gammaRecord(5_000, { ...closed, outcomePrices: '["0.7","0.3"]' })], later);
    const nobody = run(() => [resolvedFrame(5_000, null)], later);
    const foreign = run(() => [resolvedFrame(5_000, "4711")], later);
    for (const result of [gamma, nobody, foreign]) {
      expect(result.resolutions).toEqual([]);
      expect(skipped(result)).toEqual(CLOSED);
    }
    expect(nobody.assumed).toEqual([`${condition}: closed, market_resolved names no winner`]);
    expect(foreign.report.errors).toEqual([expect.stringMatching(/a winner that is none of its tokens/)]);
  });

  test("two words that differ: the first holds, the second is an error", () => {
    const result = run(() => [resolvedFrame(5_000), gammaRecord(6_000, { ...closed, outcomePrices: '["0","1"]' })]);
    expect(result.resolutions).toHaveLength(1);
    expect(result.report.errors).toEqual([expect.stringMatching(/resolved as 1:0 of 1 and again as 0:1 of 1/)]);
  });

  test("a market that stops taking orders and goes on is followed", () => {
    const pauses = (from: number, to: number) =>
      run(() => [gammaRecord(from, { acceptingOrders: false }), gammaRecord(to)], later);
    expect(skipped(pauses(5_000, 12_000))).toEqual(CLOSED);
    expect(skipped(pauses(5_000, 8_000))).toEqual([]);
  });

  test("an object from after the end, put on the tape before it, closes the market when it says", () => {
    const closedTime = new Date(START_MS + 5_000).toISOString().replace("T", " ").replace("Z", "+00");
    const ended = gammaRecord(0, { ...closed, closedTime, outcomePrices: '["1","0"]' });
    const result = run(() => [], later, ended);
    expect(lines(result)).toHaveLength(2);
    expect(skipped(result)).toEqual(CLOSED);
    expect(result.resolutions).toMatchObject([{ atMs: START_MS + 5_000 }]);
    expect(result.assumed[0]).toMatch(/open until its closing time/);
  });
});

test("an order of a market without chain is not resolved by a log that no block makes final", () => {
  const tape: TapeRecord[] = addFills([gammaRecord(0), ...marketTape()], bought);
  const heads = tape.filter(({ ch }) => ch !== "chain.head");
  const log = resolutionLog(tape, 6_000, [1n, 0n]);
  const whole = [...heads, log].toSorted((a, b) => a.t - b.t);
  const { report } = replay({ tape: whole, leaders: [], account });
  expect(report.errors).toContain(
    `the resolution of ${condition as ConditionId} is on the tape, but no block makes it final: unpaid`,
  );
});

test("a market closes when it is said first, in venue time, and once", () => {
  const changes: [number, boolean][] = [];
  let known = deriveMarkets([gammaRecord(0)], defaultAssumptions).markets[0];
  const endings = createEndings({
    market: () => known,
    marketOf: () => known,
    resolvedOnChain: new Set(),
    change: (_conditionId, news) => {
      if (known !== undefined) known = { ...known, ...news };
      changes.push([news.tsEventMs - START_MS, news.closed]);
    },
    pay: () => {},
  });
  const word = { conditionId: condition as ConditionId, payoutMicro: null } as const;
  const event = { kind: "marketResolved", conditionId: word.conditionId, tokenIds: [], winningTokenId: yes } as const;
  endings.onGamma({ ...word, atMs: START_MS + 10, closed: false, acceptingOrders: false });
  endings.onMarketResolved({ ...event, winningOutcome: "Yes", tsEventMs: START_MS + 20 }, START_MS + 25);
  endings.onMarketResolved({ ...event, winningOutcome: "Yes", tsEventMs: 5 }, START_MS + 30);
  endings.onGamma({ ...word, atMs: START_MS + 40, closed: true, acceptingOrders: false });
  endings.onGamma({ ...word, atMs: START_MS + 50, closed: false, acceptingOrders: true });
  expect(changes).toEqual([
    [10, false],
    [20, true],
    [20, true],
    [20, true],
  ]);
});
