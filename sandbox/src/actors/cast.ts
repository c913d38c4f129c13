/** Everybody who acts in the sandbox, and one tick of their life. Pure but for the exchange they act on. */
import type { Address } from "@slipstream/contracts/ids";
import { parseUsdc, type UsdcMicro } from "@slipstream/contracts/money";
import { type Deed, takeGiven } from "../venue/deeds.ts";
import type { Exchange } from "../venue/exchange.ts";
import type { VenueTrade } from "../venue/market.ts";
import { createLeader, type LeaderStyle } from "./leader.ts";
import { leaderDeed } from "./leaderDeeds.ts";
import { createMarketMaker, type MakerStyle } from "./marketMaker.ts";
import { createNoise } from "./noise.ts";
import { createRandom } from "./random.ts";
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
};

/** @param addressOf - wallet of a member. @param seed - the same seed tells the same story. */
export function createStory(options: {
  readonly exchange: Exchange;
  readonly addressOf: (name: string) => Address;
  readonly seed: string;
  readonly pace: Pace;
}): Story {
  const { exchange, addressOf, seed, pace } = options;
  let [tick, nowMs] = [0, 0];
  const randomOf = (name: string) => createRandom(`${seed}|${name}`);
  const weatherRandom = randomOf("weather");
  const weathers = [...exchange.desks.values()].map(({ market }) => createWeather(market, weatherRandom));
  const leaders = new Set<string>();
  const makers: ReturnType<typeof createMarketMaker>[] = [];
  const others: ((tick: number) => void)[] = [];
  let deeds: Deed[] = [];
  for (const { name, role } of cast) {
    const trader = createTrader(exchange, addressOf(name), () => nowMs);
    const random = randomOf(name);
    if (role.kind === "maker") makers.push(createMarketMaker({ trader, weathers, random, style: role.style }));
    if (role.kind === "noise") others.push(createNoise({ trader, weathers, random, chance: NOISE_CHANCE[pace] }).act);
    if (role.kind === "leader") {
      leaders.add(trader.address);
      others.push(createLeader({ trader, random, style: role.style, pace: { everyTicks: EVERY_TICKS[pace] } }).act);
      // A randomness of its own: what he trades does not depend on what else he does.
      const doing = { trader, random: randomOf(`${name}|deeds`), chance: DEED_CHANCE[pace] };
      const peers = cast.filter((other) => other.name !== name && other.role.kind !== "maker");
      others.push(() => {
        const deed = leaderDeed({ ...doing, peers: peers.map((peer) => addressOf(peer.name)) });
        if (deed === null) return;
        takeGiven(exchange.purses, deed);
        deeds.push(deed);
      });
    }
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
