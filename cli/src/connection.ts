/** The bus as the command finds it: NATS_URL, else the local run in progress, else the usual port. */
import { setTimeout as pause } from "node:timers/promises";
import { type Bus, connectBus } from "@slipstream/actor/bus";
import { ContractError } from "@slipstream/contracts/errors";
import pino from "pino";
import type { CliSettings } from "./config.ts";
import { livingOf, type RunFolder } from "./runFolder.ts";

const DEFAULT_URL = "nats://127.0.0.1:4222";
/** A person waits for it, five seconds at most. */
const CONNECT_MS_MAX = 2_000;
/** A run in progress brings its bus back after a crash, however large its store is. */
const RESTART_MS_MAX = 30_000;
const NOTICE_MS = 2_000;
const RECORD_POLL_MS = 50;

/** Where the bus may be, and how long it may take to answer, and what is on it to take a command. */
export type BusAddress = { readonly urls: readonly [string, ...string[]]; readonly withinMs: number };

/**
 * Of a run that was started here, the address counts and not whether its bus lives at this moment. A run that is about to
 * choose its address is waited for.
 */
export async function busAddressOf(settings: Pick<CliSettings, "NATS_URL">, folder: RunFolder): Promise<BusAddress> {
  if (settings.NATS_URL !== undefined) return { urls: [settings.NATS_URL], withinMs: CONNECT_MS_MAX };
  const deadline = performance.now() + RESTART_MS_MAX;
  let record = folder.read();
  let isRunning = livingOf(record).supervisor;
  while (isRunning && record?.natsUrl === null && performance.now() < deadline) {
    await pause(RECORD_POLL_MS);
    record = folder.read();
    isRunning = livingOf(record).supervisor;
  }
  const natsUrl = record?.natsUrl ?? null;
  if (natsUrl === null) return { urls: [DEFAULT_URL], withinMs: CONNECT_MS_MAX };
  if (isRunning) return { urls: [natsUrl], withinMs: RESTART_MS_MAX };
  // A killed run: its bus may have outlived it, or there is one that belongs to no run of this folder.
  return { urls: [natsUrl, DEFAULT_URL], withinMs: CONNECT_MS_MAX };
}

/**
 * @throws ContractError BUS_UNREACHABLE with what to do.
 */
export async function connectCli({ urls, withinMs }: BusAddress): Promise<Bus> {
  const notice = setTimeout(() => {
    if (withinMs > CONNECT_MS_MAX) console.error(`the bus at ${urls[0]} does not answer, waiting for it`);
  }, NOTICE_MS);
  try {
    return await firstOf(urls, withinMs / urls.length);
  } catch (cause) {
    if (!(cause instanceof ContractError) || cause.code !== "BUS_UNREACHABLE") throw cause;
    throw new ContractError(
      "BUS_UNREACHABLE",
      `no bus answers at ${urls.join(" or at ")}. Start Slipstream first (npm start), or set NATS_URL to the bus it uses.`,
      { cause },
    );
  } finally {
    clearTimeout(notice);
  }
}

async function firstOf([url, ...others]: readonly [string, ...string[]], withinMs: number): Promise<Bus> {
  try {
    return await connectBus({ url, name: "cli", logger: pino({ level: "silent" }), withinMs });
  } catch (error) {
    const [next, ...rest] = others;
    if (next === undefined) throw error;
    return firstOf([next, ...rest], withinMs);
  }
}

/** Connects, runs and closes. */
export async function withBus<T>(address: BusAddress, use: (bus: Bus) => Promise<T>): Promise<T> {
  const bus = await connectCli(address);
  try {
    return await use(bus);
  } finally {
    await bus.drain();
  }
}
