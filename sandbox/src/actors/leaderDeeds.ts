/** What a leader does besides trading, now and then: splits, merges pairs, converts NO tokens, sends tokens away. */
import type { Address } from "@slipstream/contracts/ids";
import { floorToStep, minAmount, type SharesMicro, scale } from "@slipstream/contracts/money";
import type { Deed } from "../venue/deeds.ts";
import type { VenueMarket } from "../venue/market.ts";
import type { Random } from "./random.ts";
import { type Trader, wholeShares } from "./trader.ts";

/** Less of a token is left alone. */
const LEAST = wholeShares(5);
const SPLIT = { min: 20, max: 120 };

/**
 * Returns what the leader does now, or null: usually he does nothing.
 * @param peers - where tokens may be sent.
 */
export function leaderDeed(options: {
  readonly trader: Trader;
  readonly random: Random;
  /** In each tick. */
  readonly chance: number;
  readonly peers: readonly Address[];
}): Deed | null {
  const { trader, random, chance, peers } = options;
  if (!random.chance(chance)) return null;
  const possible = [
    splitOf(trader, random),
    mergeOf(trader, random),
    convertOf(trader, random),
    transferOf(trader, random, peers),
  ].filter((deed) => deed !== null);
  return random.pick(possible) ?? null;
}

/** Three tenths to all of it. */
const partOf = (amount: SharesMicro, random: Random): SharesMicro =>
  floorToStep(scale(amount, { numerator: BigInt(random.integer(3, 10)), denominator: 10n }, "floor"));

function splitOf(trader: Trader, random: Random): Deed | null {
  const market = random.pick(trader.markets);
  const sharesMicro = wholeShares(random.integer(SPLIT.min, SPLIT.max));
  if (market === undefined || trader.freeUsdc() < sharesMicro) return null;
  return { kind: "split", wallet: trader.address, market, sharesMicro };
}

function mergeOf(trader: Trader, random: Random): Deed | null {
  const pairs = trader.markets
    .map((market) => ({ market, amount: minAmount(trader.free(market, 0), trader.free(market, 1)) }))
    .filter(({ amount }) => amount >= LEAST);
  const pair = random.pick(pairs);
  if (pair === undefined) return null;
  return { kind: "merge", wallet: trader.address, market: pair.market, sharesMicro: partOf(pair.amount, random) };
}

function convertOf(trader: Trader, random: Random): Deed | null {
  const held = trader.markets.filter(
    (market) => questionsOf(trader, market).length > 1 && trader.free(market, 1) >= LEAST,
  );
  const first = random.pick(held);
  if (first === undefined) return null;
  const questions = questionsOf(trader, first);
  const more = questions.filter((market) => market !== first && held.includes(market) && random.chance(0.5));
  const given = [first, ...more];
  const others = questions.filter((market) => !given.includes(market));
  const least = given.map((market) => trader.free(market, 1)).reduce((a, b) => minAmount(a, b));
  return { kind: "convert", wallet: trader.address, given, others, sharesMicro: partOf(least, random) };
}

const questionsOf = (trader: Trader, { negRiskMarketId }: VenueMarket): VenueMarket[] =>
  negRiskMarketId === null ? [] : trader.markets.filter((market) => market.negRiskMarketId === negRiskMarketId);

function transferOf(trader: Trader, random: Random, peers: readonly Address[]): Deed | null {
  const held = trader.markets.flatMap((market) =>
    ([0, 1] as const)
      .filter((outcome) => trader.free(market, outcome) >= LEAST)
      .map((outcome) => ({ market, outcome })),
  );
  const [one, to] = [random.pick(held), random.pick(peers)];
  if (one === undefined || to === undefined) return null;
  const sharesMicro = partOf(trader.free(one.market, one.outcome), random);
  return { kind: "transfer", wallet: trader.address, to, ...one, sharesMicro };
}
