/** JSON over HTTP for reads, which are safe to repeat. Orders do not go through here. */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { plainText } from "@slipstream/contracts/text";
import { backoffMs, READ_RETRY } from "./backoff.ts";
import { ANSWER_BYTES_MAX, boundedText } from "./boundedText.ts";
import type { RateBudget } from "./rateBudget.ts";
import { pause, type WireClock } from "./wireClock.ts";

/** Gamma refuses requests without one. */
const USER_AGENT = "slipstream/0.1";
const TIMEOUT_MS = 5_000;
const ATTEMPTS_MAX = 4;
const RETRY_AFTER_MS_MAX = 30_000;
const NOT_FOUND = 404;
const TOO_MANY = 429;
/** The server gave up waiting, or is restarting its matching engine: the same read may do a moment later. */
const TRY_AGAIN: ReadonlySet<number> = new Set([408, 425]);

export type HttpOptions = {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly clock: WireClock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Asked before each try. */
  readonly budget?: RateBudget;
  readonly timeoutMs?: number;
  readonly attemptsMax?: number;
  /** Default: JSON.parse. Throws for what it cannot read. */
  readonly parse?: (text: string) => unknown;
};

export type Query = readonly (readonly [name: string, value: string])[];
export type HttpReader = {
  /**
   * Returns the JSON of the answer; null for 404.
   * @throws TransientError when timeouts, 5xx, 408, 425 or 429 outlast the tries; ContractError for other refusals and for what
   * is no JSON.
   */
  readonly get: (path: string, query?: Query) => Promise<unknown>;
  readonly post: (path: string, body: unknown) => Promise<unknown>;
};

class Busy extends TransientError {
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super("VENUE_REFUSED", message);
    this.retryAfterMs = retryAfterMs;
  }
}

export function createHttpReader(options: HttpOptions): HttpReader {
  const attemptsMax = options.attemptsMax ?? ATTEMPTS_MAX;
  const repeat = async (path: string, init: RequestInit): Promise<unknown> => {
    for (let failures = 0; ; failures++) {
      await options.budget?.take();
      try {
        return await once(options, path, init);
      } catch (error) {
        if (!(error instanceof TransientError) || failures + 1 >= attemptsMax) throw error;
        const wait = backoffMs(READ_RETRY, failures, options.random());
        await pause(options.clock, Math.max(wait, error instanceof Busy ? error.retryAfterMs : 0));
      }
    }
  };
  const headers = { accept: "application/json", "user-agent": USER_AGENT };
  return {
    get: (path, query = []) => {
      const text = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value])).toString();
      return repeat(text === "" ? path : `${path}?${text}`, { headers });
    },
    post: (path, body) =>
      repeat(path, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
}

async function once(options: HttpOptions, path: string, init: RequestInit): Promise<unknown> {
  const { status, headers, text } = await exchange(options, path, init);
  const where = `${path.split("?")[0]} answered ${status}`;
  if (status === NOT_FOUND) return null;
  if (status === TOO_MANY) {
    const seconds = Number(headers.get("retry-after") ?? 0);
    const retryAfterMs = Number.isFinite(seconds) ? Math.min(seconds * 1000, RETRY_AFTER_MS_MAX) : 0;
    throw new Busy(`${where}: too many requests`, retryAfterMs);
  }
  if (status >= 500 || TRY_AGAIN.has(status))
    throw new TransientError("VENUE_UNREACHABLE", `${where}: ${plainText(text, 200)}`);
  if (status < 200 || status > 299) throw new ContractError("VENUE_REFUSED", `${where}: ${plainText(text, 200)}`);
  try {
    return (options.parse ?? JSON.parse)(text) as unknown;
  } catch (cause) {
    throw new ContractError("VENUE_UNREADABLE", `${where} with what is no JSON: ${plainText(text, 80)}`, { cause });
  }
}

async function exchange(
  options: HttpOptions,
  path: string,
  init: RequestInit,
): Promise<{ status: number; headers: Headers; text: string }> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  try {
    const response = await (options.fetch ?? fetch)(`${options.baseUrl}${path}`, { ...init, signal });
    const text = await boundedText(response);
    if (text !== null) return { status: response.status, headers: response.headers, text };
    throw new ContractError("VENUE_UNREADABLE", `${path.split("?")[0]} answered more than ${ANSWER_BYTES_MAX} bytes`);
  } catch (cause) {
    if (cause instanceof ContractError) throw cause;
    throw new TransientError("VENUE_UNREACHABLE", `${options.baseUrl} did not answer: ${reasonOf(cause)}`, { cause });
  }
}

/** fetch hides the reason one level down. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
