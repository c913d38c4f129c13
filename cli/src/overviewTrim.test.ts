/** After thousands of facts a view that is only looked at is as small as after hundreds, and says the same numbers. */
import type { Fact } from "@slipstream/contracts/facts";
import { subjectOf } from "@slipstream/contracts/subjects";
import { expect, test } from "vitest";
import {
  account,
  execution,
  intent,
  leader,
  leaderFill,
  orderId,
  position,
  skip,
  tokenId,
} from "./overview.testing.ts";
import { applyFact, emptyOverview, type Overview } from "./overview.ts";

const ended = (n: number): Fact => ({ ...execution(n, 10_000_000n, 0n), tsEventMs: 1_020 });

/** Of each ten fills one stays open, three are skipped, the others are bought. */
function factsOf(n: number): Fact[] {
  if (n % 10 < 3) return [leaderFill(n), skip(n)];
  const moved = { ...position(BigInt(n), 0n), confirmedMicro: 0n, tokenId: `${tokenId}${n}` } as Fact;
  return [leaderFill(n), intent(n), ...(n % 100 === 5 ? [] : [ended(n), moved])];
}

function overviewAfter(fills: number, keeps: Overview["keeps"]): Overview {
  const overview = emptyOverview(keeps);
  let seq = 0;
  for (let n = 1; n <= fills; n++) {
    for (const fact of factsOf(n)) {
      seq += 1;
      applyFact(overview, { seq, subject: subjectOf(fact), fence: 0, fact }, 1_015 + n);
    }
  }
  return overview;
}

const sizesOf = ({ fills, attempts, orders, executionFills, positions, latencies }: Overview): number[] => [
  ...[fills, attempts, orders, executionFills, positions].map(({ size }) => size),
  ...Object.values(latencies).map((samples) => samples.length),
];

test("without a report only counters, open orders and the last lines are kept", () => {
  const overview = overviewAfter(20_000, "recent");
  const open = 200;
  // Trimmed each 256 facts to 500 entries, besides what is open; quantiles are of 1,000 samples.
  for (const size of sizesOf(overview)) expect(size).toBeLessThanOrEqual(1_000 + open + 256);
  expect([...overview.orders.values()].filter(({ end }) => end === null)).toHaveLength(open);
  expect(overview.orders.has(orderId(5))).toBe(true);
  expect([overview.recentFills.length, overview.recentAttempts.length]).toEqual([50, 50]);
  expect(overview.counts).toEqual(overviewAfter(20_000, "all").counts);
  expect(overview.counts).toMatchObject({ fills: 20_000, attempts: 20_000, traded: 14_000, executionFills: 13_800 });
  expect(overview.counts.byLeader.get(leader)).toBe(20_000);
});

test("for a report all are kept, without what it does not read", () => {
  const overview = overviewAfter(3_000, "all");
  expect(sizesOf(overview).slice(0, 3)).toEqual([3_000, 3_000, 2_100]);
  const [entry] = overview.fills.values();
  expect(entry?.fill).not.toHaveProperty("txHash");
  expect([...overview.attempts.values()][0]).toMatchObject({ account, skips: ["HISTORICAL_FILL"] });
});

test("what is told again of a fill that was let go of is not counted again", () => {
  const overview = overviewAfter(2_000, "recent");
  expect([...overview.fills.keys()]).not.toContain(leaderFill(1).leaderFillId);
  const again = [leaderFill(1, { occurrence: 1 }), intent(3, 1)];
  for (const fact of again) applyFact(overview, { seq: 9_999, subject: subjectOf(fact), fence: 0, fact }, 5_000);
  expect(overview.counts).toMatchObject({ fills: 2_000, attempts: 2_000, traded: 1_400 });
});
