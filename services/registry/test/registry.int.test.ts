/** Registry on a real bus: an edit is one fact across restarts, a wrong one is said, a token is looked up once. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ask } from "@slipstream/actor/ask";
import { type Markets, watchMarkets } from "@slipstream/actor/markets";
import { startProvisioner } from "@slipstream/actor/provisioner";
import type { RunningService } from "@slipstream/actor/service";
import { type FactOf, readFact } from "@slipstream/contracts/facts";
import type { TokenId } from "@slipstream/contracts/ids";
import { buckets, streams, subjects } from "@slipstream/contracts/subjects";
import { silentLogger, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { HANGING_MS, until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { registryEnv } from "../src/config.ts";
import { buildRegistry } from "../src/service.ts";

let testBus: TestBus;
let bus: TestBus["bus"];
let gamma: Server;
let service: RunningService;
let markets: Markets;
const told: FactOf<"ConfigChanged">[] = [];

const closed = new Set<number>();
const gammaMarket = (n: number) => ({
  conditionId: `0x${String(n).padStart(64, "0")}`,
  question: `Q${n}`,
  slug: `q${n}`,
  outcomes: '["Yes","No"]',
  clobTokenIds: `["${n}1","${n}2"]`,
  orderPriceMinTickSize: 0.01,
  orderMinSize: 5,
  acceptingOrders: !closed.has(n),
  closed: closed.has(n),
});
const answers: Record<string, (query: URLSearchParams) => unknown> = {
  "/markets/keyset": () => ({
    markets: [1, 2].filter((n) => !closed.has(n)).map(gammaMarket),
    next_cursor: null,
  }),
  "/markets": (query) => {
    const isClosed = query.get("closed") === "true";
    const asked = query.getAll("condition_ids");
    if (query.getAll("clob_token_ids").includes("91")) return isClosed ? [] : [gammaMarket(9)];
    return [1, 2].map(gammaMarket).filter((market) => market.closed === isClosed && asked.includes(market.conditionId));
  },
};

async function start(): Promise<void> {
  const url = `http://127.0.0.1:${(gamma.address() as AddressInfo).port}`;
  service = await buildRegistry(testBus.context("registry", registryEnv, { GAMMA_URL: url }));
}

beforeAll(async () => {
  gamma = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://gamma");
    const body = answers[url.pathname]?.(url.searchParams);
    response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body ?? null));
  });
  await new Promise<void>((resolve) => gamma.listen(0, "127.0.0.1", resolve));
  testBus = await startTestBus();
  ({ bus } = testBus);
  markets = await watchMarkets(bus, silentLogger);
  bus.nc.subscribe(subjects.control("config"), {
    callback: (_error, message) => {
      const reading = readFact(message.string());
      if (reading.kind === "fact" && reading.fact.type === "ConfigChanged") told.push(reading.fact);
    },
  });
  await start();
});
afterAll(async () => {
  await service?.drain();
  await markets?.stop();
  await testBus?.stop();
  gamma?.closeAllConnections();
  gamma?.close();
  expect(testBus.errors).toEqual([]);
});

const brief = (): string[] => told.map(({ key, value }) => `${key.slice(0, 12)} ${value === null ? "gone" : "set"}`);
const isTold = (count: number) => until(() => told.length === count, { what: `${count} facts` });

test("each edit is one fact, also across a restart, and what is edited meanwhile is told then", async () => {
  const bucket = await bus.kvm.open(buckets.config);
  const leader = `0x${"ab".repeat(20)}`;
  const key = `leaders.${leader}`;
  await bucket.put(key, JSON.stringify({ leader, enabled: true }));
  await isTold(1);
  await service.drain();
  await bucket.delete(key);
  await start();
  await isTold(2);
  expect(brief()).toEqual(["leaders.0xab set", "leaders.0xab gone"]);

  const other = `0x${"cd".repeat(20)}`;
  await bucket.put(`leaders.${other}`, "{");
  await until(() => service.status().problems.some((text) => text.includes(`leaders.${other} is not JSON`)), {
    what: "the refusal in the heartbeat",
  });
  await bucket.put(`leaders.${other}`, JSON.stringify({ leader: other, enabled: true }));
  await isTold(3);
  expect(service.status().problems).toEqual([]);
});

test("settings that vanish with their bucket are back, and the next edit is told as ever", async () => {
  const bucket = await bus.kvm.open(buckets.config);
  const kept = `leaders.0x${"cd".repeat(20)}`;
  expect((await bucket.get(kept))?.operation).toBe("PUT");
  const provisioner = await startProvisioner({ bus, logger: silentLogger, say: () => undefined });
  await bus.jsm.streams.delete(`KV_${buckets.config}`);
  await until(async () => (await bucket.get(kept).catch(() => null))?.operation === "PUT", { what: "what was set" });
  const leader = `0x${"ef".repeat(20)}`;
  await bucket.put(`leaders.${leader}`, JSON.stringify({ leader, enabled: true }));
  await until(() => told.some(({ key }) => key === `leaders.${leader}`), { what: "the edit" });
  expect(service.status().problems).toEqual([]);
  await provisioner.stop();
});

test("open markets are on the stream, and a token of another one is looked up when asked", async () => {
  await until(() => markets.byToken.has("11" as TokenId) && markets.byToken.has("22" as TokenId), {
    what: "the listed markets",
  });
  const known = await ask(bus, "registry", "resolve", { tokenId: "91" as TokenId }, HANGING_MS);
  expect(known.ok && known.value.question).toBe("Q9");
  await until(() => markets.byToken.has("92" as TokenId), { what: "its definition on the stream" });
  const unknown = await ask(bus, "registry", "resolve", { tokenId: "77" as TokenId }, HANGING_MS);
  expect(unknown).toMatchObject({ ok: false, code: "MARKET_UNKNOWN" });
});

test("definitions are told again when their stream vanishes, also of markets that no sync lists", async () => {
  const provisioner = await startProvisioner({ bus, logger: silentLogger, say: () => undefined });
  // With the lease, which makes whoever tells them no owner for a while.
  await Promise.all([streams.markets, `KV_${buckets.leases}`].map((name) => bus.jsm.streams.delete(name)));
  await until(async () => (await bus.jsm.streams.info(streams.markets).catch(() => null)) !== null, {
    what: "the stream",
  });
  const late = await watchMarkets(bus, silentLogger);
  await until(() => late.byToken.has("11" as TokenId) && late.byToken.has("92" as TokenId), { what: "what was known" });
  await late.stop();
  const leases = await bus.kvm.open(buckets.leases);
  await until(async () => (await leases.get("registry").catch(() => null)) !== null, { what: "a new lease" });
  await until(async () => (await ask(bus, "registry", "resolve", { tokenId: "91" as TokenId }, HANGING_MS)).ok, {
    what: "an owner who answers",
  });
  await provisioner.stop();
});

test("a market that is said to have ended has a closed definition soon, long before the next sync", async () => {
  const tokenId = "11" as TokenId;
  await until(() => markets.byToken.has(tokenId), { what: "the listed market" });
  closed.add(1);
  expect(await ask(bus, "registry", "doubt", { tokenId }, HANGING_MS)).toEqual({ ok: true, value: { known: true } });
  await until(() => markets.byToken.get(tokenId)?.closed === true, { what: "the closed definition" });
  expect(markets.byToken.get(tokenId)?.acceptingOrders).toBe(false);
  const stranger = await ask(bus, "registry", "doubt", { tokenId: "77" as TokenId }, HANGING_MS);
  expect(stranger).toEqual({ ok: true, value: { known: false } });
});
