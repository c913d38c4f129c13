/**
 * The main job: a local world, real services, and the report's own judgement. Each run goes on until what the test is
 * about has happened, however long that takes, and is ended then.
 */
import type { FactOf } from "@slipstream/contracts/facts";
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { afterAll, expect, test } from "vitest";
import { sendFault } from "../../cli/src/worldClient.ts";
import { endRun, FIXED_MARKETS, inRun, type Run, startRun } from "./kit.ts";
import { type Log, readLog } from "./log.ts";

afterAll(expectNoLeaks);

/** Runs the sandbox while `use` wants it, ends it as Ctrl-C does, and expects all the report must say of a good run. */
async function goodRun(env: Readonly<Record<string, string>>, use: (run: Run, log: Log) => Promise<void>) {
  const run = await startRun(["start", "--for", "60m"], env);
  try {
    await run.pid("executor");
    const log = await readLog(run.natsUrl());
    try {
      await use(run, log);
    } finally {
      await log.stop();
    }
    const report = await endRun(run);
    expect(report).toMatchObject({ code: 0, errors: [], missed: 0, duplicated: 0 });
    for (const row of report.positions) expect({ ...row, confirmed: row.chain, effective: row.chain }).toEqual(row);
    return report;
  } finally {
    await run.clean();
  }
}

test("leaders are copied: partial fills, expiries and skips among them, and nothing is missed or doubled", async () => {
  await goodRun({}, async (run, log) => {
    const isAllThere = (): boolean => {
      const { leaderFills, attempts, partialFills, ttlCancels } = log.report();
      return leaderFills >= 20 && attempts.trade > 0 && attempts.skip > 0 && partialFills > 0 && ttlCancels > 0;
    };
    await inRun(run, isAllThere, "twenty fills of leaders, orders filled in parts, expiries and skips");
  });
});

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

/** New fills of leaders, and decisions upon new ones. */
async function goesOn(run: Run, log: Log): Promise<void> {
  // The bus itself may just be away.
  const seq = await inRun(run, () => log.end(), "the log");
  const decisions = (): number => log.since(seq, "OrderIntent").length + log.since(seq, "ExecutionAttempt").length;
  await inRun(run, () => log.since(seq, "LeaderFill").length >= 2 && decisions() >= 2, "fills to go on");
}

/** Leaders have sold what was bought after them, `count` times since a place of the log. */
const soldSince = (log: Log, seq: number, count: number): FactOf<"LeaderFill">[] | null => {
  const filled = new Set(log.since(0, "ExecutionFill").map(({ orderId }) => orderId));
  const entries = log.since(0, "OrderIntent").filter(({ kind, orderId }) => kind === "ENTRY" && filled.has(orderId));
  const held = new Set(entries.map(({ leader, tokenId }) => `${leader} ${tokenId}`));
  const sales = log
    .since(seq, "LeaderFill")
    .filter(({ side, leader, tokenId }) => side === "SELL" && held.has(`${leader} ${tokenId}`));
  return sales.length >= count ? sales : null;
};
/** What a report calls a late exit. */
const LATE_EXIT_MS = 5_000;

/** The one that trades is stopped until leaders have sold, and until following them is late. */
async function outage(run: Run, pid: number, log: Log): Promise<void> {
  await inRun(run, () => log.since(0, "ExecutionFill").length >= 5, "something to sell");
  const seq = await log.end();
  process.kill(pid, "SIGSTOP");
  const sales = await inRun(run, () => soldSince(log, seq, 3), "leaders to sell what we hold");
  const lastMs = Math.max(...sales.map(({ tsEventMs }) => tsEventMs));
  await inRun(run, () => Date.now() > lastMs + 2 * LATE_EXIT_MS, "their sales to be old");
}

test("each service and the bus killed by -9 in turn: nothing missed, nothing doubled, exits of the outage followed", async () => {
  const report = await goodRun({ SANDBOX_PACE: "fast", ...FIXED_MARKETS }, async (run, log) => {
    for (const name of victims) {
      await goesOn(run, log);
      const pid = await run.pid(name);
      if (name === "executor") await outage(run, pid, log);
      process.kill(pid, "SIGKILL");
    }
    await goesOn(run, log);
    await inRun(run, () => log.report().lateExits > 0, "exits of the outage to be followed");
  });
  expect(report.faults.filter((fault) => fault.includes("SIGKILL"))).toHaveLength(victims.length);
});

test("a reorg of depth 3: what returns is one fill with one attempt, what is dropped is retracted", async () => {
  await goodRun({ SANDBOX_PACE: "fast" }, async (run, log) => {
    await goesOn(run, log);
    const reorg = (drop: "none" | "leaderFill") => sendFault(run.sandboxUrl(), { kind: "reorg", depth: 3, drop });
    const has = (type: "LeaderFillReverted" | "LeaderFillRetracted"): boolean => log.since(0, type).length > 0;
    // Not every three blocks hold a fill of a leader that is told already.
    const once = async (): Promise<void> => {
      const seq = await log.end();
      await reorg("none");
      await inRun(run, () => log.since(seq, "LeaderFill").length > 0, "fills after the reorg");
    };
    while (!has("LeaderFillReverted") || log.report().returned === 0) await once();
    await inRun(run, () => reorg("leaderFill"), "a fill of a leader in the last blocks");
    await inRun(run, () => has("LeaderFillRetracted"), "the dropped fill to be retracted");
    expect(log.report().returned).toBeGreaterThan(0);
    expect(log.report().retracted).toBeGreaterThan(0);
  });
});
