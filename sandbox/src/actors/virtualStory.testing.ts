/** The story without a chain, under a virtual clock. */
import type { Address, Hash } from "@slipstream/contracts/ids";
import { parseShares } from "@slipstream/contracts/money";
import { deriveMarket } from "../chain/ctfIds.ts";
import { deriveWallet } from "../chain/wallets.ts";
import { venueMarket, worldMarkets } from "../markets.ts";
import { type Deed, giveTaken } from "../venue/deeds.ts";
import { createExchange, type Exchange, takeBursts } from "../venue/exchange.ts";
import type { VenueTrade } from "../venue/market.ts";
import { createPurses, credit, creditShares } from "../venue/purses.ts";
import { cast, createStory, type Pace, TICK_MS } from "./cast.ts";

export const addressOf = (name: string): Address => deriveWallet("test", name).address;
export const leaderNames = cast.filter(({ role }) => role.kind === "leader").map(({ name }) => name);

/** An exchange whose cast has its money and tokens. */
export function fundedExchange(): Exchange {
  const markets = worldMarkets.map((market, index) =>
    venueMarket(market, deriveMarket("test", market.chain), index, 1_700_000_000_000),
  );
  const purses = createPurses();
  for (const { name, pusdMicro, role } of cast) {
    credit(purses, addressOf(name), pusdMicro);
    if (role.kind === "leader") continue;
    for (const token of markets.flatMap((market) => market.tokenIds)) {
      creditShares(purses, addressOf(name), token, parseShares("20000"));
    }
  }
  let orders = 0;
  const orderIds = () => {
    orders += 1;
    return `0x${orders.toString(16).padStart(64, "0")}` as Hash;
  };
  return createExchange({ markets, purses, orderIds });
}

export type PlayOptions = {
  readonly seed: string;
  readonly ticks: number;
  readonly pace?: Pace;
  /** Called at the end of each tick. */
  /** Called when a leader has done something besides trading. */
  readonly onDeed?: (deed: Deed) => void;
  readonly onTick?: (tick: number, made: readonly VenueTrade[], exchange: Exchange) => void;
};

/** Plays from the beginning. @returns all trades. */
export function play({ seed, ticks, pace = "normal", onTick, onDeed }: PlayOptions): VenueTrade[] {
  const exchange = fundedExchange();
  const story = createStory({ exchange, addressOf, seed, pace });
  const trades: VenueTrade[] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    story.tick(tick * TICK_MS);
    const made = takeBursts(exchange).flatMap((burst) => burst.trades);
    story.onTrades(made);
    // The chain has them at once.
    for (const deed of story.takeDeeds()) {
      giveTaken(exchange.purses, deed);
      onDeed?.(deed);
    }
    trades.push(...made);
    onTick?.(tick, made, exchange);
  }
  return trades;
}
