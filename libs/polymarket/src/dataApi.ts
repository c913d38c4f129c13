/**
 * The Data API: what wallets did, as the venue's index tells it. Eventually consistent, without log index or role; two
 * equal rows of one transaction are two fills.
 * @see docs/venue.md, Data API
 */
import { ContractError } from "@slipstream/contracts/errors";
import { type Address, ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { MICRO_NUMBER, type Side } from "@slipstream/contracts/money";
import { z } from "zod";
import type { HttpReader, Query } from "./http.ts";

/** Rows carry JSON numbers that went through a double: sizes are rounded to the micro, prices (averages) likewise. */
const micro = z
  .number()
  .nonnegative()
  .transform((value) => Math.round(value * MICRO_NUMBER));
const lowerAddress = z.string().transform((text) => text.toLowerCase() as Address);

export const TradeRow = z.object({
  proxyWallet: lowerAddress,
  side: z.enum(["BUY", "SELL"]) satisfies z.ZodType<Side>,
  asset: TokenId,
  conditionId: ConditionId,
  size: micro,
  price: micro,
  /** Unix seconds. */
  timestamp: z.int().nonnegative(),
  transactionHash: Hash,
});
/** Sizes and prices are integers in 1e-6. */
export type TradeRow = z.infer<typeof TradeRow>;

export const PositionRow = z.object({
  proxyWallet: lowerAddress,
  asset: TokenId,
  conditionId: ConditionId,
  size: micro,
});
export type PositionRow = z.infer<typeof PositionRow>;

const ActivityHead = z.object({ type: z.string() });

export type DataApi = {
  /** Fills of a wallet, newest first: maker fills too, which the venue leaves out unless asked. */
  readonly trades: (
    user: Address,
    options?: { startSeconds?: number; endSeconds?: number; limit?: number },
  ) => Promise<TradeRow[]>;
  /** Only TRADE rows of /activity are fills; the others are rewards, redemptions and the like. */
  readonly activityTrades: (user: Address, options?: { startSeconds?: number; limit?: number }) => Promise<TradeRow[]>;
  /** Every holding, dust included. */
  readonly positions: (user: Address) => Promise<PositionRow[]>;
};

const TRADES_MAX = 500;
const POSITIONS_PAGE = 500;
const POSITIONS_MAX = 10_000;

export function createDataApi(http: HttpReader): DataApi {
  const window = (options: { startSeconds?: number; endSeconds?: number; limit?: number }): Query => [
    ["limit", String(options.limit ?? TRADES_MAX)],
    ...(options.startSeconds === undefined ? [] : [["start", String(options.startSeconds)] as const]),
    ...(options.endSeconds === undefined ? [] : [["end", String(options.endSeconds)] as const]),
  ];
  return {
    trades: async (user, options = {}) =>
      rows(
        "/trades",
        TradeRow,
        await http.get("/trades", [["user", user], ["takerOnly", "false"], ...window(options)]),
      ),
    activityTrades: async (user, options = {}) => {
      const query: Query = [["user", user], ["type", "TRADE"], ...window(options)];
      const list = listOf("/activity", await http.get("/activity", query));
      const trades = list.filter((row) => ActivityHead.safeParse(row).data?.type === "TRADE");
      return rows("/activity", TradeRow, trades);
    },
    positions: async (user) => {
      const found: PositionRow[] = [];
      for (let offset = 0; offset <= POSITIONS_MAX; offset += POSITIONS_PAGE) {
        const query: Query = [
          ["user", user],
          ["sizeThreshold", "0"],
          ["limit", String(POSITIONS_PAGE)],
          ["offset", String(offset)],
        ];
        const page = rows("/positions", PositionRow, await http.get("/positions", query));
        found.push(...page);
        if (page.length < POSITIONS_PAGE) break;
      }
      return found;
    },
  };
}

function rows<S extends z.ZodType>(path: string, schema: S, answer: unknown): z.infer<S>[] {
  const parsed = z.array(schema).safeParse(listOf(path, answer));
  if (parsed.success) return parsed.data;
  throw new ContractError(
    "VENUE_UNREADABLE",
    `${path} answered what cannot be read: ${z.prettifyError(parsed.error).slice(0, 300)}`,
  );
}

function listOf(path: string, answer: unknown): unknown[] {
  if (Array.isArray(answer)) return answer as unknown[];
  if (answer === null) return [];
  throw new ContractError("VENUE_UNREADABLE", `${path} answered no list`);
}
