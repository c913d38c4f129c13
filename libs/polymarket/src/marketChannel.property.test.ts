/** The scanner reads as JSON.parse does. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { createMarketParser } from "./marketChannel.ts";
import { book, hash, NO, priceChange, YES } from "./marketFrames.testing.ts";

/** The general way: white space is no part of the known form. */
const spaced = (value: unknown): string => JSON.stringify(value, null, 1);

const decimalText = (max: number) =>
  fc.tuple(fc.nat(max), fc.nat(999_999), fc.nat(6)).map(([whole, part, digits]) => {
    const fraction = String(part).padStart(6, "0").slice(0, digits);
    return fraction === "" ? String(whole) : `${whole}.${fraction}`;
  });
const tokenText = fc.oneof(
  fc.constantFrom(YES, NO),
  fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }).map((value) => value.toString()),
);
const changeFields = fc.record({
  asset_id: tokenText,
  price: decimalText(0),
  size: decimalText(4_000_000),
  side: fc.constantFrom("BUY", "SELL"),
  hash: fc.constant(hash),
  best_bid: fc.oneof(decimalText(0), fc.constant("")),
  best_ask: decimalText(0),
});
const level = fc.record({ price: decimalText(0), size: decimalText(4_000_000) });
const anyFrame = fc.oneof(
  fc.array(changeFields, { maxLength: 4 }).map((price_changes) => ({ ...priceChange, price_changes })),
  fc
    .record({ bids: fc.array(level, { maxLength: 4 }), asks: fc.array(level, { maxLength: 4 }), asset_id: tokenText })
    .map((fields) => [{ ...book, ...fields }]),
);
const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 1000);

test("both ways of reading give the same events", () => {
  const parser = createMarketParser();
  fc.assert(
    fc.property(anyFrame, (frame) => {
      const before = parser.counts.scanned;
      const fast = parser.parse(JSON.stringify(frame));
      expect(parser.counts.scanned).toBe(before + 1);
      expect(fast).toEqual(parser.parse(spaced(frame)));
      expect(parser.counts.scanned).toBe(before + 1);
    }),
    { numRuns },
  );
});

test("a damaged frame is never read differently by the scanner than by JSON.parse", () => {
  const parser = createMarketParser();
  const damage = fc.tuple(
    fc.nat(),
    fc.nat(3),
    fc.constantFrom("", "0", "9", ".", '"', "\\", "{", "}", "[", "]", ",", ":", "a", "e"),
  );
  fc.assert(
    fc.property(anyFrame, damage, (frame, [place, cut, put]) => {
      const whole = JSON.stringify(frame);
      const at = place % whole.length;
      const text = whole.slice(0, at) + put + whole.slice(at + cut);
      const read = parser.parse(text);
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        expect(read).toMatchObject({ events: [] });
        return;
      }
      expect(read).toEqual(parser.parse(spaced(value)));
    }),
    { numRuns: numRuns * 3 },
  );
});
