/**
 * The Data API: what wallets did, told late. Rows have no log index and, in /trades, only takers unless asked.
 * @see docs/venue.md, Data API
 */
import type { ConditionId } from "@slipstream/contracts/ids";
import { add, averagePrice, notional, type PriceMicro, subtract } from "@slipstream/contracts/money";
import { quotesOf } from "./books.ts";
import type { DataFaults } from "./dataFaults.ts";
import { complementPrice } from "./engine.ts";
import type { Feed } from "./feed.ts";
import { jsonDecimal } from "./gammaObject.ts";
import { type Answer, type Asked, ok, type Routes, refused } from "./http.ts";
import { type FillPosition, positionsOf } from "./positions.ts";
import type { SettledAct } from "./settledDeeds.ts";
import type { SettledFill, SettledFills } from "./settledFills.ts";
import { type MarketsByCondition, titles, tradeRow } from "./tradeRow.ts";

export type DataRoutesOptions = {
  readonly markets: MarketsByCondition;
  /** What outcome 0 of a resolved market is paid, 1e-6; null: it is not resolved. */
  readonly payoutOf: (conditionId: ConditionId) => PriceMicro | null;
  readonly fills: SettledFills;
  /** Of the leaders. */
  readonly acts: () => readonly SettledAct[];
  readonly feed: Pick<Feed, "booksOf">;
  readonly nowMs: () => number;
  readonly faults: DataFaults;
};

const OFFSET_MAX = 10_000;
/** Shown until somebody trades. */
const HALF = 500_000 as PriceMicro;

export function dataRoutes(options: DataRoutesOptions): Routes {
  const { markets, fills, nowMs, faults } = options;
  const known = (): SettledFill[] => fills.all().filter((fill) => fill.blockMs + faults.lagMs() <= nowMs());
  const ofUser = (query: URLSearchParams) => {
    const user = query.get("user")?.toLowerCase();
    return user === undefined ? known() : known().filter((fill) => fill.wallet === user);
  };
  const routes: Record<string, (asked: Asked) => Answer> = {
    "GET /trades": ({ query }) => {
      const takerOnly = query.get("takerOnly") !== "false";
      const rows = ofUser(query).filter((fill) => !takerOnly || fill.role === "TAKER");
      return page(options, rows, query, 10_000, (fill) => tradeRow(markets, fill));
    },
    "GET /activity": ({ query }) => {
      if (!query.has("user")) return refused(400, "required query param 'user' not provided");
      const types = query.get("type")?.split(",") ?? ["TRADE"];
      const rows = types.includes("TRADE") ? ofUser(query) : [];
      return page(options, rows, query, 500, (fill) => ({
        ...tradeRow(markets, fill),
        type: "TRADE",
        // The venue's own rows hold the taker's fee.
        usdcSize: jsonDecimal(Number(fill.side === "BUY" ? add(fill.usdcMicro, fill.feeMicro) : fill.usdcMicro)),
      }));
    },
    "GET /positions": (asked) => {
      const user = asked.query.get("user")?.toLowerCase();
      const isKnown = ({ wallet, blockMs }: SettledAct) => wallet === user && blockMs + faults.lagMs() <= nowMs();
      return positions(options, asked, positionsOf(ofUser(asked.query), options.acts().filter(isKnown)));
    },
  };
  const unlessRefused =
    (handle: (asked: Asked) => Answer) =>
    (asked: Asked): Answer => {
      const status = faults.refusal();
      return status === null ? handle(asked) : refused(status, "a fault was asked for");
    };
  return Object.fromEntries(Object.entries(routes).map(([path, handle]) => [path, unlessRefused(handle)]));
}

/** Newest first, within `start` and `end` in seconds, both inclusive. */
function page(
  { faults }: DataRoutesOptions,
  fills: readonly SettledFill[],
  query: URLSearchParams,
  limitMax: number,
  toRow: (fill: SettledFill) => Record<string, unknown>,
): Answer {
  const number = (name: string, otherwise: number) => Number(query.get(name) ?? otherwise);
  const [start, end] = [number("start", 0) * 1_000, number("end", Number.MAX_SAFE_INTEGER / 1_000) * 1_000];
  const offset = number("offset", 0);
  if (offset > OFFSET_MAX) return refused(400, `max historical activity offset of ${OFFSET_MAX} exceeded`);
  const limit = Math.min(number("limit", 100), limitMax);
  const inside = fills.filter(
    (fill) =>
      fill.blockMs >= start && fill.blockMs <= end && (query.get("side") === null || query.get("side") === fill.side),
  );
  return ok(faults.page(inside, offset, limit).map(toRow));
}

function positions({ markets, feed, payoutOf }: DataRoutesOptions, { query }: Asked, held: readonly FillPosition[]) {
  if (!query.has("user")) return refused(400, "required query param 'user' not provided");
  const threshold = Number(query.get("sizeThreshold") ?? 1);
  const offset = Number(query.get("offset") ?? 0);
  const limit = Math.min(Number(query.get("limit") ?? 100), 500);
  const rows = held.filter((position) => jsonDecimal(Number(position.sharesMicro)) >= threshold);
  return ok(
    rows.slice(offset, offset + limit).map((position) => {
      const market = markets.get(position.conditionId);
      const books = feed.booksOf(position.tokenId);
      const isYes = position.tokenId === market?.tokenIds[0];
      const payout = payoutOf(position.conditionId);
      const last = payout ?? (books === null ? null : quotesOf(books).lastTradeMicro);
      const price = last === null || isYes ? (last ?? HALF) : complementPrice(last);
      const value = notional(price, position.sharesMicro, "floor");
      return {
        proxyWallet: position.wallet,
        asset: position.tokenId,
        conditionId: position.conditionId,
        size: jsonDecimal(Number(position.sharesMicro)),
        avgPrice: jsonDecimal(averagePrice(position.costMicro, position.sharesMicro)),
        initialValue: jsonDecimal(Number(position.costMicro)),
        currentValue: jsonDecimal(Number(value)),
        cashPnl: jsonDecimal(Number(subtract(value, position.costMicro))),
        totalBought: jsonDecimal(Number(position.boughtMicro)),
        curPrice: jsonDecimal(price),
        redeemable: payout !== null,
        mergeable: false,
        ...titles(markets, position),
        oppositeAsset: market?.tokenIds[isYes ? 1 : 0] ?? "",
        oppositeOutcome: market?.outcomes[isYes ? 1 : 0] ?? "",
        endDate: "",
        negativeRisk: market?.negRisk ?? false,
      };
    }),
  );
}
