import { existsSync } from "node:fs";
import { join } from "node:path";
import { bookHash, decimalText } from "@slipstream/book/hash";
import { applyLevel, type Book, bestAsk, bestBid, createBook, flatLevels } from "@slipstream/book/ladder";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { parsePrice, parseShares, type Side, sharesMicro } from "@slipstream/contracts/money";
import { type AddedFill, addFills } from "@slipstream/sandbox/tape/addFills";
import { loadTape, type TapeRecord } from "@slipstream/sandbox/tape/format";
import { describe, expect, test } from "vitest";
import { defaultAccount } from "../defaults.ts";
import { fillLine, replay } from "./replay.ts";

const START_MS = 1_790_000_000_000;
const condition = `0x${"c1".repeat(32)}`;
const yes = "1001" as TokenId;
const no = "1002" as TokenId;
const leader = `0x${"aa".repeat(20)}` as Address;
const market = { conditionId: condition, minOrderSizeMicro: 5_000_000, tickMicro: 10_000, negRisk: false };

/** A market channel as the venue would send it: one book seen from two tokens, every hash right. */
function marketTape(
  levels: readonly [Side, string, string][],
  changes: readonly [number, Side, string, string][],
): TapeRecord[] {
  const books: [Book, Book] = [
    createBook({ tokenId: yes, tickMicro: 10_000 }),
    createBook({ tokenId: no, tickMicro: 10_000 }),
  ];
  const set = (side: Side, price: string, size: string): void => {
    applyLevel(books[0], side, parsePrice(price), Number(parseShares(size)));
    applyLevel(books[1], side === "BUY" ? "SELL" : "BUY", 1_000_000 - parsePrice(price), Number(parseShares(size)));
  };
  for (const level of levels) set(...level);
  const hash = (book: Book, t: number): string => bookHash({ book, market, tsEventMs: t, lastTradePrice: "0.500" });
  const side = (book: Book, of: Side) => {
    const flat = flatLevels(book, of);
    const list: { price: string; size: string }[] = [];
    for (let at = 0; at < flat.length; at += 2)
      list.unshift({ price: decimalText(flat[at] ?? 0), size: decimalText(flat[at + 1] ?? 0) });
    return list;
  };
  const opening = books.map((book) => ({
    event_type: "book",
    market: condition,
    asset_id: book.tokenId,
    timestamp: String(START_MS),
    hash: hash(book, START_MS),
    bids: side(book, "BUY"),
    asks: side(book, "SELL"),
    tick_size: "0.01",
    last_trade_price: "0.500",
  }));
  const tape: TapeRecord[] = [{ t: START_MS + 5, ch: "clob.market.ws", d: JSON.stringify(opening) }];
  for (const [afterMs, of, price, size] of changes) {
    const t = START_MS + afterMs;
    set(of, price, size);
    const entries = books.map((book, index) => ({
      asset_id: book.tokenId,
      price: index === 0 ? price : decimalText(1_000_000 - parsePrice(price)),
      size,
      side: index === 0 ? of : of === "BUY" ? "SELL" : "BUY",
      hash: hash(book, t),
      best_bid: decimalText(bestBid(book) ?? 0),
      best_ask: decimalText(bestAsk(book) ?? 0),
    }));
    const frame = { market: condition, price_changes: entries, timestamp: String(t), event_type: "price_change" };
    tape.push({ t: t + 5, ch: "clob.market.ws", d: JSON.stringify(frame) });
  }
  return tape;
}

const fill = (afterMs: number, side: Side, price: string, size: string, tokenId = yes): AddedFill => ({
  leader,
  tokenId,
  side,
  priceMicro: parsePrice(price),
  sizeMicro: sharesMicro(parseShares(size)),
  t: START_MS + afterMs,
  role: "TAKER",
});

const account = { ...defaultAccount, submitLatencyMs: 100, priceGuardTicks: 1, priceGuardBps: 0 };
const levels: [Side, string, string][] = [
  ["BUY", "0.48", "100"],
  ["SELL", "0.50", "6"],
  ["SELL", "0.51", "40"],
  ["SELL", "0.55", "500"],
];
/** The market goes on: without a frame nothing proves that time has passed. */
const pulse = Array.from({ length: 40 }, (_, n): [number, Side, string, string] => [
  1_000 + n * 500,
  "BUY",
  "0.30",
  String(10 + n),
]);

const run = (fills: AddedFill[], changes = pulse) =>
  replay({ tape: addFills(marketTape(levels, changes), fills), leaders: [], account });
const lines = (result: ReturnType<typeof run>): string[] =>
  result.fills.map((own) => `${own.side} ${own.priceMicro} ${own.sizeMicro} +${own.tsEventMs - START_MS}`);

describe("a leader's fill becomes ours as the book was at decided + latency", () => {
  test("the sweep takes the best levels first and never passes the guard", () => {
    const result = run([fill(2_000, "BUY", "0.50", "300")]);
    expect(lines(result)).toEqual(["BUY 500000 6000000 +2100", "BUY 510000 24000000 +2100"]);
    expect(result.report).toMatchObject({
      leaderFills: 1,
      attempts: { trade: 1, skip: 0 },
      missed: 0,
      duplicated: 0,
      errors: [],
    });
  });
  test("what the guard leaves unfilled rests and expires", () => {
    const result = run([fill(2_000, "BUY", "0.50", "900")]);
    expect(lines(result)).toEqual(["BUY 500000 6000000 +2100", "BUY 510000 40000000 +2100"]);
    expect(result.report).toMatchObject({ ttlCancels: 1, partialFills: 1 });
  });
  test("a level that goes away within the latency is not filled", () => {
    const gone: [number, Side, string, string][] = [...pulse, [2_050, "SELL", "0.50", "0"]];
    gone.sort((a, b) => a[0] - b[0]);
    expect(lines(run([fill(2_000, "BUY", "0.50", "100")], gone))).toEqual(["BUY 510000 10000000 +2100"]);
  });
  test("small fills wait in the bucket until they are an order", () => {
    const result = run([fill(2_000, "BUY", "0.50", "30"), fill(4_000, "BUY", "0.50", "30")]);
    expect(result.report.attempts).toEqual({ trade: 1, skip: 1, byReason: { BELOW_MINIMUM: 1 } });
    expect(lines(result)).toEqual(["BUY 500000 6000000 +4100"]);
  });
  test("an exit closes our lot in the leader's proportion", () => {
    const result = run([fill(2_000, "BUY", "0.50", "300"), fill(6_000, "SELL", "0.48", "150")]);
    expect(lines(result).at(-1)).toBe("SELL 480000 15000000 +6100");
    expect(result.report.positions).toMatchObject([
      { confirmed: "15000000", effective: "15000000", chain: "15000000" },
    ]);
  });
});

test("the same tape gives the same bytes, and every book is proved", () => {
  const fills = [
    fill(2_000, "BUY", "0.50", "300"),
    fill(3_000, "BUY", "0.50", "200", no),
    fill(6_000, "SELL", "0.48", "150"),
  ];
  const [first, second] = [run(fills), run(fills)];
  expect(second.fills.map(fillLine)).toEqual(first.fills.map(fillLine));
  expect(second.report).toEqual(first.report);
  expect(first.proofs.failed).toBe(0);
  expect(first.proofs.passed).toBeGreaterThan(70);
  const tape = addFills(marketTape(levels, pulse), fills);
  const unproved = replay({ tape, leaders: [], account, proofs: "none" });
  expect(unproved.fills.map(fillLine)).toEqual(first.fills.map(fillLine));
  expect(unproved.proofs).toEqual({ passed: 0, failed: 0 });
});

test("a tape without fills says how to add some", () => {
  expect(() => run([])).toThrow(/tape add-fills/);
});

const samples = join(
  process.env["SLIPSTREAM_SAMPLES"] ?? join(import.meta.dirname, "../../../../shared/samples"),
  "tapes",
);
const recordings = [
  "lol-ig1-lgd-2026-09-07.market.tape.jsonl",
  "mlb-sd-lad-2025-06-18.market.tape.jsonl.gz",
  "mlb-hou-bal-2025-06-18.market.tape.jsonl.gz",
];
test.skipIf(!existsSync(samples)).each(recordings)(
  "%s: fills at the touch, all decided, all settled, no doubt about a book",
  async (name) => {
    const tape = await loadTape(join(samples, name));
    const result = replay({ tape: addFills(tape, fillsAtTheTouch(tape)), leaders: [], account: defaultAccount });
    expect(result.report).toMatchObject({ missed: 0, duplicated: 0, errors: [] });
    expect(result.report.executionFills).toBeGreaterThan(0);
    expect(result.proofs.failed).toBe(0);
  },
);

/** A leader who buys at the best ask now and then, and later sells half at the best bid. */
function fillsAtTheTouch(tape: readonly TapeRecord[]): AddedFill[] {
  const fills: AddedFill[] = [];
  const first = tape[0]?.t ?? 0;
  let nextMs = first + 10_000;
  for (const { t, d } of tape) {
    if (t < nextMs || typeof d !== "string" || !d.includes("price_changes")) continue;
    const { price_changes } = JSON.parse(d) as {
      price_changes: { asset_id: string; best_bid: string; best_ask: string }[];
    };
    const [change] = price_changes;
    const side: Side = fills.length % 3 === 2 ? "SELL" : "BUY";
    const price = side === "BUY" ? change?.best_ask : change?.best_bid;
    if (change === undefined || price === undefined || Number(price) <= 0.05 || Number(price) >= 0.95) continue;
    const size = parseShares(String(100 * (1 + (fills.length % 7))));
    fills.push({
      leader,
      tokenId: change.asset_id as TokenId,
      side,
      priceMicro: parsePrice(price),
      sizeMicro: size,
      t,
      role: "TAKER",
    });
    nextMs = t + 15_000;
  }
  return fills;
}
