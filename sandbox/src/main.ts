/** The sandbox as a process: one world, until it is told to stop or its parent is gone. */
import { logOutput } from "@slipstream/actor/logOutput";
import { parseEnv } from "@slipstream/contracts/env";
import { ContractError } from "@slipstream/contracts/errors";
import { pino } from "pino";
import { sandboxEnv } from "./config.ts";
import { startWorld, type World } from "./world.ts";

async function main(): Promise<void> {
  const settings = parseEnv(sandboxEnv, process.env);
  const logger = pino({ level: settings.LOG_LEVEL, base: { service: "sandbox" } }, logOutput());
  let world: World | undefined;
  let stopping: Promise<void> | undefined;
  const stop = (why: string, code = 0): void => {
    if (stopping !== undefined) return;
    logger.info({ why }, "sandbox stops");
    stopping = (world?.stop() ?? Promise.resolve()).then(
      () => process.exit(code),
      (error: unknown) => {
        logger.error({ err: error }, "sandbox did not stop cleanly");
        process.exit(1);
      },
    );
  };
  const startedMs = performance.now();
  const starting = startWorld({
    seed: settings.SANDBOX_SEED,
    blockTimeMs: settings.SANDBOX_BLOCK_TIME_MS,
    port: settings.SANDBOX_PORT,
    rpcPort: settings.SANDBOX_RPC_PORT,
    host: settings.SANDBOX_HOST,
    pace: settings.SANDBOX_PACE,
    churn: settings.SANDBOX_CHURN,
    ...(settings.SANDBOX_DIR === undefined ? {} : { dir: settings.SANDBOX_DIR }),
    ...(settings.ANVIL_BIN === undefined ? {} : { anvilBin: settings.ANVIL_BIN }),
    onNote: (text, details) => logger.warn({ ...details }, text),
    onFailure: (error) => {
      logger.fatal({ err: error }, "the chain makes no more blocks");
      stop("the chain failed", 1);
    },
  });
  const end = (why: string) =>
    void starting.then(
      () => stop(why),
      () => undefined,
    );
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => end(signal));
  if (process.connected) process.on("disconnect", () => end("the parent process is gone"));
  world = await starting;
  const durationMs = Math.round(performance.now() - startedMs);
  logger.info({ ...world.endpoints, leaders: world.leaders, durationMs }, "sandbox is ready");
}

main().catch((error: unknown) => {
  console.error(error instanceof ContractError ? error.message : error);
  process.exit(1);
});
