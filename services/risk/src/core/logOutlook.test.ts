import { expect, test } from "vitest";
import { type LogUse, logProblem } from "./logOutlook.ts";

const GIB = 1024 ** 3;
const DAY_MS = 86_400_000;
const use = (over: Partial<LogUse>): LogUse => ({
  ...{ bytes: 0, bytesMax: 18 * GIB, spanMs: 0, ageMsMax: 14 * DAY_MS, ...over },
});

test.each<[string, Partial<LogUse>, RegExp | null]>([
  ["an empty log", {}, null],
  ["the rate that sizes and days are made for", { bytes: 0.87 * GIB, spanMs: DAY_MS }, null],
  ["the same after ten days", { bytes: 8.7 * GIB, spanMs: 10 * DAY_MS }, null],
  [
    "twice the rate, after two hours",
    { bytes: (0.87 / 6) * GIB, spanMs: DAY_MS / 12 },
    /7\.2 days of facts, not 14\.0/,
  ],
  ["what a start tells at once", { bytes: 0.01 * GIB, spanMs: 10_000 }, null],
  ["four GiB at the rate", { bytes: 0.1 * GIB, bytesMax: 4 * GIB, spanMs: DAY_MS / 8.7 }, /in 3\.1 days it is at 70 %/],
  ["half full, whatever the pace", { bytes: 9 * GIB, spanMs: 14 * DAY_MS }, /50 % full/],
  ["no limit", { bytes: 900 * GIB, bytesMax: -1, spanMs: DAY_MS }, null],
  ["kept for ever", { bytes: GIB, spanMs: DAY_MS / 2, ageMsMax: 0 }, null],
])("%s", (_name, over, expected) => {
  const problem = logProblem(use(over), 70);
  if (expected === null) expect(problem).toBeNull();
  else expect(problem).toMatch(expected);
});
