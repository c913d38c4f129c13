import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyLevel,
  applySnapshot,
  bestAsk,
  bestBid,
  bookBytes,
  copyBook,
  createBook,
  depth,
  finerTick,
  flatLevels,
  forEachLevel,
  isCrossed,
  isRefusal,
  levelCount,
  sizeAt,
} from "./ladder.ts";
import { expectEqualBook, levelChange, naiveBook, TICKS, tick } from "./naive.testing.ts";

describe("ladder", () => {
  test("equals a map of levels after any changes, on any tick", () => {
    fc.assert(
      fc.property(
        tick.chain((t) => fc.tuple(fc.constant(t), fc.array(levelChange(t), { maxLength: 120 }))),
        ([tickMicro, changes]) => {
          const book = createBook({ tokenId: "1", tickMicro });
          const naive = naiveBook();
          for (const change of changes) {
            const before = naive.sizeAt(change.side, change.priceMicro);
            naive.set(change);
            const result = applyLevel(book, change.side, change.priceMicro, change.sizeMicro);
            expect(result).toBe(before === change.sizeMicro ? "unchanged" : "changed");
            expect(bestBid(book)).toBe(naive.best("BUY"));
            expect(bestAsk(book)).toBe(naive.best("SELL"));
          }
          expectEqualBook(book, naive);
        },
      ),
    );
  });

  test("a snapshot replaces everything that was there", () => {
    fc.assert(
      fc.property(
        tick.chain((t) =>
          fc.tuple(
            fc.constant(t),
            fc.array(levelChange(t), { maxLength: 40 }),
            fc.array(levelChange(t), { maxLength: 40 }),
          ),
        ),
        ([tickMicro, old, next]) => {
          const book = createBook({ tokenId: "1", tickMicro });
          for (const change of old) applyLevel(book, change.side, change.priceMicro, change.sizeMicro);
          const naive = naiveBook();
          for (const change of next) naive.set(change);
          expect(applySnapshot(book, naive.flat("BUY"), naive.flat("SELL").reverse().flatMap(swapPairs))).toBe(
            "changed",
          );
          expectEqualBook(book, naive);
        },
      ),
    );
  });

  test.each<[string, number, number, string]>([
    ["a price off tick", 15_000, 1, "PRICE_OFF_TICK"],
    ["a price of 0", 0, 1, "PRICE_INVALID"],
    ["a price of 1", 1_000_000, 1, "PRICE_INVALID"],
    ["a negative price", -10_000, 1, "PRICE_INVALID"],
    ["a price that is no number", Number.NaN, 1, "PRICE_INVALID"],
    ["a price with a fraction", 10_000.5, 1, "PRICE_INVALID"],
    ["a negative size", 10_000, -1, "SIZE_INVALID"],
    ["a size with a fraction", 10_000, 0.5, "SIZE_INVALID"],
    ["a size beyond the safe integers", 10_000, 2 ** 53, "SIZE_INVALID"],
    ["an infinite size", 10_000, Number.POSITIVE_INFINITY, "SIZE_INVALID"],
    ["a size that is no number", 10_000, Number.NaN, "SIZE_INVALID"],
  ])("refuses %s and leaves the book", (_name, price, size, refusal) => {
    const book = createBook({ tokenId: "1", tickMicro: 10_000 });
    applySnapshot(book, [10_000, 5], [20_000, 6]);
    expect(applyLevel(book, "BUY", price, size)).toBe(refusal);
    expect(applySnapshot(book, [30_000, 1], [price, size])).toBe(refusal);
    expect([flatLevels(book, "BUY"), flatLevels(book, "SELL")]).toEqual([
      [10_000, 5],
      [20_000, 6],
    ]);
  });

  test("refuses a snapshot that names a level twice or half", () => {
    const book = createBook({ tokenId: "1", tickMicro: 10_000 });
    expect(applySnapshot(book, [10_000, 5, 10_000, 6], [])).toBe("LEVEL_TWICE");
    expect(applySnapshot(book, [10_000], [])).toBe("LEVELS_ODD");
    expect(levelCount(book, "BUY")).toBe(0);
  });

  test("any numbers at all are applied or refused, never thrown or half applied", () => {
    fc.assert(
      fc.property(fc.constantFrom(...TICKS), fc.double(), fc.double(), (tickMicro, price, size) => {
        const book = createBook({ tokenId: "1", tickMicro });
        const valid = Number.isInteger(price) && price > 0 && price < 1_000_000 && price % tickMicro === 0;
        const result = applyLevel(book, "SELL", price, size);
        expect(isRefusal(result)).toBe(!(valid && Number.isSafeInteger(size) && size >= 0));
        if (isRefusal(result)) expect(levelCount(book, "SELL")).toBe(0);
      }),
    );
  });

  test("a book crossed inside a burst keeps both sides of one price", () => {
    const book = createBook({ tokenId: "1", tickMicro: 10_000 });
    applySnapshot(book, [610_000, 5], [620_000, 7]);
    expect(isCrossed(book)).toBe(false);
    applyLevel(book, "BUY", 620_000, 3);
    expect(isCrossed(book)).toBe(true);
    expect([sizeAt(book, "BUY", 620_000), sizeAt(book, "SELL", 620_000)]).toEqual([3, 7]);
    applyLevel(book, "SELL", 620_000, 0);
    expect(isCrossed(book)).toBe(false);
  });

  test("a copy shares nothing", () => {
    const book = createBook({ tokenId: "1", tickMicro: 10_000 });
    applyLevel(book, "BUY", 10_000, 1);
    const copy = copyBook(book);
    applyLevel(book, "BUY", 10_000, 0);
    expect(flatLevels(copy, "BUY")).toEqual([10_000, 1]);
    expect(bestBid(book)).toBe(null);
  });

  test("depth and iteration go best first or worst first and stop", () => {
    const book = createBook({ tokenId: "1", tickMicro: 100 });
    applySnapshot(book, [100, 1, 5_000, 2, 999_900, 3], []);
    expect(depth(book, "BUY", 2)).toEqual([
      { priceMicro: 999_900, sizeMicro: 3 },
      { priceMicro: 5_000, sizeMicro: 2 },
    ]);
    const worstFirst: number[] = [];
    forEachLevel(book, "BUY", "worstFirst", (price) => worstFirst.push(price));
    expect(worstFirst).toEqual([100, 5_000, 999_900]);
    expect(depth(book, "SELL", 5)).toEqual([]);
  });

  test("the finest ladder stays near one full array while the price moves through all of it", () => {
    const book = createBook({ tokenId: "1", tickMicro: 100 });
    applySnapshot(book, [600_000, 1], [600_100, 1]);
    expect(bookBytes(book)).toBeLessThan(100_000);
    for (let price = 100; price < 1_000_000; price += 100)
      applyLevel(book, price % 200 === 0 ? "BUY" : "SELL", price, 1);
    expect(bookBytes(book)).toBeLessThan(165_000);
  });

  test.each([
    [10_000, 941_000, 1_000],
    [10_000, 945_000, 5_000],
    [10_000, 942_500, 2_500],
    [5_000, 942_500, 2_500],
    [2_500, 941_000, 100],
    [1_000, 500_100, 100],
    [1_000, 500_050, null],
  ])("a ladder of %i that meets %i goes on with %s", (tickMicro, price, finer) => {
    expect(finerTick(tickMicro, price)).toBe(finer);
  });

  test("a tick that does not divide 1 is our bug", () => {
    expect(() => createBook({ tokenId: "1", tickMicro: 30_000 })).toThrow("whole divisor");
  });
});

/** Turns a reversed flat array of [size, price] pairs back: a snapshot in the other order. */
function swapPairs(value: number, at: number, all: number[]): number[] {
  return at % 2 === 0 ? [all[at + 1] ?? 0, value] : [];
}
