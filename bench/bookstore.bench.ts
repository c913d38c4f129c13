/**
 * 500 tokens at 20 updates a second each, from the venue's socket through the real bookstore to 4 subscribers on a real
 * nats-server, beside a bare relay (socket → JSON.parse → publish) under the same load in the same run. One of the
 * subscribers is here and takes the time from the frame's sending to the delivery; the others are a process of their own.
 * Everything shares the machine, so latencies say what they are worth only beside the floor's.
 * 2026-11, 2 virtual cores, Node 24: `npm run bench bookstore`.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { ask } from "../libs/actor/src/ask.ts";
import { type Bus, connectBus } from "../libs/actor/src/bus.ts";
import { exactClockText, MACHINE_CLOCK } from "../libs/actor/src/clock.ts";
import { publishMarket } from "../libs/actor/src/markets.ts";
import type { RunningProcess } from "../libs/actor/src/process.ts";
import { provision } from "../libs/actor/src/provision.ts";
import { startNats } from "../libs/testkit/src/nats.ts";
import { startCounted } from "../libs/testkit/src/processes.ts";
import { until } from "../libs/testkit/src/until.ts";
import { keyOf, type Load, startLoad } from "./bookstoreLoad.ts";
import type { BenchRow } from "./run.ts";

const MARKETS = 250;
const PER_SECOND = 20;
const WARM_SECONDS = 2;
const SECONDS = 6;
/** Of each side, in turns: the machine is not always the same. */
const BLOCKS = 2;
const SUBSCRIBERS = 4;
const READY_MS = 30_000;
const DRAIN_MS = 10_000;
const JIFFY_MS = 10;

type Side = { readonly cpuShare: number; readonly latencies: readonly number[]; readonly lost: number };
type Place = { readonly natsUrl: string; readonly bus: Bus; readonly load: Load };

export async function run(): Promise<BenchRow[]> {
  const undo: (() => unknown)[] = [];
  try {
    const nats = await startNats();
    undo.push(nats.stop);
    const bus = await connectBus({ url: nats.url, name: "bench", logger: pino({ level: "silent" }) });
    undo.push(() => bus.nc.close());
    await provision(bus.jsm);
    const load = await startLoad(MARKETS);
    undo.push(load.stop);
    for (const definition of load.definitions) await publishMarket(bus, definition);
    const readers = await startNode("readers", "./readerWorker.ts", [nats.url, String(SUBSCRIBERS - 1)]);
    undo.push(() => readers.terminate());
    await until(() => bus.nc.request("bench.counts", "", { timeout: 500 }), {
      what: "subscribers",
      timeoutMs: READY_MS,
    });
    const place: Place = { natsUrl: nats.url, bus, load };
    const floor: Side[] = [];
    const ours: Side[] = [];
    for (let block = 0; block < BLOCKS; block += 1) {
      floor.push(await measure(place, await startRelay(place)));
      ours.push(await measure(place, await startBookstore(place)));
    }
    return rows(together(ours), together(floor));
  } finally {
    for (const step of undo.toReversed()) await step();
  }
}

/** Warm-up and measured time under load; the process is ended after. */
async function measure({ bus, load }: Place, service: RunningProcess): Promise<Side> {
  try {
    await reset(bus);
    await load.run({ perSecond: PER_SECOND, seconds: WARM_SECONDS });
    await readersAfter(bus, 2 * MARKETS * PER_SECOND * WARM_SECONDS);
    const heard: { key: string; atMs: number }[] = [];
    const subscription = bus.nc.subscribe("md.book.v1.*", {
      callback: (error, message) => {
        const atMs = performance.now();
        const { tsEventMs, type } = message.json() as { tsEventMs: number; type?: string };
        if (error !== null || (type !== undefined && type !== "BookDelta")) return;
        heard.push({ key: keyOf(message.subject.slice("md.book.v1.".length), tsEventMs), atMs });
      },
    });
    await reset(bus);
    const expected = 2 * MARKETS * PER_SECOND * SECONDS;
    // Frames are made before the first is sent: the cpu of that time is none of the service's.
    const [fromCpuMs, fromMs] = [cpuMsOf(service.pid), performance.now()];
    const sent = await load.run({ perSecond: PER_SECOND, seconds: SECONDS });
    await until(() => heard.length >= expected, { what: "the last update", timeoutMs: DRAIN_MS }).catch(
      () => undefined,
    );
    const usedMs = cpuMsOf(service.pid) - fromCpuMs;
    const counts = await readersAfter(bus, expected);
    subscription.unsubscribe();
    if (performance.now() - fromMs < SECONDS * 1_000) throw new Error("the load was over too early");
    if (load.cut() > 0) throw new Error(`the reader was too slow for ${load.cut()} frames`);
    const latencies = heard.flatMap(({ key, atMs }) => {
      const sentMs = sent.get(key);
      return sentMs === undefined ? [] : [atMs - sentMs];
    });
    const missing = [latencies.length, ...counts.map(({ updates }) => updates)].map((got) => expected - got);
    const lost = missing.reduce((sum, one) => sum + one, 0) + counts.reduce((sum, each) => sum + each.lost, 0);
    return { cpuShare: usedMs / (SECONDS * 1_000), latencies, lost };
  } finally {
    await service.terminate();
  }
}

const together = (blocks: readonly Side[]): Side => ({
  cpuShare: blocks.reduce((sum, { cpuShare }) => sum + cpuShare, 0) / blocks.length,
  latencies: blocks.flatMap(({ latencies }) => latencies).sort((a, b) => a - b),
  lost: blocks.reduce((sum, { lost }) => sum + lost, 0),
});

async function reset(bus: Bus): Promise<void> {
  await bus.nc.request("bench.reset", "", { timeout: DRAIN_MS });
}

type Counts = { readonly updates: number; readonly lost: number };

async function readersAfter(bus: Bus, expected: number): Promise<Counts[]> {
  let counts: Counts[] = [];
  const all = async (): Promise<boolean> => {
    counts = (await bus.nc.request("bench.counts", "", { timeout: 2_000 })).json() as Counts[];
    return counts.every(({ updates }) => updates >= expected);
  };
  await until(all, { what: "all subscribers", timeoutMs: DRAIN_MS }).catch(() => undefined);
  return counts;
}

async function startRelay({ natsUrl, load }: Place): Promise<RunningProcess> {
  const relay = await startNode("relay", "./relayWorker.ts", [
    natsUrl,
    load.wsUrl,
    String(PER_CONNECTION),
    ...load.tokenIds,
  ]);
  await until(() => load.subscribed() === 2 * MARKETS, { what: "the relay", timeoutMs: READY_MS });
  return relay;
}
const PER_CONNECTION = 200;

async function startBookstore({ natsUrl, load, bus }: Place): Promise<RunningProcess> {
  const bookstore = await startNode("bookstore", "../services/bookstore/src/main.ts", [], {
    ...{ NATS_URL: natsUrl, INSTANCE: "bench", HEALTH_PORT: "0", LOG_LEVEL: "warn" },
    ...{ CLOB_MARKET_WS_URL: load.wsUrl, CLOB_HTTP_URL: load.httpUrl, GAMMA_URL: load.httpUrl },
    // The venue is on this machine.
    SLIPSTREAM_CLOCK: exactClockText(MACHINE_CLOCK),
    // REST stands still here.
    BOOKS_AUDIT_SECONDS: "3600",
  });
  const tokenIds = [...load.tokenIds];
  const isRead = async (): Promise<boolean> => {
    await ask(bus, "bookstore", "track", { tokenIds }, 1_000);
    const answers = await Promise.all(tokenIds.map((tokenId) => ask(bus, "bookstore", "snap", { tokenId }, 1_000)));
    return answers.every((answer) => answer.ok && answer.value.health === "healthy");
  };
  await until(isRead, { what: "all books", timeoutMs: READY_MS });
  return bookstore;
}

async function startNode(
  name: string,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningProcess> {
  const script = fileURLToPath(new URL(file, import.meta.url));
  return startCounted({ name, command: process.execPath, args: [script, ...args], env: { ...process.env, ...env } });
}

/** Time on a core, of a process on Linux. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * JIFFY_MS;
}

function rows(ours: Side, floor: Side): BenchRow[] {
  const at = (side: Side, share: number): number =>
    side.latencies[Math.floor(side.latencies.length * share)] ?? Number.NaN;
  const latency = (name: string, share: number): BenchRow => ({
    name: `socket → subscriber, ${name}`,
    ours: `${at(ours, share).toFixed(2)} ms`,
    floor: `${at(floor, share).toFixed(2)} ms`,
    ratio: at(ours, share) / at(floor, share),
  });
  const load = `${2 * MARKETS} tokens × ${PER_SECOND}/s to ${SUBSCRIBERS} subscribers`;
  return [
    {
      name: `${load}, CPU of the process`,
      ours: `${(ours.cpuShare * 100).toFixed(0)} % of a core`,
      floor: `${(floor.cpuShare * 100).toFixed(0)} % of a core`,
      ratio: ours.cpuShare / floor.cpuShare,
    },
    latency("p50", 0.5),
    latency("p99", 0.99),
    {
      name: "updates lost",
      ours: String(ours.lost),
      floor: String(floor.lost),
      ratio: ours.lost === floor.lost ? 1 : ours.lost / Math.max(1, floor.lost),
    },
  ];
}
