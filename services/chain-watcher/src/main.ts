import { runService } from "@slipstream/actor/service";
import { watcherEnv } from "./config.ts";
import { buildWatcher } from "./service.ts";

await runService({ name: "chain-watcher", settings: watcherEnv, env: process.env, build: buildWatcher });
