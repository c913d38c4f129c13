/**
 * Gamma market objects with the venue's oddities: arrays inside strings, ids in several spellings, numbers as numbers.
 * @see docs/venue.md, Gamma
 */
import type { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { FeeSchedule, PriceMicro } from "@slipstream/contracts/money";

/** A market as its registry entry describes it. Amounts in 1e-6 units. */
export type MarketSheet = {
  /** Gamma's own id of the market, and of the event it belongs to. */
  readonly id: string;
  readonly eventId: string;
  readonly eventTitle: string;
  readonly conditionId: ConditionId;
  readonly questionId: Hash | null;
  readonly question: string;
  readonly slug: string;
  readonly eventSlug: string;
  /** Same order as `tokenIds`. */
  readonly outcomes: readonly [string, string];
  readonly tokenIds: readonly [TokenId, TokenId];
  readonly tickMicro: number;
  readonly minOrderSizeMicro: number;
  readonly negRisk: boolean;
  readonly negRiskMarketId: Hash | null;
  readonly fee: FeeSchedule;
  readonly takerDelayMs: number;
  /** When the entry was made. */
  readonly createdMs: number;
};

/** What changes while a market trades; null: unknown. */
export type MarketQuotes = {
  readonly bestBidMicro: PriceMicro | null;
  readonly bestAskMicro: PriceMicro | null;
  readonly lastTradeMicro: PriceMicro | null;
};

/** Where a market stands in its life. */
export type MarketLife = {
  /** When trading is to end; null: the entry does not say. */
  readonly endMs: number | null;
  /** When trading ended; null: it goes on. */
  readonly closedMs: number | null;
  /** Gamma shows it as closed. */
  readonly isClosed: boolean;
  /** Price of outcome 0 after the resolution, 1e-6; null: not resolved. */
  readonly payoutMicro: number | null;
};
const TRADED: MarketLife = { endMs: null, closedMs: null, isClosed: false, payoutMicro: null };

const MAKER_REBATE = 0.2;
/** Left over from the first exchange; the effective rate is in `feeSchedule`. */
const LEGACY_BASE_FEE = 1_000;

/** A JSON number of a 1e-6 amount: its shortest text is the exact decimal. */
export const jsonDecimal = (micro: number): number => micro / 1e6;

/** Returns the object as `/markets` lists it. */
export function gammaMarket(
  sheet: MarketSheet,
  quotes: MarketQuotes,
  life: MarketLife = TRADED,
): Record<string, unknown> {
  const created = isoOf(sheet.createdMs);
  const price = (life.isClosed ? life.payoutMicro : null) ?? quotes.lastTradeMicro ?? 500_000;
  const charged = sheet.fee.rateMicro > 0;
  return {
    id: sheet.id,
    question: sheet.question,
    conditionId: sheet.conditionId,
    questionID: sheet.questionId ?? "",
    slug: sheet.slug,
    version: "v1",
    outcomes: JSON.stringify(sheet.outcomes),
    outcomePrices: JSON.stringify([String(jsonDecimal(price)), String(jsonDecimal(1_000_000 - price))]),
    clobTokenIds: JSON.stringify(sheet.tokenIds),
    active: true,
    closed: life.isClosed,
    archived: false,
    enableOrderBook: true,
    acceptingOrders: life.closedMs === null,
    acceptingOrdersTimestamp: created,
    createdAt: created,
    updatedAt: isoOf(life.closedMs ?? sheet.createdMs),
    startDate: created,
    ...(life.endMs === null ? {} : { endDate: isoOf(life.endMs), endDateIso: isoOf(life.endMs).slice(0, 10) }),
    ...(life.isClosed && life.closedMs !== null ? { closedTime: closedTime(life.closedMs) } : {}),
    negRisk: sheet.negRisk,
    ...(sheet.negRiskMarketId === null ? {} : { negRiskMarketID: sheet.negRiskMarketId }),
    orderPriceMinTickSize: jsonDecimal(sheet.tickMicro),
    orderMinSize: jsonDecimal(sheet.minOrderSizeMicro),
    feesEnabled: charged,
    ...(charged ? { feeType: "sandbox_fees", feeSchedule: feeSchedule(sheet.fee) } : {}),
    makerBaseFee: LEGACY_BASE_FEE,
    takerBaseFee: LEGACY_BASE_FEE,
    ...(sheet.takerDelayMs > 0 ? { secondsDelay: sheet.takerDelayMs / 1_000 } : {}),
    ...(life.isClosed && life.payoutMicro !== null ? { umaResolutionStatus: "resolved" } : {}),
    umaResolutionStatuses: life.isClosed && life.payoutMicro !== null ? JSON.stringify(["proposed"]) : "[]",
    ...(quotes.bestBidMicro === null ? {} : { bestBid: jsonDecimal(quotes.bestBidMicro) }),
    ...(quotes.bestAskMicro === null ? {} : { bestAsk: jsonDecimal(quotes.bestAskMicro) }),
    ...(quotes.lastTradeMicro === null ? {} : { lastTradePrice: jsonDecimal(quotes.lastTradeMicro) }),
    events: [{ id: sheet.eventId, slug: sheet.eventSlug, title: sheet.eventTitle, negRisk: sheet.negRisk }],
  };
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
/** As the venue writes it: "2026-03-19 23:20:15+00". */
const closedTime = (ms: number): string => `${isoOf(ms).slice(0, 19).replace("T", " ")}+00`;

const feeSchedule = (fee: FeeSchedule) => ({
  rate: jsonDecimal(fee.rateMicro),
  exponent: fee.exponent,
  takerOnly: fee.takerOnly,
  rebateRate: MAKER_REBATE,
});
