/** Bookstore on a real bus: first touch, a consumer's replica equal to the venue, lost changes, lost sockets, a restart. */
import { type Answer, ask, serve } from "@slipstream/actor/ask";
import { publishMarket } from "@slipstream/actor/markets";
import type { RunningService } from "@slipstream/actor/service";
import { flatLevels } from "@slipstream/book/ladder";
import {
  createReplica,
  onReplicaAnswer,
  onReplicaMessage,
  onReplicaRefused,
  onReplicaTimer,
  type Replica,
  type ReplicaEffect,
} from "@slipstream/book/replica";
import { BookClock, BookSnapshot, BookUpdate } from "@slipstream/contracts/book";
import type { FactOf } from "@slipstream/contracts/facts";
import type { Address, Hash, LeaderFillId, TokenId } from "@slipstream/contracts/ids";
import { type PriceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { streams, subjects } from "@slipstream/contracts/subjects";
import { append, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { HANGING_MS, until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bookstoreEnv } from "../src/config.ts";
import { bid, conditionId, market, NO, ask as offer, YES } from "../src/core/venue.testing.ts";
import { buildBookstore } from "../src/service.ts";
import { type FakeVenue, startFakeVenue } from "./fakeVenue.ts";

let testBus: TestBus;
let bus: TestBus["bus"];
let venue: FakeVenue;
let service: RunningService;
const replicas = new Map<TokenId, Replica>();
const timers: NodeJS.Timeout[] = [];
const clocks: BookClock[] = [];
/** Snapshots that opened an epoch, as published. */
const epochs: { tokenId: TokenId; epoch: string }[] = [];

async function start(mode = "ws+snapshot"): Promise<void> {
  service = await buildBookstore(
    testBus.context("bookstore", bookstoreEnv, {
      CLOB_MARKET_WS_URL: venue.wsUrl,
      CLOB_HTTP_URL: venue.httpUrl,
      BOOKSTORE_MODE: mode,
      BOOKS_POLL_MS: "100",
    }),
  );
  await until(() => service.status().role === "owner", { what: "ownership" });
}

/** What a consumer does: subscribe, ask, join. */
function follow(tokenId: TokenId): void {
  const replica = createReplica({ tokenId });
  replicas.set(tokenId, replica);
  const perform = async (effects: readonly ReplicaEffect[]): Promise<void> => {
    const asked = effects.at(-1)?.asked;
    if (asked === undefined) return;
    const answer: Answer<BookSnapshot> = await ask(bus, "bookstore", "snap", { tokenId }, HANGING_MS);
    if (!answer.ok) await perform(onReplicaRefused(replica, asked, Date.now()));
    else await perform(onReplicaAnswer(replica, answer.value, asked, Date.now()));
  };
  bus.nc.subscribe(subjects.book(tokenId), {
    callback: (_error, message) => {
      const update = BookUpdate.parse(JSON.parse(message.string()));
      if (update.type === "BookSnapshot") epochs.push({ tokenId, epoch: update.epoch });
      void perform(onReplicaMessage(replica, update, Date.now()));
    },
  });
  timers.push(setInterval(() => void perform(onReplicaTimer(replica, Date.now())), 100));
}

const equalsTruth = (tokenId: TokenId): boolean => {
  const replica = replicas.get(tokenId);
  const book = replica?.history.book;
  if (replica?.mode !== "healthy" || replica.health !== "healthy" || book === undefined || book === null) return false;
  const own = { bids: flatLevels(book, "BUY"), asks: flatLevels(book, "SELL") };
  return JSON.stringify(own) === JSON.stringify(venue.truth.levels(tokenId));
};
const isTruth = (what: string) =>
  until(() => equalsTruth(YES) && equalsTruth(NO), { what: `${what}: replicas equal to the venue` });
/** What a refresh answers when the venue was read in time; a slow one is asked again. */
const refreshed = (tokenId: TokenId) =>
  until(
    async () => {
      const seq = replicas.get(tokenId)?.seq ?? 0;
      const answer = await ask(bus, "bookstore", "refresh", { tokenId }, HANGING_MS);
      return answer.ok ? { value: answer.value, seq } : null;
    },
    { what: "a refresh" },
  );
const epochOf = (tokenId: TokenId): string => replicas.get(tokenId)?.epoch ?? "";

/** A fill of a leader, as chain-watcher would tell it. */
const leaderFill = (tokenId: TokenId): FactOf<"LeaderFill"> => ({
  type: "LeaderFill",
  v: 1,
  id: "LeaderFill:1:0" as FactOf<"LeaderFill">["id"],
  leaderFillId: "a".repeat(32) as LeaderFillId,
  occurrence: 0,
  ordinal: 0,
  chainId: 137,
  leader: `0x${"11".repeat(20)}` as Address,
  role: "TAKER",
  side: "BUY",
  tokenId,
  conditionId,
  sharesMicro: sharesMicro(1n),
  usdcMicro: usdcMicro(1n),
  priceMicro: 500_000 as PriceMicro,
  feeMicro: usdcMicro(0n),
  feeUnit: "USDC",
  exchange: `0x${"e1".repeat(20)}` as Address,
  orderHash: `0x${"01".repeat(32)}` as Hash,
  txHash: `0x${"02".repeat(32)}` as Hash,
  blockNumber: 1,
  blockHash: `0x${"03".repeat(32)}` as Hash,
  logIndex: 0,
  source: "chain",
  historical: false,
  tsEventMs: Date.now(),
  tsSeenMs: Date.now(),
  tsInitMs: Date.now(),
});

beforeAll(async () => {
  [testBus, venue] = await Promise.all([startTestBus(), startFakeVenue()]);
  venue.change(bid(400_000, 10), offer(600_000, 20));
  ({ bus } = testBus);
  await publishMarket(bus, {
    ...market,
    type: "MarketDefinition",
    v: 1,
    question: "",
    slug: "",
    eventId: null,
    version: "v1",
    negRiskMarketId: null,
    fee: { rateMicro: 0, exponent: 1, takerOnly: true },
    takerDelayMs: 0,
    acceptingOrders: true,
    closed: false,
    payoutMicro: null,
    tsEventMs: 1,
    tsInitMs: 1,
  });
  bus.nc.subscribe(subjects.bookClock, {
    callback: (_error, message) => void clocks.push(BookClock.parse(JSON.parse(message.string()))),
  });
  await start();
});
afterAll(async () => {
  for (const timer of timers) clearInterval(timer);
  await service?.drain();
  await testBus?.stop();
  await venue?.stop();
  expect(testBus.errors).toEqual([]);
});

test("a leader's fill in a token that nobody read or asked for brings its book, and its sibling's", async () => {
  follow(YES);
  follow(NO);
  await bus.nc.flush();
  expect(epochs).toEqual([]);
  await append(bus, leaderFill(YES));
  await isTruth("first touch");
  // By one connection and one subscription for both: nothing was read before, and nothing twice.
  expect([...venue.counts.subscriptions].sort()).toEqual([YES, NO].sort());
  expect(epochs.map(({ tokenId }) => tokenId).sort()).toEqual([YES, NO].sort());
  expect(service.status()).toMatchObject({ problems: [], gauges: { books: 2, unhealthyBooks: 0 } });
});

test("changes reach the replica, the watermark follows them, and the past is answered exactly", async () => {
  const before = epochOf(YES);
  for (let n = 1; n <= 20; n++) venue.change(bid(400_000 - n * 10_000, n), offer(600_000 + n * 10_000, n));
  await isTruth("after changes");
  expect(epochOf(YES)).toBe(before);
  const { bids } = venue.truth.levels(YES);
  const tsMs = Date.now();
  // On a quiet connection only a ping tells that nothing is on its way.
  await until(() => (clocks.at(-1)?.watermarkMs ?? 0) >= tsMs, { what: "the watermark to pass" });
  const past = await ask(bus, "bookstore", "bookAt", { tokenId: YES, tsMs }, HANGING_MS);
  expect(past.ok && past.value.bids).toEqual(bids);
  const future = await ask(bus, "bookstore", "bookAt", { tokenId: YES, tsMs: tsMs + 60_000 }, HANGING_MS);
  expect(future).toMatchObject({ ok: false, code: "NOT_YET" });
});

test("the last book is on the stream for others", async () => {
  const last = await until(() => bus.jsm.streams.getMessage(streams.books, { last_by_subj: subjects.bookLast(YES) }), {
    what: "the last book",
  });
  const { bids, asks } = BookSnapshot.parse(last.json());
  expect({ bids, asks }).toEqual(venue.truth.levels(YES));
});

test("a change that is lost for good is found by the venue's hashes and repaired from REST", async () => {
  const before = epochOf(YES);
  venue.lose(1);
  venue.change(bid(390_000, 77));
  const proving = setInterval(() => venue.change(bid(10_000, Math.ceil(Math.random() * 1_000))), 250);
  try {
    await until(() => epochOf(YES) !== before && epochOf(NO) !== before, { what: "new epochs" });
  } finally {
    clearInterval(proving);
  }
  await isTruth("after the loss");
});

test("cut connections come back with new epochs, and a refresh answers the venue's book", async () => {
  const before = epochOf(YES);
  venue.dropSockets();
  venue.change(bid(380_000, 5));
  await until(() => epochOf(YES) !== before, { what: "a new epoch" });
  await isTruth("after the reconnect");
  expect((await refreshed(YES)).value.bids).toEqual(venue.truth.levels(YES).bids);
});

test("a quiet book that REST says is still so is told to be fresh; a venue that does not answer is told in time", async () => {
  await isTruth("before");
  const replica = replicas.get(YES) as Replica;
  venue.freeze(true);
  try {
    const { epoch } = replica;
    const askedMs = Date.now();
    const { value, seq } = await refreshed(YES);
    expect(value).toMatchObject({ epoch, seq: seq + 1, health: "healthy" });
    await until(() => replica.seq === seq + 1, { what: "the update that says so" });
    // REST lags by up to 1.1 s: it proves an earlier moment, and no later one.
    expect(askedMs - replica.lastSeenMs).toBeLessThanOrEqual(1_100);
    venue.stallRest(true);
    const late = await ask(bus, "bookstore", "refresh", { tokenId: YES }, HANGING_MS);
    expect(late).toMatchObject({ ok: false, code: "REFRESH_LATE" });
  } finally {
    venue.stallRest(false);
    venue.freeze(false);
  }
  await isTruth("afterwards");
});

test("a token the venue does not know has no book and makes no noise", async () => {
  const tokenId = "999" as TokenId;
  expect((await ask(bus, "bookstore", "track", { tokenIds: [tokenId] }, HANGING_MS)).ok).toBe(true);
  await until(() => venue.counts.subscriptions.includes(tokenId), { what: "its subscription" });
  expect(await ask(bus, "bookstore", "snap", { tokenId }, HANGING_MS)).toMatchObject({
    ok: false,
    code: "UNKNOWN_TOKEN",
  });
  expect(service.status().problems).toEqual([]);
});

test.each(["ws", "rest", "ws+snapshot"])("a restart in mode %s goes on in later epochs", async (mode) => {
  const before = Number(epochOf(YES).split(".")[0]);
  await service.drain();
  const { books } = venue.counts;
  await start(mode);
  await until(() => Number(epochOf(YES).split(".")[0]) > before, { what: "an epoch of the new tenure" });
  venue.change(bid(370_000, before));
  await isTruth(`mode ${mode}`);
  if (mode === "ws") expect(venue.counts.books).toBe(books);
  await until(() => (service.status().lagMs ?? Number.POSITIVE_INFINITY) < 2_000, { what: "no lag" });
});

test("registry is told of a market whose books are emptied, and of one whose books are gone", async () => {
  const doubted = new Set<TokenId>();
  const stopServing = serve(bus, "registry", "doubt", async ({ tokenId }) => {
    doubted.add(tokenId);
    return { ok: true, value: { known: true } };
  });
  try {
    await isTruth("before");
    // Level by level, and nobody says why; the sibling's book is the same one.
    const levelsOf = (flat: readonly number[]) => flat.filter((_, index) => index % 2 === 0);
    const { bids, asks } = venue.truth.levels(YES);
    for (const price of levelsOf(bids)) venue.change(bid(price, 0));
    for (const price of levelsOf(asks)) venue.change(offer(price, 0));
    await until(() => doubted.has(YES) && doubted.has(NO), { what: "the word of empty books" });
    doubted.clear();
    venue.settle(YES, NO);
    const frame = { market: conditionId, assets_ids: [YES, NO], winning_asset_id: "", winning_outcome: "" };
    venue.say(JSON.stringify({ ...frame, event_type: "market_resolved", timestamp: String(Date.now()) }));
    await until(() => doubted.has(YES) && doubted.has(NO), { what: "the word to registry" });
    const isDead = (tokenId: TokenId) => replicas.get(tokenId)?.health === "dead";
    await until(() => isDead(YES) && isDead(NO), { what: "the end at the consumers" });
  } finally {
    stopServing();
  }
});
