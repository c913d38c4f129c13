/**
 * A leader: opens positions and leaves them again, as taker, as maker, or both. Sizes go from tiny (a copy of a tenth is
 * below the venue's minimum) to larger than the best levels hold.
 */
import { floorToStep, maxAmount, minAmount, priceMicro, type SharesMicro, scale } from "@slipstream/contracts/money";
import type { Outcome } from "../venue/engine.ts";
import type { VenueMarket } from "../venue/market.ts";
import type { Random } from "./random.ts";
import { type Trader, wholeShares } from "./trader.ts";

export type LeaderStyle = "taker" | "maker" | "both";
export type LeaderPace = { readonly everyTicks: { readonly min: number; readonly max: number } };
export type Leader = { act(tick: number): void };

type Target = { readonly market: VenueMarket; readonly outcome: Outcome };

/** Whole shares of an entry: tiny, middle, large. */
const SIZES = [
  { upTo: 0.3, min: 5, max: 40 },
  { upTo: 0.7, min: 60, max: 180 },
  { upTo: 1, min: 220, max: 600 },
] as const;
/** With so many positions a leader rather leaves one. */
const POSITIONS_MAX = 4;
const EXIT_CHANCE = 0.4;
/** A market's end is near. */
const ENDING_TICKS = 40;
const LEAVE_CHANCE = 0.3;
const TAKER_CHANCE_OF_BOTH = 0.5;
/** A spread wider than this is no market. */
const SPREAD_MICRO_MAX = 50_000;
/** How far a taker sweeps beyond the best price: four ticks, or 2 cents where ticks are fine. */
const SWEEP_TICKS = 4;
const SWEEP_MICRO_MIN = 20_000;
/** The first acts come within 2 s. */
const FIRST_TICKS = { min: 3, max: 7 };

export function createLeader(options: {
  readonly trader: Trader;
  readonly random: Random;
  readonly style: LeaderStyle;
  readonly pace: LeaderPace;
  /** Ticks until a market's trading ends; null: nobody knows. */
  readonly endsIn: (market: VenueMarket) => number | null;
}): Leader {
  const { trader, random, style, pace, endsIn } = options;
  let nextTick = random.integer(FIRST_TICKS.min, FIRST_TICKS.max);
  return {
    act: (tick) => {
      if (tick < nextTick) return;
      nextTick = tick + random.integer(pace.everyTicks.min, pace.everyTicks.max);
      for (const market of trader.markets) for (const order of trader.open(market)) trader.cancel(market, order.id);
      const held = positionsOf(trader);
      const ending = held.filter(({ market }) => (endsIn(market) ?? Number.POSITIVE_INFINITY) <= ENDING_TICKS);
      // Some leave before the end, some see it through.
      if (ending.length > 0 && random.chance(LEAVE_CHANCE)) return exit(trader, random, { held: ending, takes: true });
      const leaves = held.length >= POSITIONS_MAX || (held.length > 0 && random.chance(EXIT_CHANCE));
      const takes = style === "taker" || (style === "both" && random.chance(TAKER_CHANCE_OF_BOTH));
      if (leaves) exit(trader, random, { held, takes });
      else enter(trader, random, { takes });
    },
  };
}

/** Holdings large enough to be sold. */
const positionsOf = (trader: Trader): Target[] =>
  trader.markets.flatMap((market) =>
    ([0, 1] as const)
      .filter((outcome) => trader.free(market, outcome) >= market.minOrderSizeMicro)
      .map((outcome) => ({ market, outcome })),
  );

/** Both sides are there and near each other. */
function isTradable(trader: Trader, { market, outcome }: Target): boolean {
  const [bid, ask] = [trader.best(market, outcome, "BUY"), trader.best(market, outcome, "SELL")];
  return bid !== null && ask !== null && ask - bid <= SPREAD_MICRO_MAX;
}

function enter(trader: Trader, random: Random, { takes }: { readonly takes: boolean }): void {
  const targets = trader.markets.flatMap((market) => ([0, 1] as const).map((outcome) => ({ market, outcome })));
  const target = random.pick(targets.filter((one) => isTradable(trader, one)));
  const sizeMicro = entrySize(random);
  if (target === undefined) return;
  trade(trader, { target, side: "BUY", sizeMicro, takes });
}

function exit(
  trader: Trader,
  random: Random,
  { held, takes }: { readonly held: readonly Target[]; readonly takes: boolean },
): void {
  const target = random.pick(held.filter((one) => isTradable(trader, one)));
  const tenths = random.integer(3, 13);
  if (target === undefined) return;
  const { market, outcome } = target;
  const owned = trader.free(market, outcome);
  const part = scale(owned, { numerator: BigInt(Math.min(10, tenths)), denominator: 10n }, "floor");
  const least = minAmount(owned, wholeShares(Math.ceil(market.minOrderSizeMicro / 1_000_000)));
  trade(trader, { target, side: "SELL", sizeMicro: floorToStep(maxAmount(part, least)), takes });
}

function entrySize(random: Random): SharesMicro {
  const draw = random.next();
  const size = SIZES.find(({ upTo }) => draw < upTo) ?? SIZES[0];
  return wholeShares(random.integer(size.min, size.max));
}

/** Sweeps up to a limit and drops the rest, or improves the own side by a tick and waits. */
function trade(
  trader: Trader,
  order: {
    readonly target: Target;
    readonly side: "BUY" | "SELL";
    readonly sizeMicro: SharesMicro;
    readonly takes: boolean;
  },
): void {
  const { target, side, sizeMicro, takes } = order;
  const { market } = target;
  const [bid, ask] = [trader.best(market, target.outcome, "BUY"), trader.best(market, target.outcome, "SELL")];
  if (bid === null || ask === null) return;
  const sign = side === "BUY" ? 1 : -1;
  const [own, other] = side === "BUY" ? [bid, ask] : [ask, bid];
  const tick = market.tickMicro;
  const better = own + sign * tick;
  const sweep = Math.max(SWEEP_TICKS * tick, SWEEP_MICRO_MIN);
  const price = takes ? other + sign * sweep : better === other ? own : better;
  if (price < tick || price > 1_000_000 - tick) return;
  const timeInForce = takes ? "FAK" : "GTC";
  trader.place({ ...target, side, priceMicro: priceMicro(price), sizeMicro, timeInForce });
}
