import { runService } from "@slipstream/actor/service";
import { registryEnv } from "./config.ts";
import { buildRegistry } from "./service.ts";

await runService({ name: "registry", settings: registryEnv, env: process.env, build: buildRegistry });
