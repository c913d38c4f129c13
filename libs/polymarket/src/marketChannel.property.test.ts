/** The scanner reads as JSON.parse does. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { createMarketParser } from "./marketChannel.ts";

const YES = "114602688616062054693464639818826590702731982636255124778328943187816056373369";
const NO = "112222077780534073126353733665449794547376835979729917699348268168151417239731";
const market = `0x${"d2".repeat(32)}`;
const timestamp = "1788786330404";
const hash = "8f586c609394aa59b47792c3ade0ec455d30489c";
const entry = { asset_id: NO, price: "0.09", size: "0", side: "BUY", hash, best_bid: "0.37", best_ask: "0.38" };
const priceChange = { market, price_changes: [entry], timestamp, event_type: "price_change" };
const book = {
  market,
  asset_id: YES,
  timestamp,
  hash,
  bids: [
    { price: "0.01", size: "26.68" },
    { price: "0.62", size: "7.555554" },
  ],
  asks: [{ price: "0.99", size: "31045290" }],
  tick_size: "0.01",
  event_type: "book",
  last_trade_price: "0.620",
};

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
