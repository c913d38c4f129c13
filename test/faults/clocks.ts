/**
 * The whole system in its sandbox by clocks that are wrong: of all services, or of one. Judged from the log and the
 * heartbeats: no fill before signal and latency, the error found and told within the first heartbeats, decisions made.
 */
import { connectBus } from "@slipstream/actor/bus";
import { CLOCK_WARN_MS, LOCAL_CLOCK } from "@slipstream/actor/serviceClock";
import { type Fact, type FactOf, readFact } from "@slipstream/contracts/facts";
import { Heartbeat } from "@slipstream/contracts/live";
import { type ServiceName, serviceNames, subjects } from "@slipstream/contracts/subjects";
import { silentLogger } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { defaultAccount } from "../../cli/src/defaults.ts";
import { type Run, startRun } from "../e2e/kit.ts";

export type ClockRunOptions = {
  /** Local minus world's time. */
  readonly errorMs: number;
  /** null: of all services. */
  readonly only: ServiceName | null;
  readonly seconds: number;
};

/** Heartbeats come each second: an error is told within ten seconds of a service's first. */
const TOLD_WITHIN_BEATS = 10;
/** The services that a single wrong clock is tried on, and the errors. */
const ONE_OF = ["executor", "chain-watcher", "bookstore", "risk"] as const;
const ERRORS_MS = [-20_000, -2_000, -200, 200, 2_000, 20_000];

export type ClockRunResult = { readonly name: string; readonly summary: string; readonly wrong: readonly string[] };

const nameOf = ({ errorMs, only }: ClockRunOptions): string => `${only ?? "all services"} ${errorMs} ms`;
const settingOf = ({ errorMs, only }: ClockRunOptions): Record<string, string> => ({
  [only === null ? "SLIPSTREAM_CLOCK" : `SLIPSTREAM_CLOCK_${only.replaceAll("-", "_").toUpperCase()}`]:
    `offset:${errorMs}`,
});

type Seen = { readonly facts: Fact[]; readonly beats: Map<ServiceName, Heartbeat[]> };

export async function runClock(options: ClockRunOptions): Promise<ClockRunResult> {
  const run = await startRun(["start", "--for", `${options.seconds}s`], settingOf(options));
  try {
    const seen = await watch(run);
    const code = await run.exitCode();
    const wrong = [...fillsTooEarly(seen), ...notTold(options, seen), ...decisions(options, seen)];
    if (code !== 0) wrong.push(`exit code ${code}: ${JSON.stringify(run.report().errors)}`);
    const { attempts, executionFills } = run.report();
    const summary = `${attempts.trade} traded, ${attempts.skip} skipped, ${executionFills} fills`;
    return { name: nameOf(options), summary, wrong };
  } finally {
    await run.clean();
  }
}

/** Hears everything from the first heartbeat on; the connection ends with the run's bus. */
async function watch(run: Run): Promise<Seen> {
  await run.pid("nats-server");
  await until(() => run.natsUrl() !== "" && run.sandboxUrl() !== "", { what: "the world", timeoutMs: 120_000 });
  const bus = await connectBus({ url: run.natsUrl(), name: "clocks", logger: silentLogger });
  const seen: Seen = { facts: [], beats: new Map(serviceNames.map((name) => [name, []])) };
  bus.nc.subscribe(subjects.allFacts, {
    callback: (_error, message) => {
      const reading = readFact(message.string());
      if (reading.kind === "fact") seen.facts.push(reading.fact);
    },
  });
  bus.nc.subscribe(subjects.allHeartbeats, {
    callback: (_error, message) => {
      const beat = Heartbeat.safeParse(JSON.parse(message.string())).data;
      if (beat !== undefined) seen.beats.get(beat.service)?.push(beat);
    },
  });
  void run.process.exited.then(() => bus.nc.close().catch(() => undefined));
  return seen;
}

const only = <T extends Fact["type"]>(facts: readonly Fact[], type: T): FactOf<T>[] =>
  facts.filter((fact): fact is FactOf<T> => fact.type === type);

function fillsTooEarly({ facts }: Seen): string[] {
  const intents = new Map(only(facts, "OrderIntent").map((intent) => [intent.orderId, intent]));
  return only(facts, "ExecutionFill").flatMap(({ orderId, tsEventMs }) => {
    const intent = intents.get(orderId);
    if (intent === undefined) return [];
    const earliestMs = intent.tsSignalMs + defaultAccount.submitLatencyMs;
    return tsEventMs >= earliestMs ? [] : [`${orderId} filled ${earliestMs - tsEventMs} ms before signal + latency`];
  });
}

function notTold({ errorMs, only: one }: ClockRunOptions, { beats }: Seen): string[] {
  return serviceNames.flatMap((service) => {
    const offMs = one === null || one === service ? errorMs : 0;
    const first = (beats.get(service) ?? []).slice(0, TOLD_WITHIN_BEATS);
    const isFound = first.some(({ gauges: { clockOffsetMs, clockUncertaintyMs } }) => {
      return Math.abs((clockOffsetMs ?? Number.NaN) + offMs) <= (clockUncertaintyMs ?? -1);
    });
    const isSaid = first.some(({ problems }) => problems.some((line) => line.startsWith(LOCAL_CLOCK)));
    const mustSay = Math.abs(offMs) >= CLOCK_WARN_MS;
    return [
      ...(isFound ? [] : [`${service} did not measure ${offMs} ms within ${TOLD_WITHIN_BEATS} heartbeats`]),
      ...(mustSay && !isSaid ? [`${service} said nothing of ${offMs} ms`] : []),
    ];
  });
}

function decisions({ errorMs, only: one }: ClockRunOptions, { facts }: Seen): string[] {
  const wrong: string[] = [];
  const skips = only(facts, "ExecutionAttempt");
  const intents = only(facts, "OrderIntent");
  if (!intents.some(({ kind }) => kind === "ENTRY")) wrong.push("nothing was bought");
  // A signal may be old on a machine that is busy, but none is from the future.
  const future = skips.filter(({ reasons }) => reasons.some(({ code }) => code === "SIGNAL_FROM_FUTURE")).length;
  if (future > 0) wrong.push(`${future} × SIGNAL_FROM_FUTURE`);
  const offMs = one === null || one === "executor" ? errorMs : 0;
  const untrue = [...skips, ...intents].filter(({ used: { clockOffsetMs, clockUncertaintyMs } }) => {
    return clockOffsetMs !== null && Math.abs(clockOffsetMs + offMs) > (clockUncertaintyMs ?? -1);
  });
  if (untrue.length > 0) wrong.push(`${untrue.length} decisions carry another offset than ${-offMs} ms`);
  return wrong;
}

/** All errors on all services, then each service alone by the two errors that were the worst. */
export async function runClocks(options: {
  readonly short: boolean;
  readonly seconds: number;
  readonly say: (line: string) => void;
}): Promise<{ readonly text: string; readonly clean: boolean }> {
  const all = ERRORS_MS.map((errorMs) => ({ errorMs, only: null }));
  const single = ONE_OF.flatMap((one) => [-2_000, 20_000].map((errorMs) => ({ errorMs, only: one })));
  const runs = options.short ? [{ errorMs: -2_000, only: null }] : [...all, ...single];
  const lines: string[] = [];
  let clean = true;
  for (const run of runs) {
    const { name, summary, wrong } = await runClock({ ...run, seconds: options.seconds });
    clean &&= wrong.length === 0;
    lines.push(`  ${name}: ${summary}${wrong.length === 0 ? ", nothing wrong" : `\n    ${wrong.join("\n    ")}`}`);
    options.say(lines.at(-1) ?? "");
  }
  return { text: `clocks\n${lines.join("\n")}`, clean };
}
