import { averagePrice, otherSide, type Side } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import type { MatchedOrder } from "../chain/types.ts";
import { depthOf } from "../venue/engine.ts";
import { deskOf, type Exchange } from "../venue/exchange.ts";
import type { VenueMarket, VenueTrade } from "../venue/market.ts";
import { addressOf, leaderNames, play } from "./virtualStory.testing.ts";

const MINUTE_TICKS = 240;
const leaders = new Set(leaderNames.map(addressOf));

const essence = (trades: readonly VenueTrade[]) =>
  trades.map(({ n, atMs, match, printMicro }) => [
    n,
    atMs,
    printMicro,
    ...[match.active, ...match.resting].map((order) => [order.maker, order.side, order.tokenId, order.sharesMicro]),
  ]);

test("the same seed tells the same story, another seed another one", () => {
  const ticks = MINUTE_TICKS / 3;
  const first = essence(play({ seed: "a", ticks }));
  expect(essence(play({ seed: "a", ticks }))).toEqual(first);
  expect(essence(play({ seed: "b", ticks }))).not.toEqual(first);
});

type LeaderOrder = { readonly order: MatchedOrder; readonly market: VenueMarket; readonly atMs: number };
const leaderOrders = (trades: readonly VenueTrade[]): LeaderOrder[] =>
  trades.flatMap(({ atMs, market, match }) =>
    [match.active, ...match.resting]
      .filter((order) => leaders.has(order.maker))
      .map((order) => ({ order, market, atMs })),
  );

/** A copy of a tenth that reaches the venue some ticks later, as the default paper account sends it. */
type Copy = LeaderOrder & { readonly dueTick: number; readonly wanted: number; most: number; first: number };
const MINIMUM = 5_000_000;
const TTL_TICKS = 20;

/** What the book offers a copy within its limit: the leader's price and 2 % and 2 ticks. */
function offered(exchange: Exchange, { order, market }: LeaderOrder): number {
  const price = averagePrice(order.usdcMicro, order.sharesMicro);
  const slack = Math.floor(price / 50) + 2 * market.tickMicro;
  const isBuy = order.side === "BUY";
  const against: Side = otherSide(order.side);
  const outcome = order.tokenId === market.tokenIds[0] ? 0 : 1;
  return depthOf(deskOf(exchange, market.conditionId).engine, outcome, against, 100)
    .filter((level) => (isBuy ? level.priceMicro <= price + slack : level.priceMicro >= price - slack))
    .reduce((sum, level) => sum + Number(level.sizeMicro), 0);
}

/** Copies of a minute; their orders are not in the book, so they only look on. */
function copiesOf(seed: string): Copy[] {
  const copies: Copy[] = [];
  const onTick = (tick: number, made: readonly VenueTrade[], exchange: Exchange) => {
    for (const copy of copies) {
      if (tick < copy.dueTick || tick > copy.dueTick + TTL_TICKS) continue;
      const now = offered(exchange, copy);
      if (tick === copy.dueTick) copy.first = now;
      copy.most = Math.max(copy.most, now);
    }
    for (const one of leaderOrders(made)) {
      const wanted = Number(one.order.sharesMicro) / 10;
      // The next block, and then some 300 ms.
      const dueTick = Math.ceil(tick / 4) * 4 + 2;
      copies.push({ ...one, dueTick, wanted, most: 0, first: 0 });
    }
  };
  play({ seed, ticks: MINUTE_TICKS, onTick });
  return copies.filter((copy) => copy.dueTick + TTL_TICKS <= MINUTE_TICKS);
}

describe.each(["a", "slipstream|1", "slipstream|2"])("a minute of the story: seed %s", (seed) => {
  test("has leaders that fill often, early, and leave again", () => {
    const orders = leaderOrders(play({ seed, ticks: MINUTE_TICKS }));
    expect(orders.length).toBeGreaterThanOrEqual(40);
    expect(orders[0]?.atMs).toBeLessThanOrEqual(3_000);
    for (const name of leaderNames) {
      const exits = orders.filter(({ order }) => order.maker === addressOf(name) && order.side === "SELL");
      expect(exits.length, name).toBeGreaterThanOrEqual(2);
    }
  });

  test("shows a copier all that can happen: copies too small, full, partial, and left waiting", () => {
    const copies = copiesOf(seed);
    const large = copies.filter((copy) => copy.wanted >= MINIMUM);
    const partly = large.filter((copy) => copy.first > 0 && copy.first < copy.wanted);
    const kinds = {
      small: copies.length - large.length,
      full: large.filter((copy) => copy.first >= copy.wanted).length,
      beyondLimit: large.filter((copy) => copy.first === 0).length,
      partly: partly.length,
      neverWhole: partly.filter((copy) => copy.most < copy.wanted).length,
    };
    expect(kinds.small).toBeGreaterThanOrEqual(1);
    expect(kinds.full).toBeGreaterThanOrEqual(3);
    expect(kinds.partly).toBeGreaterThanOrEqual(1);
    expect(kinds.neverWhole).toBeGreaterThanOrEqual(1);
  });
});
