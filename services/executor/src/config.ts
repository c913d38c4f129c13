/** Settings of the executor. */
import { defaultQuoteAges } from "@slipstream/book/quoteAge";
import { integer, sharedSettings } from "@slipstream/contracts/env";
import { ContractError } from "@slipstream/contracts/errors";
import type { z } from "zod";
import { defaultLimits, type ExecutorLimits } from "./core/view.ts";

export const executorEnv = {
  /** `live` is refused at the start; the mode of each account is in its policy. */
  EXECUTION_MODE: sharedSettings.EXECUTION_MODE.default("paper"),
  /** A decision waits this long for the first book and definition of a token. */
  EXECUTOR_FIRST_TOUCH_MAX_MS: integer(0, 10_000).default(400),
  /** A chain head older than this stops entries. */
  EXECUTOR_CHAIN_LAG_MAX_MS: integer(1_000, 600_000).default(30_000),
  /** Silence of risk: only exits after the first, nothing at all after the second. */
  EXECUTOR_RISK_DEGRADE_AFTER_MS: integer(1_000, 60_000).default(3_000),
  EXECUTOR_RISK_HALT_AFTER_MS: integer(1_000, 60_000).default(10_000),
  /** A clock that may be off by more than this stops entries. */
  EXECUTOR_CLOCK_UNCERTAINTY_MAX_MS: integer(10, 60_000).default(defaultLimits.clockUncertaintyMsMax),
  /** How far a block's time may be ahead: one may be announced a block time, two seconds at most, before its time. */
  EXECUTOR_SIGNAL_AHEAD_MAX_MS: integer(0, 60_000).default(defaultLimits.signalAheadMsMax),
  /** Age up to which a quote is traded on; an older one is asked for again first, and waited for. */
  QUOTE_FRESH_MS: integer(100, 60_000).default(defaultQuoteAges.freshMsMax),
  /** Beyond this age a quote says nothing any more. */
  QUOTE_SOFT_STALE_MS: integer(100, 60_000).default(defaultQuoteAges.softStaleMsMax),
  /** An offer cheaper than the leader's price by more than this part of it is bought only when REST offers it too. */
  EXECUTOR_UNCONFIRMED_BPS_MAX: integer(0, 10_000).default(defaultLimits.unconfirmedBpsMax),
  /** Tokens that leaders traded within this time keep their books here. */
  EXECUTOR_TRACK_HOURS: integer(1, 72).default(6),
} as const;

type Settings = z.infer<z.ZodObject<typeof executorEnv>>;

/** @throws ContractError CONFIG_INVALID for live trading, which is not built yet, and for ages in the wrong order. */
export function limitsOf(settings: Settings): ExecutorLimits {
  if (settings.EXECUTION_MODE === "live") {
    throw new ContractError(
      "CONFIG_INVALID",
      "EXECUTION_MODE=live: live trading is not built yet; set EXECUTION_MODE=paper or leave it out",
    );
  }
  const { QUOTE_FRESH_MS: freshMsMax, QUOTE_SOFT_STALE_MS: softStaleMsMax } = settings;
  if (freshMsMax > softStaleMsMax) {
    throw new ContractError(
      "CONFIG_INVALID",
      `QUOTE_FRESH_MS=${freshMsMax} is longer than QUOTE_SOFT_STALE_MS=${softStaleMsMax}`,
    );
  }
  return {
    firstTouchMaxMs: settings.EXECUTOR_FIRST_TOUCH_MAX_MS,
    chainLagMsMax: settings.EXECUTOR_CHAIN_LAG_MAX_MS,
    riskDegradeAfterMs: settings.EXECUTOR_RISK_DEGRADE_AFTER_MS,
    riskHaltAfterMs: settings.EXECUTOR_RISK_HALT_AFTER_MS,
    clockUncertaintyMsMax: settings.EXECUTOR_CLOCK_UNCERTAINTY_MAX_MS,
    signalAheadMsMax: settings.EXECUTOR_SIGNAL_AHEAD_MAX_MS,
    quoteAges: { freshMsMax, softStaleMsMax },
    unconfirmedBpsMax: settings.EXECUTOR_UNCONFIRMED_BPS_MAX,
  };
}
