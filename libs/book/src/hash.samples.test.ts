/**
 * The book hash against real recordings: every hash of every tape, and the REST books. The folder comes from
 * SLIPSTREAM_SAMPLES (default ../shared/samples beside the repository); without it these tests are skipped.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { parseMicro } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import { checkBookHash, type HashedMarket, lastTradeText } from "./hash.ts";
import {
  type ApplyResult,
  applyLevel,
  applySnapshot,
  type Book,
  createBook,
  finerTick,
  flatLevels,
  isRefusal,
} from "./ladder.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const samples = process.env["SLIPSTREAM_SAMPLES"] ?? join(root, "../shared/samples");
const isAbsent = !existsSync(join(samples, "tapes"));
if (isAbsent) console.warn("book hash against recordings: skipped, SLIPSTREAM_SAMPLES names no folder with tapes");

type WireLevel = { price: string; size: string };
type WireEvent = {
  event_type?: string;
  market: string;
  asset_id: string;
  timestamp: string;
  hash: string;
  price: string;
  bids: WireLevel[];
  asks: WireLevel[];
  last_trade_price?: string;
  price_changes: (WireLevel & { asset_id: string; side: "BUY" | "SELL"; hash: string })[];
};

const micro = (text: string): number => Number(parseMicro(text));
const flat = (levels: WireLevel[]): number[] => levels.flatMap(({ price, size }) => [micro(price), micro(size)]);

function frames(file: string): WireEvent[][] {
  const bytes = readFileSync(join(samples, "tapes", file));
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  return text.split("\n").flatMap((line) => {
    const payload: unknown = line === "" ? "" : JSON.parse(line).d;
    if (typeof payload !== "string" || payload.trim() === "") return [];
    const parsed: WireEvent | WireEvent[] = JSON.parse(payload);
    return [Array.isArray(parsed) ? parsed : [parsed]];
  });
}

type Burst = { readonly event: WireEvent; readonly expected: string; entries: number };
type Count = { entries: number; matched: number; refused: number };

type TapeCheck = {
  readonly market: Omit<HashedMarket, "conditionId">;
  readonly count: Count;
  readonly books: Map<string, Book>;
  readonly bursts: Map<string, Burst>;
  lastTrade: string;
};

/** Applies each event and checks each entry's hash against the book at the end of its burst: where the next hash differs. */
function checkTape(file: string, market: TapeCheck["market"]): Count {
  const count = { entries: 0, matched: 0, refused: 0 };
  const check: TapeCheck = { market, count, books: new Map(), bursts: new Map(), lastTrade: "0.500" };
  for (const event of frames(file).flat()) onEvent(check, event);
  for (const [tokenId, burst] of check.bursts) verify(check, tokenId, burst);
  return count;
}

function onEvent(check: TapeCheck, event: WireEvent): void {
  if (event.event_type === "book") {
    onHash(check, event, event.asset_id, event.hash);
    take(check, applySnapshot(bookOf(check, event.asset_id), flat(event.bids), flat(event.asks)));
    if (event.last_trade_price !== undefined) check.lastTrade = event.last_trade_price;
  } else if (event.event_type === "price_change") {
    for (const { asset_id, side, price, size, hash } of event.price_changes) {
      onHash(check, event, asset_id, hash);
      refine(check, asset_id, micro(price));
      take(check, applyLevel(bookOf(check, asset_id), side, micro(price), micro(size)));
    }
  }
}

function onHash(check: TapeCheck, event: WireEvent, tokenId: string, expected: string): void {
  check.count.entries += 1;
  const burst = check.bursts.get(tokenId);
  if (burst?.expected === expected) {
    burst.entries += 1;
    return;
  }
  if (burst !== undefined) verify(check, tokenId, burst);
  check.bursts.set(tokenId, { event, expected, entries: 1 });
}

function verify(check: TapeCheck, tokenId: string, { event, expected, entries }: Burst): void {
  const market = { ...check.market, conditionId: event.market };
  const lastTradePrices = [check.lastTrade, lastTradeText(1_000_000 - micro(check.lastTrade))];
  const book = bookOf(check, tokenId);
  const tsEventMs = Number(event.timestamp);
  const result = checkBookHash({ book, market, tsEventMs, expected, lastTradePrices, search: "full" });
  if (result.kind === "mismatch") return;
  check.count.matched += entries;
  check.lastTrade = result.lastTradePrice;
}

function take(check: TapeCheck, result: ApplyResult): void {
  if (isRefusal(result)) check.count.refused += 1;
}

function bookOf(check: TapeCheck, tokenId: string): Book {
  const book = check.books.get(tokenId) ?? createBook({ tokenId, tickMicro: check.market.tickMicro });
  check.books.set(tokenId, book);
  return book;
}

/** One of the tapes goes on in a finer tick that nobody announced. */
function refine(check: TapeCheck, tokenId: string, priceMicro: number): void {
  const book = bookOf(check, tokenId);
  if (priceMicro % book.tickMicro === 0) return;
  const finer = createBook({ tokenId, tickMicro: finerTick(book.tickMicro, priceMicro) ?? book.tickMicro });
  take(check, applySnapshot(finer, flatLevels(book, "BUY"), flatLevels(book, "SELL")));
  check.books.set(tokenId, finer);
}

describe.skipIf(isAbsent)("book hash against recordings", () => {
  test("every hash of the lol tape, with the market's own minimum and tick", () => {
    const market = JSON.parse(readFileSync(join(samples, "clob/market-lol-ig1-lgd.json"), "utf8"));
    const tick = micro(String(market.minimum_tick_size));
    const min = micro(String(market.minimum_order_size));
    const file = "lol-ig1-lgd-2026-09-07.market.tape.jsonl";
    const checked = checkTape(file, { tickMicro: tick, minOrderSizeMicro: min, negRisk: false });
    expect(checked).toEqual({ entries: 120, matched: 120, refused: 0 });
  });

  test.each([
    ["mlb-sd-lad-2025-06-18.market.tape.jsonl.gz", 11_692],
    ["mlb-hou-bal-2025-06-18.market.tape.jsonl.gz", 7_992],
  ])("every hash of %s", { timeout: 20_000 }, (file, entries) => {
    const checked = checkTape(file, { tickMicro: 10_000, minOrderSizeMicro: 5_000_000, negRisk: false });
    expect(checked).toEqual({ entries, matched: entries, refused: 0 });
  });

  test("every REST book", () => {
    const rows: (WireEvent & { tick_size: string; min_order_size: string; neg_risk: boolean })[] = JSON.parse(
      readFileSync(join(samples, "clob/clob-books.json"), "utf8"),
    );
    const matched = rows.filter((row) => {
      const book = createBook({ tokenId: row.asset_id, tickMicro: micro(row.tick_size) });
      expect(applySnapshot(book, flat(row.bids), flat(row.asks))).toBe("changed");
      const minOrderSizeMicro = micro(row.min_order_size);
      const market = { conditionId: row.market, minOrderSizeMicro, tickMicro: book.tickMicro, negRisk: row.neg_risk };
      const check = { book, market, tsEventMs: Number(row.timestamp), expected: row.hash, search: "given" } as const;
      return checkBookHash({ ...check, lastTradePrices: [row.last_trade_price ?? ""] }).kind === "match";
    });
    expect(matched.length).toBe(rows.length);
  });
});
