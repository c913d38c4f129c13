/** Settings of inventory. */
import { integer } from "@slipstream/contracts/env";
import { parseShares } from "@slipstream/contracts/money";
import { z } from "zod";
import type { InventoryView } from "./core/view.ts";

const shares = (fallback: string) =>
  z
    .string()
    .regex(/^\d{1,12}(\.\d{1,6})?$/, "a number of shares with at most six decimals")
    .default(fallback)
    .transform(parseShares);

export const inventoryEnv = {
  /** After this time a fill that the chain did not show is no longer counted as held. */
  AQ_PENDING_FILL_TTL_SECONDS: integer(1, 86_400).default(180),
  /** A difference between balances and own fills above this many shares degrades the account. */
  AQ_ONCHAIN_DEGRADE_THRESHOLD_SHARES: shares("1"),
  /** The same for all tokens of one market together. */
  AQ_ONCHAIN_DEGRADE_THRESHOLD_SHARES_PER_MARKET: shares("2"),
  /** How long a difference must last; a balance is read within a few seconds. */
  AQ_ONCHAIN_DEGRADE_AFTER_SECONDS: integer(0, 3_600).default(15),
} as const;

type Settings = z.infer<z.ZodObject<typeof inventoryEnv>>;

export const limitsOf = (settings: Settings): Omit<InventoryView, "nowMs"> => ({
  pendingFillTtlMs: settings.AQ_PENDING_FILL_TTL_SECONDS * 1_000,
  discrepancy: {
    tokenSharesMicro: settings.AQ_ONCHAIN_DEGRADE_THRESHOLD_SHARES,
    marketSharesMicro: settings.AQ_ONCHAIN_DEGRADE_THRESHOLD_SHARES_PER_MARKET,
    durationMs: settings.AQ_ONCHAIN_DEGRADE_AFTER_SECONDS * 1_000,
  },
});
