/** `slipstream record`: what the venue says, onto a tape. */
import { join } from "node:path";
import type { Clock } from "@slipstream/actor/clock";
import { startServiceClock } from "@slipstream/actor/serviceClock";
import { ContractError } from "@slipstream/contracts/errors";
import { type Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import { pino } from "pino";
import type { z } from "zod";
import { type CliSettings, parseDuration, shownPath } from "../config.ts";
import { type RecorderOptions, type RecorderState, startRecorder } from "../recorder/recorder.ts";
import { say } from "../say.ts";
import { fetchWorld } from "../worldClient.ts";

/** Text of the options, as typed. */
export type RecordArguments = {
  readonly out: string | undefined;
  readonly token: readonly string[];
  readonly market: readonly string[];
  readonly top: string | undefined;
  readonly rotateMb: string | undefined;
  readonly rotateMinutes: string | undefined;
  readonly for: string | undefined;
  /** Control address of a sandbox: its endpoints are recorded in place of the settings'. */
  readonly fromSandbox: string | undefined;
};

export type RecordOptions = {
  readonly asked: RecordArguments;
  readonly leaders: readonly Address[];
  readonly settings: CliSettings;
  /** Where recordings go that are not told where. */
  readonly home: string;
  readonly signal: AbortSignal;
};

const TOP_DEFAULT = 20;
const TOP_MAX = 1_000;
const ROTATE_MB_DEFAULT = 64;
const ROTATE_MINUTES_DEFAULT = 60;
const SHOW_EVERY_MS = 1_000;
const SHOW_PLAIN_EVERY_MS = 10_000;

/** @returns 0 when the recording was sealed, 1 when it could not be written. */
export async function runRecord(options: RecordOptions): Promise<number> {
  const { asked, settings } = options;
  const plan = readPlan(asked, options.leaders.length > 0);
  const endpoints = await endpointsOf(settings, asked.fromSandbox);
  // The times on a tape are the world's for whoever plays it.
  const time = startServiceClock({ CLOB_HTTP_URL: endpoints.clobHttpUrl }, pino({ level: "silent" }));
  try {
    await time.firstMeasured();
    for (const line of time.problems()) say(line);
    return await recordBy(time.clock, options, { plan, endpoints });
  } finally {
    time.stop();
  }
}

async function recordBy(
  clock: Clock,
  { asked, leaders, signal, home }: RecordOptions,
  { plan, endpoints }: { readonly plan: Plan; readonly endpoints: RecorderOptions["endpoints"] },
): Promise<number> {
  const folder = asked.out ?? join(home, "recordings", nameOf(clock.nowMs()));
  const ended = Promise.withResolvers<string>();
  let failure: ContractError | null = null;
  const recorder = await startRecorder({
    ...plan,
    folder,
    leaders,
    endpoints,
    clock,
    random: Math.random,
    say,
    onFailure: (error) => {
      failure = error;
      ended.resolve("failure");
    },
  });
  say(`recording to ${shownPath(folder)}, Ctrl-C ends`);
  const startedMs = clock.steadyMs();
  const painted = process.stderr.isTTY === true;
  const show = clock.every(painted ? SHOW_EVERY_MS : SHOW_PLAIN_EVERY_MS, () => {
    const line = stateLine(recorder.state(), clock.steadyMs() - startedMs);
    process.stderr.write(painted ? `\r\x1b[K${line}` : `${line}\n`);
  });
  const end = plan.forMs === null ? null : clock.after(plan.forMs, () => ended.resolve("its time was over"));
  if (signal.aborted) ended.resolve("a signal");
  signal.addEventListener("abort", () => ended.resolve("a signal"), { once: true });
  const why = await ended.promise;
  show.cancel();
  end?.cancel();
  const last = recorder.state();
  await recorder.stop(why);
  if (painted) process.stderr.write("\r\x1b[K");
  if (failure !== null) throw failure;
  say(stateLine({ ...last, ...recorder.counts() }, clock.steadyMs() - startedMs));
  say(`look at it with: npm run slipstream -- tape check ${shownPath(folder)}`);
  return 0;
}

type Plan = Pick<RecorderOptions, "tokens" | "conditions" | "top" | "rotateBytes" | "rotateMs"> & {
  readonly forMs: number | null;
};

/** @throws ContractError ID_INVALID or CONFIG_INVALID naming the option, the value and what is allowed. */
function readPlan(asked: RecordArguments, hasLeaders: boolean): Plan {
  const tokens = ids(asked.token, TokenId, "--token", "a token id, a decimal number");
  const conditions = ids(asked.market, ConditionId, "--market", "a condition id, 0x and 64 hexadecimal digits");
  const isNamed = tokens.length > 0 || conditions.length > 0 || hasLeaders;
  const whole = (name: string, text: string | undefined, otherwise: number, max: number): number => {
    if (text === undefined) return otherwise;
    if (/^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= max) return Number(text);
    throw new ContractError("CONFIG_INVALID", `${name} ${text}: a whole number from 1 to ${max}`);
  };
  const forMs = asked.for === undefined ? null : parseDuration(asked.for);
  if (asked.for !== undefined && (forMs === null || forMs === 0)) {
    throw new ContractError("CONFIG_INVALID", `--for ${asked.for}: a time such as 60s, 10m or 1h`);
  }
  return {
    tokens,
    conditions,
    top: whole("--top", asked.top, isNamed ? 0 : TOP_DEFAULT, TOP_MAX),
    rotateBytes: whole("--rotate-mb", asked.rotateMb, ROTATE_MB_DEFAULT, 100_000) * 1_000_000,
    rotateMs: whole("--rotate-minutes", asked.rotateMinutes, ROTATE_MINUTES_DEFAULT, 10_000) * 60_000,
    forMs,
  };
}

function ids<S extends z.ZodType>(texts: readonly string[], schema: S, option: string, words: string): z.infer<S>[] {
  const parts = texts.flatMap((text) => text.split(",")).map((part) => part.trim());
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      const parsed = schema.safeParse(part);
      if (parsed.success) return parsed.data;
      throw new ContractError("ID_INVALID", `${option} ${part}: ${words}`);
    });
}

async function endpointsOf(
  settings: CliSettings,
  sandboxUrl: string | undefined,
): Promise<RecorderOptions["endpoints"]> {
  if (sandboxUrl !== undefined) {
    const { rpcHttpUrl, rpcWsUrl, ...others } = (await fetchWorld(sandboxUrl)).endpoints;
    return { ...others, rpcHttpUrls: [rpcHttpUrl], rpcWsUrls: [rpcWsUrl] };
  }
  return {
    rpcHttpUrls: settings.POLYGON_HTTP_URL,
    rpcWsUrls: settings.POLYGON_WS_URL,
    clobHttpUrl: settings.CLOB_HTTP_URL,
    clobMarketWsUrl: settings.CLOB_MARKET_WS_URL,
    gammaUrl: settings.GAMMA_URL,
  };
}

/** 2026-11-21T02-47-15Z: sorts by time, and every file system takes it. */
const nameOf = (ms: number): string => new Date(ms).toISOString().replace(/\..*$/, "Z").replaceAll(":", "-");

function stateLine(state: RecorderState, elapsedMs: number): string {
  const { records, bytes, parts, tokens, markets, connections, chainConnected, gaps, dropped } = state;
  const count = (value: number): string => value.toLocaleString("en-US");
  const chain = chainConnected === null ? [] : [chainConnected ? "chain connected" : "chain not connected"];
  return [
    `${(elapsedMs / 1_000).toFixed(0)} s`,
    `${count(records)} records`,
    `${(bytes / 1e6).toFixed(1)} MB in ${parts} ${parts === 1 ? "part" : "parts"}`,
    `${tokens} tokens of ${markets} markets on ${connections.open}/${connections.all} connections`,
    ...chain,
    `${gaps} gap records`,
    ...(dropped > 0 ? [`${count(dropped)} records dropped`] : []),
  ].join(" · ");
}
