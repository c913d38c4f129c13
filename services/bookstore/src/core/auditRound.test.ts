import type { TokenId } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createAuditRound, takeTurns } from "./auditRound.ts";

const EVERY_MS = 90_000;
const set = (count: number, from = 0): Set<TokenId> =>
  new Set(Array.from({ length: count }, (_, n) => String(from + n) as TokenId));

test("each token has its turn once per round, evenly, at whatever pace it is asked", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 700, max: 5_000 }), (count, stepMs) => {
      const round = createAuditRound();
      const lastMs = new Map<TokenId, number>();
      let turns = 0;
      for (let nowMs = stepMs; nowMs <= 4 * EVERY_MS; nowMs += stepMs) {
        for (const tokenId of takeTurns(round, set(count), stepMs, EVERY_MS)) {
          turns += 1;
          const before = lastMs.get(tokenId);
          if (before !== undefined)
            expect(Math.abs(nowMs - before - EVERY_MS)).toBeLessThanOrEqual(stepMs + EVERY_MS / count);
          lastMs.set(tokenId, nowMs);
        }
      }
      expect(lastMs.size).toBe(count);
      expect(turns).toBeLessThanOrEqual(4 * count);
    }),
    { numRuns: 30 },
  );
});

test("tokens that come wait for their turn, tokens that went have none, and a pause is not made up for", () => {
  const round = createAuditRound();
  expect(takeTurns(round, set(10), EVERY_MS / 2, EVERY_MS)).toEqual([...set(5)]);
  expect(takeTurns(round, set(10, 6), EVERY_MS / 10, EVERY_MS)).toEqual(["6"]);
  expect(takeTurns(round, set(3, 100), 100 * EVERY_MS, EVERY_MS)).toHaveLength(3);
  expect(takeTurns(round, set(0), EVERY_MS, EVERY_MS)).toEqual([]);
});
