import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { GammaClient } from "@slipstream/polymarket/gamma";
import { expect, test } from "vitest";
import { createMarketSync } from "./marketSync.ts";

const condition = (n: number): ConditionId => `0x${String(n).padStart(64, "0")}` as ConditionId;
const gammaMarket = (n: number, over: Record<string, unknown> = {}) => ({
  conditionId: condition(n),
  question: `Q${n}`,
  slug: `q${n}`,
  outcomes: '["Yes","No"]',
  clobTokenIds: `["${n}1","${n}2"]`,
  orderPriceMinTickSize: 0.01,
  orderMinSize: 5,
  acceptingOrders: true,
  ...over,
});

function rig(markets: Record<string, unknown>[]) {
  const stream = new Map<ConditionId, MarketDefinition>();
  const published: string[] = [];
  const refused: string[] = [];
  let asked = 0;
  let read = 0;
  let failing = false;
  let now = 1_000;
  const gamma: GammaClient = {
    byTokens: async ([tokenId]) => {
      asked += 1;
      return markets.filter((market) => String(market["clobTokenIds"]).includes(`"${tokenId}"`));
    },
    byConditions: async (ids) => {
      read += 1;
      if (failing) throw new Error("Gamma is out of order");
      return markets.filter((market) => ids.includes(market["conditionId"] as ConditionId));
    },
    openPage: async (cursor) => ({
      markets: markets.slice(Number(cursor ?? 0), Number(cursor ?? 0) + 2),
      nextCursor: Number(cursor ?? 0) + 2 < markets.length ? String(Number(cursor ?? 0) + 2) : null,
    }),
  };
  /** Another process, which knows what the stream says. */
  const successor = () =>
    createMarketSync({
      gamma,
      nowMs: () => now,
      pagesMax: 2,
      known: () => stream.values(),
      byCondition: (id) => stream.get(id),
      publish: async (market) => {
        published.push(market.question);
        stream.set(market.conditionId, market);
      },
      onRefused: (_id, text) => refused.push(text),
    });
  return {
    sync: successor(),
    successor,
    stream,
    published,
    refused,
    asked: () => asked,
    read: () => read,
    fail: (on: boolean) => (failing = on),
    pass: (ms: number) => (now += ms),
  };
}

test("a known market that becomes unreadable takes no orders any more, and is open again when it can be read", async () => {
  const markets = [gammaMarket(1), gammaMarket(2)];
  const { sync, stream, refused } = rig(markets);
  const last = (n: number) => stream.get(condition(n));
  await sync.sync();
  markets[0] = gammaMarket(1, { orderPriceMinTickSize: null });
  await sync.sync();
  expect(last(1)).toMatchObject({ acceptingOrders: false, closed: false, tickMicro: 10_000 });
  expect(last(2)).toMatchObject({ acceptingOrders: true });
  expect(refused).toHaveLength(1);
  markets[0] = gammaMarket(1);
  await sync.sync();
  expect(last(1)).toMatchObject({ acceptingOrders: true });
});

test("open markets are listed up to the bound, and told again only when they differ", async () => {
  const markets = [1, 2, 3, 4, 5].map((n) => gammaMarket(n));
  const { sync, published, pass } = rig(markets);
  await sync.sync();
  expect(published).toEqual(["Q1", "Q2", "Q3", "Q4"]);
  pass(60_000);
  await sync.sync();
  expect(published).toHaveLength(4);
  markets[0] = gammaMarket(1, { orderPriceMinTickSize: 0.001 });
  await sync.sync();
  expect(published.slice(4)).toEqual(["Q1"]);
});

test("an unknown token is looked up once for all who ask, and not again for a while", async () => {
  const { sync, asked, pass } = rig([gammaMarket(9)]);
  const [first, second] = await Promise.all([sync.resolve("91" as TokenId), sync.resolve("91" as TokenId)]);
  expect(first?.question).toBe("Q9");
  expect(second).toBe(first);
  expect(asked()).toBe(1);
  expect(await sync.resolve("77" as TokenId)).toBeNull();
  expect(await sync.resolve("77" as TokenId)).toBeNull();
  expect(asked()).toBe(2);
  pass(6_000);
  expect(await sync.resolve("77" as TokenId)).toBeNull();
  expect(asked()).toBe(3);
});

test("a market of an unknown version is refused with a reason and never told", async () => {
  const { sync, published, refused } = rig([gammaMarket(1, { version: "v9" })]);
  await sync.sync();
  expect(published).toEqual([]);
  expect(refused).toEqual(['version "v9"']);
});

test("what was told is not told again before the stream has brought it back", async () => {
  const published: string[] = [];
  const gamma: GammaClient = {
    byTokens: async () => [gammaMarket(1)],
    byConditions: async () => [],
    openPage: async () => ({ markets: [gammaMarket(1)], nextCursor: null }),
  };
  const sync = createMarketSync({
    gamma,
    nowMs: () => 1_000,
    pagesMax: 1,
    known: () => [],
    byCondition: () => undefined,
    publish: async (market) => void published.push(market.question),
    onRefused: () => undefined,
  });
  await sync.sync();
  await sync.resolve("11" as TokenId);
  expect(published).toEqual(["Q1"]);
});

test("known markets beyond the listed ones are read again, a bounded number in turn, until their prices are final", async () => {
  const asked: number[] = [];
  const many = Array.from({ length: 500 }, (_, n) => ({ ...gammaMarket(n), conditionId: condition(n) }));
  const known = many.map(
    (market, n): MarketDefinition =>
      ({
        conditionId: market.conditionId,
        closed: n === 0,
        payoutMicro: n === 0 ? [0, 1_000_000] : null,
      }) as unknown as MarketDefinition,
  );
  const gamma: GammaClient = {
    byTokens: async () => [],
    byConditions: async (ids) => {
      asked.push(ids.length);
      for (const id of ids) seen.add(id);
      return [];
    },
    openPage: async () => ({ markets: [], nextCursor: null }),
  };
  const seen = new Set<string>();
  const sync = createMarketSync({
    gamma,
    nowMs: () => 1_000,
    pagesMax: 1,
    known: () => known,
    byCondition: () => undefined,
    publish: async () => undefined,
    onRefused: () => undefined,
  });
  await sync.sync();
  await sync.sync();
  expect(asked).toEqual([400, 400]);
  expect(seen.size).toBe(499);
});

test("a market that the channel says is resolved is closed, and a Gamma that lags does not open it again", async () => {
  const markets = [gammaMarket(1), gammaMarket(2)];
  const { sync, stream, published, pass } = rig(markets);
  await sync.sync();
  expect(await sync.ended(condition(1))).toBe(true);
  expect(await sync.ended(condition(9))).toBe(false);
  pass(60_000);
  await sync.sync();
  await sync.ended(condition(1));
  // Nothing is paid for it: Gamma's word would not count either.
  expect(stream.get(condition(1))).toMatchObject({ closed: true, acceptingOrders: false, payoutMicro: null });
  expect(stream.get(condition(2))?.closed).toBe(false);
  expect(published).toEqual(["Q1", "Q2", "Q1"]);
  markets[0] = gammaMarket(1, { closed: true, outcomePrices: '["1","0"]' });
  await sync.sync();
  expect(stream.get(condition(1))).toMatchObject({ closed: true, payoutMicro: [1_000_000, 0] });
});

test("a market that seems to have ended is read at once and again, later and later, until its definition says so", async () => {
  const markets = [gammaMarket(1), gammaMarket(2)];
  const { sync, stream, read, pass } = rig(markets);
  await sync.sync();
  sync.doubt(condition(1));
  // Both tokens of a market end, and more than one replica may say so.
  sync.doubt(condition(1));
  await sync.readDoubted();
  await sync.readDoubted();
  expect([read(), stream.get(condition(1))?.closed]).toEqual([1, false]);
  // Gamma is late by many seconds.
  const readAt: number[] = [];
  for (let second = 1; second <= 20; second++) {
    pass(1_000);
    const before = read();
    await sync.readDoubted();
    if (read() > before) readAt.push(second);
  }
  expect(readAt).toEqual([1, 3, 7, 15]);
  markets[0] = gammaMarket(1, { closed: true, acceptingOrders: false, outcomePrices: '["0","1"]' });
  pass(16_000);
  await sync.readDoubted();
  expect(stream.get(condition(1))).toMatchObject({ closed: true, acceptingOrders: false, payoutMicro: [0, 1_000_000] });
  // It is over: neither time nor another word makes it be read again.
  const before = read();
  pass(600_000);
  sync.doubt(condition(1));
  await sync.readDoubted();
  expect(read()).toBe(before);
});

test("a doubt about a market that goes on ends some time, and can be had again", async () => {
  const { sync, read, pass } = rig([gammaMarket(1)]);
  await sync.sync();
  sync.doubt(condition(1));
  for (let minute = 0; minute < 60; minute++) {
    await sync.readDoubted();
    pass(60_000);
  }
  expect(read()).toBe(15);
  sync.doubt(condition(1));
  await sync.readDoubted();
  expect(read()).toBe(16);
});

test("Gamma's failure does not end a doubt", async () => {
  const markets = [gammaMarket(1)];
  const { sync, stream, pass, fail } = rig(markets);
  await sync.sync();
  sync.doubt(condition(1));
  fail(true);
  await expect(sync.readDoubted()).rejects.toThrow("Gamma is out of order");
  fail(false);
  markets[0] = gammaMarket(1, { closed: true });
  pass(1_000);
  await sync.readDoubted();
  expect(stream.get(condition(1))?.closed).toBe(true);
});

const FULL = {
  ...{ version: "v2", negRisk: true, negRiskMarketID: `0x${"e".repeat(64)}`, events: [{ id: 8 }], secondsDelay: 3 },
  ...{ feesEnabled: true, feeSchedule: { rate: 0.07, exponent: 1, takerOnly: true } },
};

test.each([null, undefined])("of a known market everything that is %s stays as it was", async (nothing) => {
  const markets: Record<string, unknown>[] = [gammaMarket(1, FULL)];
  const { sync, stream, pass } = rig(markets);
  await sync.sync();
  const before = stream.get(condition(1));
  pass(60_000);
  markets[0] = gammaMarket(1, {
    ...Object.fromEntries([...Object.keys(FULL), "question", "slug", "closed"].map((name) => [name, nothing])),
    orderPriceMinTickSize: 0.001,
  });
  await sync.sync();
  expect(stream.get(condition(1))).toEqual({
    ...before,
    tickMicro: 1_000,
    tsEventMs: expect.any(Number),
    tsInitMs: 61_000,
  });
  expect(before).toMatchObject({ version: "v2", negRisk: true, eventId: "8", takerDelayMs: 3_000 });
  expect(before?.fee.rateMicro).toBe(70_000);
});

test("a known market without a word whether it is closed stays closed, with its prices", async () => {
  const markets: Record<string, unknown>[] = [gammaMarket(1, { closed: true, outcomePrices: '["1","0"]' })];
  const { sync, stream, pass } = rig(markets);
  await sync.sync();
  pass(60_000);
  markets[0] = gammaMarket(1, { closed: null, outcomePrices: null });
  await sync.sync();
  expect(stream.get(condition(1))).toMatchObject({ closed: true, payoutMicro: [1_000_000, 0] });
});

test("a known market keeps its tokens: an object with those of another stops it, and closes nothing", async () => {
  const markets: Record<string, unknown>[] = [gammaMarket(1), gammaMarket(2)];
  const { sync, stream, refused, pass } = rig(markets);
  await sync.sync();
  for (const clobTokenIds of ['["21","22"]', '["12","11"]']) {
    pass(60_000);
    markets[0] = gammaMarket(1, { clobTokenIds, closed: true, outcomePrices: '["0","1"]' });
    await sync.sync();
    expect(stream.get(condition(1))).toMatchObject({ acceptingOrders: false, closed: false, payoutMicro: null });
    expect(stream.get(condition(1))?.tokens.map(({ tokenId }) => tokenId)).toEqual(["11", "12"]);
  }
  expect(refused.every((text) => text.includes("other tokens"))).toBe(true);
  markets[0] = gammaMarket(1);
  await sync.sync();
  expect(stream.get(condition(1))).toMatchObject({ acceptingOrders: true });
});

test("a broken object beside a good one of the same market stops nothing", async () => {
  const markets: Record<string, unknown>[] = [gammaMarket(1)];
  const { sync, stream, refused } = rig(markets);
  await sync.sync();
  markets.push(gammaMarket(1, { orderMinSize: null }));
  await sync.sync();
  expect(stream.get(condition(1))).toMatchObject({ acceptingOrders: true });
  expect(refused).toHaveLength(1);
});

test("the next owner does not open what the channel has ended either, for a day; what Gamma itself takes back is open", async () => {
  const markets: Record<string, unknown>[] = [gammaMarket(1, { closed: false }), gammaMarket(2, { closed: true })];
  const { sync, stream, pass, successor } = rig(markets);
  await sync.sync();
  pass(1_000);
  await sync.ended(condition(1));
  const next = successor();
  await next.sync();
  expect(stream.get(condition(1))).toMatchObject({ closed: true, acceptingOrders: false });
  markets[1] = gammaMarket(2, { closed: false });
  await sync.sync();
  expect(stream.get(condition(2))).toMatchObject({ closed: false, acceptingOrders: true });
  pass(25 * 3_600_000);
  await next.sync();
  expect(stream.get(condition(1))).toMatchObject({ closed: false });
});
