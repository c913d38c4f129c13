/**
 * The books as the venue shows them: two per market, hash, time of the last change, price of the last trade. A burst of
 * changes becomes frames of the market channel, each naming both tokens.
 * @see docs/venue.md, CLOB REST, Market channel, Book hash
 */
import { bookHash, decimalText, lastTradeText } from "@slipstream/book/hash";
import {
  applyLevel,
  applySnapshot,
  type Book,
  bestAsk,
  bestBid,
  createBook,
  flatLevels,
  forEachLevel,
  isRefusal,
} from "@slipstream/book/ladder";
import { InvariantError } from "@slipstream/contracts/errors";
import type { Hash } from "@slipstream/contracts/ids";
import { otherSide, type PriceMicro, type Side } from "@slipstream/contracts/money";
import { complementPrice, type LevelChange } from "./engine.ts";
import type { MarketQuotes } from "./gammaObject.ts";
import type { Burst, VenueMarket, VenueTrade } from "./market.ts";

type Shown = { book: Book; hash: string };
export type MarketBooks = {
  /** Its tick is the one of now. */
  market: VenueMarket;
  readonly yes: Shown;
  readonly no: Shown;
  /** Time of the last change, ms; two bursts never share one. */
  tsEventMs: number;
  lastTradeMicro: PriceMicro;
};

/** Before the first trade the venue shows one half. */
const FIRST_PRICE = 500_000 as PriceMicro;

export function createMarketBooks(market: VenueMarket, nowMs: number): MarketBooks {
  const [yesId, noId] = market.tokenIds;
  const { tickMicro } = market;
  const books: MarketBooks = {
    market,
    yes: { book: createBook({ tokenId: yesId, tickMicro }), hash: "" },
    no: { book: createBook({ tokenId: noId, tickMicro }), hash: "" },
    tsEventMs: nowMs,
    lastTradeMicro: FIRST_PRICE,
  };
  rehash(books);
  return books;
}

/**
 * Applies a burst.
 * @returns its `price_change` frames, in order. All share the time and the hashes of the burst's end; the hashes cover
 * the new last trade price already.
 */
export function applyBurst(books: MarketBooks, burst: Burst, nowMs: number): string[] {
  books.tsEventMs = Math.max(nowMs, books.tsEventMs + 1);
  books.lastTradeMicro = burst.trades.at(-1)?.printMicro ?? books.lastTradeMicro;
  const writers = burst.changes.flatMap((change) => (applyChange(books, change) ? [entriesOf(books, change)] : []));
  rehash(books);
  return writers.map((entries) =>
    JSON.stringify({
      market: books.market.conditionId,
      price_changes: entries(),
      timestamp: String(books.tsEventMs),
      event_type: "price_change",
    }),
  );
}

function applyChange(books: MarketBooks, { side, priceMicro, sizeMicro }: LevelChange): boolean {
  const size = Number(sizeMicro);
  const result = applyLevel(books.yes.book, side, priceMicro, size);
  const mirrored = applyLevel(books.no.book, otherSide(side), complementPrice(priceMicro), size);
  if (isRefusal(result) || isRefusal(mirrored)) throw new InvariantError(`the venue's book refused a level: ${result}`);
  return result === "changed";
}

/** Keeps the best prices after this change; the hashes are those of the time when the entries are written. */
function entriesOf(books: MarketBooks, { side, priceMicro, sizeMicro }: LevelChange): () => unknown[] {
  const entry = (shown: Shown, ownSide: Side, price: PriceMicro) => {
    const best = { best_bid: textOrEmpty(bestBid(shown.book)), best_ask: textOrEmpty(bestAsk(shown.book)) };
    return () => ({
      asset_id: shown.book.tokenId,
      price: decimalText(price),
      size: decimalText(Number(sizeMicro)),
      side: ownSide,
      hash: shown.hash,
      ...best,
    });
  };
  const yes = entry(books.yes, side, priceMicro);
  const no = entry(books.no, otherSide(side), complementPrice(priceMicro));
  return () => [yes(), no()];
}

/** The venue leaves a decimal empty where it has none. */
const textOrEmpty = (price: PriceMicro | null): string => (price === null ? "" : decimalText(price));

function rehash(books: MarketBooks): void {
  const { market, tsEventMs } = books;
  const lastTradePrice = lastTradeText(books.lastTradeMicro);
  for (const shown of [books.yes, books.no]) {
    shown.hash = bookHash({ book: shown.book, market, tsEventMs, lastTradePrice });
  }
}

/** Makes the tick finer: the same levels, told by another hash. @throws InvariantError for a level off the new tick. */
export function changeTick(books: MarketBooks, tickMicro: PriceMicro, nowMs: number): void {
  for (const shown of [books.yes, books.no]) {
    const { book } = shown;
    shown.book = createBook({ tokenId: book.tokenId, tickMicro });
    const result = applySnapshot(shown.book, flatLevels(book, "BUY"), flatLevels(book, "SELL"));
    if (isRefusal(result)) throw new InvariantError(`the venue's book refused its new tick: ${result}`);
  }
  books.market = { ...books.market, tickMicro };
  books.tsEventMs = Math.max(nowMs, books.tsEventMs + 1);
  rehash(books);
}

export const tickFrame = (books: MarketBooks, tokenId: string, beforeMicro: number): string =>
  JSON.stringify({
    market: books.market.conditionId,
    asset_id: tokenId,
    old_tick_size: decimalText(beforeMicro),
    new_tick_size: decimalText(books.market.tickMicro),
    timestamp: String(books.tsEventMs),
    event_type: "tick_size_change",
  });

function headOf(books: MarketBooks, shown: Shown) {
  return {
    market: books.market.conditionId,
    asset_id: shown.book.tokenId,
    timestamp: String(books.tsEventMs),
    hash: shown.hash,
    bids: levelsOf(shown.book, "BUY"),
    asks: levelsOf(shown.book, "SELL"),
  };
}

function levelsOf(book: Book, side: Side): { price: string; size: string }[] {
  const levels: { price: string; size: string }[] = [];
  forEachLevel(book, side, "worstFirst", (price, size) => {
    levels.push({ price: decimalText(price), size: decimalText(size) });
  });
  return levels;
}

const shownOf = (books: MarketBooks, tokenId: string): Shown =>
  tokenId === books.yes.book.tokenId ? books.yes : books.no;

/** A book as a subscriber gets it first. */
export const openingBook = (books: MarketBooks, tokenId: string) => ({
  ...headOf(books, shownOf(books, tokenId)),
  tick_size: decimalText(books.market.tickMicro),
  event_type: "book",
  last_trade_price: lastTradeText(books.lastTradeMicro),
});

/** A book as a subscriber gets it later, after trades: without tick and last trade price. */
export const fullBook = (books: MarketBooks, tokenId: string): string =>
  JSON.stringify({ ...headOf(books, shownOf(books, tokenId)), event_type: "book" });

/** A book as REST shows it: everything the hash covers, in its order. */
export const restBook = (books: MarketBooks, tokenId: string) => ({
  ...headOf(books, shownOf(books, tokenId)),
  min_order_size: decimalText(books.market.minOrderSizeMicro),
  tick_size: decimalText(books.market.tickMicro),
  neg_risk: books.market.negRisk,
  last_trade_price: lastTradeText(books.lastTradeMicro),
});

/** The print of a trade: one per transaction, seen from the active order. */
export const tradeFrame = (trade: VenueTrade, txHash: Hash): string =>
  JSON.stringify({
    market: trade.market.conditionId,
    asset_id: trade.match.active.tokenId,
    price: decimalText(trade.printMicro),
    size: decimalText(Number(trade.match.active.sharesMicro)),
    // A leftover of the first exchange, zero even where a fee is taken.
    fee_rate_bps: "0",
    side: trade.match.active.side,
    timestamp: String(trade.atMs),
    event_type: "last_trade_price",
    transaction_hash: txHash,
  });

/** Best prices and last trade of YES. */
export function quotesOf(books: MarketBooks): MarketQuotes {
  const { book } = books.yes;
  return { bestBidMicro: bestBid(book), bestAskMicro: bestAsk(book), lastTradeMicro: books.lastTradeMicro };
}
