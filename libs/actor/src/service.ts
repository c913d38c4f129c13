/**
 * What every service's `main.ts` does the same way: settings, logger, clock, bus, heartbeat, health, signals.
 *
 * Exit codes: 0 drained, 1 wrong settings, a contract broken or our own bug, 75 the outside world did not answer in
 * time (start again later).
 */
import { commonEnv, parseEnv } from "@slipstream/contracts/env";
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import type { Heartbeat } from "@slipstream/contracts/live";
import type { ServiceName } from "@slipstream/contracts/subjects";
import { type Logger, pino } from "pino";
import type { z } from "zod";
import { type Bus, connectBus } from "./bus.ts";
import type { Clock } from "./clock.ts";
import { readDotEnv } from "./dotEnv.ts";
import { startHealthServer } from "./health.ts";
import { startHeartbeat } from "./heartbeat.ts";
import type { Histogram } from "./histogram.ts";
import { logOutput } from "./logOutput.ts";
import { untilProvisioned } from "./provisioner.ts";
import { type ServiceClock, startServiceClock } from "./serviceClock.ts";

/** Settings every service has, beside its own. */
export type CommonSettings = z.infer<z.ZodObject<typeof commonEnv>>;

export type ServiceContext<Shape extends z.ZodRawShape> = {
  readonly name: ServiceName;
  readonly instance: string;
  readonly settings: CommonSettings & z.infer<z.ZodObject<Shape>>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly bus: Bus;
  /** Ends the process: exit 75 for a TransientError, 1 for anything else. Pass it to `startActor` as `onFatal`. */
  readonly fatal: (error: Error) => void;
};

/** What the heartbeat, readiness and the metrics say of a service. An `ActorStatus` has the first five. */
export type ServiceStatus = {
  readonly role: "recovering" | "standby" | "owner" | "draining" | "stopped";
  readonly ready: boolean;
  readonly lastSeq: number;
  readonly lagging: boolean;
  readonly problems: readonly string[];
  /** Age of the newest thing it should know about; null (default) when it has none. */
  readonly lagMs?: number | null;
  /** Only risk: sequence of its newest decision. */
  readonly decisionSeq?: number | null;
  readonly gauges?: Readonly<Record<string, number>>;
  /** Only executor: what may be traded now. */
  readonly effective?: Heartbeat["effective"];
  readonly histograms?: Readonly<Record<string, Histogram>>;
};

export type RunningService = {
  status(): ServiceStatus;
  /** Stops what the service started, its actor first. The bus is still connected; it is closed afterwards. */
  drain(): Promise<void>;
};

export type ServiceOptions<Shape extends z.ZodRawShape> = {
  readonly name: ServiceName;
  /** The service's own settings, a zod shape over text as in `contracts/env.ts`; the common ones are added. */
  readonly settings: Shape;
  /** `process.env`, read only in main.ts. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly build: (context: ServiceContext<Shape>) => Promise<RunningService>;
};

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_TRY_LATER = 75;

/** What ends a service: a person, the supervisor, or an error. */
type End = { readonly why: string; readonly error?: Error };

/** Runs a service until a signal, the death of its parent or an error ends it; then exits the process. */
export async function runService<Shape extends z.ZodRawShape>(options: ServiceOptions<Shape>): Promise<void> {
  const { name } = options;
  let settings: ServiceContext<Shape>["settings"];
  try {
    settings = readSettings(options);
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exit(EXIT_FAILED);
  }
  const logger = makeLogger(name, settings);
  const ending = listenForTheEnd();
  const time = startServiceClock(settings, logger);
  const end = await serveUntil(options, { settings, logger, ending, time }).catch((error: unknown) => failed(error));
  time.stop();
  if (end.error === undefined) logger.info({ reason: end.why }, "stopped");
  else logger.fatal({ err: end.error, code: codeOf(end.error) }, "service failed");
  // Whatever still holds the process (a socket in a time-out, a third party's timer) is of no use any more.
  process.exit(exitCodeOf(end.error));
}

type Ending = {
  readonly ended: Promise<End>;
  /** Aborted at the same moment. */
  readonly signal: AbortSignal;
  readonly fatal: (error: Error) => void;
};

async function serveUntil<Shape extends z.ZodRawShape>(
  { name, build }: ServiceOptions<Shape>,
  {
    settings,
    logger,
    ending,
    time,
  }: {
    readonly settings: ServiceContext<Shape>["settings"];
    readonly logger: Logger;
    readonly ending: Ending;
    readonly time: ServiceClock;
  },
): Promise<End> {
  const { NATS_URL: url, INSTANCE: instance, SHUTDOWN_GRACE_MS: graceMs } = settings;
  const { clock } = time;
  const connecting = connectBus({ url, name: `${name}/${instance}`, logger, signal: ending.signal });
  const bus = await connecting.catch(async (error: unknown) => {
    if (ending.signal.aborted) return null;
    throw error;
  });
  if (bus === null) return ending.ended;
  void bus.closed.then((error) =>
    ending.fatal(error ?? new TransientError("BUS_UNREACHABLE", "the connection to nats-server is closed")),
  );
  if (!(await untilProvisioned(bus, logger, ending.signal))) return close(bus, await ending.ended);
  // What is stamped before the first measurement would have to be taken for true.
  await time.firstMeasured();
  const building = build({ name, instance, settings, logger, clock, bus, fatal: ending.fatal });
  const running = await Promise.race([building, ending.ended.then(() => null)]);
  if (running === null) return close(bus, await ending.ended);
  const status = (): ServiceStatus => time.told(running.status());
  const heartbeat = startHeartbeat({ bus, name, instance, clock, status });
  const health = await startHealthServer({
    name,
    host: settings.HEALTH_HOST,
    port: settings.HEALTH_PORT,
    status,
  });
  logger.info({ healthPort: health.port }, "started");
  const end = await ending.ended;
  logger.info({ reason: end.why }, "draining");
  await inTime(graceMs, running.drain(), logger);
  heartbeat.stop();
  await health.stop();
  return close(bus, end);
}

async function close(bus: Bus, end: End): Promise<End> {
  await bus.drain().catch(() => undefined);
  return end;
}

async function inTime(graceMs: number, draining: Promise<void>, logger: Logger): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      logger.error({ graceMs }, "not drained in time, the rest is left to recovery");
      resolve();
    }, graceMs);
  });
  await Promise.race([draining.catch((error: unknown) => logger.error({ err: error }, "draining failed")), late]);
  clearTimeout(timer);
}

/** `.env` of the working folder fills in what the environment does not say; a clock may be this service's only. */
function readSettings<Shape extends z.ZodRawShape>({
  name,
  settings,
  env,
}: ServiceOptions<Shape>): ServiceContext<Shape>["settings"] {
  const given = { ...readDotEnv(".env"), ...env };
  const own = given[`SLIPSTREAM_CLOCK_${name.replaceAll("-", "_").toUpperCase()}`];
  const clock = own === undefined || own === "" ? {} : { SLIPSTREAM_CLOCK: own };
  return parseEnv({ ...commonEnv, ...settings }, { ...given, ...clock }) as ServiceContext<Shape>["settings"];
}

/** JSON lines; amounts as text, since pino would print a bigint as a bare number; keys and signatures never. */
function makeLogger(name: ServiceName, settings: CommonSettings): Logger {
  const options = {
    level: settings.LOG_LEVEL,
    base: { service: name, instance: settings.INSTANCE },
    redact: { paths: [...secrets, ...secrets.map((field) => `*.${field}`)], censor: "(hidden)" },
    formatters: { log: (fields: object) => withTextAmounts(fields) as Record<string, unknown> },
  };
  return pino(options, logOutput());
}
const secrets = ["privateKey", "signature", "apiKey", "secret", "passphrase", "authorization"];

function withTextAmounts(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value === null || typeof value !== "object" || value instanceof Error) return value;
  if (Array.isArray(value)) return value.map(withTextAmounts);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withTextAmounts(item)]));
}

function listenForTheEnd(): Ending {
  const abort = new AbortController();
  let finish: (end: End) => void = () => undefined;
  const ended = new Promise<End>((resolve) => {
    finish = resolve;
  });
  const stop = (end: End): void => {
    finish(end);
    abort.abort();
  };
  const fatal = (error: Error): void => stop({ why: "error", error });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop({ why: signal }));
  if (process.connected) process.on("disconnect", () => stop({ why: "the parent process is gone" }));
  process.on("uncaughtException", fatal);
  process.on("unhandledRejection", (reason) => fatal(failed(reason).error ?? new Error(String(reason))));
  return { ended, signal: abort.signal, fatal };
}

const failed = (error: unknown): End => ({
  why: "error",
  error: error instanceof Error ? error : new Error(String(error)),
});
const codeOf = (error: Error): string | undefined => ("code" in error ? String(error.code) : undefined);
const exitCodeOf = (error: Error | undefined): number => {
  if (error === undefined) return EXIT_DONE;
  return error instanceof TransientError ? EXIT_TRY_LATER : EXIT_FAILED;
};
