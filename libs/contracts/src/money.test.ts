import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  averagePrice,
  floorToStep,
  formatMicro,
  isOnTick,
  maxTakerFee,
  notional,
  type PriceMicro,
  parseMicro,
  parsePrice,
  parseShares,
  priceMicro,
  type SharesMicro,
  SIZE_STEP_MICRO,
  scale,
  sharesFor,
  sharesMicro,
  takerFee,
  toTick,
  usdcMicro,
} from "./money.ts";

const price = fc.integer({ min: 1, max: 999_999 }).map((p) => p as PriceMicro);
const shares = fc.bigInt({ min: 0n, max: 10n ** 16n }).map(sharesMicro);

describe("parseMicro", () => {
  test.each([
    ["0", 0n],
    ["0.5", 500_000n],
    ["5579792.8", 5_579_792_800_000n],
    ["0.599999985".slice(0, 8), 599_999n],
    ["1.5000000", 1_500_000n],
    ["-2.000001", -2_000_001n],
  ])("%s", (text, value) => expect(parseMicro(text)).toBe(value));
  test.each(["", ".5", "5.", "1e3", "0.0000001", "+1", " 1", "1,5", "NaN", "0x1"])("refuses %j", (text) => {
    expect(() => parseMicro(text)).toThrow(/plain decimal/);
  });
  test("is the inverse of formatMicro", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        (value) => parseMicro(formatMicro(value)) === value,
      ),
    );
  });
});

describe("arithmetic", () => {
  test("a reservation is never short: ceil is floor or one more, and exact beyond 2^53", () => {
    fc.assert(
      fc.property(price, shares, (p, s) => {
        const low = notional(p, s, "floor");
        const high = notional(p, s, "ceil");
        return low * 1_000_000n <= BigInt(p) * s && high * 1_000_000n >= BigInt(p) * s && high - low <= 1n;
      }),
    );
  });
  test("what a budget buys never costs more than the budget", () => {
    fc.assert(
      fc.property(price, fc.bigInt({ min: 0n, max: 10n ** 14n }), (p, budget) => {
        return notional(p, sharesFor(usdcMicro(budget), p, "floor"), "ceil") <= budget;
      }),
    );
  });
  test("a part is never more than the whole", () => {
    fc.assert(
      fc.property(shares, fc.bigInt({ min: 0n, max: 10n ** 9n }), fc.bigInt({ min: 1n, max: 10n ** 9n }), (s, a, b) => {
        const numerator = a < b ? a : b;
        return scale(s, { numerator, denominator: b }, "floor") <= s;
      }),
    );
  });
  test("the average of a real fill that is on no tick", () => {
    expect(averagePrice(usdcMicro(53_570_000n), sharesMicro(91_135_592n))).toBe(587_805);
  });
  test.each([-1, 0.5, 1_000_001, Number.NaN])("%s is no price", (value) =>
    expect(() => priceMicro(value)).toThrow(/integer from 0/),
  );
});

describe("taker fee", () => {
  const crypto = { rateMicro: 72_000, exponent: 1, takerOnly: true };
  test("the fee of a fill on the chain: 10 shares at 0.80 with 0.072", () => {
    expect(takerFee(crypto, parsePrice("0.8"), parseShares("10"))).toBe(115_200n);
  });
  test.each([
    ["rounds half up to five decimals", { ...crypto, rateMicro: 70_000 }, "0.5", "0.001", 20n],
    ["charges at least 0.00001", crypto, "0.01", "0.000001", 10n],
    ["is free without a rate", { ...crypto, rateMicro: 0 }, "0.5", "100", 0n],
    ["squares the curve with exponent 2", { ...crypto, rateMicro: 1_000_000, exponent: 2 }, "0.5", "1", 62_500n],
  ])("%s", (_name, schedule, p, s, fee) => expect(takerFee(schedule, parsePrice(p), parseShares(s))).toBe(fee));
  test("what is reserved covers the fees of any cut of the order at any better price", () => {
    fc.assert(
      fc.property(
        price,
        fc.array(fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 12n }), fc.nat(999_999)), { minLength: 1, maxLength: 64 }),
        (limit, cuts) => {
          const total = sharesMicro(cuts.reduce((sum, [size]) => sum + size, 0n));
          const fees = cuts.reduce((sum, [size, better]) => {
            const at = Math.max(1, limit - (better % limit)) as PriceMicro;
            return sum + takerFee(crypto, at, size as SharesMicro);
          }, 0n);
          return fees <= maxTakerFee(crypto, limit, total);
        },
      ),
    );
  });
});

describe("ticks", () => {
  test.each([100_000, 10_000, 5_000, 2_500, 1_000, 100])(
    "toTick(%i) stays on the grid and never favours the counterparty",
    (tick) => {
      fc.assert(
        fc.property(price, (p) => {
          const buy = toTick(p, tick as PriceMicro, "BUY");
          const sell = toTick(p, tick as PriceMicro, "SELL");
          const inside = p >= tick && p <= 1_000_000 - tick;
          return (
            isOnTick(buy, tick as PriceMicro) &&
            isOnTick(sell, tick as PriceMicro) &&
            (!inside || (buy <= p && sell >= p))
          );
        }),
      );
    },
  );
});

test("the venue's step: rounding never goes further than one step and leaves whole steps alone", () => {
  fc.assert(
    fc.property(shares, (size) => {
      const down = floorToStep(size);
      expect(down % SIZE_STEP_MICRO).toBe(0n);
      expect(down <= size && size - down < SIZE_STEP_MICRO).toBe(true);
      expect(down === size).toBe(size % SIZE_STEP_MICRO === 0n);
    }),
  );
});
