/** Settings of registry. */
import { integer, sharedSettings } from "@slipstream/contracts/env";
import { publicEndpoints } from "@slipstream/polymarket/publicEndpoints";

export const registryEnv = {
  GAMMA_URL: sharedSettings.GAMMA_URL.default(publicEndpoints.gammaUrl),
  /** How often open markets are listed and known ones read again. */
  REGISTRY_SYNC_INTERVAL_MS: integer(1_000, 86_400_000).default(60_000),
  /** Pages of 100 open markets that are listed; the others are looked up when a leader trades them. */
  REGISTRY_PAGES_MAX: integer(0, 1_000).default(5),
  REGISTRY_TIMEOUT_MS: integer(100, 60_000).default(5_000),
} as const;
