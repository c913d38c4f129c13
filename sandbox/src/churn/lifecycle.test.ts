import type { ConditionId, Hash } from "@slipstream/contracts/ids";
import { parseShares } from "@slipstream/contracts/money";
import { beforeEach, describe, expect, test } from "vitest";
import { cast, createStory, type Story, TICK_MS } from "../actors/cast.ts";
import { addressOf, fundedExchange } from "../actors/virtualStory.testing.ts";
import { deriveMarket } from "../chain/ctfIds.ts";
import type { ChainMarketSpec, TxStatus } from "../chain/types.ts";
import { type Deed, giveTaken } from "../venue/deeds.ts";
import { type Exchange, openMarkets, placeOrder, takeBursts } from "../venue/exchange.ts";
import { createFeed, type Feed } from "../venue/feed.ts";
import { createListings, isTraded, type Listings, newListing } from "../venue/listings.ts";
import { creditShares, freeUsdc, ownedShares } from "../venue/purses.ts";
import { createEnding } from "./ending.ts";
import { createLifecycle, KEEP_MS, type Lifecycle } from "./lifecycle.ts";
import type { Payouts } from "./schedule.ts";
import { createSuccessors } from "./successors.ts";

type Rig = {
  readonly exchange: Exchange;
  readonly feed: Feed;
  readonly listings: Listings;
  readonly lifecycle: Lifecycle;
  /** What the oracle reported, in order. */
  readonly reports: { readonly conditionId: ConditionId; readonly payouts: Payouts; readonly tick: number }[];
  readonly frames: string[];
  readonly deeds: Deed[];
  readonly forgotten: string[];
  play(ticks: number, wish?: { readonly isPaused?: boolean }): Promise<void>;
  tick(): number;
};

const START_MS = 1_700_000_000_000;

/**
 * A world without a chain and under a virtual clock.
 * @param options.acts - false: nobody trades.
 * @param options.stepMs - how far the clock goes in a tick.
 */
function rig(options: {
  readonly seed: string;
  readonly isOn?: boolean;
  readonly acts?: boolean;
  readonly stepMs?: number;
}): Rig {
  const { seed, isOn = true, acts = true, stepMs = TICK_MS } = options;
  let tick = 0;
  const nowMs = (): number => START_MS + tick * stepMs;
  const exchange = fundedExchange();
  const feed = createFeed(exchange, nowMs());
  const listings = createListings();
  for (const [slot, market] of openMarkets(exchange).entries()) {
    listings.add(newListing(market, { slot, generation: 0, endMs: 0 }));
  }
  const frames: string[] = [];
  feed.listen({
    ...{ onChanges: () => undefined, onPrint: () => undefined, onBook: () => undefined, onTick: () => undefined },
    onMarket: (frame) => void frames.push(frame),
  });
  const reports: Rig["reports"] = [];
  const resolved = new Set<ConditionId>();
  const chain = {
    prepareMarket: async (spec: ChainMarketSpec) => deriveMarket("test", spec),
    isResolved: async (conditionId: ConditionId) => resolved.has(conditionId),
    resolve: async (conditionId: ConditionId, payouts: Payouts) => {
      resolved.add(conditionId);
      reports.push({ conditionId, payouts, tick });
      return "0x" as Hash;
    },
    waitForTx: async (): Promise<TxStatus> => ({ status: "mined", blockNumber: tick, blockHash: "0x" as Hash }),
    head: () => ({ number: tick, hash: "0x" as Hash, parentHash: "0x" as Hash, timestampMs: 0, txHashes: [] }),
  };
  const still: Story = {
    ...{ tick: () => undefined, takeDeeds: () => [], onTrades: () => undefined },
    ...{ open: () => undefined, close: () => undefined, pay: () => undefined },
  };
  const story = acts
    ? createStory({ exchange, addressOf, seed, pace: "fast", endsIn: (market) => lifecycle.endsIn(market) })
    : still;
  const parts = { exchange, feed, nowMs, story: () => story, onNote: () => undefined, onChange: () => undefined };
  const ending = createEnding({ ...parts, chain, inOrder: (task) => void task() });
  const successors = createSuccessors({
    ...{ chain, nowMs, onNote: () => undefined },
    stock: async (markets) => {
      for (const { name, role } of cast) {
        if (role.kind === "leader") continue;
        for (const token of markets.flatMap(({ tokenIds }) => tokenIds)) {
          creditShares(exchange.purses, addressOf(name), token, parseShares("20000"));
        }
      }
    },
  });
  const forgotten: string[] = [];
  const lifecycle: Lifecycle = createLifecycle({
    ...{ ...parts, seed, pace: "fast", listings, successors, ending, ends: 0, isOn },
    onForgotten: ({ slug }) => void forgotten.push(slug),
  });
  const deeds: Deed[] = [];
  const play = async (ticks: number, { isPaused = false } = {}): Promise<void> => {
    for (let done = 0; done < ticks; done++) {
      tick += 1;
      lifecycle.tick(isPaused);
      if (!isPaused) story.tick(nowMs());
      feed.publish(nowMs());
      for (const deed of story.takeDeeds()) {
        deeds.push(deed);
        giveTaken(exchange.purses, deed);
      }
      // What the chain has to do is done before the next tick.
      for (let turns = 0; turns < 8; turns++) await Promise.resolve();
    }
  };
  return { exchange, feed, listings, lifecycle, reports, frames, deeds, forgotten, play, tick: () => tick };
}

const slugsOf = (exchange: Exchange): string[] => openMarkets(exchange).map(({ slug }) => slug);
const kindsOf = (frames: readonly string[]): string[] =>
  frames.map((frame) => (JSON.parse(frame) as { event_type: string }).event_type);

test("the same seed ends, pays and redeems the same, with the same trades around it", async () => {
  const tell = async (seed: string) => {
    const { play, reports, deeds, exchange } = rig({ seed });
    await play(200);
    return { reports, deeds: deeds.map(({ kind, wallet }) => [kind, wallet]), trades: exchange.tradesMade };
  };
  const first = await tell("life");
  expect(first.reports.length).toBeGreaterThanOrEqual(2);
  expect(first.deeds.some(([kind]) => kind === "redeem")).toBe(true);
  expect(await tell("life")).toEqual(first);
}, 60_000);

test("the number of open markets stays, and what has ended has no orders, no books and no tokens left with those who quote", async () => {
  const { play, exchange, feed, listings, lifecycle } = rig({ seed: "steady" });
  for (let second = 0; second < 60; second++) {
    await play(4);
    expect(openMarkets(exchange)).toHaveLength(5);
  }
  // The last words and redemptions.
  lifecycle.setChurn(false);
  await play(200);
  const ended = [...listings.all()].filter((listing) => !isTraded(listing));
  expect(ended.length).toBeGreaterThanOrEqual(3);
  for (const { market, isSaid, isShown, reportedBlock } of ended) {
    expect([market.slug, isSaid, isShown, reportedBlock === null]).toEqual([market.slug, true, true, false]);
    expect(exchange.desks.has(market.conditionId)).toBe(false);
    expect(feed.booksOf(market.tokenIds[0])).toBeNull();
    for (const { name, role } of cast) {
      if (role.kind === "leader") continue;
      for (const token of market.tokenIds) expect(ownedShares(exchange.purses, addressOf(name), token)).toBe(0n);
    }
  }
}, 60_000);

test("markets that ended hours ago leave the memory", async () => {
  const stepMs = 20_000;
  const { play, listings, forgotten, tick } = rig({ seed: "hours", acts: false, stepMs });
  await play(KEEP_MS / stepMs);
  const kept = [...listings.all()].length;
  expect(forgotten).toEqual([]);
  await play((2 * KEEP_MS) / stepMs);
  expect(forgotten.length).toBeGreaterThan(10);
  expect([...listings.all()].length).toBeLessThan(2 * kept);
  const oldestMs = Math.min(...[...listings.all()].map(({ closedMs }) => closedMs ?? Number.POSITIVE_INFINITY));
  expect(oldestMs).toBeGreaterThan(START_MS + tick() * stepMs - 2 * KEEP_MS);
}, 60_000);

describe("by hand", { timeout: 60_000 }, () => {
  let world: Rig;
  beforeEach(() => {
    world = rig({ seed: "hand", isOn: false, acts: false });
  });

  test("without the churn nothing ends by itself, and nothing opens in the place of what is ended", async () => {
    const { play, exchange, lifecycle, reports } = world;
    await play(100);
    expect(slugsOf(exchange)).toHaveLength(5);
    expect(lifecycle.resolve({ payouts: [1, 2] })).toMatchObject([{ slug: "rain-in-lisbon", payouts: [1, 2] }]);
    await play(60);
    expect(slugsOf(exchange)).toEqual(["north-beats-south", "coin-up-or-down", "mayor-green", "mayor-blue"]);
    expect(reports.map(({ payouts }) => payouts)).toEqual([[1, 2]]);
    lifecycle.setChurn(true);
    await play(4);
    expect(slugsOf(exchange)).toContain("rain-in-lisbon-2");
  });

  test("trading stops at once: orders are off, what they held is free, others are refused", async () => {
    const { play, exchange, lifecycle } = rig({ seed: "hand", isOn: false });
    await play(20);
    const [market] = openMarkets(exchange);
    if (market === undefined) throw new Error("no market");
    const maker = addressOf("maker-tight");
    const before = freeUsdc(exchange.purses, maker);
    lifecycle.resolve({ conditionId: market.conditionId });
    expect(freeUsdc(exchange.purses, maker)).toBeGreaterThan(before);
    const order = { owner: maker, outcome: 0, side: "BUY", priceMicro: market.tickMicro, sizeMicro: parseShares("10") };
    const placed = placeOrder(
      exchange,
      { ...order, conditionId: market.conditionId, timeInForce: "GTC" } as Parameters<typeof placeOrder>[1],
      0,
    );
    expect(placed).toEqual({ kind: "refused", code: "MARKET_CLOSED" });
    const last = takeBursts(exchange).find((burst) => burst.market === market);
    // Level by level: each is told as empty.
    expect(last?.changes.filter(({ sizeMicro }) => sizeMicro === 0n).length).toBeGreaterThan(4);
    expect(exchange.desks.has(market.conditionId)).toBe(false);
  });

  test("one question of an event that is true makes the others false, whichever was named", async () => {
    const { lifecycle, exchange } = world;
    const blue = openMarkets(exchange).find(({ slug }) => slug === "mayor-blue");
    expect(lifecycle.resolve({ conditionId: blue?.conditionId, payouts: [1, 0] })).toMatchObject([
      { slug: "mayor-green", payouts: [0, 1] },
      { slug: "mayor-blue", payouts: [1, 0] },
    ]);
  });

  test("a closed market is shown without a result until it is resolved; a resolved one cannot be ended again", async () => {
    const { play, lifecycle, listings, frames, reports } = world;
    const [closed] = lifecycle.close({});
    const conditionId = closed?.conditionId as ConditionId;
    await play(40, { isPaused: true });
    expect(listings.get(conditionId)).toMatchObject({
      isShown: true,
      isSaid: false,
      payouts: null,
      reportedBlock: null,
    });
    expect([kindsOf(frames), reports]).toEqual([[], []]);
    lifecycle.resolve({ conditionId, payouts: [1, 1], order: "chainFirst" });
    await play(40, { isPaused: true });
    expect(listings.get(conditionId)).toMatchObject({ isShown: true, isSaid: true, payouts: [1, 1] });
    expect(kindsOf(frames)).toEqual(["market_resolved"]);
    expect(() => lifecycle.resolve({ conditionId })).toThrow(/is resolved/);
    expect(() => lifecycle.close({ conditionId })).toThrow(/is resolved/);
  });

  test.each(["gammaFirst", "chainFirst"] as const)("says it in the order that is asked for: %s", async (order) => {
    const { play, lifecycle, listings } = world;
    const [ended] = lifecycle.resolve({ order });
    const listing = listings.get(ended?.conditionId ?? "");
    const seen: string[] = [];
    for (let ticks = 0; ticks < 20; ticks++) {
      await play(1);
      if (listing?.isShown && !seen.includes("gammaFirst")) seen.push("gammaFirst");
      if (listing?.reportedBlock !== null && !seen.includes("chainFirst")) seen.push("chainFirst");
    }
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(order);
  });
});
