/** Repeats a read of the bus until it is answered. */
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { type Bus, overLink } from "./bus.ts";
import { isOfTheBus } from "./errorsOfBus.ts";

const TRIES_MAX = 60;
const RETRY_MS = 250;

/** Waits for the link and repeats; only for what may be repeated. @throws what is not the bus's, or its last error. */
export async function retrying<T>(bus: Bus, logger: Logger, ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    await bus.whenConnected();
    try {
      return await overLink(bus, ask);
    } catch (error) {
      if (!isOfTheBus(error) || tries >= TRIES_MAX || bus.nc.isClosed()) throw error;
      logger.warn({ err: error }, "the bus did not answer, asking again");
      await pause(RETRY_MS);
    }
  }
}
