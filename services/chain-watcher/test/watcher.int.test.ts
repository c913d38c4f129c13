/** Chain-watcher on a real bus and a real chain: seen, moved, dropped, missed by the socket, missed by us. */
import type { RunningService } from "@slipstream/actor/service";
import { type Fact, type FactOf, readFact } from "@slipstream/contracts/facts";
import { factId, type Hash } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import { subjects } from "@slipstream/contracts/subjects";
import { append, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChainMarket } from "../../../sandbox/src/chain/types.ts";
import { marketOf, orderOf, startTestChain, type TestChain, walletOf } from "../../../sandbox/test/chainKit.ts";
import { watcherEnv } from "../src/config.ts";
import { buildWatcher } from "../src/service.ts";

let testBus: TestBus;
let bus: TestBus["bus"];
let kit: TestChain;
let market: ChainMarket;
let service: RunningService;
const facts: Fact[] = [];
let orders = 0;

async function start(): Promise<void> {
  service = await buildWatcher(
    testBus.context("chain-watcher", watcherEnv, {
      POLYGON_HTTP_URL: kit.chain.rpcHttpUrl,
      POLYGON_WS_URL: kit.chain.rpcWsUrl,
      CHAIN_POLL_MS: "100",
      LOG_RANGE_MAX: "4",
    }),
  );
}
const hears = () =>
  until(() => service.status().role === "owner" && service.status().gauges?.["liveLogs"] === 1 && hasCaughtUp(), {
    what: "the watcher at the head",
  });
const hasCaughtUp = (): boolean => service.status().gauges?.["headBlock"] === kit.chain.head().number;

/** "active", who is followed, buys one share of "first", who is not. */
async function buyOne(): Promise<Hash> {
  orders += 2;
  const common = { market, outcome: 0, shares: 1_000_000n, usdc: 500_000n } as const;
  const txHash = await kit.chain.settle({
    conditionId: market.conditionId,
    active: orderOf({ n: orders, wallet: walletOf(kit.chain, "active"), side: "BUY", ...common }),
    resting: [orderOf({ n: orders + 1, wallet: walletOf(kit.chain, "first"), side: "SELL", ...common })],
  });
  await kit.chain.mine();
  return txHash;
}

const fillsOf = (txHash: Hash): FactOf<"LeaderFill">[] =>
  facts.filter((fact) => fact.type === "LeaderFill").filter((fact) => fact.txHash === txHash);
/** What was told of one transaction, in order. */
function toldOf(txHash: Hash): string[] {
  const id = fillsOf(txHash)[0]?.leaderFillId;
  return facts.flatMap((fact) => {
    if (fact.type === "LeaderFill" && fact.leaderFillId === id) return [`fill ${fact.occurrence}`];
    const ends = fact.type === "LeaderFillReverted" || fact.type === "LeaderFillRetracted";
    return ends && fact.leaderFillId === id ? [fact.type] : [];
  });
}
const isTold = (txHash: Hash, told: readonly string[]) =>
  until(() => JSON.stringify(toldOf(txHash)) === JSON.stringify(told), {
    what: `${told.join(", ")} of ${txHash}`,
  });

beforeAll(async () => {
  [testBus, kit] = await Promise.all([startTestBus(), startTestChain({ finalityDepth: 6 })]);
  ({ bus } = testBus);
  bus.nc.subscribe(subjects.allFacts, {
    callback: (_error, message) => {
      const reading = readFact(message.string());
      if (reading.kind === "fact") facts.push(reading.fact);
    },
  });
  market = marketOf(kit.chain, "rain");
  await kit.chain.split(walletOf(kit.chain, "first"), market.conditionId, sharesMicro(100_000_000n));
  await kit.chain.mine();
  const leader = walletOf(kit.chain, "active").address;
  const followed: Fact = {
    type: "ConfigChanged",
    v: 1,
    id: factId("ConfigChanged", `leaders.${leader}`, 1),
    key: `leaders.${leader}`,
    revision: 1,
    value: { leader, enabled: true },
    tsEventMs: 1,
    tsInitMs: 1,
  };
  await append(bus, followed);
  await start();
  await hears();
});
afterAll(async () => {
  await service?.drain();
  await testBus?.stop();
  await kit?.stop();
  expect(testBus.errors).toEqual([]);
});

test("a fill is told once, with its amounts, its role and all its times", async () => {
  const txHash = await buyOne();
  await isTold(txHash, ["fill 0"]);
  const [fill] = fillsOf(txHash);
  expect(fill).toMatchObject({
    leader: walletOf(kit.chain, "active").address,
    role: "TAKER",
    side: "BUY",
    tokenId: market.tokenIds[0],
    sharesMicro: 1_000_000n,
    usdcMicro: 500_000n,
    priceMicro: 500_000,
    historical: false,
    source: "chain",
    blockNumber: kit.chain.head().number,
  });
  expect(fill?.tsSeenMs).toBeLessThanOrEqual(fill?.tsInitMs ?? 0);
  // Read again by ranges with each block until finality has passed it, and still told once.
  for (let n = 0; n < 8; n++) await kit.chain.mine();
  await hears();
  expect(toldOf(txHash)).toEqual(["fill 0"]);
});

test("after a reorg a fill that returns is the same fill, and one that is dropped is retracted", async () => {
  const [returning, dropped] = [await buyOne(), await buyOne()];
  await isTold(returning, ["fill 0"]);
  await isTold(dropped, ["fill 0"]);
  await kit.chain.faults.reorg(3, { drop: [dropped] });
  await isTold(returning, ["fill 0", "LeaderFillReverted", "fill 1"]);
  await isTold(dropped, ["fill 0", "LeaderFillReverted"]);
  for (let n = 0; n < 10; n++) await kit.chain.mine();
  await isTold(dropped, ["fill 0", "LeaderFillReverted", "LeaderFillRetracted"]);
  expect(toldOf(returning)).toEqual(["fill 0", "LeaderFillReverted", "fill 1"]);
});

test("a node that takes logs back silently is found out by the ranges", async () => {
  kit.chain.faults.setRemovedLogs(false);
  const txHash = await buyOne();
  await isTold(txHash, ["fill 0"]);
  await kit.chain.faults.reorg(2, { drop: [txHash] });
  await isTold(txHash, ["fill 0", "LeaderFillReverted"]);
  kit.chain.faults.setRemovedLogs(true);
});

test("what falls into an outage is found after it, with ranges no provider refuses, and the outage is said", async () => {
  kit.chain.faults.setOutage(true);
  const txHash = await buyOne();
  for (let n = 0; n < 12; n++) await kit.chain.mine();
  await until(() => service.status().problems.some((text) => text.includes("cannot be read")), {
    what: "the problem in the heartbeat",
  });
  expect(toldOf(txHash)).toEqual([]);
  kit.chain.faults.setMaxRange(3);
  kit.chain.faults.setOutage(false);
  await isTold(txHash, ["fill 0"]);
  await hears();
  await until(() => service.status().problems.length === 0, { what: "the end of the problem" });
  kit.chain.faults.setMaxRange(null);
});

test("what happens while we are away is told once after the start", async () => {
  const before = await buyOne();
  await isTold(before, ["fill 0"]);
  await service.drain();
  const meanwhile = await buyOne();
  await kit.chain.mine();
  await start();
  await isTold(meanwhile, ["fill 0"]);
  await hears();
  expect(toldOf(before)).toEqual(["fill 0"]);
});
