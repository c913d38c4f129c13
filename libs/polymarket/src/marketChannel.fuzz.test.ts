/**
 * Hostile frames: whatever arrives, the parser answers events, refusals or counts and never throws, and what it reads is
 * what an independent reading (JSON.parse, then schemas) makes of the same text.
 */
import { ConditionId, TokenId } from "@slipstream/contracts/ids";
import { framesOf, sampleTapes } from "@slipstream/testkit/samples";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createMarketParser, FRAME_MAX, type MarketEvent } from "./marketChannel.ts";
import { book, hash, market, NO, timestamp, YES } from "./marketFrames.testing.ts";

const numRuns = Number(process.env["FC_RUNS"] ?? 1_500);
const entry = { asset_id: NO, price: "0.09", size: "100.5", side: "BUY", hash, best_bid: "0.37", best_ask: "0.38" };
const sibling = { ...entry, asset_id: YES, price: "0.91", side: "SELL", best_bid: "0.62", best_ask: "0.63" };
const priceChange = { market, price_changes: [entry, sibling], timestamp, event_type: "price_change" };
const print = {
  market,
  asset_id: YES,
  price: "0.62",
  size: "31.74",
  fee_rate_bps: "0",
  side: "SELL",
  timestamp,
  event_type: "last_trade_price",
  transaction_hash: `0x${"9f".repeat(32)}`,
};
const made = [priceChange, { ...priceChange, price_changes: [entry] }, book, [book, { ...book, asset_id: NO }], print];

const taped = sampleTapes.flatMap((tape) => framesOf(tape).slice(0, 40));
const frames = [...made.map((frame) => JSON.stringify(frame)), ...taped.map(({ d }) => d)].filter(
  (text) => text !== "",
);

// The independent reading: a decimal as text or number, exact in 1e-6 by way of bigint.
const micro = z.union([z.string(), z.number()]).transform((value, context) => {
  const [, whole, fraction = ""] = /^([0-9]{1,10})(?:\.([0-9]{1,6})0*)?$/.exec(String(value)) ?? [];
  const amount = whole === undefined ? -1n : BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
  if (amount < 0n || amount > BigInt(Number.MAX_SAFE_INTEGER)) context.addIssue("no amount");
  return Number(amount);
});
const price = micro.refine((value) => value <= 1_000_000);
const none = z.union([z.null(), z.literal("")]).transform(() => null);
/** The venue leaves out, or leaves empty, what it has not. */
const orNone = <S extends z.ZodType>(schema: S) =>
  z
    .union([none, schema])
    .optional()
    .transform((value) => value ?? null);
const text = z.unknown().transform((value) => (typeof value === "string" ? value : ""));
const sideOf = z.enum(["BUY", "SELL"]);
const time = z
  .union([z.string(), z.number()])
  .transform(String)
  .pipe(z.string().regex(/^[0-9]{13}$/))
  .transform(Number);
const levelsOf = z.array(z.object({ price, size: micro })).transform((list) => list.flatMap((l) => [l.price, l.size]));

const Change = z
  .object({
    asset_id: TokenId,
    price,
    size: micro,
    side: sideOf,
    hash: text.optional(),
    best_bid: orNone(price).catch(null),
    best_ask: orNone(price).catch(null),
  })
  .transform((change) => ({
    tokenId: change.asset_id,
    side: change.side,
    priceMicro: change.price,
    sizeMicro: change.size,
    hash: change.hash ?? "",
    bestBidMicro: change.best_bid,
    bestAskMicro: change.best_ask,
  }));
const schemas: Readonly<Record<string, z.ZodType>> = {
  price_change: z
    .object({ market: ConditionId, timestamp: time, price_changes: z.array(Change.nullable().catch(null)) })
    .transform((event) => ({
      kind: "priceChange",
      conditionId: event.market,
      tsEventMs: event.timestamp,
      changes: event.price_changes,
    })),
  book: z
    .object({
      market: ConditionId,
      asset_id: TokenId,
      timestamp: time,
      hash: text.optional(),
      bids: levelsOf,
      asks: levelsOf,
      tick_size: orNone(micro.refine((value) => value > 0)),
      last_trade_price: text.optional(),
    })
    .transform((event) => ({
      kind: "book",
      tokenId: event.asset_id,
      conditionId: event.market,
      tsEventMs: event.timestamp,
      hash: event.hash ?? "",
      bids: event.bids,
      asks: event.asks,
      tickMicro: event.tick_size,
      lastTradePrice: event.last_trade_price === "" ? null : (event.last_trade_price ?? null),
    })),
};

type Expected = { readonly event: unknown; readonly isRefused: boolean };
const REFUSED: Expected = { event: null, isRefused: true };

/** The event of the two kinds that make books, and whether there must be a refusal; null: of no interest here. */
function reference(message: unknown): Expected | null {
  if (typeof message !== "object" || message === null || Array.isArray(message)) return REFUSED;
  const type = (message as { event_type?: unknown }).event_type;
  if (typeof type !== "string") return REFUSED;
  const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  if (schema === undefined) return null;
  const parsed = schema.safeParse(message);
  if (!parsed.success) return REFUSED;
  const event = parsed.data as { readonly changes?: readonly unknown[] };
  if (event.changes === undefined) return { event, isRefused: false };
  // Entries that cannot be read are refused, the others count.
  const changes = event.changes.filter((change) => change !== null);
  const isRefused = changes.length < event.changes.length;
  return { event: isRefused && changes.length === 0 ? null : { ...event, changes }, isRefused };
}

const isBook = (event: MarketEvent): boolean => event.kind === "book" || event.kind === "priceChange";
const parser = createMarketParser();

function expectAsReference(frame: string): void {
  const before = { ...parser.counts };
  const { events, refused, pong } = parser.parse(frame);
  expect(parser.counts.frames).toBe(before.frames + 1);
  expect(parser.counts.refused).toBe(before.refused + refused.length);
  const trimmed = frame.trim();
  if (pong || trimmed === "" || trimmed === "[]") {
    expect([trimmed === "PONG", events, refused]).toEqual([pong, [], []]);
    return;
  }
  let value: unknown;
  try {
    value = JSON.parse(frame);
  } catch {
    expect([events, refused.map(({ code }) => code)]).toEqual([[], ["NOT_JSON"]]);
    return;
  }
  const expected = (Array.isArray(value) ? value : [value]).map(reference);
  expect(events.filter(isBook)).toEqual(expected.map((each) => each?.event ?? null).filter((event) => event !== null));
  const refusals = expected.filter((each) => each?.isRefused === true).length;
  if (expected.includes(null)) expect(refused.length).toBeGreaterThanOrEqual(refusals);
  else expect(refused.length).toBe(refusals);
  for (const { detail } of refused) expect(detail.length).toBeLessThan(200);
}

const piece = fc.oneof(
  fc.constantFrom("", "0", "9", "-", ".", '"', "\\", "{", "}", "[", "]", ",", ":", "e", "null", '"":', "\\u0030", " "),
  fc.constantFrom("\n", "\t", "\0", "\u007f", "\u00e9", "\u0130", "\u2028", "\ufeff", "\ud800", "😀", "\ufffd"),
  fc.string({ unit: "binary", maxLength: 4 }),
);
const damage = fc.record({ place: fc.nat(), cut: fc.nat(6), put: piece });

test("a frame with damage anywhere is read as the reference reads it", () => {
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.array(damage, { minLength: 1, maxLength: 3 }), (whole, list) => {
      let text = whole;
      for (const { place, cut, put } of list) {
        const at = place % (text.length + 1);
        text = text.slice(0, at) + put + text.slice(at + cut);
      }
      expectAsReference(text);
    }),
    { numRuns: numRuns * 3 },
  );
});

test("bytes that are no UTF-8, and frames cut short, are read as the reference reads them", () => {
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.nat(), fc.nat(255), fc.boolean(), (whole, place, byte, cut) => {
      const bytes = Buffer.from(whole);
      const at = place % bytes.length;
      bytes[at] = byte;
      expectAsReference((cut ? bytes.subarray(0, at) : bytes).toString());
    }),
    { numRuns },
  );
});

const nested = (depth: number): unknown => {
  let value: unknown = [];
  for (let n = 0; n < depth; n++) value = n % 2 === 0 ? [value] : { price: value };
  return value;
};
const hostile = fc.oneof(
  fc.constantFrom<unknown>("-1", -1, "-0", "1e3", 1e21, "1e400", "NaN", "Infinity", "0x10", " 1", "+1", "1.", ".5", ""),
  fc.constantFrom<unknown>("99999999999999999999", "9007199254.740991", "9007199254.740992", "0.0000001", 0.1, 1e-7),
  fc.constantFrom<unknown>("0.0150000000", "0.015", "1", "0", "1.000001", "007", "١", null, true, [], {}, [[]], "BUY"),
  fc.constantFrom<unknown>("__proto__", "constructor", "book", "price_change", "tick_size_change", "x".repeat(500)),
  fc.constant(nested(40)),
  fc.jsonValue({ maxDepth: 2 }),
);
type Json = { [key: string]: unknown } | unknown[];

/** Every object and array inside a value, itself first. */
const holders = (value: unknown): Json[] =>
  typeof value === "object" && value !== null ? [value as Json, ...Object.values(value).flatMap(holders)] : [];

test("a frame with hostile values in any field is read as the reference reads it", () => {
  const change = fc.record({ holder: fc.nat(), key: fc.nat(), value: hostile, remove: fc.boolean() });
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.array(change, { minLength: 1, maxLength: 3 }), (whole, list) => {
      const value: unknown = JSON.parse(whole);
      for (const each of list) {
        const all = holders(value);
        const holder = all[each.holder % all.length] as Record<string, unknown> | undefined;
        const keys = holder === undefined ? [] : Object.keys(holder);
        const key = keys[each.key % Math.max(1, keys.length)];
        if (holder === undefined || key === undefined) continue;
        if (each.remove && !Array.isArray(holder)) delete holder[key];
        else holder[key] = structuredClone(each.value);
      }
      expectAsReference(JSON.stringify(value));
      expectAsReference(JSON.stringify(value, null, 1));
    }),
    { numRuns },
  );
});

describe("frames no venue should send", () => {
  const deep = 200_000;
  const long = "7".repeat(FRAME_MAX - 2_000);
  const alone = { ...priceChange, price_changes: [entry] };
  test.each<[string, () => string, string]>([
    ["10 MB of one frame", () => `{"event_type":"book","market":"${"a".repeat(10_000_000)}"}`, "TOO_LARGE"],
    ["10 MB of brackets", () => "[".repeat(10_000_000), "TOO_LARGE"],
    ["arrays in arrays, never closed", () => "[".repeat(deep), "NOT_JSON"],
    ["arrays in arrays", () => "[".repeat(deep) + "]".repeat(deep), "NOT_AN_EVENT"],
    [
      "a field as deep as that",
      () => JSON.stringify(book).replace(`"${YES}"`, "[".repeat(deep) + "]".repeat(deep)),
      "FIELD_INVALID",
    ],
    ["the longest price", () => JSON.stringify(alone).replace('"0.09"', `"${long}"`), "FIELD_INVALID"],
    ["the longest token id", () => JSON.stringify(alone).replace(NO, long), "FIELD_INVALID"],
    ["half a frame", () => JSON.stringify(book).slice(0, 300), "NOT_JSON"],
    ["binary", () => Buffer.from([0xff, 0xfe, 0x00, 0x80]).toString(), "NOT_JSON"],
  ])("%s is refused in few words", (_name, frame, code) => {
    const { events, refused } = parser.parse(frame());
    expect(events).toEqual([]);
    expect(refused.map((each) => each.code)).toEqual([code]);
    expect(refused[0]?.detail.length).toBeLessThan(200);
  });

  test("what an earlier, longer frame left behind is not read as part of a shorter one", () => {
    const whole = JSON.stringify(priceChange);
    for (let length = 0; length < whole.length; length++) {
      parser.parse(whole);
      expectAsReference(whole.slice(0, length));
    }
  });

  test("unknown types are counted by name, a bounded number of them", () => {
    const own = createMarketParser();
    for (let n = 0; n < 500; n++) own.parse(JSON.stringify({ event_type: `type ${n} ${"x".repeat(100)}` }));
    expect(own.counts.ignored.size).toBeLessThanOrEqual(65);
    expect([...own.counts.ignored.values()].reduce((sum, count) => sum + count, 0)).toBe(500);
  });
});
