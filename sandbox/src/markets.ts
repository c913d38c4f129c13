/** The markets of the sandbox world: all ticks, fees and kinds that a copier meets every day. */
import { InvariantError } from "@slipstream/contracts/errors";
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

/** Markets that end together, by their places in the list above: a market alone, or all questions of one event. */
export const marketGroups: readonly (readonly number[])[] = worldMarkets.flatMap((market, index) => {
  const members = worldMarkets.flatMap((other, place) => (eventOf(other) === eventOf(market) ? [place] : []));
  return members[0] === index ? [members] : [];
});

function eventOf({ chain }: WorldMarket): string {
  return chain.negRisk ? chain.eventSlug : chain.slug;
}

/**
 * The market that stands at a place of the list after so many others have ended there; 0 is the one of the list.
 * @throws InvariantError for a place that the list does not have.
 */
export function successor(slot: number, generation: number): WorldMarket {
  const first = worldMarkets[slot];
  if (first === undefined) throw new InvariantError(`the sandbox has no market ${slot}`);
  if (generation === 0) return first;
  const number = generation + 1;
  const later = (slug: string): string => `${slug}-${number}`;
  const chain: ChainMarketSpec = first.chain.negRisk
    ? { ...first.chain, slug: later(first.chain.slug), eventSlug: later(first.chain.eventSlug) }
    : { ...first.chain, slug: later(first.chain.slug) };
  const named = (text: string): string => `${text} (${number})`;
  return { ...first, chain, question: named(first.question), eventTitle: named(first.eventTitle) };
}

const MIN_ORDER_MICRO = 5_000_000;
const MARKET_ID_FIRST = 900_001;
const EVENT_ID_FIRST = 501;

/** Questions of one event share its id. */
function firstOfEvent(market: WorldMarket, index: number, generation: number): number {
  const all = worldMarkets.map((_, slot) => eventOf(successor(slot, generation)));
  const first = all.indexOf(eventOf(market));
  return first === -1 ? index : first;
}

/**
 * The venue's description of a market that the chain has.
 * @param index - its place in the list of markets.
 * @param generation - how many stood there before it.
 */
export function venueMarket(
  market: WorldMarket,
  chain: ChainMarket,
  index: number,
  createdMs: number,
  generation = 0,
): VenueMarket {
  const fee: FeeSchedule = { rateMicro: market.feeRateMicro, exponent: 1, takerOnly: true };
  const before = generation * worldMarkets.length;
  return {
    id: String(MARKET_ID_FIRST + before + index),
    eventId: String(EVENT_ID_FIRST + before + firstOfEvent(market, index, generation)),
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
