/**
 * The public REST of the CLOB.
 * @see docs/venue.md, CLOB REST
 */
import { z } from "zod";
import { restBook } from "./books.ts";
import type { Feed } from "./feed.ts";
import { jsonDecimal } from "./gammaObject.ts";
import { ok, type Routes, refused } from "./http.ts";
import { isTraded, type Listing, type Listings, shownPayout, winnerOf } from "./listings.ts";
import type { VenueMarket } from "./market.ts";

const VERSION = 2;
const BookRequests = z.array(z.object({ token_id: z.string() })).max(1_000);
const NO_BOOK = "No orderbook exists for the requested token id";

export type ClobRoutesOptions = {
  readonly listings: Pick<Listings, "get">;
  readonly feed: Feed;
  readonly nowMs: () => number;
};

export function clobRoutes({ listings, feed, nowMs }: ClobRoutesOptions): Routes {
  return {
    "GET /ok": () => ok("OK"),
    "GET /time": () => ok(Math.floor(nowMs() / 1_000)),
    "GET /version": () => ok({ version: VERSION }),
    "GET /book": ({ query }) => {
      const tokenId = query.get("token_id") ?? "";
      const books = feed.booksOf(tokenId);
      return books === null ? refused(404, NO_BOOK) : ok(restBook(books, tokenId));
    },
    "POST /books": ({ body }) => {
      const requests = BookRequests.safeParse(body);
      if (!requests.success) return refused(400, "Invalid payload");
      return ok(
        requests.data.flatMap(({ token_id: tokenId }) => {
          const books = feed.booksOf(tokenId);
          return books === null ? [] : [restBook(books, tokenId)];
        }),
      );
    },
    "GET /clob-markets/:id": ({ id }) => {
      const listing = listings.get(id);
      return listing === undefined ? refused(404, "market not found") : ok(shortMarket(listing));
    },
    "GET /markets/:id": ({ id }) => {
      const listing = listings.get(id);
      return listing === undefined ? refused(404, "market not found") : ok(longMarket(listing));
    },
  };
}

const tokensOf = (market: VenueMarket) =>
  market.tokenIds.map((tokenId, index) => ({ tokenId, outcome: market.outcomes[index] ?? "" }));

function shortMarket(listing: Listing) {
  const { market } = listing;
  const { fee } = market;
  return {
    c: market.conditionId,
    t: tokensOf(market).map(({ tokenId, outcome }) => ({ t: tokenId, o: outcome })),
    mts: jsonDecimal(market.tickMicro),
    mos: jsonDecimal(market.minOrderSizeMicro),
    ...(market.negRisk ? { nr: true } : {}),
    ...(fee.rateMicro > 0 ? { fd: { r: jsonDecimal(fee.rateMicro), e: fee.exponent, to: fee.takerOnly } } : {}),
    mbf: 1_000,
    tbf: 1_000,
    ao: isTraded(listing),
    aot: new Date(market.createdMs).toISOString(),
    ...(market.takerDelayMs > 0 ? { sd: market.takerDelayMs / 1_000, itode: true } : {}),
    r: null,
  };
}

function longMarket(listing: Listing) {
  const { market, payouts, isSaid, endMs } = listing;
  const said = isSaid ? payouts : null;
  const price = said === null ? 500_000 : shownPayout(said);
  return {
    enable_order_book: true,
    active: true,
    closed: isSaid,
    archived: false,
    accepting_orders: isTraded(listing),
    end_date_iso: new Date(endMs).toISOString(),
    accepting_order_timestamp: new Date(market.createdMs).toISOString(),
    minimum_order_size: jsonDecimal(market.minOrderSizeMicro),
    minimum_tick_size: jsonDecimal(market.tickMicro),
    condition_id: market.conditionId,
    question_id: market.questionId ?? "",
    question: market.question,
    market_slug: market.slug,
    seconds_delay: market.takerDelayMs / 1_000,
    maker_base_fee: 1_000,
    taker_base_fee: 1_000,
    neg_risk: market.negRisk,
    neg_risk_market_id: market.negRiskMarketId ?? "",
    is_50_50_outcome: said !== null && said[0] === said[1],
    tokens: tokensOf(market).map(({ tokenId, outcome }, index) => ({
      ...{ token_id: tokenId, outcome, price: jsonDecimal(index === 0 ? price : 1_000_000 - price) },
      winner: said !== null && winnerOf(said) === index,
    })),
  };
}
