/** The tape player as a process: plays TAPE_FILE (a file, or a recording's folder) by the clock of the run. GET /world tells its endpoints. */
import { parseLocalClock } from "@slipstream/actor/clock";
import { commonEnv, integer, parseEnv } from "@slipstream/contracts/env";
import { z } from "zod";
import { loadTape } from "./format.ts";
import { startTapePlayer } from "./player.ts";

const shape = {
  TAPE_FILE: z.string(),
  SANDBOX_HOST: z.string().default("127.0.0.1"),
  /** 0: any free one. */
  SANDBOX_PORT: integer(0, 65_535).default(0),
  SANDBOX_RPC_PORT: integer(0, 65_535).default(0),
  /** Absent: the tape begins some seconds from now, at its own speed. */
  SLIPSTREAM_CLOCK: commonEnv.SLIPSTREAM_CLOCK,
};

async function main(): Promise<void> {
  const env = parseEnv(shape, process.env);
  const tape = await loadTape(env.TAPE_FILE, { onTruncated: (text) => process.stderr.write(`${text}\n`) });
  const player = await startTapePlayer({
    tape,
    host: env.SANDBOX_HOST,
    port: env.SANDBOX_PORT,
    rpcPort: env.SANDBOX_RPC_PORT,
    ...(env.SLIPSTREAM_CLOCK === undefined ? {} : { mapping: parseLocalClock(env.SLIPSTREAM_CLOCK) }),
  });
  const say = (line: Readonly<Record<string, unknown>>) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const { endpoints, clock, leaders, assumed } = player;
  say({ msg: "the tape is ready", endpoints, clock, leaders, assumed });
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, end);
  process.once("disconnect", end);
  // Nothing leaves before its time, so there is no need to wait for subscribers.
  void player.play().then((report) => say({ msg: "the tape has ended", ...report }));
  await ended;
  await player.stop();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
