/** The stream source on real sockets: what the venue does to its readers, and whatever else may come over the line. */
import { systemClock } from "@slipstream/actor/clock";
import { flatLevels } from "@slipstream/book/ladder";
import type { BookStatus } from "@slipstream/contracts/book";
import { commonEnv, parseEnv } from "@slipstream/contracts/env";
import type { TokenId } from "@slipstream/contracts/ids";
import { createClobRest } from "@slipstream/polymarket/clobRest";
import { createHttpReader } from "@slipstream/polymarket/http";
import { HANGING_MS, until } from "@slipstream/testkit/until";
import fc from "fast-check";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bookstoreEnv } from "../src/config.ts";
import { createDesk, type Desk, onTick } from "../src/core/desk.ts";
import { bid, conditionId, marketOf, NO, ask as offer, YES } from "../src/core/venue.testing.ts";
import type { Source } from "../src/source.ts";
import { createStreamSource } from "../src/streamSource.ts";
import { type FakeVenue, plainTokens, startFakeVenue } from "./fakeVenue.ts";

const [A, B, D] = plainTokens as [TokenId, TokenId, TokenId];
let venue: FakeVenue;
let desk: Desk;
let source: Source;
let statuses: BookStatus[];
const resolved = new Set<string>();
/** The source's looks around, which a test may stop. */
let looks: { cancel(): void };
let logged: { readonly level: number; readonly kind?: string }[];
const closers: (() => void | Promise<void>)[] = [];

/** @param speed - of the source's world: 10 s of it pass in one. */
function start(env: Readonly<Record<string, string>> = {}, speed = 1): void {
  const given = { CLOB_MARKET_WS_URL: venue.wsUrl, CLOB_HTTP_URL: venue.httpUrl, ...env };
  const clock = systemClock({ realMs: Date.now(), worldMs: Date.now(), speed });
  desk = createDesk(7, marketOf);
  const stream = { write: (line: string) => void logged.push(JSON.parse(line)) };
  const { httpUrl: baseUrl } = venue;
  source = createStreamSource({
    desk,
    process: "test",
    clock,
    logger: pino({ level: "warn" }, stream),
    settings: { ...parseEnv(commonEnv, given), ...parseEnv(bookstoreEnv, given) },
    rest: createClobRest(
      createHttpReader({ baseUrl, clock, random: Math.random, timeoutMs: HANGING_MS, attemptsMax: 1 }),
    ),
    clockStands: () => true,
    publish: (outputs) => {
      for (const output of outputs) if (output.type === "BookStatus") statuses.push(output);
    },
    onResolved: (ended) => void resolved.add(ended),
  });
  looks = clock.every(100, () => {
    onTick(desk, clock.nowMs());
    source.look();
  });
  closers.push(() => {
    looks.cancel();
    source.stop();
  });
}

const healthOf = (tokenId: TokenId): string => desk.books.get(tokenId)?.health ?? "unknown";
const epochOf = (tokenId: TokenId): string => desk.books.get(tokenId)?.epoch ?? "";
const areHealthy = (...tokens: readonly TokenId[]): Promise<unknown> =>
  until(() => tokens.every((tokenId) => healthOf(tokenId) === "healthy"), { what: "healthy books" });
const isTruth = (tokenId: TokenId): boolean => {
  const book = desk.books.get(tokenId)?.history.book;
  if (book === undefined || book === null) return false;
  const own = { bids: flatLevels(book, "BUY"), asks: flatLevels(book, "SELL") };
  return JSON.stringify(own) === JSON.stringify(venue.truth.levels(tokenId));
};

beforeEach(async () => {
  statuses = [];
  logged = [];
  venue = await startFakeVenue();
  venue.change(bid(400_000, 10), offer(600_000, 20));
  closers.push(venue.stop);
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

test("tokens are spread over connections, siblings together; adding and removing disturbs no other", async () => {
  start({ TOKENS_PER_CONNECTION: "2" });
  source.want([A, YES, B, NO, D], 7);
  await areHealthy(A, YES, B, NO, D);
  expect([venue.connections(), desk.books.get(YES)?.connection === desk.books.get(NO)?.connection]).toEqual([3, true]);
  const before = [YES, NO, B].map(epochOf);
  const { length: subscribed } = venue.counts.subscriptions;
  source.want([YES, NO, B, plainTokens[3] as TokenId], 7);
  await areHealthy(plainTokens[3] as TokenId);
  expect(venue.counts.subscriptions.slice(subscribed)).toEqual([plainTokens[3]]);
  await until(() => venue.connections() === 2, { what: "the empty connection to end" });
  venue.change(bid(390_000, 3));
  await until(() => isTruth(YES) && isTruth(NO), { what: "the change" });
  expect([[YES, NO, B].map(epochOf), statuses]).toEqual([before, []]);
});

test("a token that the opening books leave out is asked for at REST, whose book counts when the stream names its hash", async () => {
  venue.forget(NO);
  start();
  source.want([YES, NO], 7);
  await areHealthy(YES);
  await until(() => venue.counts.books > 0, { what: "a request to REST" });
  expect(healthOf(NO)).not.toBe("healthy");
  const trading = setInterval(() => venue.change(bid(10_000, Math.ceil(Math.random() * 1_000))), 300);
  closers.push(() => clearInterval(trading));
  await areHealthy(NO);
});

test.each([
  ["1013, slow consumer", () => venue.closeSockets(1013, "slow consumer: send buffer full")],
  ["no closing handshake", () => venue.dropSockets()],
])("a connection cut off with %s: books void at once, back with new epochs", async (_name, cut) => {
  start();
  source.want([YES, NO], 7);
  await areHealthy(YES, NO);
  const before = epochOf(YES);
  cut();
  await until(() => statuses.length >= 2, { what: "the loss to be told" });
  venue.change(bid(380_000, 4));
  await areHealthy(YES, NO);
  expect(statuses.slice(0, 2).map(({ health, reason }) => `${health}: ${reason}`)).toEqual(
    Array(2).fill("resyncing: connection lost"),
  );
  expect([isTruth(YES), epochOf(YES) === before]).toEqual([true, false]);
});

test("a half-open connection is given up after the silence that is set", async () => {
  start({ BOOKS_SILENCE_MS: "5000" }, 10);
  source.want([YES, NO], 7);
  await areHealthy(YES, NO);
  venue.freeze(true);
  await until(() => statuses.some(({ reason }) => reason === "connection lost"), { what: "the end" });
  venue.change(bid(370_000, 4));
  venue.freeze(false);
  await until(() => isTruth(YES) && healthOf(YES) === "healthy", { what: "books again" });
});

test("a REST that always says an old ghost of a book is never believed, and the stream heals what it doubts", async () => {
  venue.haunt(true);
  start({ BOOKS_AUDIT_SECONDS: "10" }, 4);
  source.want([YES, NO], 7);
  const best = (tokenId: TokenId): number | undefined => {
    const book = desk.books.get(tokenId)?.history.book;
    return book === undefined || book === null ? undefined : flatLevels(book, "BUY")[0];
  };
  let ghosts = 0;
  const looking = setInterval(() => {
    if ([YES, NO].some((tokenId) => healthOf(tokenId) === "healthy" && best(tokenId) === 10_000)) ghosts += 1;
  }, 5);
  closers.push(() => clearInterval(looking));
  await areHealthy(YES, NO);
  for (const frame of [change({ size: "x" }), '{"market":"0x', change({ asset_id: null, size: "x" })]) {
    const { length: asked } = venue.counts.subscriptions;
    venue.say(frame);
    await until(() => statuses.at(-1)?.health !== "healthy", { what: "a doubt" });
    await until(() => venue.counts.subscriptions.length > asked, { what: "the stream to be asked again" });
    await areHealthy(YES, NO);
    expect([isTruth(YES), isTruth(NO)]).toEqual([true, true]);
  }
  await until(() => venue.counts.books > 3, { what: "some answers of REST" });
  expect(ghosts).toBe(0);
});

test("settled markets: books end, tokens are put aside and cost neither connection nor requests", async () => {
  // Ten times as fast, a machine that stands still for a second is silent for ten: here that is no silence.
  start({ BOOKS_SILENCE_MS: "120000" }, 10);
  source.want([YES, NO, A], 7);
  await areHealthy(YES, NO, A);
  const frame = { id: "1", market: conditionId, assets_ids: [YES, NO], winning_asset_id: YES, winning_outcome: "Yes" };
  venue.settle(YES, NO);
  venue.say(JSON.stringify({ ...frame, event_type: "market_resolved", timestamp: String(Date.now()) }));
  await until(() => venue.counts.unsubscriptions.length >= 2, { what: "the end of the subscriptions" });
  expect([healthOf(YES), healthOf(NO), healthOf(A)]).toEqual(["dead", "dead", "healthy"]);
  expect(statuses.map(({ reason }) => reason)).toContain("market resolved");
  expect([...resolved]).toEqual([conditionId]);
  // Unannounced: the venue closes the connection whose markets have all ended. It is not opened again until somebody looks.
  venue.settle(A);
  looks.cancel();
  const { connections } = venue.counts;
  venue.closeSockets(1000, "all subscribed assets resolved");
  await until(() => healthOf(A) === "dead" && venue.connections() === 0, { what: "the end of the last book" });
  const { connections: open, settledTokens } = source.gauges();
  expect({ open, settledTokens, everOpened: venue.counts.connections }).toEqual({
    open: 0,
    settledTokens: 3,
    everOpened: connections,
  });
});

test("a settled token that just stays silent after a reconnect is found dead by REST", async () => {
  start();
  source.want([YES, A], 7);
  await areHealthy(YES, A);
  venue.settle(A);
  venue.dropSockets();
  await areHealthy(YES);
  await until(() => healthOf(A) === "dead" && venue.counts.unsubscriptions.includes(A), { what: "its end" });
});

const change = (more: object): string =>
  JSON.stringify({
    event_type: "price_change",
    market: conditionId,
    timestamp: String(Date.now()),
    price_changes: [
      { asset_id: YES, price: "0.40", size: "1", side: "BUY", hash: "", best_bid: "", best_ask: "", ...more },
    ],
  });
const nonsense: readonly (readonly [kind: string, frame: () => string | Buffer])[] = [
  ["no JSON", () => '{"event_type":"price_change","mark'],
  ["negative size", () => change({ size: "-5" })],
  ["price above one", () => change({ price: "1.5" })],
  ["too many decimals", () => change({ price: "0.4000001" })],
  ["off the coarse tick", () => change({ price: "0.405", size: "0" })],
  ["huge number", () => change({ size: "9".repeat(400) })],
  ["no token", () => change({ asset_id: null })],
  ["unknown type", () => '{"event_type":"something_else","market":"0x"}'],
  ["no type", () => '{"hello":1}'],
  ["old shape", () => JSON.stringify({ event_type: "price_change", market: conditionId, changes: [] })],
  ["numbers", () => "[1,2,null]"],
  ["empty", () => ""],
  ["empty list", () => "[]\n"],
  ["deep", () => `${"[".repeat(50_000)}${"]".repeat(50_000)}`],
  ["7 MB of one message", () => JSON.stringify({ event_type: "x", text: "y".repeat(7_000_000) })],
];

test("nonsense of each kind is counted, told once, and crashes nothing; the books are right afterwards", async () => {
  start();
  source.want([YES, NO], 7);
  await areHealthy(YES, NO);
  for (let round = 0; round < 3; round += 1) for (const [, frame] of nonsense) venue.say(frame());
  const { length: kinds } = nonsense;
  await until(() => (source.gauges()["frames"] ?? 0) > 3 * kinds, { what: "all frames" });
  const { refused = 0, ignored = 0, empty = 0, broken } = source.gauges();
  // [1,2,null] is three messages that cannot be read.
  expect([refused, ignored, empty, broken]).toEqual([expect.any(Number), 6, 6, 0]);
  expect(refused).toBeGreaterThanOrEqual(3 * 8);
  const told = logged.filter(({ level, kind }) => level === 50 && kind !== undefined).map(({ kind }) => kind);
  expect(told.length).toBeGreaterThan(3);
  expect(new Set(told).size).toBe(told.length);
  const proving = setInterval(() => venue.change(bid(10_000, Math.ceil(Math.random() * 1_000))), 100);
  closers.push(() => clearInterval(proving));
  await until(() => [YES, NO].every((token) => healthOf(token) === "healthy" && isTruth(token)), {
    what: "truth",
  });
});

test.each<[string, () => string | Buffer]>([
  ["10 MB", () => JSON.stringify({ event_type: "x", text: "y".repeat(10_000_000) })],
  ["bytes that are no UTF-8", () => Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
])("a frame of %s is refused unread, and its connection begins anew", async (_name, frame) => {
  start();
  source.want([YES, NO], 7);
  await areHealthy(YES, NO);
  const before = epochOf(YES);
  venue.say(frame());
  await until(() => epochOf(YES) !== before && healthOf(YES) === "healthy", { what: "a new epoch" });
  // Read, it would be of an unknown type, or refused.
  expect(source.gauges()).toMatchObject({ broken: 1, ignored: 0, refused: 0 });
});

test("whatever frames become on their way, nothing crashes and the books are right again", async () => {
  start({}, 4);
  source.want([YES, NO], 7);
  await areHealthy(YES, NO);
  const valid = [
    change({}),
    change({ size: "0", price: "0.01" }),
    JSON.stringify([{ event_type: "book", asset_id: NO }]),
  ];
  const mutated = fc.tuple(fc.constantFrom(...valid), fc.nat(), fc.string({ maxLength: 4 }), fc.nat(3));
  const seed = Number(process.env["FC_SEED"] ?? 42);
  const frames = fc.sample(mutated, { numRuns: Number(process.env["FC_RUNS"] ?? 400), seed });
  for (const [text, at, insert, cut] of frames) {
    const from = at % text.length;
    venue.say(text.slice(0, from) + insert + text.slice(from + cut));
  }
  await until(() => (source.gauges()["frames"] ?? 0) > frames.length, { what: "all frames" });
  const proving = setInterval(() => venue.change(bid(10_000, Math.ceil(Math.random() * 1_000))), 50);
  closers.push(() => clearInterval(proving));
  await until(() => [YES, NO].every((token) => healthOf(token) === "healthy" && isTruth(token)), {
    what: "truth",
  });
  expect(source.gauges()["refused"]).toBeGreaterThan(100);
});
