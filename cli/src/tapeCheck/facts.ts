/**
 * What hashes cover beside the levels, as a tape tells it: Gamma's objects, REST's books, or, where neither is on it,
 * opening frames and the venue's usual minimum. What is told outdoes what is assumed. Pure.
 */
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type PriceMicro, sharesMicro } from "@slipstream/contracts/money";
import type { RestBook } from "@slipstream/polymarket/clobRest";
import { assumedMarket, defaultAssumptions } from "@slipstream/sandbox/tape/deriveMarkets";

export type TokenFacts = { readonly market: MarketDefinition; readonly assumed: boolean };

export type TapeFacts = {
  of(tokenId: TokenId): TokenFacts | undefined;
  market(market: MarketDefinition): void;
  restBook(book: RestBook): void;
  /** An opening frame: it states the tick alone. */
  openingBook(book: { readonly conditionId: ConditionId; readonly tokenId: TokenId; readonly tickMicro: number }): void;
};

/** @param onLearned - tokens whose market is another one from now on. */
export function createTapeFacts(onLearned: (tokenId: TokenId, market: MarketDefinition) => void): TapeFacts {
  const facts = new Map<TokenId, TokenFacts>();
  const tokensOf = new Map<ConditionId, Set<TokenId>>();

  const learn = (tokenId: TokenId, market: MarketDefinition, assumed: boolean): void => {
    const known = facts.get(tokenId);
    if (known !== undefined && (assumed || !known.assumed)) return;
    facts.set(tokenId, { market, assumed });
    onLearned(tokenId, market);
  };
  const seenOf = (conditionId: ConditionId, tokenId: TokenId, tickMicro: number): MarketDefinition => {
    const tokens = tokensOf.get(conditionId) ?? new Set();
    tokensOf.set(conditionId, tokens.add(tokenId));
    const other = [...tokens].find((one) => one !== tokenId) ?? tokenId;
    const seen = { conditionId, tokens: [tokenId, other], tickMicro: tickMicro as PriceMicro, startMs: 0 } as const;
    return assumedMarket(seen, defaultAssumptions);
  };
  return {
    of: (tokenId) => facts.get(tokenId),
    market: (market) => {
      for (const { tokenId } of market.tokens) learn(tokenId, market, false);
    },
    restBook: ({ conditionId, tokenId, tickMicro, minOrderSizeMicro, negRisk }) => {
      if (tickMicro === null || minOrderSizeMicro === null || negRisk === null) return;
      const stated = { minOrderSizeMicro: sharesMicro(BigInt(minOrderSizeMicro)), negRisk };
      learn(tokenId, { ...seenOf(conditionId, tokenId, tickMicro), ...stated }, false);
    },
    openingBook: ({ conditionId, tokenId, tickMicro }) => learn(tokenId, seenOf(conditionId, tokenId, tickMicro), true),
  };
}
