/** Hands what happens at the exchange to whoever listens: book changes at once, a print when its transaction is known. */
import type { Hash, TokenId } from "@slipstream/contracts/ids";
import type { PriceMicro } from "@slipstream/contracts/money";
import {
  applyBurst,
  changeTick,
  createMarketBooks,
  fullBook,
  type MarketBooks,
  tickFrame,
  tradeFrame,
} from "./books.ts";
import { type Exchange, takeBursts } from "./exchange.ts";
import type { VenueMarket, VenueTrade } from "./market.ts";
import { newMarketFrame, resolvedFrame } from "./marketFrames.ts";

export type FeedListener = {
  /** Frames of one burst; `tokens` are the two of the market. */
  onChanges(frames: readonly string[], tokens: readonly TokenId[]): void;
  onPrint(frame: string, tokenId: TokenId): void;
  onBook(frame: string, tokenId: TokenId): void;
  onTick(frame: string, tokenId: TokenId): void;
  /** A market is new, or is resolved: told only to those who asked for such messages. */
  onMarket?(frame: string, tokens: readonly TokenId[], kind: "new" | "resolved"): void;
};

export type Feed = {
  /** null for a token that is not traded here. */
  booksOf(tokenId: string): MarketBooks | null;
  listen(listener: FeedListener): void;
  /** Tells what happened since the last call. @returns the trades among it, which the chain has to settle. */
  publish(nowMs: number): VenueTrade[];
  print(trade: VenueTrade, txHash: Hash): void;
  /** Shows the whole book of a token again, as the venue does after some trades. */
  show(tokenId: TokenId): void;
  /** The market of a token has a finer tick from now on; its books are not shown by that. */
  changeTick(tokenId: TokenId, tickMicro: PriceMicro, nowMs: number): void;
  /** One more market has books, empty ones; the channel says so. */
  open(market: VenueMarket, nowMs: number): void;
  /** A market has no books any more. @param said - who has won goes out as well; absent: it goes unannounced. */
  end(market: VenueMarket, said?: { readonly winner: 0 | 1 | null; readonly nowMs: number }): void;
};

export function createFeed(exchange: Exchange, nowMs: number): Feed {
  const byToken = new Map<string, MarketBooks>();
  const listeners: FeedListener[] = [];
  const keep = (market: VenueMarket, atMs: number): void => {
    const books = createMarketBooks(market, atMs);
    for (const tokenId of market.tokenIds) byToken.set(tokenId, books);
  };
  for (const { market } of exchange.desks.values()) keep(market, nowMs);
  const tellMarket = (market: VenueMarket, frame: string, kind: "new" | "resolved"): void => {
    for (const listener of listeners) listener.onMarket?.(frame, market.tokenIds, kind);
  };
  return {
    booksOf: (tokenId) => byToken.get(tokenId) ?? null,
    listen: (listener) => listeners.push(listener),
    publish: (atMs) =>
      takeBursts(exchange).flatMap((burst) => {
        const { tokenIds } = burst.market;
        const books = byToken.get(tokenIds[0]);
        const frames = books === undefined ? [] : applyBurst(books, burst, atMs);
        for (const listener of listeners) listener.onChanges(frames, tokenIds);
        return burst.trades;
      }),
    print: (trade, txHash) => {
      const frame = tradeFrame(trade, txHash);
      for (const listener of listeners) listener.onPrint(frame, trade.match.active.tokenId);
    },
    show: (tokenId) => {
      const books = byToken.get(tokenId);
      if (books === undefined) return;
      const frame = fullBook(books, tokenId);
      for (const listener of listeners) listener.onBook(frame, tokenId);
    },
    changeTick: (anyToken, tickMicro, atMs) => {
      const books = byToken.get(anyToken);
      if (books === undefined) return;
      const before = books.market.tickMicro;
      changeTick(books, tickMicro, atMs);
      for (const tokenId of books.market.tokenIds) {
        const frame = tickFrame(books, tokenId, before);
        for (const listener of listeners) listener.onTick(frame, tokenId);
      }
    },
    open: (market, atMs) => {
      keep(market, atMs);
      tellMarket(market, newMarketFrame(market, atMs), "new");
    },
    end: (market, said) => {
      for (const tokenId of market.tokenIds) byToken.delete(tokenId);
      if (said !== undefined) tellMarket(market, resolvedFrame(market, said.winner, said.nowMs), "resolved");
    },
  };
}
