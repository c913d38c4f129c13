import { runService } from "@slipstream/actor/service";
import { riskEnv } from "./config.ts";
import { buildRisk } from "./service.ts";

await runService({ name: "risk", settings: riskEnv, env: process.env, build: buildRisk });
