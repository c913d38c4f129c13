/** Settings of risk. */
import { integer } from "@slipstream/contracts/env";
import type { z } from "zod";
import type { RiskLimits } from "./core/causes.ts";

const seconds = (fallback: number) => integer(1, 86_400).default(fallback);

export const riskEnv = {
  /** Silence of a service of the trading path: exits only, then a halt. They speak once a second. */
  RISK_SILENT_DEGRADE_SECONDS: seconds(3),
  RISK_SILENT_HALT_SECONDS: seconds(10),
  /** Balances that nobody could read for this long halt everything. */
  AQ_ONCHAIN_HARD_HALT_SECONDS: seconds(60),
  /** Age of the newest block reported: Polygon makes one every two seconds. */
  RISK_WATCHER_LAG_SECONDS: seconds(30),
  /** Age of the newest proof that the books are alive. */
  RISK_BOOKS_STALE_SECONDS: seconds(10),
  /** By how much the clock of a service of the trading path may be off before only exits are allowed. */
  RISK_CLOCK_UNCERTAINTY_MAX_MS: integer(10, 60_000).default(1_000),
  RISK_STREAM_DEGRADE_PERCENT: integer(1, 100).default(70),
  RISK_STREAM_HALT_PERCENT: integer(1, 100).default(90),
} as const;

type Settings = z.infer<z.ZodObject<typeof riskEnv>>;

export const limitsOf = (settings: Settings): RiskLimits => ({
  silentDegradeMs: settings.RISK_SILENT_DEGRADE_SECONDS * 1_000,
  silentHaltMs: settings.RISK_SILENT_HALT_SECONDS * 1_000,
  chainSyncLostMs: settings.AQ_ONCHAIN_HARD_HALT_SECONDS * 1_000,
  watcherLagMs: settings.RISK_WATCHER_LAG_SECONDS * 1_000,
  booksStaleMs: settings.RISK_BOOKS_STALE_SECONDS * 1_000,
  clockUncertaintyMsMax: settings.RISK_CLOCK_UNCERTAINTY_MAX_MS,
  streamDegradePercent: settings.RISK_STREAM_DEGRADE_PERCENT,
  streamHaltPercent: settings.RISK_STREAM_HALT_PERCENT,
});
