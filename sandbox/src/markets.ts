/** The markets of the sandbox world: all ticks, fees and kinds that a copier meets every day. */
import { type FeeSchedule, parsePrice } from "@slipstream/contracts/money";
import type { ChainMarket, ChainMarketSpec } from "./chain/types.ts";
import type { VenueMarket } from "./venue/market.ts";

export type WorldMarket = {
  readonly chain: ChainMarketSpec;
  readonly question: string;
  readonly eventTitle: string;
  readonly outcomes: readonly [string, string];
  readonly tickMicro: number;
  /** 1e-6: 0.07 is 70_000; 0 takes no fee. */
  readonly feeRateMicro: number;
};

export const worldMarkets: readonly WorldMarket[] = [
  {
    chain: { slug: "rain-in-lisbon", negRisk: false },
    question: "Will it rain in Lisbon tomorrow?",
    eventTitle: "Weather in Lisbon",
    outcomes: ["Yes", "No"],
    tickMicro: parsePrice("0.01"),
    feeRateMicro: 50_000,
  },
  {
    chain: { slug: "north-beats-south", negRisk: false },
    question: "North vs. South",
    eventTitle: "North vs. South",
    outcomes: ["North", "South"],
    tickMicro: parsePrice("0.01"),
    feeRateMicro: 0,
  },
  {
    chain: { slug: "coin-up-or-down", negRisk: false },
    question: "Coin up or down this week?",
    eventTitle: "Coin this week",
    outcomes: ["Up", "Down"],
    tickMicro: parsePrice("0.001"),
    feeRateMicro: 70_000,
  },
  {
    chain: { slug: "mayor-green", negRisk: true, eventSlug: "next-mayor", questionIndex: 0 },
    question: "Will Green be the next mayor?",
    eventTitle: "Next mayor",
    outcomes: ["Yes", "No"],
    tickMicro: parsePrice("0.01"),
    feeRateMicro: 0,
  },
  {
    chain: { slug: "mayor-blue", negRisk: true, eventSlug: "next-mayor", questionIndex: 1 },
    question: "Will Blue be the next mayor?",
    eventTitle: "Next mayor",
    outcomes: ["Yes", "No"],
    tickMicro: parsePrice("0.01"),
    feeRateMicro: 0,
  },
];

const MIN_ORDER_MICRO = 5_000_000;
const MARKET_ID_FIRST = 900_001;
const EVENT_ID_FIRST = 501;

/** Questions of one event share its id. */
function firstOfEvent({ chain }: WorldMarket, index: number): number {
  if (!chain.negRisk) return index;
  return worldMarkets.findIndex((other) => other.chain.negRisk && other.chain.eventSlug === chain.eventSlug);
}

/** The venue's description of a market that the chain has. */
export function venueMarket(market: WorldMarket, chain: ChainMarket, index: number, createdMs: number): VenueMarket {
  const fee: FeeSchedule = { rateMicro: market.feeRateMicro, exponent: 1, takerOnly: true };
  return {
    id: String(MARKET_ID_FIRST + index),
    eventId: String(EVENT_ID_FIRST + firstOfEvent(market, index)),
    eventTitle: market.eventTitle,
    conditionId: chain.conditionId,
    questionId: chain.questionId,
    question: market.question,
    slug: chain.slug,
    eventSlug: market.chain.negRisk ? market.chain.eventSlug : chain.slug,
    outcomes: market.outcomes,
    tokenIds: chain.tokenIds,
    tickMicro: market.tickMicro,
    minOrderSizeMicro: MIN_ORDER_MICRO,
    negRisk: chain.negRisk,
    negRiskMarketId: chain.negRiskMarketId,
    fee,
    takerDelayMs: 0,
    createdMs,
  };
}
