/** Small traders: they take what looks cheap (or whatever chance picks), which is how resting orders of others fill. */
import { floorToStep, minAmount, otherSide, type PriceMicro, type Side } from "@slipstream/contracts/money";
import type { Outcome } from "../venue/engine.ts";
import type { VenueMarket } from "../venue/market.ts";
import type { Random } from "./random.ts";
import { type Trader, wholeShares } from "./trader.ts";
import type { MarketWeather } from "./weather.ts";

export type Noise = { act(): void };

type Chance = {
  readonly market: VenueMarket;
  readonly outcome: Outcome;
  readonly side: Side;
  readonly priceMicro: PriceMicro;
  /** What a share costs beyond the fair price; negative is a bargain. */
  readonly overMicro: number;
};

/** Nobody pays more than this above the fair price: a side that its makers have left stays alone. */
const OVER_MICRO_MAX = 40_000;
const BARGAIN_CHANCE = 0.6;
const BIG_CHANCE = 0.45;
const SMALL = { min: 5, max: 25 };
const BIG = { min: 40, max: 160 };

export function createNoise(options: {
  readonly trader: Trader;
  readonly weathers: readonly MarketWeather[];
  readonly random: Random;
  /** Of acting in one tick. */
  readonly chance: number;
}): Noise {
  const { trader, weathers, random, chance } = options;
  return {
    act: () => {
      if (!random.chance(chance)) return;
      const chances = weathers.flatMap((weather) => chancesIn(trader, weather));
      const cheapest = chances.toSorted((a, b) => a.overMicro - b.overMicro)[0];
      const picked = random.chance(BARGAIN_CHANCE) ? cheapest : random.pick(chances);
      const range = random.chance(BIG_CHANCE) ? BIG : SMALL;
      const wantedMicro = wholeShares(random.integer(range.min, range.max));
      if (picked === undefined) return;
      const { market, outcome, side, priceMicro } = picked;
      const sizeMicro =
        side === "BUY" ? wantedMicro : minAmount(wantedMicro, floorToStep(trader.free(market, outcome)));
      trader.place({ market, outcome, side, priceMicro, sizeMicro, timeInForce: "FAK" });
    },
  };
}

function chancesIn(trader: Trader, { market, fairMicro }: MarketWeather): Chance[] {
  return ([0, 1] as const).flatMap((outcome) => {
    const fair = outcome === 0 ? fairMicro : 1_000_000 - fairMicro;
    return (["BUY", "SELL"] as const).flatMap((side) => {
      const priceMicro = trader.best(market, outcome, otherSide(side));
      if (priceMicro === null) return [];
      const overMicro = side === "BUY" ? priceMicro - fair : fair - priceMicro;
      return overMicro > OVER_MICRO_MAX ? [] : [{ market, outcome, side, priceMicro, overMicro }];
    });
  });
}
