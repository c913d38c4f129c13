import { runService } from "@slipstream/actor/service";
import { bookstoreEnv } from "./config.ts";
import { buildBookstore } from "./service.ts";

await runService({ name: "bookstore", settings: bookstoreEnv, env: process.env, build: buildBookstore });
