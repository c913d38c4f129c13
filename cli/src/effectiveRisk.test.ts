import type { FactOf } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import type { Heartbeat } from "@slipstream/contracts/live";
import { expect, test } from "vitest";
import { riskText } from "./effectiveRisk.ts";
import { applyFact, applyHeartbeat, emptyOverview, type Overview } from "./overview.ts";

const NOW_MS = 100_000_000;
const HOUR_MS = 3_600_000;

const decided = (
  level: "normal" | "halt",
  agoMs: number,
  over: Partial<FactOf<"RiskDecision">> = {},
): FactOf<"RiskDecision"> => ({
  ...{ type: "RiskDecision", v: 1, id: factId("RiskDecision", level), level, untilMs: null },
  ...{ tsEventMs: NOW_MS - agoMs, tsInitMs: NOW_MS - agoMs, scope: { kind: "global", id: "*" }, reasons: [] },
  parameters: { sizeFactorMicro: 0, reduceOnly: false, limitTicks: 0 },
  ...over,
});
const head = (agoMs: number): FactOf<"ChainProgress"> =>
  ({ type: "ChainProgress", shard: "all", cursor: 1, head: 1, headTsMs: NOW_MS - agoMs, finalized: 1 }) as never;
const executor = (over: Partial<Heartbeat> = {}): Heartbeat => ({
  ...{ type: "Heartbeat", v: 1, service: "executor", instance: "0", role: "owner", ready: true, problems: [] },
  ...{ factSeq: 1, decisionSeq: null, lagMs: null, gauges: {}, tsInitMs: NOW_MS },
  effective: { level: "normal", reasons: [] },
  ...over,
});
const normal = decided("normal", 5_000);

function shown(
  facts: readonly (FactOf<"RiskDecision"> | FactOf<"ChainProgress">)[],
  beat: Heartbeat | null,
  agoMs = 0,
) {
  const overview: Overview = emptyOverview();
  for (const [seq, fact] of facts.entries()) applyFact(overview, { seq, subject: "", fence: 0, fact }, NOW_MS);
  if (beat !== null) applyHeartbeat(overview, beat, NOW_MS - agoMs);
  return riskText(overview, { nowMs: NOW_MS, wallMs: NOW_MS, short: (id) => id });
}

test("NORMAL is shown when the executor says so and blocks come", () => {
  expect(shown([normal, head(2_000)], executor())).toBe("NORMAL");
});

test.each<[string, Heartbeat | null, number, string]>([
  ["an executor that is not heard", null, 0, "HALT: NO_EXECUTOR (it is not heard, so nothing is traded)"],
  [
    "one that was heard and fell silent",
    executor(),
    4_000,
    "HALT: NO_EXECUTOR (it is not heard, so nothing is traded)",
  ],
  ["standbys only", executor({ role: "standby" }), 0, "HALT: NO_EXECUTOR (none is the owner, standby only)"],
  [
    "one that is stuck",
    executor({ ready: false, problems: ["stopped at fact 7"] }),
    0,
    "HALT: NO_EXECUTOR (stopped at fact 7)",
  ],
  [
    "one that hears no owner of risk",
    executor({ effective: { level: "halt", reasons: ["RISK_SILENT"] } }),
    0,
    "HALT: RISK_SILENT (the executor hears no owner of risk)",
  ],
  [
    "its latch closed",
    executor({ effective: { level: "halt", reasons: ["LOCAL_HALT"] } }),
    0,
    "HALT: LOCAL_HALT (by the executor's latch)",
  ],
])("a decision of an hour ago is not the level with %s, and is shown as old", (_name, beat, agoMs, text) => {
  const old = decided("normal", 3 * HOUR_MS);
  expect(shown([old, head(2_000)], beat, agoMs)).toBe(`${text}; risk decided NORMAL 3 h ago`);
});

test("what stood before a start is shown as that until risk has judged anew", () => {
  const overview: Overview = emptyOverview();
  for (const fact of [decided("normal", 3 * HOUR_MS), head(0)])
    applyFact(overview, { seq: 1, subject: "", fence: 0, fact }, NOW_MS);
  applyHeartbeat(overview, executor(), NOW_MS);
  const at = { nowMs: NOW_MS, wallMs: NOW_MS, short: (id: string) => id };
  const risk = (settled: number): Heartbeat => ({ ...executor(), service: "risk", gauges: { settled } });
  applyHeartbeat(overview, risk(0), NOW_MS);
  expect(riskText(overview, at)).toBe("NORMAL (of 3 h ago: risk has not judged since its start)");
  applyHeartbeat(overview, risk(1), NOW_MS);
  expect(riskText(overview, at)).toBe("NORMAL");
});

test.each([
  [
    { freeMb: 100, stuck: false },
    "HALT: DISK_FULL (100 MB free where the log is, 512 MB needed); risk decided NORMAL 5 s ago",
  ],
  [{ freeMb: 9_000, stuck: true }, "HALT: DISK_FULL (the log takes no facts); risk decided NORMAL 5 s ago"],
  [{ freeMb: 512, stuck: false }, "NORMAL"],
])("a log with %o takes no decision, so the last one does not count", (room, text) => {
  const overview: Overview = emptyOverview();
  for (const fact of [normal, head(0)]) applyFact(overview, { seq: 1, subject: "", fence: 0, fact }, NOW_MS);
  applyHeartbeat(overview, executor(), NOW_MS);
  overview.room = { type: "StoreRoom", v: 1, haltBelowMb: 512, tsInitMs: 1, ...room };
  expect(riskText(overview, { nowMs: NOW_MS, wallMs: NOW_MS, short: (id) => id })).toBe(text);
});

test("a head that grows old limits trading, whatever the executor heard last", () => {
  expect(shown([normal, head(45_000)], executor())).toBe(
    "DEGRADE: HEAD_OLD (the newest block is 45 s old); risk decided NORMAL 5 s ago",
  );
  expect(shown([normal], executor())).toContain("HEAD_OLD (no block is told yet)");
});

test("a standing halt is shown with its numbers, and one of an account where everything else is normal", () => {
  const reason = { code: "OPERATOR_HALT", who: "ann", why: "lunch" } as const;
  const halted = executor({ effective: { level: "halt", reasons: ["OPERATOR_HALT", "LOCAL_HALT"] } });
  expect(shown([decided("halt", 1_000, { reasons: [reason] }), head(0)], halted)).toBe(
    "HALT: OPERATOR_HALT (by ann: lunch), LOCAL_HALT (by the executor's latch)",
  );
  const account = decided("halt", 1_000, { scope: { kind: "account", id: "paper" }, reasons: [reason] });
  expect(shown([normal, account, head(0)], executor())).toBe("HALT (account paper): OPERATOR_HALT (by ann: lunch)");
});
