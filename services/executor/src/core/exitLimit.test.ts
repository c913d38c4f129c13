import type { AccountPolicy } from "@slipstream/contracts/policy";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { exitLimit, exitTtlMs } from "./exitLimit.ts";
import { policy, price } from "./facts.testing.ts";

type Widen = Extract<AccountPolicy["exits"], { kind: "widen" }>;
const widen = (over: Partial<Widen> = {}): AccountPolicy => ({
  ...policy,
  exits: { kind: "widen", everySeconds: 30, stepBps: 200, floorBps: null, bookAfterSeconds: 600, ...over },
});
const book: AccountPolicy = { ...policy, exits: { kind: "book" } };
type Case = {
  readonly leader: number;
  readonly after: number;
  readonly bid: number | null;
  readonly of?: AccountPolicy;
  readonly tick?: number;
};
const limitOf = ({ leader, after, bid, of = widen(), tick = 0.01 }: Case) => {
  const { limitMicro, nextStepMs } = exitLimit({
    ...{ policy: of, leaderPriceMicro: price(leader), tickMicro: price(tick), sinceMs: 1_000 },
    ...{ nowMs: 1_000 + after * 1_000, bestBidMicro: bid === null ? null : price(bid) },
  });
  return [limitMicro / 1e6, nextStepMs === null ? null : (nextStepMs - 1_000) / 1_000];
};

describe("the limit of an exit (guard two ticks)", () => {
  test.each<[string, Case, [number, number | null]]>([
    ["starts at the guard", { leader: 0.5, after: 0, bid: 0.4 }, [0.48, 30]],
    ["stays there for a step's time", { leader: 0.5, after: 29.999, bid: 0.4 }, [0.48, 30]],
    ["gives way by 2 % of his price", { leader: 0.5, after: 30, bid: 0.4 }, [0.47, 60]],
    ["and again", { leader: 0.5, after: 95, bid: 0.4 }, [0.45, 120]],
    ["waits for a whole step of a coarse tick", { leader: 0.1, after: 149, bid: 0.01 }, [0.1, 150]],
    ["and takes it then", { leader: 0.1, after: 150, bid: 0.01 }, [0.09, 180]],
    ["is as fine as the tick", { leader: 0.1, after: 30, bid: 0.01, tick: 0.001 }, [0.096, 60]],
    ["his last price before the end", { leader: 0.5, after: 599, bid: 0.03 }, [0.29, 600]],
    ["after ten minutes it is the book's", { leader: 0.5, after: 600, bid: 0.03 }, [0.03, null]],
    ["which may bid more than the limit", { leader: 0.5, after: 600, bid: 0.49 }, [0.28, null]],
    ["and hours later still is", { leader: 0.5, after: 9_000, bid: 0.01 }, [0.01, null]],
    ["with nobody bidding it goes no lower than by then", { leader: 0.5, after: 9_000, bid: null }, [0.28, null]],
    ["a bid off the tick is met", { leader: 0.5, after: 600, bid: 0.035 }, [0.03, null]],
    ["a price near zero starts at no less than his", { leader: 0.02, after: 0, bid: null }, [0.02, 30]],
    ["and ends at the tick", { leader: 0.02, after: 600, bid: 0.01 }, [0.01, null]],
    ["a price near one is on the tick", { leader: 0.999, after: 0, bid: 0.9, tick: 0.001 }, [0.997, 30]],
  ])("%s", (_name, given, expected) => expect(limitOf(given)).toEqual(expected));

  test.each<[string, Case, [number, number | null]]>([
    [
      "the floor holds while it widens",
      { leader: 0.5, after: 300, bid: 0.03, of: widen({ floorBps: 9_000 }) },
      [0.45, null],
    ],
    ["and at the book", { leader: 0.5, after: 9_000, bid: 0.03, of: widen({ floorBps: 9_000 }) }, [0.45, null]],
    ["above the guard as well", { leader: 0.5, after: 0, bid: 0.03, of: widen({ floorBps: 10_000 }) }, [0.5, null]],
    [
      "on the tick it is rounded up",
      { leader: 0.55, after: 9_000, bid: 0.03, of: widen({ floorBps: 5_000 }) },
      [0.28, null],
    ],
    ["at once at the book", { leader: 0.5, after: 0, bid: 0.03, of: widen({ bookAfterSeconds: 0 }) }, [0.03, null]],
    [
      "every second, by a tenth",
      { leader: 0.5, after: 2, bid: 0.03, of: widen({ everySeconds: 1, stepBps: 1_000 }) },
      [0.38, 3],
    ],
    ["policy book: whatever it bids", { leader: 0.5, after: 0, bid: 0.03, of: book }, [0.03, null]],
    ["policy book: no worse than the guard", { leader: 0.5, after: 0, bid: 0.6, of: book }, [0.48, null]],
    ["policy book: at the guard while nobody bids", { leader: 0.5, after: 9_000, bid: null, of: book }, [0.48, null]],
  ])("%s", (_name, given, expected) => expect(limitOf(given)).toEqual(expected));

  test("never rises with time, stays on tick and above the floor, and its next step is ahead", () => {
    const micro = fc.integer({ min: 1, max: 99 }).map((cents) => cents / 100);
    fc.assert(
      fc.property(
        micro,
        fc.option(micro),
        fc.constantFrom(0.01, 0.001, 0.0025),
        fc.record({
          everySeconds: fc.integer({ min: 1, max: 100 }),
          stepBps: fc.integer({ min: 1, max: 3_000 }),
          floorBps: fc.option(fc.integer({ min: 0, max: 10_000 })),
          bookAfterSeconds: fc.nat(1_000),
        }),
        (leader, bid, tick, exits) => {
          let last = Number.POSITIVE_INFINITY;
          for (let after = 0; after < 1_100; after += 7) {
            const [limit = 0, next] = limitOf({ leader, after, bid, tick, of: widen(exits) });
            const micros = Math.round((limit ?? 0) * 1e6);
            expect(micros).toBeLessThanOrEqual(last);
            expect(micros % Math.round(tick * 1e6)).toBe(0);
            const floor = (leader * 1e6 * (exits.floorBps ?? 0)) / 10_000;
            expect(micros).toBeGreaterThanOrEqual(Math.min(floor, 1e6 - tick * 1e6));
            if (next !== null && next !== undefined) expect(next).toBeGreaterThan(after);
            last = micros;
          }
        },
      ),
    );
  });
});

test("an exit rests until its next step, never shorter than the policy says", () => {
  expect(exitTtlMs(policy, 31_000, 1_000)).toBe(30_000);
  expect(exitTtlMs(policy, 2_000, 1_000)).toBe(5_000);
  expect(exitTtlMs(policy, null, 1_000)).toBe(300_000);
  expect(exitTtlMs({ ttlMs: 900_000 }, null, 1_000)).toBe(900_000);
});
