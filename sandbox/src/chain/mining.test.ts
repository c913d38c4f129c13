import { afterEach, expect, test, vi } from "vitest";
import { startMining } from "./mining.ts";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("on a machine that is late with every block, no timer is given a time that is over", async () => {
  const waits: number[] = [];
  vi.stubGlobal("setTimeout", (call: () => void, ms: number) => {
    waits.push(ms);
    if (waits.length < 10) queueMicrotask(call);
  });
  // Between any two looks at the clock more passes than a block takes.
  let nowMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => {
    nowMs += 150;
    return nowMs;
  });
  const onFailure = vi.fn();
  const mining = startMining({ ledger: { mine: async () => undefined as never }, blockTimeMs: 100, onFailure });
  while (waits.length < 10) await Promise.resolve();
  expect(waits.filter((ms) => !(ms >= 0))).toEqual([]);
  expect(onFailure).not.toHaveBeenCalled();
  await mining.stop();
});
