import { hash as cryptoHash } from "node:crypto";
import { formatMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bookHash, checkBookHash, decimalText, lastTradeText } from "./hash.ts";
import { applyLevel, applySnapshot, type Book, createBook } from "./ladder.ts";

// Vectors: the venue's own client tests, and a recorder's.
const first = {
  book: filled("100", [300_000, 100e6, 400_000, 100e6], [600_000, 100e6, 700_000, 100e6]),
  market: { conditionId: "0xaabbcc", minOrderSizeMicro: 100e6, tickMicro: 10_000, negRisk: false },
  tsEventMs: 123456789,
};

describe("book hash", () => {
  test("equals the venue client's own vector, but for the order of asks", () => {
    const asks = ['{"price":"0.6","size":"100"}', '{"price":"0.7","size":"100"}'];
    const text = (levels: string[]): string =>
      `{"market":"0xaabbcc","asset_id":"100","timestamp":"123456789","hash":"","bids":[{"price":"0.3","size":"100"},` +
      `{"price":"0.4","size":"100"}],"asks":[${levels}],"min_order_size":"100","tick_size":"0.01","neg_risk":false,` +
      `"last_trade_price":"0.5"}`;
    expect(cryptoHash("sha1", text(asks))).toBe("0458ea5755c9f73d64a14636fa5c36ed460ec394");
    // That test lists asks best first; real books come worst first, which is what we hash.
    expect(bookHash({ ...first, lastTradePrice: "0.5" })).toBe(cryptoHash("sha1", text(asks.toReversed())));
  });

  test("equals a recorded vector", () => {
    const hash = bookHash({
      book: filled(
        "10000000000000000000000000000000000000000000000000000000000000000000000000011",
        [470_000, 250e6, 480_000, 100e6],
        [530_000, 300e6, 520_000, 120e6],
      ),
      market: { conditionId: `0x${"a1".padStart(64, "0")}`, minOrderSizeMicro: 5e6, tickMicro: 10_000, negRisk: false },
      tsEventMs: 1791199970000,
      lastTradePrice: "0.500",
    });
    expect(hash).toBe("b17e93a1f6202e13d8e0dd3aeb958b4a882dca3c");
  });

  test("the search finds the price under which a book matches, and only then", () => {
    const expected = bookHash({ ...first, lastTradePrice: "0.893" });
    const check = { ...first, expected, lastTradePrices: ["0.500"] };
    expect(checkBookHash({ ...check, search: "given" })).toEqual({ kind: "mismatch" });
    expect(checkBookHash({ ...check, search: "full" })).toEqual({ kind: "match", lastTradePrice: "0.893" });
    expect(checkBookHash({ ...check, lastTradePrices: ["0.1", "0.893"], search: "given" })).toEqual({
      kind: "match",
      lastTradePrice: "0.893",
    });
    const never = bookHash({ ...first, lastTradePrice: "" });
    expect(checkBookHash({ ...check, expected: never, search: "full" })).toEqual({ kind: "match", lastTradePrice: "" });
  });

  test("one micro-share more anywhere is a mismatch", () => {
    const expected = bookHash({ ...first, lastTradePrice: "0.500" });
    const book = filled("100", [300_000, 100e6 + 1, 400_000, 100e6], [600_000, 100e6, 700_000, 100e6]);
    expect(checkBookHash({ ...first, book, expected, lastTradePrices: ["0.500"], search: "full" })).toEqual({
      kind: "mismatch",
    });
    applyLevel(book, "BUY", 300_000, 100e6);
    expect(checkBookHash({ ...first, book, expected, lastTradePrices: ["0.500"], search: "given" }).kind).toBe("match");
  });

  test("decimals are canonical for every exact size", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (micro) => {
        expect(decimalText(micro)).toBe(formatMicro(micro));
      }),
      { numRuns: 2_000 },
    );
    for (const micro of [0, 1, 999_999, 1_000_000, 1e15 - 1, 1e15, Number.MAX_SAFE_INTEGER]) {
      expect(decimalText(micro)).toBe(formatMicro(micro));
    }
  });

  test.each([
    [620_000, "0.620"],
    [0, "0.000"],
    [1_000_000, "1.000"],
    [999_500, "0.9995"],
  ])("last trade price %i is written %s", (micro, text) => expect(lastTradeText(micro)).toBe(text));
});

function filled(tokenId: string, bids: number[], asks: number[]): Book {
  const book = createBook({ tokenId, tickMicro: 10_000 });
  if (applySnapshot(book, bids, asks) !== "changed") throw new Error("the fixture is not a book");
  return book;
}
