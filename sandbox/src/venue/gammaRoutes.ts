/**
 * Gamma: market objects by token, by condition, and page by page.
 * @see docs/venue.md, Gamma
 */
import type { PriceMicro } from "@slipstream/contracts/money";
import { quotesOf } from "./books.ts";
import type { Feed } from "./feed.ts";
import { gammaMarket } from "./gammaObject.ts";
import { ok, type Routes, refused } from "./http.ts";
import { type Listing, type Listings, shownPayout } from "./listings.ts";

const PAGE_DEFAULT = 20;
const PAGE_MAX = 100;

export function gammaRoutes({
  listings,
  feed,
}: {
  readonly listings: Pick<Listings, "all">;
  readonly feed: Pick<Feed, "booksOf">;
}): Routes {
  const objectOf = ({ market, endMs, closedMs, isShown, payouts, lastTradeMicro }: Listing) => {
    const books = feed.booksOf(market.tokenIds[0]);
    const noBook = { bestBidMicro: null, bestAskMicro: null, lastTradeMicro: lastTradeMicro as PriceMicro | null };
    const payoutMicro = payouts === null ? null : shownPayout(payouts);
    return gammaMarket(market, books === null ? noBook : quotesOf(books), {
      ...{ endMs, closedMs, isClosed: isShown, payoutMicro },
    });
  };
  /** `closed` filters as the venue does: without it, open ones only; with it, closed ones only. */
  const matching = (query: URLSearchParams): readonly Listing[] => {
    const isClosed = query.get("closed") === "true";
    const tokens = listOf(query, "clob_token_ids");
    const conditions = listOf(query, "condition_ids");
    return [...listings.all()].filter(
      ({ market, isShown }) =>
        isShown === isClosed &&
        (tokens.length === 0 || market.tokenIds.some((token) => tokens.includes(token))) &&
        (conditions.length === 0 || conditions.includes(market.conditionId)),
    );
  };
  return {
    "GET /markets": ({ query }) => {
      const offset = countOf(query, "offset", 0);
      return ok(
        matching(query)
          .slice(offset, offset + limitOf(query))
          .map(objectOf),
      );
    },
    "GET /markets/keyset": ({ query }) => {
      if (query.has("offset")) return refused(422, "offset is not supported, use after_cursor");
      const found = matching(query);
      const start = offsetOfCursor(query.get("after_cursor"));
      const end = start + limitOf(query);
      const next = end < found.length ? { next_cursor: cursorOf(end) } : {};
      return ok({ markets: found.slice(start, end).map(objectOf), ...next });
    },
  };
}

/** Lists come as a repeated parameter or separated by commas. */
const listOf = (query: URLSearchParams, name: string): string[] =>
  query
    .getAll(name)
    .flatMap((value) => value.split(","))
    .filter((value) => value !== "");

function countOf(query: URLSearchParams, name: string, otherwise: number): number {
  const value = Number(query.get(name) ?? otherwise);
  return Number.isInteger(value) && value >= 0 ? value : otherwise;
}
const limitOf = (query: URLSearchParams): number => Math.min(PAGE_MAX, countOf(query, "limit", PAGE_DEFAULT));

const cursorOf = (offset: number): string => Buffer.from(String(offset)).toString("base64url");
function offsetOfCursor(cursor: string | null): number {
  const offset = Number(Buffer.from(cursor ?? "", "base64url").toString());
  return Number.isInteger(offset) && offset >= 0 ? offset : 0;
}
