/** A settled fill as the venue's index and its live feed list it. */
import type { ConditionId } from "@slipstream/contracts/ids";
import { jsonDecimal } from "./gammaObject.ts";
import type { VenueMarket } from "./market.ts";
import type { SettledFill } from "./settledFills.ts";

export type MarketsByCondition = Pick<ReadonlyMap<ConditionId, VenueMarket>, "get">;

export function tradeRow(markets: MarketsByCondition, fill: SettledFill): Record<string, unknown> {
  return {
    proxyWallet: fill.wallet,
    side: fill.side,
    asset: fill.tokenId,
    conditionId: fill.conditionId,
    size: jsonDecimal(Number(fill.sharesMicro)),
    // The venue tells averages with ten decimals.
    price: Number((Number(fill.usdcMicro) / Number(fill.sharesMicro)).toFixed(10)),
    timestamp: fill.blockMs / 1_000,
    ...titles(markets, fill),
    name: "",
    pseudonym: "",
    bio: "",
    profileImage: "",
    profileImageOptimized: "",
    transactionHash: fill.txHash,
  };
}

export function titles(markets: MarketsByCondition, fill: Pick<SettledFill, "conditionId" | "tokenId">) {
  const market = markets.get(fill.conditionId);
  const outcomeIndex = market?.tokenIds.indexOf(fill.tokenId) ?? -1;
  return {
    title: market?.question ?? "",
    slug: market?.slug ?? "",
    icon: "",
    eventSlug: market?.eventSlug ?? "",
    outcome: market?.outcomes[outcomeIndex] ?? "",
    outcomeIndex: outcomeIndex < 0 ? 999 : outcomeIndex,
  };
}
