import { runService } from "@slipstream/actor/service";
import { inventoryEnv } from "./config.ts";
import { buildInventory } from "./service.ts";

await runService({ name: "inventory", settings: inventoryEnv, env: process.env, build: buildInventory });
