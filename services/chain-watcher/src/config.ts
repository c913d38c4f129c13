/** Settings of chain-watcher. */
import { addressText, flag, integer, sharedSettings } from "@slipstream/contracts/env";
import { publicEndpoints } from "@slipstream/polymarket/publicEndpoints";
import { z } from "zod";

export const watcherEnv = {
  /**
   * Where a leader's fill may be noticed first: on the chain, in the Data API, or wherever it shows first. The chain is
   * read in every mode and decides what happened; with `data_api` it is polled and not listened to.
   */
  TRIGGER_MODE: z.enum(["polygon", "data_api", "both"]).default("polygon"),
  /** Several nodes, parted by commas: the best one is read, another one is asked what it left out. */
  POLYGON_HTTP_URL: sharedSettings.POLYGON_HTTP_URL.default([publicEndpoints.polygonHttpUrl]),
  /** Several, parted by commas: the next one is tried when one is lost. */
  POLYGON_WS_URL: sharedSettings.POLYGON_WS_URL.default([publicEndpoints.polygonWsUrl]),
  /** In place of the V2 exchanges of the version table; must answer eip712Domain() with a known version. */
  POLY_EXCHANGE_CTF: addressText().optional(),
  POLY_EXCHANGE_NEGRISK: addressText().optional(),
  /** How often the chain is read when no new head says so. */
  CHAIN_POLL_MS: integer(50, 60_000).default(1_000),
  CHAIN_TIMEOUT_MS: integer(100, 120_000).default(10_000),
  /** Blocks of one range query at most; each node's own limit is learned from its refusals. */
  LOG_RANGE_MAX: integer(1, 1_000_000).default(2_000),
  /** Ranges asked for at the same time while a long absence or a past is read; fewer while the node refuses. */
  CHAIN_READS_AHEAD: integer(1, 64).default(8),
  /** A fill seen later than this after its block is historical: it moves positions, nothing is copied. */
  HISTORICAL_AGE_MS: integer(1_000, 86_400_000).default(60_000),
  /** Above this many leaders all fills are read and chosen here: the cost does not grow with the leaders any more. */
  WATCH_ALL_ABOVE: integer(0, 100_000).default(1_000),
  /** A fill that another source told first must be on a final block so long after its time, or it never happened. */
  SEEN_DEADLINE_MS: integer(1_000, 3_600_000).default(60_000),
  /** A shard whose cursor is further behind finality than this has a gap, and says so. */
  GAP_BLOCKS: integer(1, 1_000_000).default(64),
  /** How often the cursor of a shard is written to the log; what lies behind it is read again after a crash. */
  CHAIN_PROGRESS_MS: integer(0, 600_000).default(5_000),
  /** Reads from the other logs of a transaction what an active order really paid, one receipt for each. */
  EXACT_COSTS: flag().default(true),
  DATA_API_URL: sharedSettings.DATA_API_URL.default(publicEndpoints.dataApiUrl),
  /** Each leader who traded lately is asked for this often, as far as the request budget reaches. */
  DATA_API_POLL_MS: integer(100, 600_000).default(2_000),
  /** So much of the newest rows is read again each time: rows come late and with old times. */
  DATA_API_OVERLAP_MS: integer(1_000, 3_600_000).default(120_000),
  DATA_API_REQUESTS_PER_SECOND: integer(1, 100).default(5),
  /** The venue's unofficial live feed as a second eye. */
  RTDS_ENABLED: flag().default(false),
  RTDS_URL: sharedSettings.RTDS_URL.default(publicEndpoints.rtdsUrl),
  REDIS_URL: sharedSettings.REDIS_URL.optional(),
} as const;
