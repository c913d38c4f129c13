/** Wrong clocks in the whole system. More of them, and of single services: `npm run faults -- clocks`. */
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { afterAll, expect, test } from "vitest";
import { runClock } from "../faults/clocks.ts";

afterAll(expectNoLeaks);

test.each([
  { errorMs: 20_000, only: null, seconds: 30 },
  { errorMs: -2_000, only: "executor" as const, seconds: 30 },
])("a clock off by $errorMs ms ($only): found, told, corrected, and nothing filled before its signal", async (of) => {
  expect((await runClock(of)).wrong).toEqual([]);
});
