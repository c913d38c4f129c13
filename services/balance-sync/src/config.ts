/** Settings of balance-sync. */
import { flag, httpUrl, integer, wsUrl } from "@slipstream/contracts/env";
import { publicEndpoints } from "@slipstream/polymarket/publicEndpoints";
import type { z } from "zod";

export const balanceSyncEnv = {
  /** Node for balances; absent: POLYGON_HTTP_URL. */
  AQ_ONCHAIN_PROVIDER_URL: httpUrl().optional(),
  POLYGON_HTTP_URL: httpUrl().default(publicEndpoints.polygonHttpUrl),
  /** Node for transfer events; absent: balances come by polling and after fills only. */
  POLYGON_WS_URL: wsUrl().optional(),
  AQ_ONCHAIN_SYNC_INTERVAL_SECONDS: integer(1, 3_600).default(3),
  /** Of one call to the node. */
  AQ_ONCHAIN_SYNC_TIMEOUT_SECONDS: integer(1, 120).default(5),
  /** One call for up to 500 balances; off: a call for each. */
  AQ_ONCHAIN_MULTI_CALL_ENABLED: flag().default(true),
} as const;

type Settings = z.infer<z.ZodObject<typeof balanceSyncEnv>>;

/** The node that balances are read from. */
export const providerUrl = (settings: Settings): string =>
  settings.AQ_ONCHAIN_PROVIDER_URL ?? settings.POLYGON_HTTP_URL;
