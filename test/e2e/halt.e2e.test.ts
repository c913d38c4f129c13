/** A halt halts, and without risk nothing is traded: on real processes, in one run that must still end well. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { ClientOrderId } from "@slipstream/contracts/ids";
import { AccountPolicy } from "@slipstream/contracts/policy";
import { buckets, streams } from "@slipstream/contracts/subjects";
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { until } from "@slipstream/testkit/until";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { connectCli } from "../../cli/src/connection.ts";
import { defaultAccount } from "../../cli/src/defaults.ts";
import { followLog } from "../../cli/src/follow.ts";
import { FIXED_MARKETS, type Run, startRun } from "./kit.ts";

afterAll(expectNoLeaks);

type Stored = { readonly seq: number; readonly storedMs: number; readonly fact: Fact };
type Log = {
  readonly stored: readonly Stored[];
  /** Sequence at which the log ends now, with everything up to it in `stored`. */
  end(): Promise<number>;
  /** Facts of one type after a sequence. */
  since<T extends Fact["type"]>(seq: number, type: T): FactOf<T>[];
  /** Replaces the paper account's policy. */
  setAccount(policy: AccountPolicy): Promise<void>;
  stop(): Promise<void>;
};

async function readLog(natsUrl: string): Promise<Log> {
  const bus = await connectCli(natsUrl);
  const stored: Stored[] = [];
  const following = await followLog(
    bus,
    (ms) => ms,
    ({ seq, fact }, storedMs) => stored.push({ seq, storedMs, fact }),
  );
  return {
    stored,
    end: async () => {
      const { state } = await bus.jsm.streams.info(streams.facts);
      await following.caughtUp();
      return state.last_seq;
    },
    since: <T extends Fact["type"]>(after: number, type: T) =>
      stored.flatMap(({ seq, fact }) => (seq > after && fact.type === type ? [fact as FactOf<T>] : [])),
    setAccount: async (policy) => {
      const bucket = await bus.kvm.open(buckets.config);
      await bucket.put(`accounts.${policy.account}`, JSON.stringify(z.encode(AccountPolicy, policy)));
    },
    stop: async () => {
      await following.stop();
      await bus.drain();
    },
  };
}

/** A command of a person, in a process of its own. */
const slipstream = (run: Run, command: "halt" | "resume"): Promise<{ code: number; text: string }> =>
  new Promise((resolve) => {
    const main = join(import.meta.dirname, "../../cli/src/main.ts");
    const env = { ...process.env, SLIPSTREAM_HOME: run.home };
    execFile(process.execPath, [main, command], { env }, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error === null ? 0 : -1;
      resolve({ code, text: `${stdout}${stderr}`.trim() });
    });
  });

const HALTED = { code: 0, text: "halted: nothing is traded until `resume`" };
const RESUMED = { code: 0, text: "resumed: risk decides again" };

/** Orders the venue has and that have not ended, by the log up to now. */
function openOrders({ stored }: Log): Set<ClientOrderId> {
  const open = new Set<ClientOrderId>();
  for (const { fact } of stored) {
    if (fact.type === "OrderAccepted") open.add(fact.orderId);
    if (fact.type === "OrderCanceled" || fact.type === "OrderExpired") open.delete(fact.orderId);
    if (fact.type === "ExecutionFill" && fact.leavesMicro === 0n) open.delete(fact.orderId);
  }
  return open;
}

/** Larger than its leaders and close to their prices, so that books do not hold all of it, and what is left stays open. */
const patient: AccountPolicy = {
  ...defaultAccount,
  sizing: { kind: "percentage", ratioMicro: 3_000_000 },
  priceGuardBps: 0,
  priceGuardTicks: 1,
  priceGuardMaxBps: 500,
  exits: { kind: "widen", everySeconds: 30, stepBps: 200, floorBps: null, bookAfterSeconds: 600 },
  bucketAgeMsMax: 3_600_000,
  ttlMs: 60_000,
};

const traded = (log: Log, seq: number): Fact[] => [
  ...log.since(seq, "OrderIntent"),
  ...log.since(seq, "OrderAccepted"),
];
const skipsFor = (log: Log, seq: number, reason: string): FactOf<"ExecutionAttempt">[] =>
  log
    .since(seq, "ExecutionAttempt")
    .filter(({ reasons }) => reasons.some((one) => one.code === reason || ("reason" in one && one.reason === reason)));
const wait = { timeoutMs: 30_000 };

/** Orders are open at the venue, and something is held that leaders may sell. */
const somethingOpen = (log: Log): Promise<unknown> =>
  until(() => openOrders(log).size > 1 && log.since(0, "ExecutionFill").length > 3, { what: "open orders", ...wait });
const tradingAgain = (log: Log, seq: number): Promise<unknown> =>
  until(
    () =>
      log.since(seq, "OrderIntent").some(({ kind }) => kind === "ENTRY") && log.since(seq, "OrderAccepted").length > 0,
    { what: "trading to go on", ...wait },
  );

/** Each order that was still open when a halt had been answered was told to go, and goes. */
async function expectCancelled(log: Log): Promise<void> {
  const asked = new Set(log.since(0, "OrderCancelRequested").map(({ orderId }) => orderId));
  expect([...openOrders(log)].filter((orderId) => !asked.has(orderId))).toEqual([]);
  await until(() => openOrders(log).size === 0, { what: "the end of all open orders", ...wait });
}

async function haltAndResume(run: Run, log: Log): Promise<void> {
  await somethingOpen(log);
  expect(await slipstream(run, "halt")).toEqual(HALTED);
  const halted = await log.end();
  await expectCancelled(log);
  const isExit = ({ kind, unfollowed }: FactOf<"ExecutionAttempt">): boolean => kind === "EXIT" && unfollowed;
  await until(() => skipsFor(log, halted, "RISK_HALT").some(({ kind }) => kind === "ENTRY"), {
    what: "an entry that is refused",
    ...wait,
  });
  const waiting = await until(() => skipsFor(log, halted, "RISK_HALT").find(isExit), {
    what: "an exit that waits",
    ...wait,
  });
  const end = await log.end();
  expect(traded(log, halted)).toEqual([]);

  expect(await slipstream(run, "resume")).toEqual(RESUMED);
  await tradingAgain(log, end);
  const follows = (intent: FactOf<"OrderIntent">): boolean =>
    intent.kind === "EXIT" && intent.tokenId === waiting.tokenId && intent.leader === waiting.leader;
  await until(() => log.since(end, "OrderIntent").some(follows), { what: "the exit to be followed", ...wait });
}

/** The executor judges silence by heartbeats, which come each second. */
const LATE_MS = 500;

async function withoutRisk(run: Run, log: Log): Promise<void> {
  await somethingOpen(log);
  const pid = await run.pid("risk");
  const stoppedMs = Date.now();
  process.kill(pid, "SIGSTOP");
  try {
    await until(() => Date.now() > stoppedMs + 10_000 + LATE_MS, { what: "ten seconds", timeoutMs: 15_000 });
    await until(() => openOrders(log).size === 0, { what: "the end of all open orders", timeoutMs: 3_000 });
    const silent = skipsFor(log, 0, "RISK_SILENT");
    await until(() => skipsFor(log, 0, "RISK_SILENT").length > silent.length, { what: "one more refusal", ...wait });
    await log.end();
  } finally {
    process.kill(pid, "SIGCONT");
  }
  const continuedMs = Date.now();
  const between = (fromMs: number): Stored[] =>
    log.stored.filter(({ storedMs, fact }) => storedMs > stoppedMs + fromMs && storedMs < continuedMs && isTrade(fact));
  const seqNow = await log.end();
  expect(between(3_000 + LATE_MS).filter(({ fact }) => isEntry(log, fact))).toEqual([]);
  expect(between(10_000 + LATE_MS)).toEqual([]);
  expect(skipsFor(log, 0, "RISK_SILENT").map(({ reasons }) => reasons[0]?.code)).toContain("RISK_REDUCE_ONLY");
  expect(skipsFor(log, 0, "RISK_SILENT").map(({ reasons }) => reasons[0]?.code)).toContain("RISK_HALT");
  await tradingAgain(log, seqNow);
}

const isTrade = ({ type }: Fact): boolean => type === "OrderIntent" || type === "OrderAccepted";
function isEntry(log: Log, fact: Fact): boolean {
  if (fact.type === "OrderIntent") return fact.kind === "ENTRY";
  if (fact.type !== "OrderAccepted") return false;
  return log.since(0, "OrderIntent").some(({ orderId, kind }) => orderId === fact.orderId && kind === "ENTRY");
}

/** The latch works while risk cannot, and the halt stands when risk is back and when the executor starts anew. */
async function latchWithoutRisk(run: Run, log: Log): Promise<void> {
  await somethingOpen(log);
  const pid = await run.pid("risk");
  process.kill(pid, "SIGSTOP");
  let halted: number;
  try {
    expect(await slipstream(run, "halt")).toEqual(HALTED);
    halted = await log.end();
    await expectCancelled(log);
    await until(() => skipsFor(log, halted, "LOCAL_HALT").length > 0, { what: "a refusal by the latch", ...wait });
    process.kill(await run.pid("executor"), "SIGKILL");
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await until(() => log.since(halted, "RiskDecision").some(({ level }) => level === "halt"), {
    what: "risk to say it too",
    ...wait,
  });
  await until(() => skipsFor(log, halted, "OPERATOR_HALT").length > 0, {
    what: "a refusal without the latch",
    ...wait,
  });
  const end = await log.end();
  expect(traded(log, halted)).toEqual([]);
  expect(await slipstream(run, "resume")).toEqual(RESUMED);
  await tradingAgain(log, end);
}

test("a halt halts, silence of risk halts, the latch needs no risk, and what waited is followed afterwards", async () => {
  // Ended by hand: what the test waits for takes as long as it takes.
  const run = await startRun(["start", "--for", "5m"], { SANDBOX_PACE: "fast", ...FIXED_MARKETS });
  try {
    await run.pid("executor");
    const log = await readLog(run.natsUrl());
    try {
      await log.setAccount(patient);
      await haltAndResume(run, log);
      await withoutRisk(run, log);
      await latchWithoutRisk(run, log);
      const byHalt = log
        .since(0, "OrderCanceled")
        .filter(({ reason }) => reason === "OPERATOR" || reason === "RISK_HALT");
      expect(byHalt.length).toBeGreaterThan(0);
      // Nothing is left open when the run ends.
      expect(await slipstream(run, "halt")).toEqual(HALTED);
    } finally {
      await log.stop();
    }
    process.kill(run.process.pid, "SIGINT");
    const code = await run.exitCode();
    const { errors, missed, duplicated, positions } = run.report();
    expect({ code, errors, missed, duplicated }).toEqual({ code: 0, errors: [], missed: 0, duplicated: 0 });
    for (const row of positions) expect({ ...row, confirmed: row.chain, effective: row.chain }).toEqual(row);
  } finally {
    await run.clean();
  }
});
