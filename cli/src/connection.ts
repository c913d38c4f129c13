/** The bus as the command finds it: NATS_URL, else the local run in progress, else the usual port. */
import { type Bus, connectBus } from "@slipstream/actor/bus";
import { ContractError } from "@slipstream/contracts/errors";
import pino from "pino";
import type { CliSettings } from "./config.ts";
import { livingOf, type RunFolder } from "./runFolder.ts";

const DEFAULT_URL = "nats://127.0.0.1:4222";
/** A person waits for it. */
const CONNECT_MS_MAX = 2_500;

export const natsUrlOf = (settings: CliSettings, folder: RunFolder): string => {
  const record = folder.read();
  const running = record !== null && livingOf(record).children.some(([name]) => name === "nats-server");
  return settings.NATS_URL ?? (running ? record.natsUrl : DEFAULT_URL);
};

/**
 * @param withinMs - how long a bus may take to answer.
 * @throws ContractError BUS_UNREACHABLE with what to do.
 */
export async function connectCli(url: string, withinMs = CONNECT_MS_MAX): Promise<Bus> {
  try {
    return await connectBus({
      url,
      name: "cli",
      logger: pino({ level: "silent" }),
      onceWithinMs: withinMs,
    });
  } catch (cause) {
    if (!(cause instanceof ContractError) || cause.code !== "BUS_UNREACHABLE") throw cause;
    throw new ContractError(
      "BUS_UNREACHABLE",
      `no bus answers at ${url}. Start Slipstream first (npm start), or set NATS_URL to the bus it uses.`,
      { cause },
    );
  }
}

/** Connects, runs and closes. */
export async function withBus<T>(url: string, use: (bus: Bus) => Promise<T>): Promise<T> {
  const bus = await connectCli(url);
  try {
    return await use(bus);
  } finally {
    await bus.drain();
  }
}
