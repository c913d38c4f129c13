/** A fault run from its world to its end: whatever happens, the seed is said and nothing stays behind. */
import { followFaultLog, type Log } from "./log.ts";
import { type FaultWorld, type FaultWorldOptions, startFaultWorld } from "./world.ts";

export async function inFaultWorld<T>(
  options: FaultWorldOptions,
  say: (line: string) => void,
  run: (world: FaultWorld, log: Log) => Promise<T>,
): Promise<T> {
  const world = await startFaultWorld(options);
  let log: Log | null = null;
  try {
    log = await followFaultLog(world.bus);
    return await run(world, log);
  } catch (error) {
    say(`seed ${options.seed} failed`);
    throw error;
  } finally {
    await log?.stop();
    await world.stop();
  }
}
