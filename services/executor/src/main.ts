import { runService } from "@slipstream/actor/service";
import { executorEnv } from "./config.ts";
import { buildExecutor } from "./service.ts";

await runService({ name: "executor", settings: executorEnv, env: process.env, build: buildExecutor });
