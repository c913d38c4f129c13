/**
 * What a leader costs: the same chain (50 matches a block between a leader and a stranger, 100 fills) with 10 to 10,000
 * leaders, so what has to be told is the same and only the number of leaders grows. As the product does it (above
 * WATCH_ALL_ABOVE everything is read and chosen here), and with a filter per 200 leaders however many there are.
 * The watcher is a process of its own; its CPU, its heap and its calls are counted over the same blocks.
 * 2026-11, 2 virtual cores, Node 24: `npm run bench watcher`.
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

const sizes = (process.env["LEADERS"] ?? "10,100,1000,10000").split(",").map(Number);
const NEVER = 100_000;

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
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
