/**
 * What the market channel says of markets themselves: that one is new, and that one is resolved.
 * @see docs/venue.md, Market channel
 */
import { decimalText } from "@slipstream/book/hash";
import { jsonDecimal } from "./gammaObject.ts";
import type { VenueMarket } from "./market.ts";

const TAGS = ["Sandbox"];

export const newMarketFrame = (market: VenueMarket, nowMs: number): string =>
  JSON.stringify({
    id: market.id,
    question: market.question,
    market: market.conditionId,
    slug: market.slug,
    description: "",
    assets_ids: market.tokenIds,
    outcomes: market.outcomes,
    event_message: {
      ...{ id: market.eventId, ticker: market.eventSlug, slug: market.eventSlug, title: market.eventTitle },
      description: "",
    },
    timestamp: String(nowMs),
    event_type: "new_market",
    tags: TAGS,
    condition_id: market.conditionId,
    active: true,
    clob_token_ids: market.tokenIds,
    sports_market_type: "",
    line: "",
    game_start_time: "",
    order_price_min_tick_size: decimalText(market.tickMicro),
    group_item_title: "",
    taker_base_fee: "1000",
    fees_enabled: market.fee.rateMicro > 0,
    fee_schedule:
      market.fee.rateMicro === 0
        ? null
        : {
            ...{ rate: jsonDecimal(market.fee.rateMicro), exponent: market.fee.exponent },
            taker_only: market.fee.takerOnly,
          },
  });

/** @param winner - null: the payout is shared, and the message names nobody. */
export const resolvedFrame = (market: VenueMarket, winner: 0 | 1 | null, nowMs: number): string =>
  JSON.stringify({
    id: market.id,
    market: market.conditionId,
    assets_ids: market.tokenIds,
    winning_asset_id: winner === null ? "" : market.tokenIds[winner],
    winning_outcome: winner === null ? "" : market.outcomes[winner],
    event_message: null,
    timestamp: String(nowMs),
    event_type: "market_resolved",
    tags: TAGS,
  });
