import { expect, test } from "vitest";
import { resultUntil } from "./compare.ts";
import type { Fill, OrderResult } from "./types.ts";

const fill = (n: number, atMs: number): Fill => ({
  n,
  atMs,
  priceMicro: 500_000n,
  sizeMicro: 1_000_000n,
  usdcMicro: 500_000n,
  feeMicro: 0n,
  liquiditySide: "maker",
});
const result: OrderResult = {
  orderId: "a",
  fills: [fill(0, 100), fill(1, 200)],
  end: { kind: "EXPIRED", atMs: 300 },
};

test.each([
  [99, 0, null],
  [100, 1, null],
  [299, 2, null],
  [300, 2, 300],
])("by %s has happened what has that time or an earlier one", (ms, fills, endMs) => {
  const { fills: seen, end } = resultUntil(result, ms);
  expect([seen.length, end?.atMs ?? null]).toEqual([fills, endMs]);
});
