/** A consumer that stops reading: the server cuts it off, nobody else notices, and it finds its way back by itself. */
import { Worker } from "node:worker_threads";
import { ask } from "@slipstream/actor/ask";
import type { RunningService } from "@slipstream/actor/service";
import { commonEnv } from "@slipstream/contracts/env";
import { startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { HANGING_MS, until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bookstoreEnv } from "../src/config.ts";
import { bid, ask as offer, YES } from "../src/core/venue.testing.ts";
import { buildBookstore } from "../src/service.ts";
import { type FakeVenue, startFakeVenue } from "./fakeVenue.ts";
import { type Follower, followBook } from "./follower.ts";
import type { StalledReaderData, StalledReaderReport } from "./stalledReader.ts";

/** What the server keeps for a client that does not read, small enough to be reached in a test. */
const config = 'max_pending: 1MB\nwrite_deadline: "60s"';
let testBus: TestBus;
let venue: FakeVenue;
let service: RunningService;
let follower: Follower;
let worker: Worker;
let report: StalledReaderReport | null = null;
const gate = new Int32Array(new SharedArrayBuffer(4));

beforeAll(async () => {
  [testBus, venue] = await Promise.all([startTestBus({ config }), startFakeVenue()]);
  venue.change(bid(400_000, 10), offer(600_000, 20));
  const env = { CLOB_MARKET_WS_URL: venue.wsUrl, CLOB_HTTP_URL: venue.httpUrl };
  service = await buildBookstore(testBus.context("bookstore", bookstoreEnv, env));
  await until(() => service.status().role === "owner", { what: "ownership" });
  follower = followBook(testBus.bus, YES);
  const { NATS_URL: url } = testBus.context("bookstore", commonEnv).settings;
  const data: StalledReaderData = { url, tokenId: YES, gate };
  worker = new Worker(new URL("./stalledReader.ts", import.meta.url), { workerData: data });
  worker.on("message", (message: StalledReaderReport) => {
    report = message;
  });
});
afterAll(async () => {
  Atomics.store(gate, 0, 0);
  Atomics.notify(gate, 0);
  follower?.stop();
  await worker?.terminate();
  await service?.drain();
  await testBus?.stop();
  await venue?.stop();
});

const sameAsVenue = (levels: StalledReaderReport["levels"]): boolean =>
  JSON.stringify(levels) === JSON.stringify(venue.truth.levels(YES));
const bothEqual = (what: string) =>
  until(() => follower.equals(venue.truth.levels(YES)) && report?.healthy === true && sameAsVenue(report.levels), {
    what,
  });
/** A change every few milliseconds until the condition holds. */
async function flowUntil(isOver: () => boolean, what: string): Promise<void> {
  let n = 0;
  const flow = setInterval(() => venue.change(bid(100_000 + (n++ % 20) * 10_000, 1 + n)), 4);
  try {
    await until(isOver, { what });
  } finally {
    clearInterval(flow);
  }
}

test("a stalled subscriber harms nobody else, and recovers by itself", async () => {
  await ask(testBus.bus, "bookstore", "track", { tokenIds: [YES] }, HANGING_MS);
  await bothEqual("two consumers equal to the venue");
  await flowUntil(() => follower.updates.length > 200, "some flow before");
  const { epoch } = follower.replica;

  Atomics.store(gate, 0, 1);
  await until(() => report?.stalls === 1, { what: "the consumer to stall" });
  const { length: heard } = follower.updates;
  // 50 copies of each update of both tokens: some 20 MB, more than the sockets' buffers and the server's bound together.
  await flowUntil(() => follower.updates.length > heard + 600, "flow meanwhile");

  const meanwhile = follower.updates.slice(heard);
  expect(meanwhile.map(({ seq }) => seq)).toEqual(meanwhile.map((_, index) => (meanwhile[0]?.seq ?? 0) + index));
  expect([follower.replica.mode, follower.replica.epoch]).toEqual(["healthy", epoch]);
  expect(service.status().problems).toEqual([]);

  Atomics.store(gate, 0, 0);
  Atomics.notify(gate, 0);
  await until(() => (report?.disconnects ?? 0) > 0, { what: "the consumer to see that it was cut off" });
  venue.change(bid(390_000, 3));
  await bothEqual("the stalled consumer to be whole again");
  expect(follower.replica.epoch).toBe(epoch);
});
