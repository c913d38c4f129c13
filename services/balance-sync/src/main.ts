import { runService } from "@slipstream/actor/service";
import { balanceSyncEnv } from "./config.ts";
import { buildBalanceSync } from "./service.ts";

await runService({ name: "balance-sync", settings: balanceSyncEnv, env: process.env, build: buildBalanceSync });
