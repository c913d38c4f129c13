/**
 * A generated market tape: one book seen from two tokens, a change per frame near the touch, every hash right, a leader
 * who buys and sells at the touch. Same seed, same tape.
 */
import { bookHash, decimalText } from "../libs/book/src/hash.ts";
import { applyLevel, type Book, bestAsk, bestBid, createBook, flatLevels } from "../libs/book/src/ladder.ts";
import type { Address, TokenId } from "../libs/contracts/src/ids.ts";
import { type PriceMicro, type Side, sharesMicro } from "../libs/contracts/src/money.ts";
import { type AddedFill, addFills } from "../sandbox/src/tape/addFills.ts";
import type { TapeRecord } from "../sandbox/src/tape/format.ts";

export type BenchTape = { readonly records: readonly TapeRecord[]; readonly frames: number; readonly entries: number };

export const TOKENS = [
  "114602688616062054093464639818826590702731982636255124778328943187816056373369" as TokenId,
  "11222207778053407312635373366545179454737683597972991770034926816815141723973" as TokenId,
] as const;
export const CONDITION = `0x${"d2".repeat(32)}`;
const LEADER = `0x${"aa".repeat(20)}` as Address;
const START_MS = 1_790_000_000_000;
/** From the venue's clock to ours. */
const WIRE_MS = 5;
/** 20 frames a second: a busy market; recordings have 2 on average and some 840 in the worst second. */
const FRAME_EVERY_MS = 50;
const TICK = 10_000;
const MID = 500_000;
const LEVELS_A_SIDE = 20;
/** The touch never empties, so that a leader always has a price. */
const TOUCH_AWAY = 1;
const market = { conditionId: CONDITION, minOrderSizeMicro: 5_000_000, tickMicro: TICK, negRisk: false };

/** A linear congruential generator: the same flow in every run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const other = (side: Side): Side => (side === "BUY" ? "SELL" : "BUY");

/** Sets a level of the first token, and its mirror image of the second. */
function set([yes, no]: readonly [Book, Book], side: Side, priceMicro: number, sizeMicro: number): void {
  applyLevel(yes, side, priceMicro, sizeMicro);
  applyLevel(no, other(side), 1_000_000 - priceMicro, sizeMicro);
}

const hashOf = (book: Book, tsEventMs: number): string =>
  bookHash({ book, market, tsEventMs, lastTradePrice: "0.500" });

function openingFrame(books: readonly [Book, Book]): string {
  const side = (book: Book, of: Side): { price: string; size: string }[] => {
    const flat = flatLevels(book, of);
    const levels: { price: string; size: string }[] = [];
    for (let at = 0; at < flat.length; at += 2) {
      levels.unshift({ price: decimalText(flat[at] ?? 0), size: decimalText(flat[at + 1] ?? 0) });
    }
    return levels;
  };
  const events = books.map((book) => ({
    market: CONDITION,
    asset_id: book.tokenId,
    timestamp: String(START_MS),
    hash: hashOf(book, START_MS),
    bids: side(book, "BUY"),
    asks: side(book, "SELL"),
    tick_size: "0.01",
    event_type: "book",
    last_trade_price: "0.500",
  }));
  return JSON.stringify(events);
}

type Change = { readonly side: Side; readonly priceMicro: number; readonly sizeMicro: number };

function nextChange(random: () => number): Change {
  const side: Side = random() < 0.5 ? "BUY" : "SELL";
  const away = 1 + Math.floor(LEVELS_A_SIDE * random() ** 2);
  const priceMicro = side === "BUY" ? MID - away * TICK : MID + away * TICK;
  const removed = away > TOUCH_AWAY && random() < 0.25;
  return { side, priceMicro, sizeMicro: removed ? 0 : (1 + Math.floor(random() * 500_000)) * 10_000 };
}

/** A price_change with both tokens' view of one change, keys in the venue's order. */
function changeFrame(books: readonly [Book, Book], { side, priceMicro, sizeMicro }: Change, tsEventMs: number): string {
  const entries = books.map((book, index) => ({
    asset_id: book.tokenId,
    price: decimalText(index === 0 ? priceMicro : 1_000_000 - priceMicro),
    size: decimalText(sizeMicro),
    side: index === 0 ? side : other(side),
    hash: hashOf(book, tsEventMs),
    best_bid: decimalText(bestBid(book) ?? 0),
    best_ask: decimalText(bestAsk(book) ?? 0),
  }));
  const frame = { market: CONDITION, price_changes: entries, timestamp: String(tsEventMs), event_type: "price_change" };
  return JSON.stringify(frame);
}

/** Fills at equal distances, bought at the best ask and sold again at the best bid. */
function fillsOf(frames: number, fills: number): AddedFill[] {
  const everyMs = Math.floor((frames * FRAME_EVERY_MS) / (fills + 1));
  return Array.from({ length: fills }, (_, n) => {
    const side: Side = n % 2 === 0 ? "BUY" : "SELL";
    return {
      leader: LEADER,
      tokenId: TOKENS[n % 4 < 2 ? 0 : 1],
      side,
      priceMicro: (side === "BUY" ? MID + TICK : MID - TICK) as PriceMicro,
      sizeMicro: sharesMicro(500_000_000n),
      t: START_MS + (n + 1) * everyMs,
      role: "TAKER" as const,
    };
  });
}

/** Makes `frames` price_change frames of two entries each and `fills` leader fills over their time. */
export function makeTape(options: { readonly frames: number; readonly fills: number }): BenchTape {
  const random = seeded(11);
  const books: [Book, Book] = [
    createBook({ tokenId: TOKENS[0], tickMicro: TICK }),
    createBook({ tokenId: TOKENS[1], tickMicro: TICK }),
  ];
  for (let away = 1; away <= LEVELS_A_SIDE; away++) {
    set(books, "BUY", MID - away * TICK, 1_000_000_000);
    set(books, "SELL", MID + away * TICK, 1_000_000_000);
  }
  const records: TapeRecord[] = [{ t: START_MS + WIRE_MS, ch: "clob.market.ws", d: openingFrame(books) }];
  for (let n = 1; n <= options.frames; n++) {
    const tsEventMs = START_MS + n * FRAME_EVERY_MS;
    const change = nextChange(random);
    set(books, change.side, change.priceMicro, change.sizeMicro);
    records.push({ t: tsEventMs + WIRE_MS, ch: "clob.market.ws", d: changeFrame(books, change, tsEventMs) });
  }
  const fills = fillsOf(options.frames, options.fills);
  // As a reader gets them: strings fresh from JSON, not ropes of an encoder.
  const flat = JSON.parse(JSON.stringify(addFills(records, fills))) as TapeRecord[];
  return { records: flat, frames: options.frames, entries: options.frames * 2 };
}
