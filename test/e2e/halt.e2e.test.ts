/** A halt halts, and without risk nothing is traded: on real processes, in one run that must still end well. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { ClientOrderId } from "@slipstream/contracts/ids";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { afterAll, expect, test } from "vitest";
import { defaultAccount } from "../../cli/src/defaults.ts";
import { endRun, FIXED_MARKETS, inRun, type Run, slipstream, startRun } from "./kit.ts";
import { type Log, readLog } from "./log.ts";

afterAll(expectNoLeaks);

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

/** What is held after leaders by our own fills, as pairs of leader and token. */
function heldAfterLeaders(log: Log): number {
  const leaders = new Map(log.since(0, "OrderIntent").map(({ orderId, leader }) => [orderId, leader]));
  const held = new Map<string, bigint>();
  for (const { orderId, tokenId, side, sizeMicro } of log.since(0, "ExecutionFill")) {
    const key = `${leaders.get(orderId)} ${tokenId}`;
    held.set(key, (held.get(key) ?? 0n) + (side === "BUY" ? sizeMicro : -sizeMicro));
  }
  return [...held.values()].filter((shares) => shares > 0n).length;
}
/** Orders are open at the venue, and enough is held that leaders will sell some of it. */
const somethingOpen = (run: Run, log: Log): Promise<unknown> =>
  inRun(run, () => openOrders(log).size > 1 && heldAfterLeaders(log) >= 4, "open orders and lots");
const tradingAgain = (run: Run, log: Log, seq: number): Promise<unknown> =>
  inRun(
    run,
    () =>
      log.since(seq, "OrderIntent").some(({ kind }) => kind === "ENTRY") && log.since(seq, "OrderAccepted").length > 0,
    "trading to go on",
  );

/** Each order that was still open when a halt had been answered was told to go, and goes. */
async function expectCancelled(run: Run, log: Log): Promise<void> {
  const asked = new Set(log.since(0, "OrderCancelRequested").map(({ orderId }) => orderId));
  expect([...openOrders(log)].filter((orderId) => !asked.has(orderId))).toEqual([]);
  await inRun(run, () => openOrders(log).size === 0, "the end of all open orders");
}

async function haltAndResume(run: Run, log: Log): Promise<void> {
  await somethingOpen(run, log);
  expect(await slipstream(run, "halt")).toEqual(HALTED);
  const halted = await log.end();
  await expectCancelled(run, log);
  const isExit = ({ kind, unfollowed }: FactOf<"ExecutionAttempt">): boolean => kind === "EXIT" && unfollowed;
  await inRun(
    run,
    () => skipsFor(log, halted, "RISK_HALT").some(({ kind }) => kind === "ENTRY"),
    "an entry that is refused",
  );
  const waiting = await inRun(run, () => skipsFor(log, halted, "RISK_HALT").find(isExit), "an exit that waits");
  const end = await log.end();
  expect(traded(log, halted)).toEqual([]);

  expect(await slipstream(run, "resume")).toEqual(RESUMED);
  await tradingAgain(run, log, end);
  const follows = (intent: FactOf<"OrderIntent">): boolean =>
    intent.kind === "EXIT" && intent.tokenId === waiting.tokenId && intent.leader === waiting.leader;
  await inRun(run, () => log.since(end, "OrderIntent").some(follows), "the exit to be followed");
}

/** First the executor only reduces, then it halts: by its own measure of the silence, so by the times it decided at. */
async function withoutRisk(run: Run, log: Log): Promise<void> {
  await somethingOpen(run, log);
  const pid = await run.pid("risk");
  const before = await log.end();
  const refusedBy = (code: string): FactOf<"ExecutionAttempt"> | undefined =>
    skipsFor(log, before, "RISK_SILENT").find(({ reasons }) => reasons[0]?.code === code);
  process.kill(pid, "SIGSTOP");
  let end: number;
  try {
    const { tsInitMs: haltedMs } = await inRun(run, () => refusedBy("RISK_HALT"), "a refusal for silence");
    await inRun(run, () => openOrders(log).size === 0, "the end of all open orders");
    const quiet = await log.end();
    await inRun(run, () => skipsFor(log, quiet, "RISK_SILENT").length > 0, "one more refusal");
    end = await log.end();
    const intents = log.since(before, "OrderIntent");
    expect(intents.filter(({ tsDecidedMs }) => tsDecidedMs > haltedMs)).toEqual([]);
    const reducedMs = refusedBy("RISK_REDUCE_ONLY")?.tsInitMs ?? haltedMs;
    expect(intents.filter(({ kind, tsDecidedMs }) => kind === "ENTRY" && tsDecidedMs > reducedMs)).toEqual([]);
    expect(traded(log, quiet)).toEqual([]);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await tradingAgain(run, log, end);
}

/** The latch works while risk cannot, and the halt stands when risk is back and when the executor starts anew. */
async function latchWithoutRisk(run: Run, log: Log): Promise<void> {
  await somethingOpen(run, log);
  const pid = await run.pid("risk");
  process.kill(pid, "SIGSTOP");
  let halted: number;
  try {
    expect(await slipstream(run, "halt")).toEqual(HALTED);
    halted = await log.end();
    await expectCancelled(run, log);
    await inRun(run, () => skipsFor(log, halted, "LOCAL_HALT").length > 0, "a refusal by the latch");
    process.kill(await run.pid("executor"), "SIGKILL");
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await inRun(run, () => log.since(halted, "RiskDecision").some(({ level }) => level === "halt"), "risk to say it too");
  await inRun(run, () => skipsFor(log, halted, "OPERATOR_HALT").length > 0, "a refusal without the latch");
  const end = await log.end();
  expect(traded(log, halted)).toEqual([]);
  expect(await slipstream(run, "resume")).toEqual(RESUMED);
  await tradingAgain(run, log, end);
}

test("a halt halts, silence of risk halts, the latch needs no risk, and what waited is followed afterwards", async () => {
  // Ended by hand: what the test waits for takes as long as it takes.
  const run = await startRun(["start", "--for", "60m"], { SANDBOX_PACE: "fast", ...FIXED_MARKETS });
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
    const report = await endRun(run);
    expect(report).toMatchObject({ code: 0, errors: [], missed: 0, duplicated: 0 });
    for (const row of report.positions) expect({ ...row, confirmed: row.chain, effective: row.chain }).toEqual(row);
  } finally {
    await run.clean();
  }
});
