/**
 * What a wallet does with tokens of a resolved market: it redeems them, a while after the chain pays. Leaders take their
 * time, and some never bother about tokens that are worth nothing.
 */
import { add, type SharesMicro, ZERO_SHARES } from "@slipstream/contracts/money";
import type { Payouts } from "../churn/schedule.ts";
import { type Deed, payoutFor } from "../venue/deeds.ts";
import type { VenueMarket } from "../venue/market.ts";
import type { Random } from "./random.ts";
import type { Trader } from "./trader.ts";

export type Redeemer = {
  /** The chain pays for a market. @param tick - of the story. */
  pay(market: VenueMarket, payouts: Payouts, tick: number): void;
  /** What is redeemed in this tick. */
  act(tick: number): Deed[];
};

/** `orderly` wallets redeem all and soon: their money goes on quoting. */
export type Habit = "orderly" | "leisurely";
const AFTER_TICKS: Record<Habit, { readonly min: number; readonly max: number }> = {
  orderly: { min: 1, max: 8 },
  leisurely: { min: 8, max: 80 },
};
/** A second look later: a split was on its way, or the chain dropped the first redemption. */
const SECOND_LOOK_TICKS = 120;
/** That a leader leaves worthless tokens where they are. */
const LEAVE_WORTHLESS_CHANCE = 0.3;

type Due = {
  readonly market: VenueMarket;
  readonly payouts: Payouts;
  readonly atTick: number;
  readonly leaves: boolean;
};

export function createRedeemer(options: {
  readonly trader: Trader;
  readonly random: Random;
  readonly habit: Habit;
}): Redeemer {
  const { trader, random, habit } = options;
  let due: Due[] = [];
  return {
    pay: (market, payouts, tick) => {
      const { min, max } = AFTER_TICKS[habit];
      const atTick = tick + random.integer(min, max);
      const leaves = habit === "leisurely" && random.chance(LEAVE_WORTHLESS_CHANCE);
      for (const wait of [0, SECOND_LOOK_TICKS]) due.push({ market, payouts, atTick: atTick + wait, leaves });
    },
    act: (tick) => {
      if (due.every(({ atTick }) => atTick > tick)) return [];
      const now = due.filter(({ atTick }) => atTick <= tick);
      due = due.filter(({ atTick }) => atTick > tick);
      return now.flatMap(({ market, payouts, leaves }) => {
        const amounts: [SharesMicro, SharesMicro] = [heldOf(trader, market, 0), heldOf(trader, market, 1)];
        const isWorthless = payoutFor(amounts, payouts) === 0n;
        if (add(...amounts) === 0n || (isWorthless && leaves)) return [];
        return [{ kind: "redeem" as const, wallet: trader.address, market, amounts, payouts }];
      });
    },
  };
}

/** The purse may be short for a moment, after the chain dropped a trade for good. */
function heldOf(trader: Trader, market: VenueMarket, outcome: 0 | 1): SharesMicro {
  const owned = trader.owned(market, outcome);
  return owned > 0n ? owned : ZERO_SHARES;
}
