import { expect, test } from "vitest";
import type { ClockReport } from "./measuredClock.ts";
import { clockProblems } from "./serviceClock.ts";

const report = (over: Partial<ClockReport>): ClockReport => ({
  quality: { offsetMs: 0, uncertaintyMs: 12 },
  sources: ["time of a"],
  dropped: [],
  jumpMs: null,
  ...over,
});

test.each<[Partial<ClockReport>, string | null, string[]]>([
  [{}, null, []],
  [{ quality: { offsetMs: -1_900, uncertaintyMs: 12 } }, null, []],
  [
    { quality: { offsetMs: 2_000, uncertaintyMs: 12 } },
    null,
    ["the local clock is slow by 2000 ± 12 ms, which is corrected; set the machine's clock by NTP"],
  ],
  [
    { quality: { offsetMs: -16_004, uncertaintyMs: 12 } },
    null,
    ["the local clock is fast by 16004 ± 12 ms, which is corrected; set the machine's clock by NTP"],
  ],
  [
    { quality: null },
    "clob.test/time: no answer",
    ["the local clock is not measured (clob.test/time: no answer), nothing is bought"],
  ],
  [
    { quality: null, jumpMs: -9_000 },
    null,
    ["the local clock jumped by -9000 ms and is measured again, nothing is bought; set the machine's clock by NTP"],
  ],
  [{ dropped: ["block headers"] }, null, ["left out for the clock, as it fits no other source: block headers"]],
])("%o is told in words", (over, notAsked, lines) => {
  expect(clockProblems(report(over), notAsked)).toEqual(lines);
});
