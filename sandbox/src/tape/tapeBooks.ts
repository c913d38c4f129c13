/** The last known book of each token of a tape, as far as it has been played, in the venue's own form. No I/O. */
import { bookHash, decimalText, type HashedMarket, lastTradeText } from "@slipstream/book/hash";
import { applyLevel, applySnapshot, type Book, createBook, forEachLevel } from "@slipstream/book/ladder";
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { Side } from "@slipstream/contracts/money";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";

/** The finest tick of the venue: every price of a tape lies on this ladder. */
const LADDER_TICK = 100;
/** Stated until a frame says otherwise. */
const LAST_TRADE_UNKNOWN = "0.500";

type Kept = {
  readonly conditionId: ConditionId;
  readonly book: Book;
  tsEventMs: number;
  tickMicro: number;
  lastTrade: string;
};

/** A book as REST answers it, or as the opening frame of the market channel carries it. */
export type BookMessage = Readonly<Record<string, unknown>>;

export type TapeBooks = {
  apply(event: MarketEvent): void;
  /** Nothing is known of these tokens until a full book comes; null: of none. */
  forget(tokenIds: readonly TokenId[] | null): void;
  /** As `POST /books` answers; null for a token whose book is not known yet. */
  restBook(tokenId: TokenId): BookMessage | null;
  /** As an opening frame has it, for a subscriber who comes late. */
  openingBook(tokenId: TokenId): BookMessage | null;
};

/** @param markets - tell what frames do not: minimum size, neg-risk, and the tick until an opening book states it. */
export function createTapeBooks(markets: readonly MarketDefinition[]): TapeBooks {
  const marketOf = new Map<string, MarketDefinition>();
  for (const market of markets) for (const { tokenId } of market.tokens) marketOf.set(tokenId, market);
  const kept = new Map<TokenId, Kept>();

  const keep = (tokenId: TokenId, conditionId: ConditionId): Kept => {
    const present = kept.get(tokenId);
    if (present !== undefined) return present;
    const book = createBook({ tokenId, tickMicro: LADDER_TICK });
    const tickMicro = marketOf.get(tokenId)?.tickMicro ?? LADDER_TICK;
    const fresh = { conditionId, book, tsEventMs: 0, tickMicro, lastTrade: LAST_TRADE_UNKNOWN };
    kept.set(tokenId, fresh);
    return fresh;
  };
  const apply = (event: MarketEvent): void => {
    if (event.kind === "book") {
      const one = keep(event.tokenId, event.conditionId);
      applySnapshot(one.book, event.bids, event.asks);
      one.tsEventMs = event.tsEventMs;
      one.tickMicro = event.tickMicro ?? one.tickMicro;
      one.lastTrade = event.lastTradePrice ?? one.lastTrade;
    } else if (event.kind === "priceChange") {
      for (const change of event.changes) {
        // Changes before any book are the tail of something the tape does not have.
        const one = kept.get(change.tokenId);
        if (one === undefined) continue;
        applyLevel(one.book, change.side, change.priceMicro, change.sizeMicro);
        one.tsEventMs = event.tsEventMs;
      }
    } else if (event.kind === "trade") {
      for (const one of kept.values())
        if (one.conditionId === event.conditionId) one.lastTrade = lastTradeText(event.priceMicro);
    } else if (event.kind === "tickSizeChange") {
      keep(event.tokenId, event.conditionId).tickMicro = event.newTickMicro;
    }
  };
  const describe = (tokenId: TokenId) => {
    const one = kept.get(tokenId);
    if (one === undefined || one.tsEventMs === 0) return null;
    const definition = marketOf.get(tokenId);
    const market: HashedMarket = {
      conditionId: one.conditionId,
      minOrderSizeMicro: Number(definition?.minOrderSizeMicro ?? 5_000_000n),
      tickMicro: one.tickMicro,
      negRisk: definition?.negRisk ?? false,
    };
    const { book, tsEventMs, lastTrade } = one;
    const levels = {
      market: one.conditionId,
      asset_id: tokenId,
      timestamp: String(tsEventMs),
      hash: bookHash({ book, market, tsEventMs, lastTradePrice: lastTrade }),
      bids: levelsOf(book, "BUY"),
      asks: levelsOf(book, "SELL"),
    };
    return { levels, market, lastTrade };
  };
  return {
    apply,
    forget: (tokenIds) => {
      for (const tokenId of tokenIds ?? [...kept.keys()]) kept.delete(tokenId);
    },
    restBook: (tokenId) => {
      const known = describe(tokenId);
      if (known === null) return null;
      const { levels, market, lastTrade } = known;
      return {
        ...levels,
        min_order_size: decimalText(market.minOrderSizeMicro),
        tick_size: decimalText(market.tickMicro),
        neg_risk: market.negRisk,
        last_trade_price: lastTrade,
      };
    },
    openingBook: (tokenId) => {
      const known = describe(tokenId);
      if (known === null) return null;
      const { levels, market, lastTrade } = known;
      return { ...levels, tick_size: decimalText(market.tickMicro), event_type: "book", last_trade_price: lastTrade };
    },
  };
}

/** Worst first, as the venue sends both sides. */
function levelsOf(book: Book, side: Side): { price: string; size: string }[] {
  const levels: { price: string; size: string }[] = [];
  forEachLevel(book, side, "worstFirst", (price, size) =>
    levels.push({ price: decimalText(price), size: decimalText(size) }),
  );
  return levels;
}
