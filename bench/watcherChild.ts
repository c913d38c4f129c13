/** A chain-watcher in a process of its own that says on request what it is at and what it has used. Started by benchmarks. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { pino } from "pino";
import { connectBus } from "../libs/actor/src/bus.ts";
import { systemClock } from "../libs/actor/src/clock.ts";
import { commonEnv, parseEnv } from "../libs/contracts/src/env.ts";
import { watcherEnv } from "../services/chain-watcher/src/config.ts";
import { buildWatcher } from "../services/chain-watcher/src/service.ts";

export type Report = {
  readonly role: string;
  readonly gauges: Readonly<Record<string, number>>;
  /** After a collection. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** User and system time of the process since its start. */
  readonly cpuMs: number;
};

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const settings = { ...parseEnv(commonEnv, process.env), ...parseEnv(watcherEnv, process.env) };
const logger = pino({ level: settings.LOG_LEVEL });
const bus = await connectBus({ url: settings.NATS_URL, name: "chain-watcher", logger });
const fatal = (error: Error): void => {
  logger.fatal({ err: error });
  process.exit(1);
};
const service = await buildWatcher({
  name: "chain-watcher",
  instance: settings.INSTANCE,
  settings,
  logger,
  clock: systemClock(),
  bus,
  fatal,
});

process.on("message", (asked: { readonly collect: boolean }) => {
  const cpu = process.cpuUsage();
  if (asked.collect) collect();
  const { role, gauges = {} } = service.status();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const report: Report = {
    role,
    gauges,
    heapBytes: heapUsed + arrayBuffers,
    rssBytes: rss,
    cpuMs: (cpu.user + cpu.system) / 1_000,
  };
  process.send?.(report);
});
process.on("SIGTERM", () => {
  void service
    .drain()
    .then(() => bus.drain())
    .then(() => process.exit(0));
});
