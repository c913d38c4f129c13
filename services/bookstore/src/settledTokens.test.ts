import type { TokenId } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { createSettledTokens } from "./settledTokens.ts";

const A = "1" as TokenId;

test("a token without a book is looked at again later and later, at most every ten minutes", () => {
  const settled = createSettledTokens();
  let nowMs = 0;
  const waits: number[] = [];
  for (let n = 0; n < 7; n += 1) {
    settled.put(A, nowMs);
    settled.put(A, nowMs + 1);
    const from = nowMs;
    while (settled.has(A, nowMs)) nowMs += 1_000;
    waits.push((nowMs - from) / 1_000);
  }
  expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600]);
  settled.back(A);
  settled.put(A, nowMs);
  expect([settled.has(A, nowMs + 29_999), settled.has(A, nowMs + 30_000)]).toEqual([true, false]);
});

test("a request looks at it at once and does not begin anew; what nobody wants is forgotten", () => {
  const settled = createSettledTokens();
  settled.put(A, 0);
  settled.retry(A);
  expect(settled.has(A, 1)).toBe(false);
  settled.put(A, 1);
  expect([settled.has(A, 30_002), settled.count(30_002)]).toEqual([true, 1]);
  settled.keep(new Set());
  expect(settled.has(A, 30_002)).toBe(false);
});
