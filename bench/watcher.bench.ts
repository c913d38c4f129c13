/**
 * What a leader costs, and how fast pasts are read.
 *
 * Cost: the same chain (50 matches a block between a leader and a stranger, 100 fills) with 10 to 10,000
 * leaders, so what has to be told is the same and only the number of leaders grows. As the product does it (above
 * WATCH_ALL_ABOVE everything is read and chosen here), and with a filter per 200 leaders however many there are.
 *
 * Past: so many leaders are added with "30 days", on a provider with a latency and a limit; blocks and fills a second while
 * it lasts, beside one call after another (CHAIN_READS_AHEAD=1).
 *
 * The watcher is a process of its own; its CPU, its heap and its calls are counted over the same blocks.
 * 2026-11, 2 virtual cores, Node 24: `npm run bench watcher`; `PAST_LIMITS=10 LEADERS=10,10000` for less.
 */
import { setTimeout as pause } from "node:timers/promises";
import { until } from "../libs/testkit/src/until.ts";
import { generatedChain, walletsOf } from "../services/chain-watcher/test/generatedChain.ts";
import { type NodeCounts, startGeneratedNode } from "../services/chain-watcher/test/generatedNode.ts";
import type { BenchRow } from "./run.ts";
import { follow, startWatcher, startWorld } from "./watcherWorld.ts";

const FIRST = 60_000_000;
const WALLETS = 12_000;
const MATCHES = 50;
const BLOCK_MS = 1_000;
const WARM_UP_BLOCKS = 15;
const BLOCKS = 40;
const TIMEOUT_MS = 120_000;

type Cost = { readonly cpuMs: number; readonly calls: number; readonly bytes: number; readonly heapBytes: number };

async function costOf(leaders: number, watchAllAbove: number): Promise<Cost> {
  const world = await startWorld();
  const startMs = Date.now();
  const wallets = walletsOf(0x1000, WALLETS);
  const chain = generatedChain({
    seed: 12_000,
    leaders: wallets.slice(0, leaders),
    strangers: wallets.slice(leaders),
    tradesIn: () => MATCHES,
    actEvery: Number.MAX_SAFE_INTEGER,
    blockMs: (block) => startMs + (block - FIRST) * BLOCK_MS,
    bloom: "full",
  });
  const limits = { rangeMax: 10_000, latencyMs: 0, failing: 0 };
  const node = await startGeneratedNode({ chain, head: FIRST, limits });
  const watcher = await startWatcher(world, node, { WATCH_ALL_ABOVE: String(watchAllAbove) });
  try {
    await follow(world.bus, chain.shape.leaders, { kind: "now" });
    const isThere = async (): Promise<boolean> => {
      const { gauges } = await watcher.report();
      return gauges["leaders"] === leaders && gauges["shards"] === 65 && gauges["liveLogs"] === 1;
    };
    await until(isThere, { what: `${leaders} leaders`, timeoutMs: TIMEOUT_MS });
    const mineSome = async (blocks: number): Promise<void> => {
      for (let n = 0; n < blocks; n++) {
        node.mine();
        await pause(BLOCK_MS);
      }
    };
    await mineSome(WARM_UP_BLOCKS);
    const before = { report: await watcher.report(true), counts: node.counts() };
    await mineSome(BLOCKS);
    const after = { report: await watcher.report(true), counts: node.counts() };
    if (after.report.gauges["headBlock"] !== node.head()) throw new Error("the watcher did not keep up");
    const perBlock = (of: (counts: NodeCounts) => number): number => (of(after.counts) - of(before.counts)) / BLOCKS;
    return {
      cpuMs: (after.report.cpuMs - before.report.cpuMs) / BLOCKS,
      calls: perBlock(({ calls }) => calls),
      bytes: perBlock(({ bytesIn, bytesOut }) => bytesIn + bytesOut),
      heapBytes: after.report.heapBytes,
    };
  } finally {
    await watcher.process.terminate();
    await node.stop();
    await world.stop();
  }
}

const DAYS = 30;
const DAY_BLOCKS = 86_400_000 / 1_500;
const PAST_LEADERS = 200;
/** One block in so many holds a match of a leader: some 35,000 a month for all of them. */
const PAST_APART = 50;
const LATENCY_MS = 20;
const PAST_WARM_UP_MS = 5_000;
const PAST_MS = 20_000;

type Pace = { readonly blocks: number; readonly fills: number; readonly calls: number };

/** What a second brings while the past is read. */
async function paceOf(rangeMax: number, readsAhead: number): Promise<Pace> {
  const world = await startWorld();
  const headMs = Date.now();
  const head = FIRST + DAYS * DAY_BLOCKS + 1_000;
  const chain = generatedChain({
    seed: 30_000,
    leaders: walletsOf(0x1000, PAST_LEADERS),
    strangers: walletsOf(0x9000, WALLETS),
    tradesIn: (block) => Number(block % PAST_APART === 0),
    actEvery: Number.MAX_SAFE_INTEGER,
    blockMs: (block) => headMs + (block - head) * 1_500,
    bloom: "true",
  });
  const node = await startGeneratedNode({ chain, head, limits: { rangeMax, latencyMs: LATENCY_MS, failing: 0 } });
  const env = { CHAIN_READS_AHEAD: String(readsAhead), LOG_RANGE_MAX: "20000", CHAIN_PROGRESS_MS: "1000" };
  const watcher = await startWatcher(world, node, env);
  try {
    await follow(world.bus, chain.shape.leaders, { kind: "days", days: DAYS });
    const unread = async (): Promise<number> => {
      const { gauges } = await watcher.report();
      return gauges["leaders"] === PAST_LEADERS ? (gauges["backfillBlocks"] ?? 0) / PAST_LEADERS : 0;
    };
    await until(async () => (await unread()) > 0, { what: "pasts to be read", timeoutMs: TIMEOUT_MS });
    await pause(PAST_WARM_UP_MS);
    const look = async () => ({ left: await unread(), ms: performance.now(), calls: node.counts().calls });
    const before = await look();
    let after = before;
    while (after.left > 0 && after.ms - before.ms < PAST_MS) {
      await pause(500);
      const now = await look();
      if (now.left === 0 && after !== before) break;
      after = now;
    }
    const seconds = (after.ms - before.ms) / 1_000;
    const blocks = (before.left - after.left) / seconds;
    return { blocks, fills: blocks / PAST_APART, calls: (after.calls - before.calls) / seconds };
  } finally {
    await watcher.process.terminate();
    await node.stop();
    await world.stop();
  }
}

async function pasts(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const rangeMax of limits) {
    const [ours, single] = [await paceOf(rangeMax, 8), await paceOf(rangeMax, 1)];
    const name = `${PAST_LEADERS} leaders, ${DAYS} days, ${rangeMax} blocks a call`;
    for (const [unit, of] of [
      ["blocks/s", (pace: Pace) => pace.blocks],
      ["fills/s", (pace: Pace) => pace.fills],
      ["calls/s", (pace: Pace) => pace.calls],
    ] as const) {
      const text = (pace: Pace): string => of(pace).toFixed(0);
      rows.push({
        name: `${name}: ${unit}`,
        ours: text(ours),
        floor: `${text(single)} (1 ahead)`,
        ratio: of(ours) / of(single),
      });
    }
  }
  return rows;
}

const limits = (process.env["PAST_LIMITS"] ?? "10,2000,10000").split(",").map(Number);
const sizes = (process.env["LEADERS"] ?? "10,100,1000,10000").split(",").map(Number);
const NEVER = 100_000;

export async function run(): Promise<BenchRow[]> {
  const rows = await pasts();
  let base: Cost | null = null;
  for (const leaders of sizes) {
    const ours = await costOf(leaders, 1_000);
    base ??= ours;
    const naive = leaders > 1_000 ? await costOf(leaders, NEVER) : null;
    for (const [what, unit, of] of [
      ["CPU", "ms", (cost: Cost) => cost.cpuMs],
      ["calls", "", (cost: Cost) => cost.calls],
      ["bytes", "KB", (cost: Cost) => cost.bytes / 1e3],
      ["heap", "MB", (cost: Cost) => cost.heapBytes / 1e6],
    ] as const) {
      const name = `${leaders} leaders, ${what}${what === "heap" ? "" : " a block"}`;
      const text = (cost: Cost): string => `${of(cost).toFixed(1)} ${unit}`;
      const first = base;
      rows.push({ name, ours: text(ours), floor: `${text(first)} (${sizes[0]})`, ratio: of(ours) / of(first) });
      if (naive !== null) {
        rows.push({
          name: `${name}, filter per 200`,
          ours: text(naive),
          floor: `${text(ours)} (ours)`,
          ratio: of(naive) / of(ours),
        });
      }
    }
  }
  return rows;
}
