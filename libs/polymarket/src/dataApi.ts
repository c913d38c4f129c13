/**
 * The Data API: what wallets did, as the venue's index tells it. Eventually consistent, without log index or role; two
 * equal rows of one transaction are two fills.
 * @see docs/venue.md, Data API
 */
import { ContractError } from "@slipstream/contracts/errors";
import { type Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import { z } from "zod";
import { microDecimal } from "./decimal.ts";
import type { HttpReader, Query } from "./http.ts";
import { readTradeRow, seconds, type TradeRow } from "./tradeRow.ts";

/** Holdings carry JSON numbers that went through a double: they are rounded to the micro. */
const micro = z.union([z.number(), z.string()]).transform((value, context) => {
  const decimal = microDecimal(value);
  if (decimal !== null) return Number(decimal.micro);
  context.addIssue(`no amount: ${value}`);
  return z.NEVER;
});
const lowerAddress = z.string().transform((text) => text.toLowerCase() as Address);

export const PositionRow = z.object({
  proxyWallet: lowerAddress,
  asset: TokenId,
  conditionId: ConditionId,
  size: micro,
});
export type PositionRow = z.infer<typeof PositionRow>;

/** Of every row that is listed, fill or not: where a page ends is told by all of them. */
const RowHead = z.object({ type: z.string().nullish(), timestamp: seconds });

/** Where fills of a wallet are listed: `activity` also tells the USDC, `trades` does not. */
const fillFeeds = ["activity", "trades"] as const;
export type FillFeed = (typeof fillFeeds)[number];
/** Rows of a page at most, for both feeds: documents of different dates name different larger limits for `trades`. */
export const FILLS_PAGE_MAX = 500;

/** Both ends belong to it. */
export type FillWindow = { readonly startSeconds: number; readonly endSeconds: number; readonly limit: number };

export type FillPage = {
  /** Rows that were listed, readable or not. */
  readonly listed: number;
  /** Unix seconds of every row that was listed, fills and others, as far as it has a time. */
  readonly listedSeconds: readonly number[];
  /** As listed: newest first is promised, not relied on. */
  readonly fills: readonly TradeRow[];
  /** Why rows that say they are fills, of this wallet, could not be read. */
  readonly unreadable: readonly string[];
};

export type PositionsAnswer = {
  readonly rows: readonly PositionRow[];
  /** Why rows could not be read; the tokens they speak of may be held all the same. */
  readonly unreadable: readonly string[];
};

export type DataApi = {
  /**
   * Fills of a wallet within a window, the newest `limit` rows of it; maker fills too, which the venue leaves out unless
   * asked.
   * @throws ContractError VENUE_UNREADABLE when the answer is no list.
   */
  readonly fills: (user: Address, feed: FillFeed, window: FillWindow) => Promise<FillPage>;
  /** Every holding, dust included, that can be read. */
  readonly positions: (user: Address) => Promise<PositionsAnswer>;
};

const POSITIONS_PAGE = 500;
const POSITIONS_MAX = 10_000;

/** @param http - reads with `parseExactJson`, or large amounts lose digits. */
export function createDataApi(http: HttpReader): DataApi {
  return {
    fills: async (user, feed, { startSeconds, endSeconds, limit }) => {
      const query: Query = [
        ["user", user],
        feed === "activity" ? ["type", "TRADE"] : ["takerOnly", "false"],
        ["limit", String(limit)],
        ["start", String(startSeconds)],
        ["end", String(endSeconds)],
      ];
      return fillPage(user, feed, listOf(`/${feed}`, await http.get(`/${feed}`, query)));
    },
    positions: async (user) => {
      const found: PositionRow[] = [];
      const unreadable: string[] = [];
      for (let offset = 0; offset <= POSITIONS_MAX; offset += POSITIONS_PAGE) {
        const query: Query = [
          ["user", user],
          ["sizeThreshold", "0"],
          ["limit", String(POSITIONS_PAGE)],
          ["offset", String(offset)],
        ];
        const page = listOf("/positions", await http.get("/positions", query));
        for (const value of page) {
          const row = PositionRow.safeParse(value);
          if (row.success) found.push(row.data);
          else unreadable.push(whyUnreadable(row.error));
        }
        if (page.length < POSITIONS_PAGE) break;
      }
      return { rows: found, unreadable };
    },
  };
}

function fillPage(user: Address, feed: FillFeed, list: readonly unknown[]): FillPage {
  const listedSeconds: number[] = [];
  const fills: TradeRow[] = [];
  const unreadable: string[] = [];
  for (const value of list) {
    const head = RowHead.safeParse(value);
    if (!head.success) {
      unreadable.push(whyUnreadable(head.error));
      continue;
    }
    listedSeconds.push(head.data.timestamp);
    // `trades` lists nothing else and has no type; `activity` also has rewards, redemptions and the like.
    if ((head.data.type ?? (feed === "trades" ? "TRADE" : "")) !== "TRADE") continue;
    const row = readTradeRow(value);
    if ("unreadable" in row) unreadable.push(row.unreadable);
    else if (row.wallet === user) fills.push(row);
  }
  return { listed: list.length, listedSeconds, fills, unreadable };
}

const whyUnreadable = (error: z.ZodError): string => z.prettifyError(error).slice(0, 300);

function listOf(path: string, answer: unknown): unknown[] {
  if (Array.isArray(answer)) return answer as unknown[];
  if (answer === null) return [];
  throw new ContractError("VENUE_UNREADABLE", `${path} answered no list`);
}
