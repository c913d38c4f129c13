import { notional, parsePrice, parseShares, type SharesMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  expirationRefusal,
  gtdTerms,
  type MarketNow,
  type OrderTerms,
  refusalOf,
  smallestOrder,
  takeableSize,
} from "./orderRules.ts";

const order: OrderTerms = {
  orderId: "a",
  side: "BUY",
  limitPriceMicro: parsePrice("0.58"),
  sizeMicro: parseShares("11.37"),
  timeInForce: "GTD",
};
const market: MarketNow = {
  acceptingOrders: true,
  tickMicro: parsePrice("0.01"),
  minOrderSizeMicro: parseShares("5"),
  bestOppositeMicro: parsePrice("0.58"),
};
type Case = { price?: string; size?: string; kind?: OrderTerms["timeInForce"]; side?: OrderTerms["side"] };
const of = ({ price = "0.58", size = "11.37", kind = "GTD", side = "BUY" }: Case): OrderTerms => ({
  ...{ orderId: "a", side, timeInForce: kind },
  limitPriceMicro: parsePrice(price),
  sizeMicro: parseShares(size),
});

describe("what the venue refuses", () => {
  test.each<[string, Case, Partial<MarketNow>, string | null]>([
    ["nothing is wrong", {}, {}, null],
    ["a market that takes no orders", {}, { acceptingOrders: false }, "MARKET_NOT_ACCEPTING_ORDERS"],
    ["a finer price than the tick of now", { price: "0.485" }, {}, "PRICE_OFF_TICK"],
    ["the same on a finer tick", { price: "0.485" }, { tickMicro: parsePrice("0.005") }, null],
    ["a price of 1 − tick", { price: "0.99" }, {}, null],
    ["a price above 1 − tick", { price: "0.995" }, { tickMicro: parsePrice("0.0025") }, null],
    ["a price of 1", { price: "1" }, {}, "PRICE_OFF_TICK"],
    ["a price of 0", { price: "0" }, {}, "PRICE_OFF_TICK"],
    ["three decimals of a share", { size: "11.375" }, {}, "AMOUNT_PRECISION"],
    ["FAK: 11.37 × 0.58 is 6.5946", { kind: "FAK" }, {}, "AMOUNT_PRECISION"],
    ["FOK the same", { kind: "FOK" }, {}, "AMOUNT_PRECISION"],
    ["FAK: 11.5 × 0.58 is 6.67", { kind: "FAK", size: "11.5" }, {}, null],
    ["FAK sale: 6.5946 has four decimals", { kind: "FAK", side: "SELL" }, {}, null],
    [
      "FAK sale: 11.37 × 0.485 has five",
      { kind: "FAK", side: "SELL", price: "0.485" },
      { tickMicro: parsePrice("0.001") },
      "AMOUNT_PRECISION",
    ],
    ["below the market's smallest", { size: "4.99" }, {}, "SIZE_BELOW_MINIMUM"],
    ["the smallest", { size: "5" }, {}, null],
    ["nothing", { size: "0" }, { minOrderSizeMicro: parseShares("0") }, "SIZE_BELOW_MINIMUM"],
    [
      "a marketable purchase below a dollar",
      { price: "0.19", size: "5" },
      { bestOppositeMicro: parsePrice("0.19") },
      "MARKETABLE_BELOW_MINIMUM",
    ],
    ["the same at rest", { price: "0.19", size: "5" }, {}, null],
    ["the same in an empty book", { price: "0.19", size: "5" }, { bestOppositeMicro: null }, null],
    ["a sale below a dollar", { price: "0.19", size: "5", side: "SELL" }, {}, null],
  ])("%s", (_name, terms, now, code) => {
    expect(refusalOf(of(terms), { ...market, ...now })?.code ?? null).toBe(code);
  });

  test("in the venue's words", () => {
    expect(refusalOf(of({ price: "0.485" }), market)?.text).toBe(
      "order a is invalid. Price (0.485) breaks minimum tick size rule: 0.01",
    );
    expect(refusalOf(of({ size: "4.5" }), market)?.text).toBe(
      "order a is invalid. Size (4.5) lower than the minimum: 5",
    );
  });
});

describe("sizes", () => {
  test.each<[Case, string, string]>([
    [{ kind: "FAK" }, "11", "5"],
    [{ kind: "GTD" }, "11.37", "5"],
    [{ kind: "FAK", price: "0.57", size: "11.37" }, "11", "5"],
    [{ kind: "FAK", price: "0.485", size: "11.37" }, "10", "6"],
    [{ kind: "FAK", price: "0.001", size: "4321.99" }, "4320", "1000"],
    [{ kind: "GTD", price: "0.03", size: "4.1" }, "4.1", "33.34"],
    [{ kind: "FAK", price: "0.485", size: "11.37", side: "SELL" }, "11.36", "5"],
    [{ kind: "FAK", price: "0.57", size: "0.3" }, "0", "5"],
  ])("%j: takes %s, at least %s", (terms, takes, least) => {
    const terms_ = of(terms);
    expect(takeableSize(terms_, terms_.sizeMicro)).toBe(parseShares(takes));
    expect(smallestOrder({ ...terms_, minOrderSizeMicro: market.minOrderSizeMicro })).toBe(parseShares(least));
  });

  test("what is sized by the rules is taken, and is the largest such size", () => {
    const terms = fc.record({
      side: fc.constantFrom("BUY" as const, "SELL" as const),
      timeInForce: fc.constantFrom("GTD" as const, "FAK" as const, "FOK" as const),
      tick: fc.constantFrom(100_000, 10_000, 5_000, 2_500, 1_000, 100),
      steps: fc.nat(),
      size: fc.bigInt({ min: 0n, max: 100_000_000_000n }),
    });
    fc.assert(
      fc.property(terms, ({ side, timeInForce, tick, steps, size }) => {
        const tickMicro = tick as MarketNow["tickMicro"];
        const limitPriceMicro = (tick * (1 + (steps % (1_000_000 / tick - 1)))) as OrderTerms["limitPriceMicro"];
        const priced = { side, timeInForce, limitPriceMicro };
        const now = { ...market, tickMicro, bestOppositeMicro: limitPriceMicro };
        const least = smallestOrder({ ...priced, minOrderSizeMicro: now.minOrderSizeMicro });
        const sizeMicro = takeableSize(priced, size as SharesMicro);
        const refused = refusalOf({ ...order, ...priced, sizeMicro }, now);
        expect(refused === null).toBe(sizeMicro >= least);
        expect(sizeMicro).toBeLessThanOrEqual(size);
        if (timeInForce !== "GTD" && side === "BUY") {
          expect(notional(limitPriceMicro, sizeMicro, "ceil") % 10_000n).toBe(0n);
        }
      }),
    );
  });
});

describe("GTD", () => {
  test.each([
    [5_000, 180, 5_000],
    [60_000, 180, 60_000],
    [120_000, 180, null],
    [120_500, 181, 120_500],
    [600_000, 660, null],
  ])("a life of %d ms states an end %d s ahead and is cancelled by us after %s", (ttlMs, aheadS, cancelAfterMs) => {
    const nowMs = 1_790_000_000_000;
    const { expirationS, cancelAtMs } = gtdTerms({ nowMs, ttlMs });
    expect([expirationS - nowMs / 1_000, cancelAtMs === null ? null : cancelAtMs - nowMs]).toEqual([
      aheadS,
      cancelAfterMs,
    ]);
    expect(expirationRefusal(expirationS, nowMs)).toBeNull();
  });

  test("an end that is too near is refused", () => {
    expect(expirationRefusal(1_179, 1_000_000)).toEqual({ text: "invalid expiration" });
    expect(expirationRefusal(1_180, 1_000_000)).toBeNull();
    expect(expirationRefusal(0, 1_000_000)).toBeNull();
  });
});
