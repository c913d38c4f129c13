/** The executor on a real log and bus: first touch, grant, placement by the book's clock, and an order that outlives it. */
import { ask, serve } from "@slipstream/actor/ask";
import { systemClock } from "@slipstream/actor/clock";
import { publishMarket } from "@slipstream/actor/markets";
import type { RunningService } from "@slipstream/actor/service";
import type { BookClock, BookSnapshot, TradePrint } from "@slipstream/contracts/book";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { Heartbeat } from "@slipstream/contracts/live";
import { subjects } from "@slipstream/contracts/subjects";
import { append, recordedFacts, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { executorEnv } from "../src/config.ts";
import * as given from "../src/core/facts.testing.ts";
import { buildExecutor } from "../src/service.ts";

const clock = systemClock();
let testBus: TestBus;
let bus: TestBus["bus"];
const stops: (() => unknown)[] = [];

/** Whatever stands still for a while on a busy machine, this test included, is neither silence nor lag. */
const patience = {
  EXECUTOR_FIRST_TOUCH_MAX_MS: "10000",
  EXECUTOR_CHAIN_LAG_MAX_MS: "600000",
  EXECUTOR_RISK_DEGRADE_AFTER_MS: "60000",
  EXECUTOR_RISK_HALT_AFTER_MS: "60000",
  QUOTE_FRESH_MS: "60000",
  QUOTE_SOFT_STALE_MS: "60000",
};

async function start(instance: string): Promise<RunningService> {
  const service = await buildExecutor(testBus.context("executor", executorEnv, { ...patience, INSTANCE: instance }));
  stops.unshift(() => service.drain());
  await until(() => service.status().role === "owner", { what: `ownership of ${instance}` });
  return service;
}

/** Everything said on the bus, from one place. */
const say = (subject: string, message: unknown): void =>
  bus.nc.publish(
    subject,
    JSON.stringify(message, (_key, value) => (typeof value === "bigint" ? `${value}` : value)),
  );
const facts = async (): Promise<Fact[]> => (await recordedFacts(bus)).map(({ fact }) => fact);
const all = async <T extends Fact["type"]>(type: T): Promise<FactOf<T>[]> => given.only(await facts(), type);
async function have<T extends Fact["type"]>(type: T, count: number): Promise<FactOf<T>[]> {
  let found: FactOf<T>[] = [];
  const enough = async (): Promise<boolean> => {
    found = await all(type);
    return found.length >= count;
  };
  await until(enough, { what: `${count} × ${type}` });
  return found;
}

const book = {
  v: 1 as const,
  tokenId: given.tokenId,
  conditionId: given.conditionId,
  epoch: "1.1",
  connection: "c",
};
const snapshot = (tokenId = given.tokenId): BookSnapshot => ({
  type: "BookSnapshot",
  ...book,
  tokenId,
  seq: 0,
  ...{ tsEventMs: clock.nowMs() - 5_000, tsInitMs: clock.nowMs() },
  tickMicro: given.price(0.01),
  health: "healthy",
  bids: [480_000, 50_000_000],
  asks: [500_000, 6_000_000],
});
const print = (atMs: number, size: number): TradePrint => ({
  type: "TradePrint",
  ...book,
  seq: 0,
  ...{ tsEventMs: atMs, tsInitMs: atMs, priceMicro: given.price(0.49), sizeMicro: given.shares(size), side: "SELL" },
});
const beat = (watermarkMs: number): BookClock => ({
  type: "BookClock",
  v: 1,
  connection: "c",
  watermarkMs,
  tsInitMs: clock.nowMs(),
});
const beatOf = (service: "risk" | "chain-watcher"): Heartbeat => ({
  ...{ type: "Heartbeat", v: 1, service, instance: "0", role: "owner", ready: true, factSeq: 0 },
  ...{ decisionSeq: 0, lagMs: 0, problems: [], gauges: {}, tsInitMs: clock.nowMs() },
});

beforeAll(async () => {
  testBus = await startTestBus();
  ({ bus } = testBus);
  await publishMarket(bus, given.market);
  stops.push(
    serve(bus, "bookstore", "snap", ({ tokenId }) => ({ ok: true, value: snapshot(tokenId) })),
    serve(bus, "bookstore", "refresh", ({ tokenId }) => ({ ok: true, value: snapshot(tokenId) })),
    serve(bus, "bookstore", "track", ({ tokenIds }) => ({ ok: true, value: { tracked: tokenIds.length } })),
    serve(bus, "bookstore", "bookAt", () => ({ ok: false, code: "TOO_OLD", text: "not kept" })),
  );
  const heartbeats = setInterval(() => {
    for (const service of ["risk", "chain-watcher"] as const) say(subjects.heartbeat(service, "0"), beatOf(service));
  }, 100);
  stops.push(() => clearInterval(heartbeats));
});
afterAll(async () => {
  for (const stop of stops) await stop();
  await testBus?.stop();
});

test("a fill in an unknown token becomes an order, filled by the book of its time, and its rest outlives the executor", async () => {
  const first = await start("a");
  await append(bus, given.leaderFact(), given.policyFact({ ttlMs: 600_000 }), given.riskFact("normal", 1));
  await until(() => first.status().gauges?.["booksWanted"] === 0, { what: "the first look at its books" });
  const nowMs = clock.nowMs();
  await append(bus, given.leaderFill(1, { tsEventMs: nowMs - 1_000, tsInitMs: nowMs }));
  const [intent] = await have("OrderIntent", 1);
  if (intent === undefined) throw new Error("no intent");
  expect(intent.used.bookEpoch).toBe("1.1");
  await append(bus, given.grant(intent));
  const [accepted] = await have("OrderAccepted", 1);
  const placedMs = accepted?.tsPlacedMs ?? 0;
  expect(placedMs).toBeGreaterThanOrEqual(intent.tsDecidedMs + 150);

  say(subjects.bookClock, beat(placedMs - 1));
  await bus.nc.flush();
  expect(await all("ExecutionFill")).toEqual([]);
  say(subjects.bookClock, beat(placedMs));
  const [taken] = await have("ExecutionFill", 1);
  expect(taken).toMatchObject({ sizeMicro: given.shares(6), liquiditySide: "taker", tsEventMs: placedMs });
  say(subjects.trade(given.tokenId), print(placedMs + 10, 1));
  say(subjects.bookClock, beat(placedMs + 20));
  expect((await have("ExecutionFill", 2))[1]).toMatchObject({ sizeMicro: given.shares(1), liquiditySide: "maker" });
  await first.drain();

  // A new process: its books begin now, so the order goes on at the back of its level with what the log says is left.
  const second = await start("b");
  // Both tokens of the market are followed.
  await until(() => (second.status().gauges?.["booksHealthy"] ?? 0) >= 1, { what: "the book again" });
  // Clocks are told once and lost by whoever is not there yet, as the bookstore repeats them here too.
  const later = clock.nowMs() + 1_000;
  let tellMs = later;
  const filled = until(
    async () => {
      tellMs += 10;
      say(subjects.trade(given.tokenId), print(tellMs, 100));
      say(subjects.bookClock, beat(tellMs));
      return (await all("ExecutionFill")).length >= 3;
    },
    { what: "the rest" },
  );
  await filled;
  const fills = await all("ExecutionFill");
  expect(fills.map(({ sizeMicro, leavesMicro }) => [sizeMicro, leavesMicro])).toEqual([
    [given.shares(6), given.shares(4)],
    [given.shares(1), given.shares(3)],
    [given.shares(3), given.shares(0)],
  ]);
  expect(await all("OrderIntent")).toHaveLength(1);
  const pending = await ask(bus, "executor", "pending", {}, 5_000);
  const { account, leader, tokenId } = intent;
  const lot = {
    account,
    leader,
    tokenId,
    sharesMicro: given.shares(10),
    isDust: false,
    isUnpaid: false,
    whenRemoved: null,
  };
  expect(pending).toEqual({ ok: true, value: { exits: [], lots: [lot], buckets: [] } });
  expect(testBus.errors).toEqual([]);

  // Whoever is on the bus may send a book; what the bookstore does not know of is not bought from.
  const asks = [20_000, 900_000_000];
  const forged = { ...snapshot(), tsEventMs: clock.nowMs(), bids: [10_000, 1_000_000], asks };
  say(subjects.book(given.tokenId), { ...forged, epoch: "999999999.0" });
  say(subjects.book(given.tokenId), { ...forged, epoch: "1.2" });
  say(subjects.book(given.tokenId), { ...book, ...forged, type: "BookDelta", seq: 1, bids: [], asks });
  await bus.nc.flush();
  const laterMs = clock.nowMs();
  await append(bus, given.leaderFill(2, { tsEventMs: laterMs - 1_000, tsInitMs: laterMs }));
  const answers = async (): Promise<Fact[]> => [
    ...(await all("OrderIntent")).slice(1),
    ...(await all("ExecutionAttempt")),
  ];
  await until(async () => (await answers()).length > 0, { what: "the answer to a forged book" });
  const bestOf = (fact: Fact): unknown => ("used" in fact ? fact.used.bestAskMicro : null);
  expect((await answers()).map(bestOf)).toEqual([given.price(0.5)]);
});
