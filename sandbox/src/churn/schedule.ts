/**
 * Which markets end when and how, as it follows from the seed: ends count from 0 over all runs of a world, so a world
 * that goes on does not begin again. Pure.
 */
import { InvariantError } from "@slipstream/contracts/errors";
import type { Pace } from "../actors/cast.ts";
import { createRandom, type Random } from "../actors/random.ts";

/** Numerators of outcome 0 and 1; the denominator is their sum. */
export type Payouts = readonly [number, number];
/** Who says first that a market is resolved. */
export type TellingOrder = "gammaFirst" | "chainFirst";

/** What happens to a market after its trading has stopped, in ticks from there. */
export type Telling = {
  readonly order: TellingOrder;
  /** `market_resolved` and the CLOB's own word; null: it goes unannounced. */
  readonly saidTicks: number | null;
  readonly gammaTicks: number;
  readonly chainTicks: number;
};

export type MarketEnd = {
  readonly n: number;
  /** Place in the list of groups. */
  readonly group: number;
  /** From the end before it; the first one of a run: from its start. */
  readonly afterTicks: number;
  /** One vector per market of the group. */
  readonly payouts: readonly Payouts[];
  readonly telling: Telling;
};

/** A group of markets that end together: a market alone, or all questions of one neg-risk event. */
export type Group = { readonly negRisk: boolean; readonly questions: number };

/** Ticks of 250 ms between two ends: the first comes within a minute's run, with time to be paid. */
const EVERY_TICKS: Record<Pace, { readonly min: number; readonly max: number }> = {
  slow: { min: 240, max: 480 },
  normal: { min: 80, max: 160 },
  fast: { min: 40, max: 80 },
};
const FIRST_SHARE = 0.75;

/** Of a market alone; the rest is paid as `UNEVEN` says. */
const WHOLE_CHANCE = 0.84;
const HALVES_CHANCE = 0.1;
const UNEVEN: readonly Payouts[] = [
  [1, 2],
  [2, 1],
  [3, 7],
  [9, 1],
];
/** That an event ends with none of its questions true. */
const NONE_CHANCE = 0.25;
/** The venue's word was missing once in seven. */
const UNSAID_CHANCE = 1 / 7;
const FIRST_WORD = { min: 4, max: 12 };
const SECOND_WORD = { min: 4, max: 16 };
/** Gamma is sometimes late by many seconds. */
const LATE_CHANCE = 0.25;
const LATE = { min: 40, max: 100 };
/** Between the two, wherever they are. */
const SAID = { min: 2, max: 14 };

/** The end with this number. @throws InvariantError without groups. */
export function marketEnd(seed: string, n: number, groups: readonly Group[], pace: Pace): MarketEnd {
  const index = groupOf(seed, n, groups.length);
  const group = groups[index];
  if (group === undefined) throw new InvariantError("a world without markets has no ends");
  const random = createRandom(`${seed}|end ${n}`);
  const { min, max } = EVERY_TICKS[pace];
  const afterTicks = random.integer(min, max);
  const payouts = payoutsOf(group, random);
  // The first end of a world is what a short run sees: nothing about it is late or missing.
  return { n, group: index, afterTicks, payouts, telling: telling(random, n > 0) };
}

/** The first end of a run comes sooner. */
export const firstEndTicks = ({ afterTicks }: MarketEnd): number => Math.ceil(afterTicks * FIRST_SHARE);

/** Every group ends once in a round, in an order by chance, and none twice in a row. */
function groupOf(seed: string, n: number, groups: number): number {
  const round = Math.floor(n / groups);
  const order = orderOfRound(seed, round, groups);
  const last = round === 0 ? undefined : orderOfRound(seed, round - 1, groups)[groups - 1];
  if (groups > 2 && order[0] === last) [order[0], order[1]] = [order[1] ?? 0, order[0] ?? 0];
  return order[n % groups] ?? 0;
}

function orderOfRound(seed: string, round: number, groups: number): number[] {
  const random = createRandom(`${seed}|round ${round} of ends`);
  return Array.from({ length: groups }, (_, group) => ({ group, place: random.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ group }) => group);
}

/** How the markets of a group are paid: at most one question of an event is true. */
export function payoutsOf({ negRisk, questions }: Group, random: Random): Payouts[] {
  if (negRisk) {
    const winner = random.chance(NONE_CHANCE) ? -1 : random.integer(0, questions - 1);
    return Array.from({ length: questions }, (_, question): Payouts => (question === winner ? [1, 0] : [0, 1]));
  }
  const draw = random.next();
  const first = random.chance(0.5);
  if (draw < WHOLE_CHANCE) return [first ? [1, 0] : [0, 1]];
  if (draw < WHOLE_CHANCE + HALVES_CHANCE) return [[1, 1]];
  return [random.pick(UNEVEN) ?? [1, 2]];
}

function telling(random: Random, mayFail: boolean): Telling {
  const order: TellingOrder = random.chance(0.5) ? "gammaFirst" : "chainFirst";
  const first = random.integer(FIRST_WORD.min, FIRST_WORD.max);
  const second = first + random.integer(SECOND_WORD.min, SECOND_WORD.max);
  const late = random.chance(LATE_CHANCE) && mayFail ? random.integer(LATE.min, LATE.max) : 0;
  const [gamma, chain] = order === "gammaFirst" ? [first, second] : [second + late, first];
  const said = random.integer(SAID.min, SAID.max);
  const isSaid = !random.chance(UNSAID_CHANCE) || !mayFail;
  return { order, saidTicks: isSaid ? said : null, gammaTicks: gamma, chainTicks: chain };
}

/** What a wanted order of the words means at once: everything within some seconds, and always said. */
export const promptTelling = (order: TellingOrder): Telling => ({
  order,
  saidTicks: 2,
  gammaTicks: order === "gammaFirst" ? 2 : 12,
  chainTicks: order === "gammaFirst" ? 12 : 2,
});
