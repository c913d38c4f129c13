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

const MAKER_REBATE = 0.2;
/** Left over from the first exchange; the effective rate is in `feeSchedule`. */
const LEGACY_BASE_FEE = 1_000;

/** A JSON number of a 1e-6 amount: its shortest text is the exact decimal. */
export const jsonDecimal = (micro: number): number => micro / 1e6;

/** Returns the object as `/markets` lists it. */
export function gammaMarket(sheet: MarketSheet, quotes: MarketQuotes): Record<string, unknown> {
  const created = new Date(sheet.createdMs).toISOString();
  const last = quotes.lastTradeMicro ?? 500_000;
  const charged = sheet.fee.rateMicro > 0;
  return {
    id: sheet.id,
    question: sheet.question,
    conditionId: sheet.conditionId,
    questionID: sheet.questionId ?? "",
    slug: sheet.slug,
    version: "v1",
    outcomes: JSON.stringify(sheet.outcomes),
    outcomePrices: JSON.stringify([String(jsonDecimal(last)), String(jsonDecimal(1_000_000 - last))]),
    clobTokenIds: JSON.stringify(sheet.tokenIds),
    active: true,
    closed: false,
    archived: false,
    enableOrderBook: true,
    acceptingOrders: true,
    acceptingOrdersTimestamp: created,
    createdAt: created,
    updatedAt: created,
    negRisk: sheet.negRisk,
    ...(sheet.negRiskMarketId === null ? {} : { negRiskMarketID: sheet.negRiskMarketId }),
    orderPriceMinTickSize: jsonDecimal(sheet.tickMicro),
    orderMinSize: jsonDecimal(sheet.minOrderSizeMicro),
    feesEnabled: charged,
    ...(charged ? { feeType: "sandbox_fees", feeSchedule: feeSchedule(sheet.fee) } : {}),
    makerBaseFee: LEGACY_BASE_FEE,
    takerBaseFee: LEGACY_BASE_FEE,
    ...(sheet.takerDelayMs > 0 ? { secondsDelay: sheet.takerDelayMs / 1_000 } : {}),
    umaResolutionStatuses: "[]",
    ...(quotes.bestBidMicro === null ? {} : { bestBid: jsonDecimal(quotes.bestBidMicro) }),
    ...(quotes.bestAskMicro === null ? {} : { bestAsk: jsonDecimal(quotes.bestAskMicro) }),
    ...(quotes.lastTradeMicro === null ? {} : { lastTradePrice: jsonDecimal(quotes.lastTradeMicro) }),
    events: [{ id: sheet.eventId, slug: sheet.eventSlug, title: sheet.eventTitle, negRisk: sheet.negRisk }],
  };
}

const feeSchedule = (fee: FeeSchedule) => ({
  rate: jsonDecimal(fee.rateMicro),
  exponent: fee.exponent,
  takerOnly: fee.takerOnly,
  rebateRate: MAKER_REBATE,
});
