/** Environment variables: one zod object per service, parsed once at the start. */
import { z } from "zod";
import { ContractError } from "./errors.ts";
import type { Address } from "./ids.ts";
import { readAddress } from "./namedAddress.ts";
import { withoutPaths } from "./urls.ts";

/** A whole number in text, within bounds. */
export const integer = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.string().regex(/^\d+$/, "a whole number").transform(Number).pipe(z.number().min(min).max(max));

const truthy = /^(1|true|yes|on)$/i;
const falsy = /^(0|false|no|off)$/i;
export const flag = () =>
  z
    .string()
    .refine((text) => truthy.test(text) || falsy.test(text), "true or false")
    .transform((text) => truthy.test(text));

const url = (protocols: RegExp, words: string) => z.url({ protocol: protocols, error: words });
export const httpUrl = () => url(/^https?$/, "an address that starts with http:// or https://");
/** Where paths are appended: without slashes at the end. */
const httpBase = () => httpUrl().transform((base) => base.replace(/\/+$/, ""));
export const wsUrl = () => url(/^wss?$/, "an address that starts with ws:// or wss://");
export const redisUrl = () => url(/^rediss?$/, "an address that starts with redis:// or rediss://");

/** The same resource at several providers; more would only repeat the same few behind them. */
const URLS_MAX = 8;
/** Addresses parted by commas, in the order of preference; a single one is a list of one. */
const urlList = (one: z.ZodType<string>, words: string) =>
  z.string().transform((text, context): readonly string[] => {
    const urls = text.split(",").map((part) => part.trim());
    const refuse = (message: string): void => context.addIssue({ code: "custom", message });
    if (urls.length > URLS_MAX) refuse(`at most ${URLS_MAX} addresses, got ${urls.length}`);
    for (const [index, given] of urls.entries()) {
      const which = urls.length === 1 ? "" : `number ${index + 1} of ${urls.length}: `;
      if (given === "") refuse(`${which}an address is missing beside a comma`);
      else if (!one.safeParse(given).success) refuse(`${which}${words}`);
      else if (urls.indexOf(given) !== index) refuse(`${which}the same address twice`);
    }
    return urls;
  });
/** At least one; a default is given as a list. */
export const httpUrls = () => urlList(httpUrl(), "addresses that start with http:// or https://, parted by commas");
/** At least one; a default is given as a list. */
export const wsUrls = () => urlList(wsUrl(), "addresses that start with ws:// or wss://, parted by commas");
/** In lower case, or as it is pasted with its checksum, which is compared. */
export const addressText = () =>
  z.string().transform((text, context): Address => {
    const read = readAddress(text);
    if (read.ok) return read.address;
    context.addIssue({ code: "custom", message: read.text });
    return z.NEVER;
  });

/**
 * How a setting is read that more than one program has: what one takes, all take. Defaults are each program's own.
 */
export const sharedSettings = {
  NATS_URL: z.string(),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]),
  EXECUTION_MODE: z.enum(["paper", "live"]),
  /** Several nodes of the chain stand in for each other. */
  POLYGON_HTTP_URL: httpUrls(),
  POLYGON_WS_URL: wsUrls(),
  CLOB_HTTP_URL: httpBase(),
  CLOB_MARKET_WS_URL: wsUrl(),
  GAMMA_URL: httpBase(),
  DATA_API_URL: httpBase(),
  RTDS_URL: wsUrl(),
  /** Request budgets shared between processes. */
  REDIS_URL: redisUrl(),
  SANDBOX_SEED: z.string().min(1).max(200),
  /** Room on the disk of the log below which nothing is traded. */
  STORE_FREE_MB_MIN: integer(1, 1_000_000),
} as const;

/** Settings every service has. */
export const commonEnv = {
  NATS_URL: sharedSettings.NATS_URL.default("nats://127.0.0.1:4222"),
  /** Name of this process; the same name takes its own lease back at once. */
  INSTANCE: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, "1 to 40 of a-z 0-9 -")
    .default("0"),
  LOG_LEVEL: sharedSettings.LOG_LEVEL.default("info"),
  /** Port of /livez, /readyz and /metrics; 0: any free one. */
  HEALTH_PORT: integer(0, 65_535).default(0),
  /** Where it listens: this machine only, or 0.0.0.0 for probes and scrapers from outside. */
  HEALTH_HOST: z.string().default("127.0.0.1"),
  SHUTDOWN_GRACE_MS: integer(100, 60_000).default(8_000),
  /**
   * The local clock, where it is not the machine's: `<real ms>:<local ms>:<speed>` or `offset:<ms>`, a clock that is wrong
   * and has to find out; `exact:<real ms>:<world ms>:<speed>`, the time of a tape, right by definition. For one service
   * only by `SLIPSTREAM_CLOCK_<SERVICE>`, such as `SLIPSTREAM_CLOCK_CHAIN_WATCHER`.
   */
  SLIPSTREAM_CLOCK: z
    .string()
    .regex(
      /^((exact:)?\d+:-?\d+:\d+(\.\d+)?|offset:[+-]?\d+)$/,
      "offset:<ms>, <real ms>:<local ms>:<speed> or exact:<real ms>:<world ms>:<speed>",
    )
    .optional(),
  /** The venue whose `/time` the local clock is measured against; absent: it is not measured, and nothing is bought. */
  CLOB_HTTP_URL: sharedSettings.CLOB_HTTP_URL.optional(),
  /** A second clock to compare with, by the `Date` of its answers. */
  GAMMA_URL: sharedSettings.GAMMA_URL.optional(),
} as const;

/**
 * Parses the environment of a service; empty variables count as absent.
 * @throws ContractError CONFIG_INVALID with the variable, the value and what is allowed, one line each.
 */
export function parseEnv<S extends z.ZodRawShape>(
  shape: S,
  env: Readonly<Record<string, string | undefined>>,
): z.infer<z.ZodObject<S>> {
  const parsed = z.object(shape).safeParse(givenOf(env));
  if (parsed.success) return Object.freeze(parsed.data) as z.infer<z.ZodObject<S>>;
  throw new ContractError("CONFIG_INVALID", `wrong settings:\n  ${settingFaults(shape, env).join("\n  ")}`);
}

/** What `parseEnv` would refuse: the variable, the value and what is allowed, a line each; none when all is well. */
export function settingFaults(shape: z.ZodRawShape, env: Readonly<Record<string, string | undefined>>): string[] {
  const given = givenOf(env);
  const { error } = z.object(shape).safeParse(given, { error: inWords });
  return (error?.issues ?? []).map((issue) => {
    const name = String(issue.path[0] ?? "");
    const value = given[name];
    return `${name}${value === undefined ? " is missing" : `=${isSecret(name) ? "(hidden)" : withoutPaths(value)}`}: ${issue.message}`;
  });
}

const givenOf = (env: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));

/** For settings that do not say in their own words what is allowed. */
const inWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === "too_big") return `at most ${issue.maximum}`;
  if (issue.code === "too_small") return `at least ${issue.minimum}`;
  if (issue.code === "invalid_value") return issue.values.join(", ").replace(/, ([^,]*)$/, " or $1");
  return undefined;
};

const isSecret = (name: string): boolean => /KEY|SECRET|PASSPHRASE|TOKEN$/.test(name);
