/**
 * The book hash against hashes that our own code did not make: every one of every tape, and the REST books, of the
 * samples made by the recipe alone and of real recordings, where there are any.
 */
import { parseMicro } from "@slipstream/contracts/money";
import { framesOf, readSample, samplesIn, sampleTapes, type TapeSample } from "@slipstream/testkit/samples";
import { expect, test } from "vitest";
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

const eventsOf = (tape: TapeSample): WireEvent[] =>
  framesOf(tape).flatMap(({ d }): WireEvent[] => {
    if (d.trim() === "") return [];
    const parsed: WireEvent | WireEvent[] = JSON.parse(d);
    return Array.isArray(parsed) ? parsed : [parsed];
  });

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
function checkTape(tape: TapeSample): Count {
  const count = { entries: 0, matched: 0, refused: 0 };
  const check: TapeCheck = { market: tape, count, books: new Map(), bursts: new Map(), lastTrade: "0.500" };
  for (const event of eventsOf(tape)) onEvent(check, event);
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

/** Some tapes go on in a finer tick that nobody announced. */
function refine(check: TapeCheck, tokenId: string, priceMicro: number): void {
  const book = bookOf(check, tokenId);
  if (priceMicro % book.tickMicro === 0) return;
  const finer = createBook({ tokenId, tickMicro: finerTick(book.tickMicro, priceMicro) ?? book.tickMicro });
  take(check, applySnapshot(finer, flatLevels(book, "BUY"), flatLevels(book, "SELL")));
  check.books.set(tokenId, finer);
}

/** How many hashes a tape has, where that is known. */
const entriesOf: Readonly<Record<string, number>> = {
  "made-rain-2026-09-21.market.tape.jsonl": 202,
  "made-derby-2026-09-22.market.tape.jsonl.gz": 1_176,
  "lol-ig1-lgd-2026-09-07.market.tape.jsonl": 120,
  "mlb-sd-lad-2025-06-18.market.tape.jsonl.gz": 11_692,
  "mlb-hou-bal-2025-06-18.market.tape.jsonl.gz": 7_992,
};

test.each(sampleTapes)("every hash of $name", (tape) => {
  const { entries, matched, refused } = checkTape(tape);
  expect({ matched, refused }).toEqual({ matched: entries, refused: 0 });
  expect(entries).toBe(entriesOf[tape.name] ?? entries);
  expect(entries).toBeGreaterThan(0);
});

type RestBook = WireEvent & { readonly tick_size: string; readonly min_order_size: string; readonly neg_risk: boolean };

test.each(samplesIn("clob", /^clob-books\.json$/))("every REST book of $path", ({ path }) => {
  const rows = JSON.parse(readSample(path)) as RestBook[];
  const matched = rows.filter((row) => {
    const book = createBook({ tokenId: row.asset_id, tickMicro: micro(row.tick_size) });
    expect(applySnapshot(book, flat(row.bids), flat(row.asks))).toBe("changed");
    const minOrderSizeMicro = micro(row.min_order_size);
    const market = { conditionId: row.market, minOrderSizeMicro, tickMicro: book.tickMicro, negRisk: row.neg_risk };
    const check = { book, market, tsEventMs: Number(row.timestamp), expected: row.hash, search: "given" } as const;
    return checkBookHash({ ...check, lastTradePrices: [row.last_trade_price ?? ""] }).kind === "match";
  });
  expect(matched.length).toBe(rows.length);
  expect(rows.length).toBeGreaterThan(0);
});
