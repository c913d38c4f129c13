import type { Address, TokenId } from "@slipstream/contracts/ids";
import { parsePrice, parseShares, type Side, sharesMicro } from "@slipstream/contracts/money";
import { type AddedFill, addFills } from "@slipstream/sandbox/tape/addFills";
import { loadTape, type TapeRecord } from "@slipstream/sandbox/tape/format";
import { fillsAtTheTouch } from "@slipstream/sandbox/tape/touchFills.testing";
import { createWireMarket, type WireLevel } from "@slipstream/sandbox/tape/wireMarket.testing";
import { sampleTapes } from "@slipstream/testkit/samples";
import { describe, expect, test } from "vitest";
import { defaultAccount } from "../defaults.ts";
import { fillLine, replay } from "./replay.ts";

const START_MS = 1_790_000_000_000;
const condition = `0x${"c1".repeat(32)}`;
const yes = "1001" as TokenId;
const no = "1002" as TokenId;
const leader = `0x${"aa".repeat(20)}` as Address;

type Level = readonly [Side, string, string];
const levelOf = ([side, price, size]: Level): WireLevel => ({
  side,
  priceMicro: parsePrice(price),
  sizeMicro: Number(parseShares(size)),
});

/** A market channel that begins with `levels` and changes them some ms later. */
function marketTape(levels: readonly Level[], changes: readonly [number, ...Level][]): TapeRecord[] {
  const market = createWireMarket({ conditionId: condition, tokens: [yes, no] });
  for (const level of levels) market.set(levelOf(level));
  const frame = (afterMs: number, d: string): TapeRecord => ({ t: START_MS + afterMs + 5, ch: "clob.market.ws", d });
  return [
    frame(0, market.opening(START_MS)),
    ...changes.map(([afterMs, ...level]) => frame(afterMs, market.change(levelOf(level), START_MS + afterMs))),
  ];
}

const fill = (afterMs: number, side: Side, price: string, size: string, tokenId = yes): AddedFill => ({
  leader,
  tokenId,
  side,
  priceMicro: parsePrice(price),
  sizeMicro: sharesMicro(parseShares(size)),
  t: START_MS + afterMs,
  role: "TAKER",
});

const account = { ...defaultAccount, submitLatencyMs: 100, priceGuardTicks: 1, priceGuardBps: 0 };
const levels: [Side, string, string][] = [
  ["BUY", "0.48", "100"],
  ["SELL", "0.50", "6"],
  ["SELL", "0.51", "40"],
  ["SELL", "0.55", "500"],
];
/** The market goes on: without a frame nothing proves that time has passed. */
const pulse = Array.from({ length: 40 }, (_, n): [number, Side, string, string] => [
  1_000 + n * 500,
  "BUY",
  "0.30",
  String(10 + n),
]);

const run = (fills: AddedFill[], changes = pulse) =>
  replay({ tape: addFills(marketTape(levels, changes), fills), leaders: [], account });
const lines = (result: ReturnType<typeof run>): string[] =>
  result.fills.map((own) => `${own.side} ${own.priceMicro} ${own.sizeMicro} +${own.tsEventMs - START_MS}`);

describe("a leader's fill becomes ours as the book was at decided + latency", () => {
  test("the sweep takes the best levels first and never passes the guard", () => {
    const result = run([fill(2_000, "BUY", "0.50", "300")]);
    expect(lines(result)).toEqual(["BUY 500000 6000000 +2100", "BUY 510000 24000000 +2100"]);
    expect(result.report).toMatchObject({
      leaderFills: 1,
      attempts: { trade: 1, skip: 0 },
      missed: 0,
      duplicated: 0,
      errors: [],
    });
  });
  test("what the guard leaves unfilled rests and expires", () => {
    const result = run([fill(2_000, "BUY", "0.50", "900")]);
    expect(lines(result)).toEqual(["BUY 500000 6000000 +2100", "BUY 510000 40000000 +2100"]);
    expect(result.report).toMatchObject({ ttlCancels: 1, partialFills: 1 });
  });
  test("a level that goes away within the latency is not filled", () => {
    const gone: [number, Side, string, string][] = [...pulse, [2_050, "SELL", "0.50", "0"]];
    gone.sort((a, b) => a[0] - b[0]);
    expect(lines(run([fill(2_000, "BUY", "0.50", "100")], gone))).toEqual(["BUY 510000 10000000 +2100"]);
  });
  test("small fills wait in the bucket until they are an order", () => {
    const result = run([fill(2_000, "BUY", "0.50", "30"), fill(4_000, "BUY", "0.50", "30")]);
    expect(result.report.attempts).toEqual({ trade: 1, skip: 1, byReason: { BELOW_MINIMUM: 1 } });
    expect(lines(result)).toEqual(["BUY 500000 6000000 +4100"]);
  });
  test("an exit closes our lot in the leader's proportion", () => {
    const result = run([fill(2_000, "BUY", "0.50", "300"), fill(6_000, "SELL", "0.48", "150")]);
    expect(lines(result).at(-1)).toBe("SELL 480000 15000000 +6100");
    expect(result.report.positions).toMatchObject([
      { confirmed: "15000000", effective: "15000000", chain: "15000000" },
    ]);
  });
});

test("the same tape gives the same bytes, and every book is proved", () => {
  const fills = [
    fill(2_000, "BUY", "0.50", "300"),
    fill(3_000, "BUY", "0.50", "200", no),
    fill(6_000, "SELL", "0.48", "150"),
  ];
  const [first, second] = [run(fills), run(fills)];
  expect(second.fills.map(fillLine)).toEqual(first.fills.map(fillLine));
  expect(second.report).toEqual(first.report);
  expect(first.proofs.failed).toBe(0);
  expect(first.proofs.passed).toBeGreaterThan(70);
  const tape = addFills(marketTape(levels, pulse), fills);
  const unproved = replay({ tape, leaders: [], account, proofs: "none" });
  expect(unproved.fills.map(fillLine)).toEqual(first.fills.map(fillLine));
  expect(unproved.proofs).toEqual({ passed: 0, failed: 0 });
});

test("a tape without fills says how to add some", () => {
  expect(() => run([])).toThrow(/tape add-fills/);
});

test.each(sampleTapes)(
  "$name: fills at the touch, all decided, all settled, no doubt about a book",
  async ({ path }) => {
    const tape = await loadTape(path);
    const result = replay({
      tape: addFills(tape, fillsAtTheTouch(tape, 15_000)),
      leaders: [],
      account: defaultAccount,
    });
    expect(result.report).toMatchObject({ missed: 0, duplicated: 0, errors: [] });
    expect(result.report.executionFills).toBeGreaterThan(0);
    expect(result.proofs.failed).toBe(0);
  },
);
