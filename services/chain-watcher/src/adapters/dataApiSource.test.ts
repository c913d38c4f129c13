import { virtualClock } from "@slipstream/actor/clock";
import type { Address } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FillBatch } from "../core/fillRow.ts";
import {
  countsOf,
  type FakeDataApi,
  fakeDataApi,
  type ListedRow,
  randomFrom,
  testFill,
  vouchedBy,
} from "./dataApi.testing.ts";
import { createDataApiSource, type DataApiSourceOptions } from "./dataApiSource.ts";

const alice = `0x${"a1".repeat(20)}` as Address;
const bob = `0x${"b0".repeat(20)}` as Address;
const START_MS = 1_790_000_000_000;
const OVERLAP_MS = 120_000;
const START_SECONDS = START_MS / 1_000;

/** A source on a clock of its own that runs until `untilMs`. */
function running(
  rows: readonly ListedRow[],
  changes: Partial<DataApiSourceOptions> & { answerMsMax?: number; failureRate?: number; seed?: number } = {},
) {
  const { answerMsMax = 0, failureRate = 0, seed = 1, ...own } = changes;
  const clock = virtualClock(START_MS);
  const api: FakeDataApi = fakeDataApi({ rows, clock, random: randomFrom(seed), answerMsMax, failureRate });
  const batches: FillBatch[] = [];
  const source = createDataApiSource({
    api,
    clock,
    random: randomFrom(seed + 1),
    onRows: (batch) => batches.push(batch),
    pollMs: 2_000,
    overlapMs: OVERLAP_MS,
    requestsPerSecond: 10,
    ...own,
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const runFor = async (ms: number): Promise<void> => {
    const endMs = clock.nowMs() + ms;
    await settle();
    for (let next = clock.nextTimerMs(); next !== null && next <= endMs; next = clock.nextTimerMs()) {
      clock.advanceTo(next);
      await settle();
    }
    clock.advanceTo(endMs);
    await settle();
  };
  return { source, api, batches, runFor };
}

const listed = (row: Parameters<typeof testFill>[0], listedMs = START_MS): ListedRow => ({
  user: row.user,
  seconds: row.seconds,
  listedMs,
  fill: testFill(row),
});
const rowAt = (second: number, tx: number, listedAfterMs = 0, more: object = {}): ListedRow =>
  listed({ user: alice, seconds: START_SECONDS + second, tx, ...more }, START_MS + listedAfterMs);

describe("counting", () => {
  test("equal rows of one transaction vouch for as many fills, again and again", async () => {
    const { source, batches, runFor } = running([rowAt(-5, 1), rowAt(-5, 1), rowAt(-5, 1, 0, { side: "SELL" })]);
    source.follow(new Set([alice]));
    await runFor(2_500);
    expect(batches).toHaveLength(2);
    expect(batches[0]).toMatchObject({ leader: alice, source: "data_api", countable: true, tsSeenMs: START_MS });
    expect(batches.map(({ rows }) => rows.map((row) => row.side))).toEqual(new Array(2).fill(["BUY", "BUY", "SELL"]));
    source.stop();
  });
  test("equal rows on both sides of a page's end are not counted until their second came whole", async () => {
    const rows = [rowAt(-1, 1), rowAt(-2, 2), rowAt(-2, 2), rowAt(-2, 2), rowAt(-9, 3)];
    const { source, batches, runFor } = running(rows, { pageLimit: 4 });
    source.follow(new Set([alice]));
    await runFor(0);
    expect(vouchedBy(batches)).toEqual(countsOf(rows.flatMap((row) => row.fill ?? [])));
    expect(Math.max(...batches.map((batch) => batch.rows.length))).toBe(3);
    source.stop();
  });
  test("more rows in one second than a page holds: too few are counted, and it is said", async () => {
    const rows = [...Array.from({ length: 5 }, () => rowAt(-2, 2)), rowAt(-9, 3)];
    const { source, batches, runFor } = running(rows, { pageLimit: 3 });
    source.follow(new Set([alice]));
    await runFor(0);
    expect([...vouchedBy(batches).values()]).toEqual([3, 1]);
    await runFor(2_000);
    expect([...vouchedBy(batches).values()]).toEqual([3, 1]);
    source.stop();
  });
  test("a transaction listed at two times, while the index moves it, is never added up", async () => {
    const { source, batches, runFor } = running([rowAt(-5, 1), rowAt(-3, 1)]);
    source.follow(new Set([alice]));
    await runFor(0);
    expect(batches.map((batch) => batch.rows.length)).toEqual([1, 1]);
    source.stop();
  });
  test("rewards tell nothing", async () => {
    const reward = { user: alice, seconds: START_SECONDS - 3, listedMs: START_MS, fill: null };
    const { source, batches, runFor } = running([reward]);
    source.follow(new Set([alice]));
    await runFor(5_000);
    expect([batches, source.connected(), source.problem()]).toEqual([[], true, null]);
    source.stop();
  });
});

describe("what is late", () => {
  test("a row that appears 110 s late, behind newer ones, is told", async () => {
    const { source, batches, runFor } = running([rowAt(50, 2, 50_000), rowAt(0, 1, 110_000), rowAt(99, 3, 99_000)]);
    source.follow(new Set([alice]));
    await runFor(105_000);
    expect(vouchedBy(batches).size).toBe(2);
    await runFor(8_000);
    expect(vouchedBy(batches).size).toBe(3);
    source.stop();
  });
  test("an outage of an hour loses nothing, however many rows came meanwhile", async () => {
    const rows = Array.from({ length: 300 }, (_, n) => rowAt(n * 12, n, n * 12_000));
    const { source, api, batches, runFor } = running(rows, { pageLimit: 20 });
    source.follow(new Set([alice]));
    await runFor(100_000);
    api.failing = true;
    await runFor(3_600_000);
    expect([source.connected(), source.problem()]).toEqual([false, expect.stringMatching(/429/)]);
    expect(vouchedBy(batches).size).toBeLessThan(20);
    const asked = api.asked.length;
    // The pause grows to half a minute, at random shorter: no hammering.
    expect(asked).toBeLessThan(1_000);
    api.failing = false;
    await runFor(40_000);
    expect([source.connected(), source.problem()]).toEqual([true, null]);
    expect(vouchedBy(batches).size).toBe(300);
    source.stop();
  });
});

describe("following", () => {
  test("a leader is asked at once when he is added and no more when he is gone", async () => {
    const { source, api, runFor } = running([]);
    expect([source.connected(), source.problem()]).toEqual([false, null]);
    source.follow(new Set([alice]));
    await runFor(10);
    source.follow(new Set([bob]));
    await runFor(10);
    expect(api.asked).toEqual([alice, bob]);
    await runFor(10_000);
    expect(new Set(api.asked.slice(1))).toEqual(new Set([bob]));
    source.stop();
    const asked = api.asked.length;
    await runFor(10_000);
    expect(api.asked.length).toBe(asked);
  });
  test("what was asked for him before he left is not told", async () => {
    const { source, batches, runFor } = running([rowAt(-5, 1)], { answerMsMax: 1_000 });
    source.follow(new Set([alice]));
    await runFor(1);
    source.follow(new Set());
    await runFor(10_000);
    expect(batches).toEqual([]);
    source.stop();
  });
});

test("whatever happens, counts are never above the truth and reach it", async () => {
  const transaction = fc.record({
    leader: fc.constantFrom(alice, bob),
    second: fc.integer({ min: -100, max: 200 }),
    rows: fc.array(
      fc.record({
        token: fc.integer({ min: 1, max: 2 }),
        copies: fc.integer({ min: 1, max: 3 }),
        lateMs: fc.integer({ min: 0, max: OVERLAP_MS - 1_000 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  });
  const story = fc.record({
    transactions: fc.uniqueArray(transaction, { maxLength: 25, selector: (one) => `${one.leader}${one.second}` }),
    pageLimit: fc.integer({ min: 7, max: 12 }),
    answerMsMax: fc.constantFrom(0, 300, 4_000),
    failureRate: fc.constantFrom(0, 0.3),
    pollMs: fc.constantFrom(500, 3_000, 20_000),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(story, async ({ transactions, ...changes }) => {
      const rows = transactions.flatMap((one, tx) =>
        one.rows.flatMap(({ token, copies, lateMs }) =>
          Array.from({ length: copies }, (_, copy) => {
            const seconds = START_SECONDS + one.second;
            // Copies of one row appear one after the other.
            const listedMs = seconds * 1_000 + Math.floor((lateMs * (copy + 1)) / copies);
            return listed({ user: one.leader, seconds, tx, token }, listedMs);
          }),
        ),
      );
      const truth = countsOf(rows.flatMap((row) => row.fill ?? []));
      const { source, batches, runFor } = running(rows, changes);
      source.follow(new Set([alice, bob]));
      await runFor(500_000);
      source.stop();
      for (const [content, count] of vouchedBy(batches)) expect(count).toBeLessThanOrEqual(truth.get(content) ?? 0);
      expect(vouchedBy(batches)).toEqual(truth);
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 25) },
  );
});
