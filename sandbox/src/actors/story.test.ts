/** The story without a chain, under a virtual clock. */
import type { Address, Hash } from "@slipstream/contracts/ids";
import { parseShares } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { deriveMarket } from "../chain/ctfIds.ts";
import { deriveWallet } from "../chain/wallets.ts";
import { venueMarket, worldMarkets } from "../markets.ts";
import { createExchange, takeBursts } from "../venue/exchange.ts";
import type { VenueTrade } from "../venue/market.ts";
import { createPurses, credit, creditShares } from "../venue/purses.ts";
import { cast, createStory, type Pace, TICK_MS } from "./cast.ts";

const addressOf = (name: string): Address => deriveWallet("test", name).address;

function play(seed: string, ticks: number, pace: Pace = "normal"): VenueTrade[] {
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
  const exchange = createExchange({ markets, purses, orderIds });
  const story = createStory({ exchange, addressOf, seed, pace });
  const trades: VenueTrade[] = [];
  for (let tick = 1; tick <= ticks; tick++) {
    story.tick(tick * TICK_MS);
    const made = takeBursts(exchange).flatMap((burst) => burst.trades);
    story.onTrades(made);
    trades.push(...made);
  }
  return trades;
}

const essence = (trades: readonly VenueTrade[]) =>
  trades.map(({ n, atMs, match, printMicro }) => [
    n,
    atMs,
    printMicro,
    ...[match.active, ...match.resting].map((order) => [order.maker, order.side, order.tokenId, order.sharesMicro]),
  ]);

/** What each leader does in a minute: all fills, exits, and the time of his first fill. */
function leadersIn(trades: readonly VenueTrade[]) {
  return cast
    .filter(({ role }) => role.kind === "leader")
    .map(({ name }) => {
      const fills = trades.flatMap(({ atMs, match }) =>
        [match.active, ...match.resting]
          .filter((order) => order.maker === addressOf(name))
          .map((order) => ({ atMs, side: order.side })),
      );
      const exits = fills.filter((fill) => fill.side === "SELL").length;
      return { name, fills: fills.length, exits, firstMs: fills[0]?.atMs ?? Number.POSITIVE_INFINITY };
    });
}

test("the same seed tells the same story, another seed another one", () => {
  const first = essence(play("a", 240));
  expect(essence(play("a", 240))).toEqual(first);
  expect(essence(play("b", 240))).not.toEqual(first);
});

test.each(["a", "b", "slipstream"])("a minute of the story has enough for a copier: seed %s", (seed) => {
  const leaders = leadersIn(play(seed, 240));
  expect(leaders.reduce((sum, leader) => sum + leader.fills, 0)).toBeGreaterThanOrEqual(40);
  expect(Math.min(...leaders.map((leader) => leader.firstMs))).toBeLessThanOrEqual(3_000);
  for (const leader of leaders) expect(leader.exits, leader.name).toBeGreaterThanOrEqual(2);
});
