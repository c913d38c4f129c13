/**
 * A watcher that was away for a week: 400,000 blocks on a simulated provider with its latency, its limit and its failures
 * (1 in 500 calls: 429, 503, a reset, no answer), in a process of its own on a real nats-server. On the way it is killed,
 * drained and started again. At the end each fill and each act of the chain must be in the log once.
 * 2026-11, 2 virtual cores, Node 24: `npm run bench gap`; `GAP_BLOCKS=20000` for a short one.
 *
 * Live fills come with each new block meanwhile; how late they are is compared with a watcher that has nothing to catch up.
 */
import { setTimeout as pause } from "node:timers/promises";
import { readFact } from "../libs/contracts/src/facts.ts";
import { subjects } from "../libs/contracts/src/subjects.ts";
import { until } from "../libs/testkit/src/until.ts";
import { type GeneratedChain, generatedChain, walletsOf } from "../services/chain-watcher/test/generatedChain.ts";
import { type GeneratedNode, startGeneratedNode } from "../services/chain-watcher/test/generatedNode.ts";
import type { BenchRow } from "./run.ts";
import { eachFact, follow, quantile, startWatcher, startWorld, type Watcher, type World } from "./watcherWorld.ts";

const GAP_BLOCKS = Number(process.env["GAP_BLOCKS"] ?? 400_000);
const FIRST = 60_000_000;
const BLOCK_MS = 1_500;
/** Of leaders, and the one of heads. */
const SHARDS = 65;
const LEADERS = 100;
/** One in ten blocks of the gap holds something of a leader; each live one does. */
const TRADES_APART = 10;
const LIVE_TRADES = 4;
const FAILING = 0.002;
const LATENCY_MS = 20;
/** How long the watcher without a gap is looked at. */
const CALM_MS = 30_000;
const PROGRESS_MS = 15_000;
const TIMEOUT_MS = 3_600_000;

/** Parts of the gap after which the watcher is ended: by SIGKILL, and in good order. */
const ends = [
  { part: 0.25, how: "kill9" },
  { part: 0.5, how: "terminate" },
  { part: 0.75, how: "kill9" },
] as const;

type Place = { readonly world: World; readonly chain: GeneratedChain; readonly node: GeneratedNode };

const env = { LOG_RANGE_MAX: "20000", CHAIN_TIMEOUT_MS: "2000" };

/** A provider whose chain is `GAP_BLOCKS` ahead of the block from which leaders are followed. */
async function startPlace(rangeMax: number): Promise<Place> {
  const world = await startWorld();
  const head = FIRST + GAP_BLOCKS;
  const headMs = Date.now();
  const chain = generatedChain({
    seed: 400_000 + rangeMax,
    leaders: walletsOf(0x1000, LEADERS),
    strangers: walletsOf(0x9000, 10_000),
    tradesIn: (block) => (block > head ? LIVE_TRADES : Number(block % TRADES_APART === 0)),
    actEvery: 50,
    blockMs: (block) => headMs + (block - head) * BLOCK_MS,
    bloom: "true",
  });
  const limits = { rangeMax, latencyMs: LATENCY_MS, failing: 0 };
  // What was known before the absence: all leaders are followed and every block is read.
  const before = await startGeneratedNode({ chain, head: FIRST, limits });
  await follow(world.bus, chain.shape.leaders, { kind: "now" });
  const watcher = await startWatcher(world, before, env);
  await until(async () => (await watcher.report()).gauges["leaders"] === LEADERS, {
    what: "leaders followed",
    timeoutMs: 30_000,
  });
  await watcher.process.terminate();
  await before.stop();
  const node = await startGeneratedNode({ chain, head, limits: { ...limits, failing: FAILING } });
  return { world, chain, node };
}

/** Mines at the chain's pace, and times each live fill from its block to its fact. */
function liveFills({ world, chain, node }: Place): { take(): number[]; forget(): void; stop(): void } {
  const minedMs = new Map<string, number>();
  let late: number[] = [];
  const subscription = world.bus.nc.subscribe(`${subjects.allFacts}`, {
    callback: (_error, message) => {
      if (!message.subject.startsWith("evt.leaderfill.")) return;
      const reading = readFact(message.string());
      if (reading.kind !== "fact" || reading.fact.type !== "LeaderFill") return;
      const atMs = minedMs.get(reading.fact.txHash);
      if (atMs !== undefined) late.push(performance.now() - atMs);
      minedMs.delete(reading.fact.txHash);
    },
  });
  const timer = setInterval(() => {
    for (const txHash of chain.due(node.head() + 1, node.head() + 1).fills) minedMs.set(txHash, performance.now());
    node.mine();
  }, BLOCK_MS);
  return {
    take: () => {
      const taken = late;
      late = [];
      return taken;
    },
    forget: () => {
      minedMs.clear();
      late = [];
    },
    stop: () => {
      clearInterval(timer);
      subscription.unsubscribe();
    },
  };
}

type Run = { readonly tookMs: number; readonly heaps: readonly number[]; readonly late: number[] };

/** Lets watchers read the gap, ending each at its part. */
async function readGap(place: Place, live: { take(): number[]; forget(): void }): Promise<Run> {
  const { world, node } = place;
  const heaps: number[] = [];
  const late: number[] = [];
  const startMs = performance.now();
  let watcher: Watcher = await startWatcher(world, node, env);
  let stage = 0;
  let shownMs = 0;
  for (;;) {
    await pause(500);
    const { gauges, role, heapBytes, rssBytes } = await watcher.report(true);
    const read = (gauges["cursorBlock"] ?? 0) - FIRST;
    const tookMs = performance.now() - startMs;
    if (role === "owner" && (gauges["openGaps"] ?? 0) > 0) heaps.push(heapBytes);
    const fresh = live.take();
    late.push(...fresh);
    if (tookMs - shownMs > PROGRESS_MS) {
      shownMs = tookMs;
      console.log(
        `    ${Math.round(tookMs / 1_000)} s: ${read} blocks, ${gauges["openGaps"]} gaps of ${gauges["gapBlocks"]} blocks, ${gauges["rangesPerMinute"]} ranges/min, heap ${mb(heapBytes)}, rss ${mb(rssBytes)}`,
      );
    }
    if (read >= GAP_BLOCKS - 10 && gauges["openGaps"] === 0) break;
    const next = ends[stage];
    if (next !== undefined && read >= next.part * GAP_BLOCKS) {
      stage += 1;
      await watcher.process[next.how]();
      watcher = await startWatcher(world, node, env);
      // What was mined meanwhile is late because nobody watched.
      const isThere = async (): Promise<boolean> => {
        const { gauges: now, role: is } = await watcher.report();
        return is === "owner" && now["liveLogs"] === 1 && now["shards"] === SHARDS;
      };
      await until(isThere, {
        what: "a watcher",
        timeoutMs: 30_000,
      });
      // With the last shards the socket is opened once more.
      await pause(2 * BLOCK_MS);
      live.forget();
    }
    if (tookMs > TIMEOUT_MS) throw new Error("the gap is not read in time");
  }
  const tookMs = performance.now() - startMs;
  live.take();
  await pause(CALM_MS);
  const calm = live.take();
  await watcher.process.terminate();
  calmOf.set(place, calm);
  return { tookMs, heaps, late };
}
const calmOf = new Map<Place, number[]>();

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** @throws Error when a fill or an act of the final blocks is missing, doubled or never was. */
async function checkWhole({ world, chain }: Place): Promise<number> {
  let end = Number.POSITIVE_INFINITY;
  const fills = new Map<string, number>();
  const acts = new Map<string, number>();
  const cursors = new Map<string, number>();
  const count = (of: Map<string, number>, key: string): unknown => of.set(key, (of.get(key) ?? 0) + 1);
  await eachFact(world.bus, (fact) => {
    if (fact.type === "LeaderFill") count(fills, fact.txHash);
    if (fact.type === "LeaderAct") count(acts, fact.txHash);
    if (fact.type === "LeaderFillReverted" || fact.type === "LeaderFillRetracted") throw new Error(`${fact.type}`);
    if (fact.type === "ChainProgress" && fact.shard !== "all") cursors.set(fact.shard, fact.cursor);
  });
  end = Math.min(...cursors.values());
  // From the block after the one at which all were followed.
  const due = chain.due(FIRST + 1, end);
  for (const [name, told, wanted] of [
    ["fill", fills, due.fills],
    ["act", acts, due.acts],
  ] as const) {
    for (const txHash of wanted)
      if (told.get(txHash) !== 1) throw new Error(`${name} of ${txHash} told ${told.get(txHash) ?? 0} times`);
    const doubled = [...told].filter(([, times]) => times !== 1);
    if (doubled.length > 0) throw new Error(`${doubled.length} told more than once`);
  }
  return due.fills.length;
}

async function gapOf(rangeMax: number): Promise<BenchRow[]> {
  const place = await startPlace(rangeMax);
  const live = liveFills(place);
  try {
    const { tookMs, heaps, late } = await readGap(place, live);
    live.stop();
    const fills = await checkWhole(place);
    const { calls, failed, refused, bytesOut } = place.node.counts();
    const calm = calmOf.get(place) ?? [];
    const quarter = Math.ceil(heaps.length / 4);
    const [first, last] = [mean(heaps.slice(0, quarter)), mean(heaps.slice(-quarter))];
    console.log(
      `    ${calls} calls (${failed} failed, ${refused} refused), ${mb(bytesOut)} of answers, ${fills} fills each once`,
    );
    const blocks = (GAP_BLOCKS * 1_000) / tookMs;
    const name = `gap of ${GAP_BLOCKS} blocks, ${rangeMax} a call`;
    const chainRate = 1_000 / BLOCK_MS;
    return [
      {
        name: `${name}: blocks/s`,
        ours: blocks.toFixed(0),
        floor: `${chainRate.toFixed(2)} (chain)`,
        ratio: blocks / chainRate,
      },
      {
        name: `${name}: fills/s`,
        ours: ((fills * 1_000) / tookMs).toFixed(0),
        floor: `${((fills / GAP_BLOCKS) * chainRate).toFixed(2)} (chain)`,
        ratio: blocks / chainRate,
      },
      { name: `${name}: heap, last quarter beside first`, ours: mb(last), floor: mb(first), ratio: last / first },
      ...[0.5, 0.99].map((part) => ({
        name: `${name}: live fill p${part * 100} (${late.length}) beside no gap (${calm.length})`,
        ours: `${quantile(late, part).toFixed(1)} ms`,
        floor: `${quantile(calm, part).toFixed(1)} ms`,
        ratio: quantile(late, part) / quantile(calm, part),
      })),
    ];
  } finally {
    live.stop();
    await place.node.stop();
    await place.world.stop();
  }
}

export async function run(): Promise<BenchRow[]> {
  const limits = (process.env["GAP_LIMITS"] ?? "10000,10").split(",").map(Number);
  const rows: BenchRow[] = [];
  for (const rangeMax of limits) rows.push(...(await gapOf(rangeMax)));
  return rows;
}
