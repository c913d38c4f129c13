/** Two bookstores, real processes on a real bus: they share the tokens, and one goes on when the other is killed. */

import { join } from "node:path";
import { ask } from "@slipstream/actor/ask";
import { exactClockText, MACHINE_CLOCK } from "@slipstream/actor/clock";
import { publishMarket } from "@slipstream/actor/markets";
import type { RunningProcess } from "@slipstream/actor/process";
import { compareEpochs } from "@slipstream/book/replica";
import { commonEnv } from "@slipstream/contracts/env";
import type { TokenId } from "@slipstream/contracts/ids";
import { Heartbeat } from "@slipstream/contracts/live";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { expectNoLeaks, startCounted } from "@slipstream/testkit/processes";
import { startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { HANGING_MS, until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bid, market, NO, ask as offer, YES } from "../src/core/venue.testing.ts";
import { type FakeVenue, plainBook, plainTokens, startFakeVenue } from "./fakeVenue.ts";
import { type Follower, followBook, type Levels } from "./follower.ts";

/** A lease of a dead process runs out after 12 s; the next renewal of the other finds it. */
const tokens: readonly TokenId[] = [YES, NO, ...plainTokens];
let testBus: TestBus;
let venue: FakeVenue;
const processes = new Map<string, RunningProcess>();
const beats = new Map<string, Heartbeat>();
const followers = new Map<TokenId, Follower>();

async function start(instance: string): Promise<void> {
  const process_ = await startCounted({
    name: `bookstore ${instance}`,
    command: process.execPath,
    args: [join(import.meta.dirname, "../src/main.ts")],
    env: {
      ...process.env,
      NATS_URL: testBus.context("bookstore", commonEnv).settings.NATS_URL,
      // The venue is on this machine.
      SLIPSTREAM_CLOCK: exactClockText(MACHINE_CLOCK),
      INSTANCE: instance,
      CLOB_MARKET_WS_URL: venue.wsUrl,
      CLOB_HTTP_URL: venue.httpUrl,
    },
  });
  processes.set(instance, process_);
}
const partitionsOf = (instance: string): number => beats.get(instance)?.gauges["partitions"] ?? 0;
const followed = (tokenId: TokenId): Follower => {
  const follower = followers.get(tokenId);
  if (follower === undefined) throw new Error(`${tokenId} is not followed`);
  return follower;
};
const truthOf = (tokenId: TokenId): Levels => (plainTokens.includes(tokenId) ? plainBook : venue.truth.levels(tokenId));
const allTrue = (what: string) =>
  until(() => tokens.every((tokenId) => followed(tokenId).equals(truthOf(tokenId))), { what });
/** Which instance a token is read by, as its connection's name says. */
const readerOf = (tokenId: TokenId): string => followed(tokenId).replica.connection.split("-")[0] ?? "";
const epochs = (): Map<TokenId, string> => new Map(tokens.map((tokenId) => [tokenId, followed(tokenId).replica.epoch]));
const track = () => ask(testBus.bus, "bookstore", "track", { tokenIds: [...tokens] }, HANGING_MS);

beforeAll(async () => {
  [testBus, venue] = await Promise.all([startTestBus(), startFakeVenue()]);
  venue.change(bid(400_000, 10), offer(600_000, 20));
  const { bus } = testBus;
  bus.nc.subscribe("hb.bookstore.*", {
    callback: (_error, message) => {
      const beat = Heartbeat.parse(JSON.parse(message.string()));
      beats.set(beat.instance, beat);
    },
  });
  const facts = { question: "", slug: "", eventId: null, version: "v1", negRiskMarketId: null, payoutMicro: null };
  const fee = { rateMicro: 0, exponent: 1, takerOnly: true };
  await publishMarket(bus, {
    ...market,
    ...facts,
    type: "MarketDefinition",
    v: 1,
    fee,
    takerDelayMs: 0,
    acceptingOrders: true,
    closed: false,
    tsEventMs: 1,
    tsInitMs: 1,
  } as MarketDefinition);
  for (const tokenId of tokens) followers.set(tokenId, followBook(bus, tokenId));
});
afterAll(async () => {
  for (const follower of followers.values()) follower.stop();
  await Promise.all([...processes.values()].map((running) => running.terminate()));
  await testBus?.stop();
  await venue?.stop();
  await expectNoLeaks();
});

test("one bookstore reads everything; a second one takes half, told by new epochs and without a wrong book", async () => {
  await start("a");
  await until(() => partitionsOf("a") === 16, { what: "all partitions" });
  await track();
  await allTrue("all books by one");
  const before = epochs();
  await start("b");
  await until(() => partitionsOf("a") === 8 && partitionsOf("b") === 8, { what: "even shares" });
  await track();
  await until(() => tokens.some((tokenId) => readerOf(tokenId) === "b"), { what: "b to read" });
  venue.change(bid(390_000, 3));
  await allTrue("all books by two");
  expect(readerOf(YES)).toBe(readerOf(NO));
  for (const tokenId of tokens) {
    const moved = readerOf(tokenId) === "b";
    expect(compareEpochs(followed(tokenId).replica.epoch, before.get(tokenId) ?? "") > 0).toBe(moved);
  }
});

test("requests reach whoever reads the token", async () => {
  for (const tokenId of tokens) {
    const answer = await ask(testBus.bus, "bookstore", "snap", { tokenId }, HANGING_MS);
    expect(answer.ok && answer.value.connection.split("-")[0]).toBe(readerOf(tokenId));
    // A slow venue is told as that, and asked again.
    const refresh = () => ask(testBus.bus, "bookstore", "refresh", { tokenId }, HANGING_MS);
    await until(async () => (await refresh()).ok, { what: "a refresh" });
  }
});

test("when one is killed, its tokens come back from the other in new epochs; the others do not notice", async () => {
  const victim = readerOf(YES);
  const survivor = victim === "a" ? "b" : "a";
  const before = epochs();
  const own = tokens.filter((tokenId) => readerOf(tokenId) === victim);
  await processes.get(victim)?.kill9();
  venue.change(bid(380_000, 4));
  await until(() => own.every((tokenId) => readerOf(tokenId) === survivor), {
    what: "the takeover",
  });
  await allTrue("all books by the survivor");
  for (const tokenId of tokens) {
    const newer = compareEpochs(followed(tokenId).replica.epoch, before.get(tokenId) ?? "") > 0;
    expect([tokenId, newer]).toEqual([tokenId, own.includes(tokenId)]);
  }
  await start(victim);
  await until(() => partitionsOf(victim) === 8 && partitionsOf(survivor) === 8, { what: "even shares" });
  // One that starts knows what is asked for when it is asked: whoever follows books asks again every few seconds.
  await track();
  venue.change(bid(380_000, 5));
  await allTrue("all books by two again");
});
