/** A market as the venue would send it: one book seen from two tokens, every hash right. For tests and benchmarks. */
import { bookHash, decimalText } from "@slipstream/book/hash";
import { applyLevel, type Book, bestAsk, bestBid, createBook, flatLevels } from "@slipstream/book/ladder";
import type { TokenId } from "@slipstream/contracts/ids";
import { MICRO_NUMBER, otherSide, type Side } from "@slipstream/contracts/money";

/** Of the first token; the second one's is its mirror image. Size in 1e-6 share, 0 takes the level away. */
export type WireLevel = { readonly side: Side; readonly priceMicro: number; readonly sizeMicro: number };

export type WireMarket = {
  /** Sets a level without saying so. */
  set(level: WireLevel): void;
  /** Both books, as a connection begins. */
  opening(tsEventMs: number): string;
  /** Sets a level; the price_change frame tells it of both tokens, keys in the venue's order. */
  change(level: WireLevel, tsEventMs: number): string;
  /** A print, told of one token only, as the venue does. Price of that token. */
  print(trade: { readonly tokenId: TokenId } & WireLevel, tsEventMs: number): string;
};

const TICK_MICRO = 10_000;
const LAST_TRADE_PRICE = "0.500";

/** A market of tick 0.01. */
export function createWireMarket(options: {
  readonly conditionId: string;
  readonly tokens: readonly [TokenId, TokenId];
}): WireMarket {
  const { conditionId } = options;
  const market = { conditionId, minOrderSizeMicro: 5_000_000, tickMicro: TICK_MICRO, negRisk: false };
  const bookOf = (tokenId: TokenId): Book => createBook({ tokenId, tickMicro: TICK_MICRO });
  const [yes, no] = [bookOf(options.tokens[0]), bookOf(options.tokens[1])];
  const mirror = ({ side, priceMicro, sizeMicro }: WireLevel): WireLevel => ({
    side: otherSide(side),
    priceMicro: MICRO_NUMBER - priceMicro,
    sizeMicro,
  });
  const hash = (book: Book, tsEventMs: number): string =>
    bookHash({ book, market, tsEventMs, lastTradePrice: LAST_TRADE_PRICE });
  const set = (level: WireLevel): void => {
    for (const [book, { side, priceMicro, sizeMicro }] of [
      [yes, level],
      [no, mirror(level)],
    ] as const) {
      applyLevel(book, side, priceMicro, sizeMicro);
    }
  };
  return {
    set,
    opening: (tsEventMs) =>
      JSON.stringify(
        [yes, no].map((book) => ({
          market: conditionId,
          asset_id: book.tokenId,
          timestamp: String(tsEventMs),
          hash: hash(book, tsEventMs),
          bids: worstFirst(book, "BUY"),
          asks: worstFirst(book, "SELL"),
          tick_size: decimalText(TICK_MICRO),
          event_type: "book",
          last_trade_price: LAST_TRADE_PRICE,
        })),
      ),
    change: (level, tsEventMs) => {
      set(level);
      const entry = (book: Book, { side, priceMicro, sizeMicro }: WireLevel) => ({
        asset_id: book.tokenId,
        price: decimalText(priceMicro),
        size: decimalText(sizeMicro),
        side,
        hash: hash(book, tsEventMs),
        best_bid: decimalText(bestBid(book) ?? 0),
        best_ask: decimalText(bestAsk(book) ?? 0),
      });
      return JSON.stringify({
        market: conditionId,
        price_changes: [entry(yes, level), entry(no, mirror(level))],
        timestamp: String(tsEventMs),
        event_type: "price_change",
      });
    },
    print: ({ tokenId, side, priceMicro, sizeMicro }, tsEventMs) =>
      JSON.stringify({
        market: conditionId,
        asset_id: tokenId,
        price: decimalText(priceMicro),
        size: decimalText(sizeMicro),
        fee_rate_bps: "0",
        side,
        timestamp: String(tsEventMs),
        event_type: "last_trade_price",
        transaction_hash: `0x${tsEventMs.toString(16).padStart(64, "0")}`,
      }),
  };
}

/** The venue's order of levels: the best one is the last. */
function worstFirst(book: Book, side: Side): { price: string; size: string }[] {
  const flat = flatLevels(book, side);
  const levels: { price: string; size: string }[] = [];
  for (let at = 0; at < flat.length; at += 2) {
    levels.unshift({ price: decimalText(flat[at] ?? 0), size: decimalText(flat[at + 1] ?? 0) });
  }
  return levels;
}
