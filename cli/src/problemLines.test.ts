import type { Heartbeat } from "@slipstream/contracts/live";
import { type ServiceName, serviceNames } from "@slipstream/contracts/subjects";
import { expect, test } from "vitest";
import { applyHeartbeat, emptyOverview } from "./overview.ts";
import { problemLines, wrapped } from "./problemLines.ts";

const beat = (service: ServiceName, problems: string[]): Heartbeat => ({
  ...{ type: "Heartbeat", v: 1, service, instance: "0", role: "owner", ready: true, problems },
  ...{ factSeq: 1, decisionSeq: null, lagMs: null, gauges: {}, tsInitMs: 1 },
});
const linesOf = (problems: Partial<Record<ServiceName, string[]>>, width = 80): string[] => {
  const overview = emptyOverview();
  for (const name of serviceNames) applyHeartbeat(overview, beat(name, problems[name] ?? []), 1);
  return problemLines(overview, { wallMs: 1, width });
};

test("nothing is said where nothing limits", () => {
  expect(linesOf({})).toEqual([]);
});

test("what several services say is said once, and everything a service says is shown", () => {
  expect(linesOf({ risk: ["stopped at fact 7", "no link"], executor: ["stopped at fact 7"] })).toEqual([
    "  ! executor, risk: stopped at fact 7",
    "  ! risk: no link",
  ]);
});

test("a long text is shown to its end, with what to do", () => {
  const text = `stopped at fact 7, which cannot be read; to pass over it: npm run slipstream -- skip 7 --why "…"`;
  const lines = linesOf({ risk: [text] }, 60);
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
  expect(lines.map((line) => line.trim()).join(" ")).toBe(`! risk: ${text}`);
});

test("a word that is too long is left to whoever prints it", () => {
  expect(wrapped(`${"x".repeat(90)} y`, 40)).toEqual([`${"x".repeat(90)} y`]);
});
