/** Settings of the sandbox process. */
import { flag, integer, sharedSettings } from "@slipstream/contracts/env";
import { z } from "zod";
import { paces } from "./actors/cast.ts";

export const sandboxEnv = {
  /** The same seed gives the same wallets, markets and story. */
  SANDBOX_SEED: sharedSettings.SANDBOX_SEED.default("slipstream"),
  /** REST, market channel, Gamma, Data API and control; 0: any free port. */
  SANDBOX_PORT: integer(0, 65_535).default(9_000),
  /** JSON-RPC of the chain, HTTP and WebSocket; 0: any free port. */
  SANDBOX_RPC_PORT: integer(0, 65_535).default(9_001),
  /** Where it listens: this machine only, or 0.0.0.0. */
  SANDBOX_HOST: z.string().default("127.0.0.1"),
  /** Where the world is kept; absent: it begins anew at each start. */
  SANDBOX_DIR: z.string().optional(),
  SANDBOX_BLOCK_TIME_MS: integer(100, 60_000).default(1_000),
  /** Markets end, are paid, and others open in their place. */
  SANDBOX_CHURN: flag().default(true),
  SANDBOX_PACE: z.enum(paces).default("normal"),
  /** Path of anvil; absent: the npm package of this platform. */
  ANVIL_BIN: z.string().optional(),
  LOG_LEVEL: sharedSettings.LOG_LEVEL.default("info"),
} as const;
