import { type PriceMicro, priceMicro, type SharesMicro, sharesMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyLevel, applySnapshot, createBook, flatLevels } from "./ladder.ts";
import { levelChange, type NaiveBook, naiveBook, side, tick } from "./naive.testing.ts";
import { sweep } from "./sweep.ts";

const limit = fc.integer({ min: 0, max: 1_000_000 }).map(priceMicro);

test("takes what a loop over the sorted levels takes, whatever was consumed before, and leaves the book", () => {
  fc.assert(
    fc.property(
      tick.chain((t) => fc.tuple(fc.constant(t), fc.array(levelChange(t), { maxLength: 30 }))),
      side,
      limit,
      fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.bigInt({ min: 0n, max: 2n ** 60n })),
      fc.integer({ min: 0, max: 6 }),
      ([tickMicro, changes], orderSide, limitPriceMicro, size, consumedEach) => {
        const book = createBook({ tokenId: "1", tickMicro });
        const naive = naiveBook();
        for (const change of changes) {
          applyLevel(book, change.side, change.priceMicro, change.sizeMicro);
          naive.set(change);
        }
        const before = [flatLevels(book, "BUY"), flatLevels(book, "SELL")];
        const order = { side: orderSide, limitPriceMicro, sizeMicro: sharesMicro(size) };
        const consumed = consumedEach === 0 ? undefined : () => sharesMicro(BigInt(consumedEach));
        expect(sweep(book, order, consumed)).toEqual(naiveSweep(naive, order, BigInt(consumedEach)));
        expect([flatLevels(book, "BUY"), flatLevels(book, "SELL")]).toEqual(before);
      },
    ),
  );
});

function naiveSweep(
  book: NaiveBook,
  order: { side: "BUY" | "SELL"; limitPriceMicro: PriceMicro; sizeMicro: SharesMicro },
  consumedEach: bigint,
): unknown {
  const fills: unknown[] = [];
  let remaining: bigint = order.sizeMicro;
  for (const [price, displayed] of book.sorted(order.side === "BUY" ? "SELL" : "BUY")) {
    const isOutside = order.side === "BUY" ? price > order.limitPriceMicro : price < order.limitPriceMicro;
    if (isOutside || remaining <= 0n) break;
    const free = BigInt(displayed) - consumedEach;
    const taken = free < remaining ? free : remaining;
    if (taken <= 0n) continue;
    fills.push({ priceMicro: price, sizeMicro: taken });
    remaining -= taken;
  }
  return { fills, remainingMicro: remaining };
}

test("asks for consumption by the side and price of the level", () => {
  const book = createBook({ tokenId: "1", tickMicro: 10_000 });
  applySnapshot(book, [400_000, 10], [500_000, 10, 510_000, 10]);
  const asked: string[] = [];
  const consumed = (levelSide: string, price: number): SharesMicro => {
    asked.push(`${levelSide}@${price}`);
    return sharesMicro(price === 500_000 ? 12n : 0n);
  };
  const order = { side: "BUY", limitPriceMicro: priceMicro(510_000), sizeMicro: sharesMicro(15n) } as const;
  expect(sweep(book, order, consumed)).toEqual({
    fills: [{ priceMicro: 510_000, sizeMicro: 10n }],
    remainingMicro: 5n,
  });
  expect(asked).toEqual(["SELL@500000", "SELL@510000"]);
});
