/**
 * A leader's fill seen → granted → handed to the venue adapter, on a real nats-server that syncs every write, with real
 * processes of executor and inventory; this process plays the rest. The floor does the same number of durable publishes
 * and deliveries between as many processes with empty handlers, in alternating blocks of the same run.
 *
 * "accepted" is one durable publish more than "handed to the adapter" (the OrderAccepted that follows it); "granted"
 * ends where the executor, too, receives the grant. Target: p50 ≤ 1 ms and p99 ≤ 5 ms above the floor.
 * 2026-11, 2 virtual cores, Node 24: `npm run bench path`.
 */
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DeliverPolicy, type JsMsg, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { headers, nanos } from "@nats-io/transport-node";
import { pino } from "pino";
import { type Bus, connectBus } from "../libs/actor/src/bus.ts";
import { exactClockText, MACHINE_CLOCK } from "../libs/actor/src/clock.ts";
import type { RunningProcess } from "../libs/actor/src/process.ts";
import { provision } from "../libs/actor/src/provision.ts";
import { readFact } from "../libs/contracts/src/facts.ts";
import { Heartbeat } from "../libs/contracts/src/live.ts";
import { streams, subjects } from "../libs/contracts/src/subjects.ts";
import { startNats } from "../libs/testkit/src/nats.ts";
import { startCounted } from "../libs/testkit/src/processes.ts";
import { until } from "../libs/testkit/src/until.ts";
import { startWorld } from "./pathWorld.ts";
import type { BenchRow } from "./run.ts";

const FILLS = 300;
const BLOCKS = 6;
/** Per side, before anything counts: V8 has compiled what is hot and the executor has its book. */
const WARM_UP = 150;
const APART_MS = 12;
/** How often the paper purse's balance is told, as with each block. */
const FILLS_PER_BALANCE = 10;
const FILL_TIMEOUT_MS = 5_000;
const START_TIMEOUT_MS = 20_000;
/** About the size of a LeaderFill. */
const FLOOR_BYTES = 900;

/** Milliseconds from the fill's first moment here to the delivery of its grant and of its OrderAccepted. */
type Sample = { readonly granted: number; readonly accepted: number };
type Side = {
  once(n: number): Promise<Sample>;
  /** Brings what the last fill left open to its end, outside the measured time. */
  rest(): Promise<void>;
  stop(): Promise<void>;
};

/** All are ended with the run, whatever became of it. */
const children: RunningProcess[] = [];

async function startNode(
  name: string,
  file: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<RunningProcess> {
  const script = fileURLToPath(new URL(file, import.meta.url));
  const options = { name, command: process.execPath, args: [script, ...args], env: { ...process.env, ...env } };
  const child = await startCounted(options);
  children.push(child);
  return child;
}

/** Waits for two messages after `begin`; one fill is on its way at a time. */
function stopwatch(): {
  begin(): Promise<Sample>;
  granted(): void;
  accepted(): void;
  fail(why: string): void;
} {
  let fromMs = 0;
  let grantedMs = 0;
  let settle: ((sample: Sample) => void) | null = null;
  let reject: (error: Error) => void = () => undefined;
  return {
    begin: () =>
      new Promise((resolve, no) => {
        const timer = setTimeout(() => no(new Error("a fill was not accepted in time")), FILL_TIMEOUT_MS);
        settle = (sample) => {
          clearTimeout(timer);
          resolve(sample);
        };
        reject = no;
        fromMs = performance.now();
      }),
    granted: () => {
      grantedMs = performance.now() - fromMs;
    },
    accepted: () => settle?.({ granted: grantedMs, accepted: performance.now() - fromMs }),
    fail: (why) => reject(new Error(why)),
  };
}

async function follow(bus: Bus, stream: string, onMessage: (message: JsMsg) => void): Promise<() => Promise<void>> {
  const consumer = await bus.js.consumers.get(stream, { deliver_policy: DeliverPolicy.New });
  const messages = await consumer.consume({ callback: onMessage });
  return async () => void (await messages.close());
}

async function startOurs(bus: Bus, url: string): Promise<Side> {
  const watch = stopwatch();
  let rests = 0;
  let fills = 0;
  const onFill = (text: string): void => {
    const reading = readFact(text);
    if (reading.kind !== "fact" || reading.fact.type !== "ExecutionFill") return;
    world.filled(reading.fact);
    fills += 1;
  };
  const stopFollowing = await follow(bus, streams.facts, (message) => {
    const schema = message.headers?.get("x-schema") ?? "";
    if (schema.startsWith("ReservationGranted/")) watch.granted();
    else if (schema.startsWith("OrderAccepted/")) watch.accepted();
    else if (schema.startsWith("ExecutionFill/")) onFill(message.string());
    else if (/^(ExecutionAttempt|OrderDenied|OrderAbandoned)\//.test(schema)) watch.fail(message.string());
  });
  const world = await startWorld(bus);
  const owners = ownersOf(bus, ["executor", "inventory"]);
  // The world is on this machine, so its clock is right.
  const clock = exactClockText(MACHINE_CLOCK);
  const env = { NATS_URL: url, LOG_LEVEL: "warn", INSTANCE: "bench", HEALTH_PORT: "0", SLIPSTREAM_CLOCK: clock };
  const services: RunningProcess[] = [];
  for (const name of ["executor", "inventory"]) {
    services.push(await startNode(name, `../services/${name}/src/main.ts`, env));
  }
  const gone = Promise.race(services.map(async (service) => ({ service, exit: await service.exited })));
  const first = await Promise.race([owners, gone]);
  if (first !== undefined) throw new Error(`${first.service.name} ended:\n${first.service.outputTail()}`);
  return {
    once: async (n) => {
      const sample = watch.begin();
      await Promise.all([world.seeFill(n), sample]);
      return sample;
    },
    rest: async () => {
      rests += 1;
      world.passTime();
      await until(() => fills >= rests, { what: "our own fill", timeoutMs: FILL_TIMEOUT_MS });
      if (rests % FILLS_PER_BALANCE === 0) await world.settle();
    },
    stop: async () => {
      world.stop();
      await stopFollowing();
    },
  };
}

/** Resolves when each of the services says that it owns its lease and is ready. */
function ownersOf(bus: Bus, names: readonly string[]): Promise<undefined> {
  return new Promise((resolve, reject) => {
    const waiting = new Set(names);
    const timer = setTimeout(() => reject(new Error(`not ready: ${[...waiting].join(", ")}`)), START_TIMEOUT_MS);
    const subscription = bus.nc.subscribe(subjects.allHeartbeats, {
      callback: (error, message) => {
        if (error !== null) return;
        const beat = Heartbeat.parse(JSON.parse(message.string()));
        if (beat.role === "owner" && beat.ready) waiting.delete(beat.service);
        if (waiting.size > 0) return;
        clearTimeout(timer);
        subscription.unsubscribe();
        resolve(undefined);
      },
    });
  });
}

async function startFloor(bus: Bus, url: string): Promise<Side> {
  const stream = { name: "FLOOR", subjects: ["floor.>"], retention: RetentionPolicy.Limits };
  await bus.jsm.streams.add({ ...stream, storage: StorageType.File, duplicate_window: nanos(120_000) });
  const watch = stopwatch();
  const stopFollowing = await follow(bus, "FLOOR", ({ subject }) => {
    if (subject === "floor.grant") watch.granted();
    else if (subject === "floor.accepted") watch.accepted();
  });
  for (const pairs of [["floor.fill>floor.intent", "floor.grant>floor.accepted"], ["floor.intent>floor.grant"]]) {
    const ready = new Promise<void>((resolve) => {
      bus.nc.subscribe("floor-ready", { max: 1, callback: () => resolve() });
    });
    await bus.nc.flush();
    await startNode("floor", "./floorWorker.ts", {}, [url, ...pairs]);
    await ready;
  }
  const payload = "x".repeat(FLOOR_BYTES);
  let lastSubjectSequence = 0;
  return {
    once: async (n) => {
      const sample = watch.begin();
      const about = headers();
      about.set("x-schema", "Floor/1");
      const options = { msgID: `floor:${n}`, expect: { lastSubjectSequence }, headers: about };
      const [ack] = await Promise.all([bus.js.publish("floor.fill", payload, options), sample]);
      lastSubjectSequence = ack.seq;
      return sample;
    },
    rest: async () => undefined,
    stop: stopFollowing,
  };
}

/** Runs `count` fills at least APART_MS apart, one after the other. */
async function runBlock(side: Side, from: number, count: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let n = from; n < from + count; n++) {
    samples.push(await side.once(n));
    await side.rest();
    await pause(APART_MS);
  }
  return samples;
}

/** Milliseconds from `seen`, for our own and the floor's path. */
export async function run(): Promise<BenchRow[]> {
  const nats = await startNats();
  const stops: (() => Promise<unknown>)[] = [() => nats.stop()];
  try {
    const bus = await connectBus({ url: nats.url, name: "bench", logger: pino({ level: "silent" }) });
    stops.unshift(() => bus.drain());
    await provision(bus.jsm);
    const floor = await startFloor(bus, nats.url);
    stops.unshift(floor.stop);
    const ours = await startOurs(bus, nats.url);
    stops.unshift(ours.stop);
    const samples: { ours: Sample[]; floor: Sample[] } = { ours: [], floor: [] };
    await runBlock(floor, 0, WARM_UP);
    await runBlock(ours, 0, WARM_UP);
    for (let block = 0; block < BLOCKS; block++) {
      const from = WARM_UP + (block * FILLS) / BLOCKS;
      samples.floor.push(...(await runBlock(floor, from, FILLS / BLOCKS)));
      samples.ours.push(...(await runBlock(ours, from, FILLS / BLOCKS)));
    }
    return rowsOf(samples);
  } finally {
    await Promise.all(children.map((child) => child.terminate()));
    for (const stop of stops) await stop();
  }
}

function rowsOf(samples: { readonly ours: readonly Sample[]; readonly floor: readonly Sample[] }): BenchRow[] {
  const text = (ms: number): string => `${ms.toFixed(2)} ms`;
  const row = (to: keyof Sample, percent: number): BenchRow => {
    const [ours, floor] = [samples.ours, samples.floor].map((list) =>
      percentile(
        list.map((one) => one[to]),
        percent,
      ),
    );
    if (ours === undefined || floor === undefined) throw new Error("no samples");
    const above = `${(ours - floor).toFixed(2)} ms above the floor`;
    return {
      name: `path: seen → ${to}, p${percent}: ${above}`,
      ours: text(ours),
      floor: text(floor),
      ratio: ours / floor,
    };
  };
  return [row("granted", 50), row("granted", 99), row("accepted", 50), row("accepted", 99)];
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}
