import { commonEnv, parseEnv } from "@slipstream/contracts/env";
import { expect, test } from "vitest";
import { exactClockText, faceOf, MACHINE_CLOCK, parseLocalClock, systemClock } from "./clock.ts";

const WALL_MS = 1_800_000_000_000;
const settings = (SLIPSTREAM_CLOCK: string) => parseEnv(commonEnv, { SLIPSTREAM_CLOCK });

test.each([
  ["offset:-2000", WALL_MS - 2_000, false],
  ["offset:+20000", WALL_MS + 20_000, false],
  ["offset:0", WALL_MS, false],
  [`${WALL_MS}:${WALL_MS - 2_000}:1`, WALL_MS - 2_000, false],
  [`exact:${WALL_MS - 1_000}:50000:4`, 54_000, true],
  [exactClockText(MACHINE_CLOCK), WALL_MS, true],
])("%s shows %i, exact: %s", (text, showsMs, exact) => {
  const local = parseLocalClock(settings(text).SLIPSTREAM_CLOCK ?? "");
  expect([faceOf(local, WALL_MS), local.exact]).toEqual([showsMs, exact]);
});

test.each(["offset:", "offset:2s", "offset:1.5", "-2000", "1:2", "exact:1:2", "exact:offset:5", "1:2:fast"])(
  "%s is no clock",
  (text) => {
    expect(() => settings(text)).toThrow("SLIPSTREAM_CLOCK");
  },
);

test("a clock that is right by definition says so, and nothing moves it", () => {
  const clock = systemClock();
  clock.heard("liar", clock.nowMs() + 1_000_000);
  expect([clock.quality(), clock.correctionMs()]).toEqual([{ offsetMs: 0, uncertaintyMs: 0 }, 0]);
});
