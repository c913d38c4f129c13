/**
 * Measures a process's clock over HTTP: the venue's `/time` (whole seconds), and the `Date` of that answer and of a second
 * server's. A request bounds the offset from both sides: the answer was made between sending and receiving.
 *
 * A whole second says little by itself, so each request is sent when its answer is expected to fall on the turn of a
 * second: whichever second comes back halves what is not known, down to the round trip.
 */
import { setTimeout } from "node:timers/promises";
import type { MeasuredClock } from "./measuredClock.ts";

export type ClockMeter = {
  /** Resolves when the first answers have come or failed, at the latest after `timeoutMs` of real time. */
  firstRound(timeoutMs: number): Promise<void>;
  /** Measures at once, as at the start: what was known is void. */
  again(): void;
  /** Why nothing is measured now; null: the last round brought something. */
  problem(): string | null;
  stop(): void;
};

export type ClockMeterOptions = {
  readonly clock: Pick<MeasuredClock, "measured" | "localMs" | "bestMs">;
  /** Base address of the venue whose `/time` is asked. */
  readonly venueUrl: string;
  /** Of a second server; only the `Date` of its answers counts. */
  readonly otherUrl?: string;
  readonly fetch?: typeof fetch;
  /** Waits real milliseconds, or until aborted; never rejects. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
};

const realPause = (ms: number, signal: AbortSignal): Promise<void> =>
  setTimeout(ms, undefined, { signal }).catch(() => undefined);

const SECOND_MS = 1_000;
const TIMEOUT_MS = 3_000;
/** Servers make the text of their Date once a second, when they find the time. */
const DATE_LATE_MS = 500;
/** The burst at the start, and the pace afterwards; the second server is asked in every fourth round. */
const BURST_ROUNDS = 8;
const BURST_GAP_MS = 100;
const ROUND_MS = 10_000;
const OTHER_EVERY = 4;
const FAILED_ROUND_MS = 1_000;
const ANSWER_CHARS_MAX = 200;

export function startClockMeter(options: ClockMeterOptions): ClockMeter {
  const { clock, otherUrl, pause = realPause } = options;
  const { promise: first, resolve: firstDone } = Promise.withResolvers<void>();
  let stop = new AbortController();
  let stopped = false;
  let rounds = 0;
  let tripMs = 0;
  let problem: string | null = "the venue has not answered yet";

  const round = async (): Promise<boolean> => {
    const asked = [askVenue(options)];
    if (otherUrl !== undefined && rounds % OTHER_EVERY === 0) asked.push(askOther(options, otherUrl));
    rounds += 1;
    const [venue] = await Promise.all(asked);
    problem = venue?.problem ?? null;
    tripMs = venue?.tripMs ?? tripMs;
    return problem === null;
  };
  const waitMs = (succeeded: boolean): number => {
    const isBurst = rounds < BURST_ROUNDS;
    const leastMs = !succeeded ? FAILED_ROUND_MS * Math.min(10, rounds) : isBurst ? BURST_GAP_MS : ROUND_MS;
    const turnMs = (clock.bestMs() + leastMs + tripMs / 2) % SECOND_MS;
    return leastMs + SECOND_MS - turnMs;
  };
  const run = async (): Promise<void> => {
    while (!stopped) {
      const succeeded = await round();
      firstDone();
      // Ends early when measuring begins anew.
      await pause(waitMs(succeeded), stop.signal);
    }
  };
  void run();
  return {
    firstRound: async (timeoutMs) => {
      const late = new AbortController();
      void pause(timeoutMs, late.signal).then(firstDone);
      await first;
      late.abort();
    },
    again: () => {
      rounds = 0;
      const old = stop;
      stop = new AbortController();
      old.abort();
    },
    problem: () => problem,
    stop: () => {
      stopped = true;
      stop.abort();
      firstDone();
    },
  };
}

type Asked = { readonly problem: string | null; readonly tripMs: number | null };
type Answer = {
  readonly response: Response;
  readonly text: string;
  readonly sentMs: number;
  readonly receivedMs: number;
};

async function askVenue(options: ClockMeterOptions): Promise<Asked> {
  const { venueUrl, clock } = options;
  const host = new URL(venueUrl).host;
  const answer = await ask(options, `${venueUrl}/time`);
  if (typeof answer === "string") return { problem: `${host}/time: ${answer}`, tripMs: null };
  const { response, text, sentMs, receivedMs } = answer;
  // Only digits: an error page, a decimal or a date is no time.
  const isTime = response.ok && /^"?\d{9,11}"?$/.test(text.trim());
  if (isTime) {
    const worldMs = Number(text.trim().replaceAll('"', "")) * SECOND_MS;
    const source = `time of ${host}`;
    clock.measured({ source, lowerMs: worldMs - receivedMs, upperMs: worldMs + SECOND_MS - sentMs });
  }
  readDate(options, host, answer);
  const problem = isTime ? null : `${host}/time: status ${response.status} and no whole seconds`;
  return { problem, tripMs: receivedMs - sentMs };
}

async function askOther(options: ClockMeterOptions, url: string): Promise<Asked> {
  const answer = await ask(options, `${url}/`);
  if (typeof answer !== "string") readDate(options, new URL(url).host, answer);
  return { problem: null, tripMs: null };
}

function readDate({ clock }: ClockMeterOptions, host: string, { response, sentMs, receivedMs }: Answer): void {
  const worldMs = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(worldMs)) return;
  const upperMs = worldMs + SECOND_MS + DATE_LATE_MS - sentMs;
  clock.measured({ source: `Date of ${host}`, lowerMs: worldMs - receivedMs, upperMs });
}

/** The answer and when it was asked for, by the local line; in words why there is none. */
async function ask(options: ClockMeterOptions, url: string): Promise<Answer | string> {
  const { clock } = options;
  const sentMs = clock.localMs();
  try {
    const headers = { "user-agent": "slipstream/0.1", "cache-control": "no-cache" };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await (options.fetch ?? fetch)(url, { headers, signal });
    const text = (await response.text()).slice(0, ANSWER_CHARS_MAX);
    const receivedMs = clock.localMs();
    if (isFromCache(response)) return "the answer comes from a cache";
    return { response, text, sentMs, receivedMs };
  } catch (error) {
    return error instanceof Error && error.name === "TimeoutError" ? `no answer within ${TIMEOUT_MS} ms` : "no answer";
  }
}

/** A kept answer tells the time at which it was made. */
const isFromCache = ({ headers }: Response): boolean =>
  Number(headers.get("age") ?? 0) > 0 || headers.get("cf-cache-status") === "HIT";
