/** A market's two tokens as one book: a level of the second at p is the first's at 1 − p on the other side (rules 2.1–2.3). */
import type { BookHistory } from "@slipstream/book/history";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { MICRO_NUMBER, otherSide, type PriceMicro, type Side } from "@slipstream/contracts/money";

/** First or second token of the market's definition. */
export type Which = 0 | 1;
export const BOTH: readonly Which[] = [0, 1];
export type Tokens = readonly [TokenId, TokenId];

export const whichOf = (tokens: Tokens, tokenId: TokenId): Which => (tokens[1] === tokenId ? 1 : 0);

/** A level, or the side and price of an order or print, on the first token. */
export type MarketLevel = { readonly side: Side; readonly priceMicro: PriceMicro };

/** Between a token's own coordinates and the market's, in both directions. */
export const mirrored = (which: Which, { side, priceMicro }: MarketLevel): MarketLevel =>
  which === 0 ? { side, priceMicro } : { side: otherSide(side), priceMicro: (MICRO_NUMBER - priceMicro) as PriceMicro };

/** What is known of a market. */
export type KnownMarket = {
  /** null: nothing of the token has been read. */
  readonly histories: readonly [BookHistory | null, BookHistory | null];
  /** Venue time up to which every change of both books has arrived. */
  readonly watermarkMs: number;
  /** Venue time from which the market takes no orders; null: it is open. */
  readonly closedMs: number | null;
};

/** When a market was closed as far as its definition says; null while it is open, or not known. */
export const closedMsOf = (market: MarketDefinition | null): number | null =>
  market !== null && (market.closed || !market.acceptingOrders) ? market.tsEventMs : null;
