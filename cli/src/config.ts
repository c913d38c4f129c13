/** Settings of the command and the supervisor. */
import { homedir } from "node:os";
import { join } from "node:path";
import { STORE_FREE_MB_MIN } from "@slipstream/actor/storeRoom";
import { integer, parseEnv, sharedSettings } from "@slipstream/contracts/env";
import { publicEndpoints } from "@slipstream/polymarket/publicEndpoints";
import { z } from "zod";

/** A folder as people write it: `~/` is the home folder, also where no shell has read it. */
const folder = () =>
  z
    .string()
    .refine((text) => !/^~[^/]/.test(text), "a folder; of ~ only ~/ is understood")
    .transform((text) => (text.startsWith("~") ? join(homedir(), text.slice(1)) : text));

export const cliEnv = {
  /** A bus that is already there; absent: the command finds or starts its own. */
  NATS_URL: sharedSettings.NATS_URL.optional(),
  NATS_SERVER_BIN: z.string().optional(),
  /** Folder of local runs: store, logs, pids. */
  SLIPSTREAM_HOME: folder().optional(),
  EXECUTION_MODE: sharedSettings.EXECUTION_MODE.default("paper"),
  POLYGON_HTTP_URL: sharedSettings.POLYGON_HTTP_URL.default([publicEndpoints.polygonHttpUrl]),
  POLYGON_WS_URL: sharedSettings.POLYGON_WS_URL.default([publicEndpoints.polygonWsUrl]),
  CLOB_HTTP_URL: sharedSettings.CLOB_HTTP_URL.default(publicEndpoints.clobHttpUrl),
  CLOB_MARKET_WS_URL: sharedSettings.CLOB_MARKET_WS_URL.default(publicEndpoints.clobMarketWsUrl),
  GAMMA_URL: sharedSettings.GAMMA_URL.default(publicEndpoints.gammaUrl),
  DATA_API_URL: sharedSettings.DATA_API_URL.default(publicEndpoints.dataApiUrl),
  RTDS_URL: sharedSettings.RTDS_URL.default(publicEndpoints.rtdsUrl),
  STORE_FREE_MB_MIN: sharedSettings.STORE_FREE_MB_MIN.default(STORE_FREE_MB_MIN),
  SANDBOX_SEED: sharedSettings.SANDBOX_SEED.default("1"),
  /** A tape starts so long after its world: the services are there by then, on a machine that has time for them. */
  TAPE_LEAD_SECONDS: integer(1, 600).default(6),
  /** At the end of a timed run, what is under way may take so long to settle before it counts as missing. */
  SETTLE_SECONDS_MAX: integer(1, 3_600).default(20),
} as const;

export type CliSettings = z.infer<z.ZodObject<typeof cliEnv>>;

/** @throws ContractError CONFIG_INVALID naming the variable, the value and what is allowed. */
export const readSettings = (env: Readonly<Record<string, string | undefined>>): CliSettings => parseEnv(cliEnv, env);

/** Shows a path without the home folder of this machine. */
export const shownPath = (path: string): string =>
  path.startsWith(homedir()) ? `~${path.slice(homedir().length)}` : path;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Parses `60s`, `500ms`, `5m`, `1h`; a bare number counts seconds. Null when it is none of these. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+)(ms|s|m|h)?$/.exec(text);
  if (match === null) return null;
  return Number(match[1]) * UNITS[(match[2] ?? "s") as keyof typeof UNITS];
}
