/** Gamma rows of a tape: recorded objects as they were, others from the definitions that were derived. */
import type { MarketDefinition } from "@slipstream/contracts/market";
import { gammaMarket } from "../venue/gammaObject.ts";
import type { TapeRecord } from "./format.ts";
import type { GammaRow } from "./playerHttp.ts";

export function gammaRows(tape: readonly TapeRecord[], markets: readonly MarketDefinition[]): GammaRow[] {
  const recorded = new Map<unknown, Readonly<Record<string, unknown>>>();
  for (const { ch, d } of tape) {
    if (ch !== "gamma.market" || d === null || typeof d !== "object") continue;
    const object = d as Readonly<Record<string, unknown>>;
    // The first one: as the market was when the tape begins.
    if (!recorded.has(object["conditionId"])) recorded.set(object["conditionId"], object);
  }
  return markets.map((market) => {
    const { conditionId, tokens } = market;
    const tokenIds = tokens.map(({ tokenId }) => tokenId);
    return { conditionId, tokenIds, object: recorded.get(conditionId) ?? gammaOf(market) };
  });
}

function gammaOf(market: MarketDefinition): Record<string, unknown> {
  const [first, second] = market.tokens;
  const sheet = {
    ...market,
    id: market.slug,
    eventId: market.eventId ?? market.slug,
    eventSlug: market.slug,
    eventTitle: market.question,
    questionId: null,
    outcomes: [first.outcome, second.outcome],
    tokenIds: [first.tokenId, second.tokenId],
    minOrderSizeMicro: Number(market.minOrderSizeMicro),
    createdMs: market.tsEventMs,
  } as const;
  return gammaMarket(sheet, { bestBidMicro: null, bestAskMicro: null, lastTradeMicro: null });
}
