/** The sources beside the chain against the sandbox's venue: what they tell is what the chain holds, whatever fails. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@slipstream/actor/clock";
import { createDataApi } from "@slipstream/polymarket/dataApi";
import { parseExactJson } from "@slipstream/polymarket/exactJson";
import { createHttpReader } from "@slipstream/polymarket/http";
import { createRateBudget } from "@slipstream/polymarket/rateBudget";
import type { Fault } from "@slipstream/sandbox/control";
import type { SettledFill } from "@slipstream/sandbox/venue/settledFills";
import { startWorld, type World } from "@slipstream/sandbox/world";
import { anvilBin } from "@slipstream/testkit/binaries";
import { until } from "@slipstream/testkit/until";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { vouchedBy } from "../src/adapters/dataApi.testing.ts";
import { createDataApiSource } from "../src/adapters/dataApiSource.ts";
import { createRtdsSource } from "../src/adapters/rtdsSource.ts";
import type { LeaderFillSource } from "../src/adapters/source.ts";
import type { FillBatch } from "../src/core/fillRow.ts";

const dir = mkdtempSync(join(tmpdir(), "fill-sources-"));
const clock = systemClock();
let world: World;
beforeAll(async () => {
  world = await startWorld({ seed: "sources", blockTimeMs: 200, pace: "fast", dir, anvilBin: anvilBin() });
});
afterAll(async () => {
  await world.stop();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await fault({ kind: "pauseActors", on: false });
});

const fault = async (body: Fault) => world.faults.apply(body);
const leaders = () => new Set(world.leaders.map(({ address }) => address));
const truth = (fills: readonly SettledFill[] = world.truth()): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const fill of fills) {
    const content = `${fill.wallet}|${fill.txHash}|${fill.tokenId}|${fill.side}|${fill.sharesMicro}`;
    counts.set(content, (counts.get(content) ?? 0) + 1);
  }
  return counts;
};
const newFills = async (count: number): Promise<void> => {
  const before = world.truth().length;
  await until(() => world.truth().length >= before + count, { what: `${count} leaders' fills` });
};
/** Nothing is traded any more, and what was is on the chain. */
async function settled(): Promise<void> {
  await fault({ kind: "pauseActors", on: true });
  const block = world.chain.head().number;
  await until(() => world.chain.head().number >= block + 3, { what: "the last trades to settle" });
}

describe.each(["activity", "trades"] as const)("the Data API's list of %s", (feed) => {
  const batches: FillBatch[] = [];
  let source: LeaderFillSource;
  let closeBudget: () => void;
  beforeAll(() => {
    const budget = createRateBudget({ name: `test-${feed}`, perSecond: 50, clock });
    closeBudget = budget.close;
    const http = createHttpReader({
      baseUrl: world.endpoints.dataApiUrl,
      clock,
      random: () => 0,
      budget,
      attemptsMax: 1,
      parse: parseExactJson,
    });
    source = createDataApiSource({
      ...{ api: createDataApi(http), clock, random: () => 0.1, feed, pageLimit: 20 },
      onRows: (batch) => batches.push(batch),
      pollMs: 100,
      // Blocks of the sandbox may run ahead of the clock; all of them are wanted.
      overlapMs: 600_000,
      requestsPerSecond: 50,
    });
  });
  afterAll(() => {
    source.stop();
    closeBudget();
  });
  const tellsTheTruth = () =>
    until(() => JSON.stringify([...vouchedBy(batches)].sort()) === JSON.stringify([...truth()].sort()), {
      what: "what is told to be what the chain holds",
    });

  test("tells every fill as often as it is, late, in changed order and after refusals", async () => {
    await newFills(5);
    source.follow(leaders());
    await fault({ kind: "apiShuffle", on: true });
    await newFills(5);
    await fault({ kind: "apiErrors", status: 429, count: 4 });
    await until(() => !source.connected() && source.problem()?.includes("429"), { what: "a problem" });
    await fault({ kind: "apiErrors", status: 500, count: 2 });
    await until(() => source.connected() && source.problem() === null, { what: "the end of the problem" });
    await fault({ kind: "apiLag", ms: 3_600_000 });
    await newFills(3);
    await settled();
    expect(vouchedBy(batches).size).toBeLessThan(truth().size);
    await fault({ kind: "apiLag", ms: 0 });
    await fault({ kind: "apiShuffle", on: false });
    await tellsTheTruth();
    const row = batches.at(-1)?.rows[0];
    const fill = world.truth().find(({ txHash, wallet }) => txHash === row?.txHash && wallet === row?.leader);
    expect(row).toMatchObject({
      conditionId: fill?.conditionId,
      tsEventMs: fill?.blockMs,
      sharesMicro: fill?.sharesMicro,
    });
    for (const { rows } of batches) {
      for (const told of rows) {
        const owns = world.truth().filter(({ txHash, wallet }) => txHash === told.txHash && wallet === told.leader);
        const costs = owns.filter(({ tokenId }) => tokenId === told.tokenId).map(({ usdcMicro }) => usdcMicro);
        expect(costs).toContain(told.usdcMicro);
      }
    }
  });
});

describe("the live feed", () => {
  const started: LeaderFillSource[] = [];
  afterEach(() => {
    for (const source of started.splice(0)) source.stop();
  });
  function start(silentMsMax: number): { source: LeaderFillSource; batches: FillBatch[] } {
    const batches: FillBatch[] = [];
    const source = createRtdsSource({
      url: world.endpoints.rtdsUrl,
      clock,
      random: () => 0,
      onRows: (batch) => batches.push(batch),
      silentMsMax,
    });
    started.push(source);
    return { source, batches };
  }

  test("tells new fills, never one as two, and comes back after a cut", async () => {
    // It never takes a slow world for a silent one.
    const { source, batches } = start(600_000);
    expect([source.connected(), source.problem()]).toEqual([false, null]);
    source.follow(leaders());
    await until(source.connected, { what: "the connection" });
    const known = new Set(truth().keys());
    await fault({ kind: "doubleRtds", on: true });
    await newFills(5);
    await settled();
    await fault({ kind: "doubleRtds", on: false });
    const fresh = [...truth().keys()].filter((content) => !known.has(content));
    await until(() => fresh.every((content) => vouchedBy(batches).has(content)), { what: "the new fills" });
    expect(batches.length).toBeGreaterThan(vouchedBy(batches).size);
    expect(new Set(vouchedBy(batches).values())).toEqual(new Set([1]));
    for (const content of vouchedBy(batches).keys()) expect(truth().has(content)).toBe(true);

    await fault({ kind: "pauseActors", on: false });
    await fault({ kind: "dropRtdsSockets" });
    await until(() => source.problem() !== null, { what: "the cut to be noticed" });
    await until(() => source.connected() && source.problem() === null, { what: "the connection" });
  });

  test("that says nothing for longer than it may is given up, and tells again afterwards", async () => {
    const { source, batches } = start(2_000);
    source.follow(leaders());
    await until(source.connected, { what: "the connection" });
    await fault({ kind: "silenceRtds", on: true });
    await until(() => source.problem()?.includes("nothing was heard"), { what: "the silence" });
    await fault({ kind: "silenceRtds", on: false });
    const before = batches.length;
    await until(() => batches.length > before, { what: "fills again" });
  });
});
