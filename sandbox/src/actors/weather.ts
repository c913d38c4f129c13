/**
 * What moves the market makers: a fair price per market that wanders slowly, and a mood per side. After a leader's sweep
 * makers thin out or leave the side he traded for some seconds, as real ones do: whoever copies him then fills partly,
 * or waits in vain.
 */
import { otherSide, type PriceMicro, type Side } from "@slipstream/contracts/money";
import { inYesTerms } from "../venue/engine.ts";
import type { VenueMarket, VenueTrade } from "../venue/market.ts";
import type { Random } from "./random.ts";

export type Mood =
  | { readonly kind: "calm" }
  /** A few shares at the price last traded, the rest far away. */
  | {
      readonly kind: "thin";
      readonly priceMicro: PriceMicro;
      readonly shares: number;
      readonly untilTick: number;
      /** The few shares have been offered: they are not renewed. */
      served: boolean;
    }
  | { readonly kind: "gone"; readonly untilTick: number };

export type MarketWeather = {
  readonly market: VenueMarket;
  /** YES, on tick. */
  fairMicro: PriceMicro;
  /** Of the YES bids (BUY) and the YES asks (SELL). */
  readonly moods: Record<Side, Mood>;
};

const FAIR_MIN = 200_000;
const FAIR_MAX = 800_000;
const CALM: Mood = { kind: "calm" };
/** Some 4 cents an hour either way: a story, not a gale. */
const MOVE_CHANCE = 0.06;
/** Sweeps of fewer shares leave the makers calm. */
const SWEEP_SHARES_MIN = 60_000_000n;
const CALM_CHANCE = 0.35;
/** Thin rather than gone: a copier trades a part and waits, instead of finding nobody within his limit. */
const THIN_CHANCE = 0.75;
/** 7 to 9 s: longer than a copy takes to arrive and to expire after 5 s. */
const SHY_TICKS = { min: 28, max: 36 };

export const createWeather = (market: VenueMarket, random: Random): MarketWeather => {
  const steps = random.integer(300_000 / market.tickMicro, 700_000 / market.tickMicro);
  return { market, fairMicro: (steps * market.tickMicro) as PriceMicro, moods: { BUY: CALM, SELL: CALM } };
};

/** One tick of 250 ms: the fair price may move by a tick or a few, moods end. */
export function blow(weather: MarketWeather, random: Random, tick: number): void {
  const { tickMicro } = weather.market;
  if (random.chance(MOVE_CHANCE)) {
    const steps = tickMicro < 10_000 ? random.integer(1, 4) : 1;
    // Pulled towards one half, so that it neither sticks to an end nor runs away.
    const up = random.next() > 0.5 + (weather.fairMicro - 500_000) / 2_000_000;
    const moved = weather.fairMicro + (up ? steps : -steps) * tickMicro;
    weather.fairMicro = Math.min(FAIR_MAX, Math.max(FAIR_MIN, moved)) as PriceMicro;
  }
  for (const side of ["BUY", "SELL"] as const) {
    const mood = weather.moods[side];
    if (mood.kind !== "calm" && mood.untilTick <= tick) weather.moods[side] = CALM;
  }
}

/** A leader has taken: the side he took from may become thin or empty. */
export function startle(weather: MarketWeather, trade: VenueTrade, random: Random, tick: number): void {
  const { active } = trade.match;
  if (active.sharesMicro < SWEEP_SHARES_MIN || random.chance(CALM_CHANCE)) return;
  const swept = inYesTerms({ outcome: trade.activeOutcome, side: active.side, priceMicro: trade.printMicro });
  const untilTick = tick + random.integer(SHY_TICKS.min, SHY_TICKS.max);
  weather.moods[otherSide(swept.side)] = random.chance(THIN_CHANCE)
    ? { kind: "thin", priceMicro: swept.priceMicro, shares: random.integer(5, 8), untilTick, served: false }
    : { kind: "gone", untilTick };
}
