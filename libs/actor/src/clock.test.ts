import { expect, test } from "vitest";
import { timerMs } from "./clock.ts";

test.each([
  ["a time to come", 12.5, 12.5],
  ["now", 0, 0],
  ["a moment that is over", -0.02, 0],
  ["long past", Number.NEGATIVE_INFINITY, 0],
  ["a month", 30 * 86_400_000, 2_147_483_647],
  ["no number", Number.NaN, 0],
])("a timer may be given %s", (_name, ms, given) => {
  expect(timerMs(ms)).toBe(given);
});
