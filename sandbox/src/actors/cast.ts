/** Everybody who acts in the sandbox, and one tick of their life. Pure but for the exchange they act on. */
import type { Address } from "@slipstream/contracts/ids";
import { parseUsdc, type UsdcMicro } from "@slipstream/contracts/money";
import type { Payouts } from "../churn/schedule.ts";
import { type Deed, takeGiven } from "../venue/deeds.ts";
import { type Exchange, openMarkets } from "../venue/exchange.ts";
import type { VenueMarket, VenueTrade } from "../venue/market.ts";
import { createLeader, type LeaderStyle } from "./leader.ts";
import { leaderDeed } from "./leaderDeeds.ts";
import { createMarketMaker, type MakerStyle } from "./marketMaker.ts";
import { createNoise } from "./noise.ts";
import { createRandom } from "./random.ts";
import { createRedeemer, type Redeemer } from "./redeemer.ts";
import { createTrader } from "./trader.ts";
import { blow, createWeather, startle } from "./weather.ts";

export const paces = ["slow", "normal", "fast"] as const;
export type Pace = (typeof paces)[number];
/** One tick of the story. */
export const TICK_MS = 250;

type Role =
  | { readonly kind: "maker"; readonly style: MakerStyle }
  | { readonly kind: "noise" }
  | { readonly kind: "leader"; readonly style: LeaderStyle };
export type CastMember = { readonly name: string; readonly pusdMicro: UsdcMicro; readonly role: Role };

const tight: MakerStyle = { firstTicks: 1, stepTicks: 1, levels: 5, shares: { min: 20, max: 90 }, servesThin: true };
const wide: MakerStyle = { firstTicks: 2, stepTicks: 2, levels: 6, shares: { min: 100, max: 400 }, servesThin: false };

/** Names decide the wallets, so a name stays when the cast grows. */
export const cast: readonly CastMember[] = [
  { name: "leader-taker", pusdMicro: parseUsdc("50000"), role: { kind: "leader", style: "taker" } },
  { name: "leader-maker", pusdMicro: parseUsdc("50000"), role: { kind: "leader", style: "maker" } },
  { name: "leader-both", pusdMicro: parseUsdc("50000"), role: { kind: "leader", style: "both" } },
  { name: "maker-tight", pusdMicro: parseUsdc("20000000"), role: { kind: "maker", style: tight } },
  { name: "maker-wide", pusdMicro: parseUsdc("20000000"), role: { kind: "maker", style: wide } },
  { name: "noise-1", pusdMicro: parseUsdc("5000000"), role: { kind: "noise" } },
  { name: "noise-2", pusdMicro: parseUsdc("5000000"), role: { kind: "noise" } },
];

/** Ticks between two acts of a leader. */
const EVERY_TICKS: Record<Pace, { readonly min: number; readonly max: number }> = {
  slow: { min: 20, max: 40 },
  normal: { min: 7, max: 13 },
  fast: { min: 2, max: 5 },
};
const NOISE_CHANCE: Record<Pace, number> = { slow: 0.08, normal: 0.2, fast: 0.45 };

/** That a leader does something besides trading, in each tick. */
const DEED_CHANCE: Record<Pace, number> = { slow: 0.003, normal: 0.01, fast: 0.03 };

export type Story = {
  /** Plays the next tick. */
  tick(nowMs: number): void;
  /** What leaders do besides trading since the last call. What they give they have given already. */
  takeDeeds(): Deed[];
  /** Tells the makers what was traded in it. */
  onTrades(trades: readonly VenueTrade[]): void;
  /** A market is traded from the next tick on. */
  open(market: VenueMarket): void;
  /** A market's trading has stopped. */
  close(market: VenueMarket): void;
  /** The chain pays for this market: who holds its tokens may redeem them. */
  pay(market: VenueMarket, payouts: Payouts): void;
};

/** @param addressOf - wallet of a member. @param seed - the same seed tells the same story. */
export function createStory(options: {
  readonly exchange: Exchange;
  readonly addressOf: (name: string) => Address;
  readonly seed: string;
  readonly pace: Pace;
  /** Ticks until a market's trading ends; null (or absent): nobody knows. */
  readonly endsIn?: (market: VenueMarket) => number | null;
}): Story {
  const { exchange, addressOf, seed, pace, endsIn = () => null } = options;
  let [tick, nowMs] = [0, 0];
  const randomOf = (name: string) => createRandom(`${seed}|${name}`);
  const weatherRandom = randomOf("weather");
  const weathers = openMarkets(exchange).map((market) => createWeather(market, weatherRandom));
  const leaders = new Set<string>();
  const makers: ReturnType<typeof createMarketMaker>[] = [];
  const others: ((tick: number) => void)[] = [];
  const redeemers: Redeemer[] = [];
  let deeds: Deed[] = [];
  const doDeed = (deed: Deed | null): void => {
    if (deed === null) return;
    takeGiven(exchange.purses, deed);
    deeds.push(deed);
  };
  for (const { name, role } of cast) {
    const trader = createTrader(exchange, addressOf(name), () => nowMs);
    const random = randomOf(name);
    if (role.kind === "maker") makers.push(createMarketMaker({ trader, weathers, random, style: role.style }));
    if (role.kind === "noise") others.push(createNoise({ trader, weathers, random, chance: NOISE_CHANCE[pace] }).act);
    if (role.kind === "leader") {
      leaders.add(trader.address);
      const leaderPace = { everyTicks: EVERY_TICKS[pace] };
      others.push(createLeader({ trader, random, style: role.style, pace: leaderPace, endsIn }).act);
      // A randomness of its own: what he trades does not depend on what else he does.
      const doing = { trader, random: randomOf(`${name}|deeds`), chance: DEED_CHANCE[pace] };
      const peers = cast.filter((other) => other.name !== name && other.role.kind !== "maker");
      others.push(() => doDeed(leaderDeed({ ...doing, peers: peers.map((peer) => addressOf(peer.name)) })));
    }
    const redeemer = createRedeemer({
      ...{ trader, random: randomOf(`${name}|redemptions`) },
      habit: role.kind === "leader" ? "leisurely" : "orderly",
    });
    redeemers.push(redeemer);
    others.push((now) => {
      for (const deed of redeemer.act(now)) doDeed(deed);
    });
  }
  return {
    tick: (atMs) => {
      nowMs = atMs;
      tick += 1;
      for (const weather of weathers) blow(weather, weatherRandom, tick);
      for (const maker of makers) maker.retreat();
      for (const maker of makers) maker.quote();
      for (const act of others) act(tick);
    },
    open: (market) => {
      weathers.push(createWeather(market, weatherRandom));
    },
    close: (market) => {
      const at = weathers.findIndex((weather) => weather.market.conditionId === market.conditionId);
      if (at >= 0) weathers.splice(at, 1);
    },
    pay: (market, payouts) => {
      for (const redeemer of redeemers) redeemer.pay(market, payouts, tick);
    },
    takeDeeds: () => {
      const taken = deeds;
      deeds = [];
      return taken;
    },
    onTrades: (trades) => {
      for (const trade of trades) {
        const weather = weathers.find(({ market }) => market === trade.market);
        if (weather !== undefined && leaders.has(trade.match.active.maker))
          startle(weather, trade, weatherRandom, tick);
      }
    },
  };
}
