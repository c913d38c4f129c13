/** Settings of the command and the supervisor. */
import { homedir } from "node:os";
import { httpUrl, httpUrls, integer, parseEnv, wsUrl, wsUrls } from "@slipstream/contracts/env";
import { publicEndpoints } from "@slipstream/polymarket/publicEndpoints";
import { z } from "zod";

const shape = {
  /** A bus that is already there; absent: the command finds or starts its own. */
  NATS_URL: z.string().optional(),
  NATS_SERVER_BIN: z.string().optional(),
  /** Folder of local runs: store, logs, pids. */
  SLIPSTREAM_HOME: z.string().optional(),
  EXECUTION_MODE: z.enum(["paper", "live"]).default("paper"),
  /** Nodes, parted by commas, the best first: as the services read them. */
  POLYGON_HTTP_URL: httpUrls().default([publicEndpoints.polygonHttpUrl]),
  POLYGON_WS_URL: wsUrls().default([publicEndpoints.polygonWsUrl]),
  CLOB_HTTP_URL: httpUrl().default(publicEndpoints.clobHttpUrl),
  CLOB_MARKET_WS_URL: wsUrl().default(publicEndpoints.clobMarketWsUrl),
  GAMMA_URL: httpUrl().default(publicEndpoints.gammaUrl),
  DATA_API_URL: httpUrl().default(publicEndpoints.dataApiUrl),
  RTDS_URL: wsUrl().default(publicEndpoints.rtdsUrl),
  SANDBOX_SEED: z.string().default("1"),
  /** A tape starts so long after its world: the services are there by then, on a machine that has time for them. */
  TAPE_LEAD_SECONDS: integer(1, 600).default(6),
  /** At the end of a timed run, what is under way may take so long to settle before it counts as missing. */
  SETTLE_SECONDS_MAX: integer(1, 3_600).default(20),
} as const;

export type CliSettings = z.infer<z.ZodObject<typeof shape>>;

/** @throws ContractError CONFIG_INVALID naming the variable, the value and what is allowed. */
export const readSettings = (env: Readonly<Record<string, string | undefined>>): CliSettings => parseEnv(shape, env);

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
