/**
 * A long absence: the watcher comes back to thousands of unread blocks on a provider that gives ten at once and fails now
 * and then, is killed and drained on the way, and tells each fill and each act once.
 */
import { fileURLToPath } from "node:url";
import type { RunningProcess } from "@slipstream/actor/process";
import type { RunningService } from "@slipstream/actor/service";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { readFact } from "@slipstream/contracts/facts";
import { type Address, factId, shardOf } from "@slipstream/contracts/ids";
import { subjects } from "@slipstream/contracts/subjects";
import { startCounted } from "@slipstream/testkit/processes";
import { append, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { watcherEnv } from "../src/config.ts";
import { buildWatcher } from "../src/service.ts";
import { type GeneratedChain, generatedChain, walletsOf } from "./generatedChain.ts";
import { type GeneratedNode, startGeneratedNode } from "./generatedNode.ts";

const FIRST = 60_000_000;
const GAP_BLOCKS = 4_000;
const BLOCK_MS = 1_500;
const LEADERS = 20;

const leaders = walletsOf(0x1000, LEADERS);
let testBus: TestBus;
let chain: GeneratedChain;
let node: GeneratedNode;
const facts: Fact[] = [];

const settings = () => ({
  POLYGON_HTTP_URL: node.httpUrl,
  POLYGON_WS_URL: node.wsUrl,
  CHAIN_POLL_MS: "200",
  CHAIN_TIMEOUT_MS: "120000",
  CHAIN_PROGRESS_MS: "50",
  INSTANCE: "one",
});
const build = (): Promise<RunningService> => buildWatcher(testBus.context("chain-watcher", watcherEnv, settings()));
const of = <T extends Fact["type"]>(type: T): FactOf<T>[] =>
  facts.filter((fact): fact is FactOf<T> => fact.type === type);
const shards = [...new Set(leaders.map(shardOf))];
/** How far every shard has come; 0 while there is one of which nothing is told. */
const cursor = (): number => {
  const told = new Map(of("ChainProgress").map((fact) => [fact.shard, fact.cursor]));
  return Math.min(...shards.map((shard) => told.get(shard) ?? 0));
};
const passed = (block: number) => until(() => cursor() >= block, { what: `the cursor beyond ${block}` });

const follows = (leader: Address, n: number): Fact => ({
  type: "ConfigChanged",
  v: 1,
  id: factId("ConfigChanged", `leaders.${leader}`, n),
  key: `leaders.${leader}`,
  revision: n,
  value: { leader, enabled: true, follow: { kind: "block", block: FIRST } },
  tsEventMs: 1,
  tsInitMs: 1,
});

beforeAll(async () => {
  const startMs = Date.now() - GAP_BLOCKS * BLOCK_MS;
  chain = generatedChain({
    seed: 20_261_120,
    leaders,
    strangers: walletsOf(0x9000, 500),
    tradesIn: (block) => (block % 4 === 0 ? 1 : 0),
    actEvery: 40,
    blockMs: (block) => startMs + (block - FIRST) * BLOCK_MS,
    bloom: "true",
  });
  testBus = await startTestBus();
  node = await startGeneratedNode({
    chain,
    head: FIRST + 10,
    limits: { rangeMax: 10, latencyMs: 4, failing: 0, silenceMs: 500 },
  });
  testBus.bus.nc.subscribe(subjects.allFacts, {
    callback: (_error, message) => {
      const reading = readFact(message.string());
      if (reading.kind === "fact") facts.push(reading.fact);
    },
  });
  await append(testBus.bus, ...leaders.map((leader) => follows(leader, 1)));
});
afterAll(async () => {
  await node?.stop();
  await testBus?.stop();
  expect(testBus.errors).toEqual([]);
});

async function startProcess(): Promise<RunningProcess> {
  const script = fileURLToPath(new URL("../src/main.ts", import.meta.url));
  const { nc } = testBus.bus;
  const env = { ...process.env, ...settings(), NATS_URL: `nats://${nc.getServer()}`, LOG_LEVEL: "fatal" };
  return startCounted({ name: "chain-watcher", command: process.execPath, args: [script], env });
}

test("a gap of thousands of blocks is read to its end over kills and drains: each fill once, each act once", async () => {
  const first = await build();
  await passed(node.finalized());
  await first.drain();

  for (let n = 0; n < GAP_BLOCKS; n++) node.mine();
  node.set({ failing: 0.002 });
  const end = node.finalized();
  // However slow this test is: nobody gets farther than it wants him to be when he ends.
  const holdAt = (part: number): void => node.set({ pastUpTo: FIRST + GAP_BLOCKS * part });
  holdAt(0.3);
  const killed = await startProcess();
  await passed(FIRST + GAP_BLOCKS * 0.2);
  await until(() => of("GapDetected").length >= shards.length, { what: "the gap of every shard" });
  await killed.kill9();
  expect(cursor()).toBeLessThan(end);
  const gaps = of("GapDetected");
  expect(gaps.length).toBe(shards.length);
  expect(of("GapResolved")).toEqual([]);

  for (const part of [0.4, 0.6]) {
    holdAt(part + 0.1);
    const drained = await build();
    await passed(FIRST + GAP_BLOCKS * part);
    const { gauges } = drained.status();
    expect(gauges?.["openGaps"]).toBe(gaps.length);
    const draining = drained.drain();
    // What is asked for already is still handed over.
    holdAt(part + 0.2);
    await draining;
    expect(cursor()).toBeLessThan(end);
  }

  holdAt(2);
  const last = await build();
  await passed(end);
  await until(() => of("GapResolved").length === gaps.length, { what: "the end of all gaps" });
  // The past waits for the gap.
  await until(() => last.status().gauges?.["backfillBlocks"] === 0, { what: "the end of the past" });
  await last.drain();

  // Everything from the block on from which they are followed, what lay before the first start included.
  const due = chain.due(FIRST, end);
  const isDue = ({ blockNumber }: FactOf<"LeaderFill">): boolean => blockNumber !== null && blockNumber <= end;
  const told = of("LeaderFill").filter(isDue);
  expect(told.map(({ txHash }) => txHash).sort()).toEqual([...due.fills].sort());
  expect(
    of("LeaderAct")
      .map(({ txHash }) => txHash)
      .sort(),
  ).toEqual([...due.acts].sort());
  expect(of("LeaderFillReverted")).toEqual([]);
  expect(of("LeaderFillRetracted")).toEqual([]);
});
