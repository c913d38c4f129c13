import { exactClockText, parseLocalClock } from "@slipstream/actor/clock";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runSchedule, worldToRealMs } from "./schedule.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_000 }));
afterEach(() => void vi.useRealTimers());

const mapping = { realMs: 2_000, worldMs: 50_000, speed: 4 };
const items = [50_000, 50_000, 50_100, 64_000].map((t, n) => ({ t, n }));

test("items come in order, each at its own time of the faster clock", async () => {
  const given: string[] = [];
  const schedule = runSchedule(items, mapping, { nowMs: Date.now, give: ({ n }) => given.push(`${n}@${Date.now()}`) });
  await vi.advanceTimersByTimeAsync(4_499);
  expect(given).toEqual(["0@2000", "1@2000", "2@2025"]);
  await vi.advanceTimersByTimeAsync(1_001);
  expect(given.at(-1)).toBe("3@5500");
  await schedule.done;
  expect([schedule.given(), schedule.lateMsMax()]).toEqual([4, 0]);
});

test("what is due at the start comes at once and counts as late", async () => {
  vi.setSystemTime(2_100);
  const given: number[] = [];
  const schedule = runSchedule(items, mapping, { nowMs: Date.now, give: ({ n }) => given.push(n) });
  expect(given).toEqual([0, 1, 2]);
  expect(schedule.lateMsMax()).toBe(100);
  schedule.stop();
  await schedule.done;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(schedule.given()).toBe(3);
});

test("the clock's text and the due times agree", () => {
  expect(parseLocalClock(exactClockText(mapping))).toEqual({ ...mapping, exact: true });
  expect(worldToRealMs(mapping, 50_004)).toBe(2_001);
});
