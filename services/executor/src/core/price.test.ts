import { isOnTick, MICRO_NUMBER, priceMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { balance, leaderFill, market, only, price, quote, sale, shares } from "./facts.testing.ts";
import { guardPrice, withinGrid } from "./price.ts";
import { bidAt, exits, holdingTen } from "./stories.testing.ts";
import { goodStory } from "./story.testing.ts";

/** The limit of an entry by the guard alone; null when no price of the grid keeps the guard. */
const guardedLimit = (options: Parameters<typeof guardPrice>[0]) =>
  withinGrid(guardPrice(options), options.tickMicro, options.side);
const guard = { priceGuardBps: 200, priceGuardTicks: 2, priceGuardMaxBps: 500 };

describe("the guard at low prices: 200 bps and 2 ticks, never more than 500 bps", () => {
  test.each<[number, "BUY" | "SELL", number, number]>([
    // leader's price, side, tick, limit
    [0.02, "BUY", 0.01, 0.02],
    [0.03, "SELL", 0.01, 0.03],
    [0.02, "BUY", 0.001, 0.021],
    [0.03, "SELL", 0.001, 0.029],
    [0.2, "BUY", 0.01, 0.21],
    [0.19, "BUY", 0.01, 0.19],
    [0.5, "BUY", 0.01, 0.52],
    [0.5, "SELL", 0.01, 0.48],
    [0.5, "BUY", 0.001, 0.512],
    [0.9, "BUY", 0.01, 0.93],
    // An average price off the grid: on tick, in our favour.
    [0.0333, "BUY", 0.01, 0.03],
    [0.0333, "SELL", 0.01, 0.04],
  ])("leader at %d, %s, tick %d: %d", (leaderPrice, side, tick, limit) => {
    const options = { leaderPriceMicro: price(leaderPrice), side, tickMicro: price(tick), policy: guard, riskTicks: 0 };
    expect(guardedLimit(options)).toBe(price(limit));
  });

  test.each<[string, number, "BUY" | "SELL", number, number]>([
    ["a purchase below the first tick", 0.004, "BUY", 0.01, 0],
    ["a purchase that risk takes below the first tick", 0.02, "BUY", 0.01, 3],
    ["a sale above the last tick", 0.999, "SELL", 0.1, 0],
  ])("no price of the grid is within it: %s", (_name, leaderPrice, side, tick, riskTicks) => {
    const options = { leaderPriceMicro: price(leaderPrice), side, tickMicro: price(tick), policy: guard, riskTicks };
    expect(guardedLimit(options)).toBeNull();
  });
});

describe("the guard on the grid", () => {
  test.each<[string, number, "BUY" | "SELL", number, number, number, number]>([
    // name, leader's price, side, guard bps, guard ticks, risk's ticks, limit
    ["ticks above a purchase", 0.5, "BUY", 0, 2, 0, 0.52],
    ["ticks below a sale", 0.5, "SELL", 0, 2, 0, 0.48],
    ["basis points, on tick in our favour", 0.5, "BUY", 150, 0, 0, 0.5],
    ["and for a sale", 0.5, "SELL", 150, 0, 0, 0.5],
    ["an average price off the grid", 0.503333, "BUY", 0, 1, 0, 0.51],
    ["an average price off the grid, sold", 0.503333, "SELL", 0, 1, 0, 0.5],
    ["risk takes ticks off", 0.5, "BUY", 0, 2, 3, 0.49],
    ["never above one less a tick", 0.99, "BUY", 500, 5, 0, 0.99],
    ["never below a tick", 0.01, "SELL", 500, 5, 0, 0.01],
  ])("%s", (_name, leaderPrice, side, priceGuardBps, priceGuardTicks, riskTicks, limit) => {
    const policy = { priceGuardBps, priceGuardTicks, priceGuardMaxBps: 10_000 };
    const options = { leaderPriceMicro: price(leaderPrice), side, tickMicro: price(0.01), policy, riskTicks };
    expect(guardedLimit(options)).toBe(price(limit));
  });
});

test("over all prices and ticks: on tick, and never further from the leader's price than priceGuardMaxBps of it", () => {
  const all = fc.record({
    leaderPriceMicro: fc.integer({ min: 0, max: MICRO_NUMBER }).map(priceMicro),
    side: fc.constantFrom("BUY" as const, "SELL" as const),
    tickMicro: fc.constantFrom(100_000, 50_000, 10_000, 5_000, 2_500, 1_000, 100).map(priceMicro),
    policy: fc.record({
      priceGuardBps: fc.integer({ min: 0, max: 10_000 }),
      priceGuardTicks: fc.integer({ min: 0, max: 100 }),
      priceGuardMaxBps: fc.integer({ min: 0, max: 10_000 }),
    }),
    riskTicks: fc.integer({ min: 0, max: 20 }),
  });
  fc.assert(
    fc.property(all, (options) => {
      const { leaderPriceMicro, side, tickMicro, policy } = options;
      const most = (leaderPriceMicro * policy.priceGuardMaxBps) / 10_000;
      const away = (at: number): number => (side === "BUY" ? at - leaderPriceMicro : leaderPriceMicro - at);
      expect(away(guardPrice(options)) <= most).toBe(true);
      const limit = guardedLimit(options);
      if (limit === null) {
        // There is none: the best price of the grid for us is too far away already.
        const best = side === "BUY" ? tickMicro : priceMicro(MICRO_NUMBER - tickMicro);
        expect(away(best) > away(guardPrice(options))).toBe(true);
        return;
      }
      expect(away(limit) <= most && isOnTick(limit, tickMicro)).toBe(true);
      // What risk takes off is in our favour.
      const plain = guardedLimit({ ...options, riskTicks: 0 });
      expect(plain !== null && away(limit) <= away(plain)).toBe(true);
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 2_000) },
  );
});

describe("decisions at low prices", () => {
  const low = { priceGuardBps: 200, priceGuardTicks: 2 };
  test("a leader at 0.02 is not followed to 0.04", () => {
    const made = goodStory(low);
    made.view.quote = { ...quote, bestBidMicro: price(0.01), bestAskMicro: price(0.03) };
    made.tell(leaderFill(1, { priceMicro: price(0.02), sharesMicro: shares(1_000) }));
    expect(only(made.own, "ExecutionAttempt")).toMatchObject([
      {
        reasons: [{ code: "PRICE_GUARD", bestMicro: price(0.03), limitMicro: price(0.02) }],
        ...{ ratioMicro: 100_000, targetMicro: shares(100), limitMicro: price(0.02) },
      },
    ]);
  });

  test("his exit at 0.03 does not start at 0.01", () => {
    const made = holdingTen();
    bidAt(made, 0.01);
    made.tell(balance(101, 100), sale(2, 50, { priceMicro: price(0.03) }));
    expect(exits(made).filter(({ limitPriceMicro }) => limitPriceMicro < price(0.0285))).toEqual([]);
  });

  test("a price that the grid cannot keep is refused with the price that was allowed", () => {
    const made = goodStory({ ...low, minPriceMicro: price(0.001) });
    made.view.quote = { ...quote, bestBidMicro: null, bestAskMicro: price(0.01) };
    made.tell(leaderFill(1, { priceMicro: price(0.004), sharesMicro: shares(1_000) }));
    expect(only(made.own, "ExecutionAttempt").map(({ reasons }) => reasons)).toEqual([
      [{ code: "PRICE_GUARD", bestMicro: price(0.01), limitMicro: price(0.0042) }],
    ]);
  });

  test("the account's highest price holds on a coarse grid too", () => {
    const made = goodStory({ maxPriceMicro: price(0.05), minPriceMicro: price(0.01), priceGuardMaxBps: 10_000 });
    made.view.market = { ...market, tickMicro: price(0.1) };
    made.view.quote = { ...quote, bestBidMicro: null, bestAskMicro: price(0.1) };
    made.tell(leaderFill(1, { priceMicro: price(0.05), sharesMicro: shares(1_000) }));
    expect(only(made.own, "OrderIntent")).toEqual([]);
  });
});
