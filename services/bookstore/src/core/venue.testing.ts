/** A small venue that knows the truth: it changes books, stamps and hashes messages as the real one does. */
import { bookHash, type HashedMarket, lastTradeText } from "@slipstream/book/hash";
import { applyLevel, applySnapshot, type Book, createBook, flatLevels } from "@slipstream/book/ladder";
import type { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { otherSide, type PriceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";
import type { BookEvent, PriceChange, PriceChangeEvent, TradeEvent } from "@slipstream/polymarket/marketChannel";
import type { DeskOutput } from "./desk.ts";
import type { FullBook, LevelChange } from "./tokenBook.ts";

export const YES = "111" as TokenId;
export const NO = "222" as TokenId;
export const conditionId = `0x${"ab".repeat(32)}` as ConditionId;
export const START_MS = 1_800_000_000_000;

export const market = {
  conditionId,
  tokens: [
    { tokenId: YES, outcome: "Yes" },
    { tokenId: NO, outcome: "No" },
  ],
  tickMicro: 10_000 as PriceMicro,
  minOrderSizeMicro: sharesMicro(5_000_000n),
  negRisk: false,
} as unknown as MarketDefinition;
export const marketOf = (tokenId: TokenId): MarketDefinition | undefined =>
  tokenId === YES || tokenId === NO ? market : undefined;

const hashed: HashedMarket = { conditionId, tickMicro: 10_000, minOrderSizeMicro: 5_000_000, negRisk: false };
const complement = ({ side, priceMicro, sizeMicro }: LevelChange): LevelChange => ({
  side: otherSide(side),
  priceMicro: 1_000_000 - priceMicro,
  sizeMicro,
});

export type Venue = {
  /** Changes the book of YES, and with it that of NO; one frame, one burst. */
  change(tsEventMs: number, ...changes: readonly LevelChange[]): PriceChangeEvent;
  /** A book as the stream opens with it, as it comes after trades, and as REST gives it. */
  opening(tokenId: TokenId): BookEvent;
  afterTrade(tokenId: TokenId, tsEventMs: number): BookEvent;
  rest(tokenId: TokenId): FullBook;
  trade(tokenId: TokenId, tsEventMs: number, trade: { side: Side; priceMicro: number; sizeMicro: number }): TradeEvent;
  levels(tokenId: TokenId): { bids: number[]; asks: number[] };
  /** The market's last trade price from now on, which its hashes carry before any print. */
  trades(priceMicro: number): void;
};

export function createVenue(options: { tickMicro?: number; tokens?: readonly TokenId[] } = {}): Venue {
  const { tickMicro = 100, tokens = [YES, NO] } = options;
  // Finer than the market's tick, so that it can do what the market's tick does not say.
  const books = new Map<TokenId, Book>([YES, NO].map((tokenId) => [tokenId, createBook({ tokenId, tickMicro })]));
  let lastTradePrice = "0.500";
  const changedMs = new Map<TokenId, number>();
  const bookOf = (tokenId: TokenId): Book => books.get(tokenId) ?? createBook({ tokenId, tickMicro });
  const hashOf = (tokenId: TokenId, tsEventMs: number): string =>
    bookHash({ book: bookOf(tokenId), market: hashed, tsEventMs, lastTradePrice });
  const levels = (tokenId: TokenId) => ({
    bids: flatLevels(bookOf(tokenId), "BUY"),
    asks: flatLevels(bookOf(tokenId), "SELL"),
  });
  const bookAt = (tokenId: TokenId, tsEventMs: number): BookEvent => ({
    kind: "book",
    tokenId,
    conditionId,
    tsEventMs,
    hash: hashOf(tokenId, tsEventMs),
    ...levels(tokenId),
    tickMicro: null,
    lastTradePrice: null,
  });
  const current = (tokenId: TokenId): BookEvent => ({
    ...bookAt(tokenId, changedMs.get(tokenId) ?? START_MS),
    tickMicro: 10_000,
    lastTradePrice,
  });
  return {
    levels,
    trades: (priceMicro) => {
      lastTradePrice = lastTradeText(priceMicro);
    },
    change: (tsEventMs, ...changes) => {
      const both: [TokenId, LevelChange][] = changes.flatMap((change): [TokenId, LevelChange][] => [
        [YES, change],
        [NO, complement(change)],
      ]);
      for (const [tokenId, { side, priceMicro, sizeMicro }] of both) {
        applyLevel(bookOf(tokenId), side, priceMicro, sizeMicro);
        changedMs.set(tokenId, tsEventMs);
      }
      const entries: PriceChange[] = both
        .filter(([tokenId]) => tokens.includes(tokenId))
        .map(([tokenId, change]) => ({
          tokenId,
          ...change,
          priceMicro: change.priceMicro as PriceMicro,
          hash: hashOf(tokenId, tsEventMs),
          bestBidMicro: null,
          bestAskMicro: null,
        }));
      return { kind: "priceChange", conditionId, tsEventMs, changes: entries };
    },
    opening: current,
    afterTrade: (tokenId, tsEventMs) => {
      changedMs.set(tokenId, tsEventMs);
      return bookAt(tokenId, tsEventMs);
    },
    rest: (tokenId) => ({ ...current(tokenId), minOrderSizeMicro: 5_000_000, negRisk: false }),
    trade: (tokenId, tsEventMs, { side, priceMicro, sizeMicro }) => ({
      kind: "trade",
      tokenId,
      conditionId,
      tsEventMs,
      side,
      priceMicro: priceMicro as PriceMicro,
      sizeMicro,
      txHash: `0x${tsEventMs.toString(16).padStart(64, "0")}` as Hash,
    }),
  };
}

/** A book of REST that is none: 0.01 to 0.99, with the hash that such a book has at that time. */
export function ghostOf(tokenId: TokenId, tsEventMs: number): FullBook {
  const [bids, asks] = [
    [10_000, 5_000_000],
    [990_000, 5_000_000],
  ];
  const book = createBook({ tokenId, tickMicro: 10_000 });
  applySnapshot(book, bids, asks);
  const lastTradePrice = "0.500";
  const hash = bookHash({ book, market: hashed, tsEventMs, lastTradePrice });
  const { tickMicro, minOrderSizeMicro, negRisk } = hashed;
  return { conditionId, tsEventMs, hash, bids, asks, tickMicro, lastTradePrice, minOrderSizeMicro, negRisk };
}

export const bid = (priceMicro: number, shares: number): LevelChange => ({
  side: "BUY",
  priceMicro,
  sizeMicro: shares * 1_000_000,
});
export const ask = (priceMicro: number, shares: number): LevelChange => ({
  side: "SELL",
  priceMicro,
  sizeMicro: shares * 1_000_000,
});

/** The desk's outputs in few words, clocks left out. */
export function brief(outputs: readonly DeskOutput[]): string[] {
  const lines: string[] = [];
  for (const output of outputs) {
    if (output.type === "BookClock") continue;
    const at = `${output.tokenId} ${output.epoch}/${output.seq}`;
    if (output.type === "BookSnapshot") lines.push(`snapshot ${at} ${output.health}`);
    if (output.type === "BookDelta") lines.push(`delta ${at} b[${output.bids}] a[${output.asks}]`);
    if (output.type === "BookStatus") lines.push(`${output.health} ${at}: ${output.reason}`);
    if (output.type === "TradePrint") lines.push(`print ${at} ${output.side} ${output.priceMicro}`);
  }
  return lines;
}
