/** Settings of chain-watcher. */
import { addressText, httpUrl, integer, wsUrl } from "@slipstream/contracts/env";
import { publicEndpoints } from "@slipstream/polymarket/publicEndpoints";
import { z } from "zod";

export const watcherEnv = {
  /** Where a leader's fill may be noticed first. */
  TRIGGER_MODE: z.literal("polygon", "polygon (the Data API as a trigger is not built yet)").default("polygon"),
  POLYGON_HTTP_URL: httpUrl().default(publicEndpoints.polygonHttpUrl),
  POLYGON_WS_URL: wsUrl().default(publicEndpoints.polygonWsUrl),
  /** In place of the V2 exchanges of the version table; must answer eip712Domain() with a known version. */
  POLY_EXCHANGE_CTF: addressText().optional(),
  POLY_EXCHANGE_NEGRISK: addressText().optional(),
  /** How often the chain is read when no new head says so. */
  CHAIN_POLL_MS: integer(50, 60_000).default(1_000),
  CHAIN_TIMEOUT_MS: integer(100, 120_000).default(10_000),
  /** Blocks of one range query at most; halved when a provider refuses. */
  LOG_RANGE_MAX: integer(1, 1_000_000).default(2_000),
  /** A fill seen later than this after its block is historical: it moves positions, nothing is copied. */
  HISTORICAL_AGE_MS: integer(1_000, 86_400_000).default(60_000),
} as const;
