/** The main job: a local world, real services, and the report's own judgement. */

import { expectNoLeaks } from "@slipstream/testkit/processes";
import { afterAll, expect, test } from "vitest";
import { sendFault } from "../../cli/src/worldClient.ts";
import { FIXED_MARKETS, pause, type Run, startRun } from "./kit.ts";

afterAll(expectNoLeaks);

async function withRun(run: Run, use: (run: Run) => Promise<void>): Promise<void> {
  try {
    await use(run);
  } finally {
    await run.clean();
  }
}

/** Everything the report must say of a good run, with its own words when it does not. */
function expectGood(run: Run, code: number | null): void {
  const report = run.report();
  expect({ code, errors: report.errors, missed: report.missed, duplicated: report.duplicated }).toEqual({
    code: 0,
    errors: [],
    missed: 0,
    duplicated: 0,
  });
  for (const row of report.positions) expect({ ...row, confirmed: row.chain, effective: row.chain }).toEqual(row);
}

test("leaders are copied: partial fills, expiries and skips among them, and nothing is missed or doubled", async () => {
  await withRun(await startRun(["start", "--for", "45s"]), async (run) => {
    expectGood(run, await run.exitCode());
    const report = run.report();
    expect(report.leaderFills).toBeGreaterThanOrEqual(20);
    expect(report.attempts.trade).toBeGreaterThan(0);
    expect(report.attempts.skip).toBeGreaterThan(0);
    expect(report.partialFills).toBeGreaterThan(0);
    expect(report.ttlCancels).toBeGreaterThan(0);
  });
});

const OUTAGE_MS = 12_000;

/** Every process of the trading path once, and the bus, each while fills go on. */
const victims = [
  "chain-watcher",
  "executor",
  "inventory",
  "balance-sync",
  "bookstore",
  "risk",
  "registry",
  "nats-server",
];

test("each service and the bus killed by -9 in turn: nothing missed, nothing doubled, exits of the outage followed", async () => {
  await withRun(await startRun(["start", "--for", "75s"], FIXED_MARKETS), async (run) => {
    await run.pid("executor");
    for (const name of victims) {
      await pause(4_000);
      const pid = await run.pid(name);
      // A long outage of the one that trades: stopped first, so that leaders sell meanwhile.
      if (name === "executor") process.kill(pid, "SIGSTOP");
      if (name === "executor") await pause(OUTAGE_MS);
      process.kill(pid, "SIGKILL");
    }
    expectGood(run, await run.exitCode());
    expect(run.report().faults.filter((fault) => fault.includes("SIGKILL"))).toHaveLength(victims.length);
    expect(run.report().lateExits).toBeGreaterThan(0);
  });
});

test("a reorg of depth 3: what returns is one fill with one attempt, what is dropped is retracted", async () => {
  await withRun(await startRun(["start", "--for", "50s"]), async (run) => {
    await run.pid("executor");
    await pause(15_000);
    await sendFault(run.sandboxUrl(), { kind: "reorg", depth: 3, drop: "none" });
    await pause(8_000);
    await sendFault(run.sandboxUrl(), { kind: "reorg", depth: 3, drop: "leaderFill" });
    expectGood(run, await run.exitCode());
    expect(run.report().returned).toBeGreaterThan(0);
    expect(run.report().retracted).toBeGreaterThan(0);
  });
});
