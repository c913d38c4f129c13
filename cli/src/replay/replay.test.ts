import type { Side } from "@slipstream/contracts/money";
import { type AddedFill, addFills } from "@slipstream/sandbox/tape/addFills";
import { loadTape } from "@slipstream/sandbox/tape/format";
import { fillsAtTheTouch } from "@slipstream/sandbox/tape/touchFills.testing";
import { sampleTapes } from "@slipstream/testkit/samples";
import { describe, expect, test } from "vitest";
import { defaultAccount } from "../defaults.ts";
import { account, fill, levels, lines, marketTape, no, pulse, replayOf, START_MS } from "./replay.testing.ts";
import { fillLine, replay } from "./replay.ts";

const run = (fills: AddedFill[], changes = pulse) => replayOf(marketTape(levels, changes), fills);

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
    const [money] = result.report.money;
    expect(money).toMatchObject({ account: account.account, positions: [{ shares: "46000000", cost: "23400000" }] });
    const { equity, funding, realized, unrealized } = money ?? {};
    expect(BigInt(equity ?? 0) - BigInt(funding ?? 0)).toBe(BigInt(realized ?? 0) + BigInt(unrealized ?? 0));
    expect(unrealized).not.toBe("0");
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

test("an order is placed a latency after its decision, whenever the log took that", () => {
  const { latencyMs } = run([fill(2_000, "BUY", "0.50", "300"), fill(6_000, "SELL", "0.48", "150")]).report;
  expect(latencyMs.decidedToPlaced).toEqual({ p50: 100, p90: 100, p99: 100 });
});

test("a message that cannot be read costs the book it names, until a full one comes, and is told", () => {
  const tape = marketTape(levels, pulse);
  const at = tape.findIndex(({ t }) => t > START_MS + 2_000);
  const damaged = String(tape[at]?.d).replaceAll('"price":"0.3"', '"price":"x"');
  expect(damaged).not.toBe(tape[at]?.d);
  const { report, assumed } = replayOf(tape.with(at, { t: START_MS + 2_005, ch: "clob.market.ws", d: damaged }), [
    fill(3_000, "BUY", "0.50", "300"),
  ]);
  expect(report.attempts).toEqual({ trade: 0, skip: 1, byReason: { BOOK_UNHEALTHY: 1 } });
  expect(assumed.at(-1)).toMatch(/^unreadable messages of the market channel, 1:/);
});

test("a tape that begins within a block has its fills followed as well", () => {
  const whole = addFills(marketTape(), [fill(2_000, "BUY", "0.50", "100"), fill(6_000, "BUY", "0.50", "100")]);
  const firstLog = whole.findIndex(({ ch }) => ch === "chain.log");
  const tape = whole.filter(({ ch }, index) => ch !== "chain.head" || index > firstLog);
  const { report, fills } = replay({ tape, leaders: [], account });
  expect(report).toMatchObject({ leaderFills: 2, missed: 0, duplicated: 0, errors: [] });
  expect(fills.length).toBeGreaterThan(1);
});

test("a tape that begins with a head has the fills of the block before it followed, which come late", () => {
  const whole = addFills(marketTape(), [fill(2_000, "BUY", "0.50", "100"), fill(6_000, "BUY", "0.50", "100")]);
  const firstLog = whole.findIndex(({ ch }) => ch === "chain.log");
  const nextHead = whole.findIndex(({ ch }, index) => ch === "chain.head" && index > firstLog);
  const [log, head] = [whole[firstLog], whole[nextHead]];
  if (log === undefined || head === undefined) throw new Error("the tape has no such records");
  const before = whole.slice(0, nextHead).filter(({ ch }) => ch !== "chain.head" && ch !== "chain.log");
  const tape = [...before, head, { ...log, t: head.t }, ...whole.slice(nextHead + 1)];
  const { report } = replay({ tape, leaders: [], account });
  expect(report).toMatchObject({ leaderFills: 2, missed: 0, duplicated: 0, errors: [] });
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
