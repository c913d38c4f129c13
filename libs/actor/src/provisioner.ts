/**
 * The provisioner: makes every stream and bucket, and makes again what vanishes, within a second. Of a run on one machine
 * it is the supervisor, in containers `slipstream provision --watch`. Services make nothing; they wait.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type FactOf, readFact } from "@slipstream/contracts/facts";
import { buckets, streams, subjects } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import { type Bus, overLink } from "./bus.ts";
import { isConflict, isOfTheBus } from "./errorsOfBus.ts";
import { messagesSoFar } from "./messagesSoFar.ts";
import { missingStreams, provision } from "./provision.ts";
import { retrying } from "./retrying.ts";

export type Provisioner = { stop(): Promise<void> };

const LOOK_EVERY_MS = 1_000;

/**
 * Resolves when everything is there for the first time.
 * @param say - told of what had to be made again, in a sentence.
 * @throws ContractError STREAM_CONFIG_REFUSED naming stream, field, asked and given.
 */
export async function startProvisioner({
  bus,
  logger,
  say,
}: {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly say: (line: string) => void;
}): Promise<Provisioner> {
  const stopping = new AbortController();
  const { signal } = stopping;
  await retrying(bus, logger, () => makeAll(bus, say));
  // One that died while it restored had made the bucket already.
  await retrying(bus, logger, () => restoreConfig(bus, say));
  const watch = async (): Promise<void> => {
    while (!signal.aborted && !bus.nc.isClosed()) {
      await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted || !bus.connected()) continue;
      try {
        if ((await overLink(bus, () => missingStreams(bus.jsm))).length > 0) await makeAll(bus, say);
      } catch (error) {
        // A broker that goes away or is full shows elsewhere; what is missing is still missing at the next look.
        if (!bus.nc.isClosed()) logger.warn({ err: error }, "streams and buckets could not be looked after");
      }
    }
  };
  const watching = watch();
  return {
    stop: async () => {
      stopping.abort();
      await watching;
    },
  };
}

/** Memory streams go with each restart of the broker: that is no news. */
const EXPECTED: ReadonlySet<string> = new Set([streams.books]);

async function makeAll(bus: Bus, say: (line: string) => void): Promise<void> {
  const { made, isBesideOldLog } = await overLink(bus, () => provision(bus.jsm));
  if (!isBesideOldLog) return;
  const again = made.filter((name) => !EXPECTED.has(name));
  if (again.length > 0) say(`had vanished and is made again: ${again.join(", ")}`);
  if (made.includes(`KV_${buckets.config}`)) await restoreConfig(bus, say);
}

/**
 * Puts the newest value of each key that the log knows into the bucket where the bucket knows nothing of it: a key that a
 * person has deleted has left a mark.
 */
async function restoreConfig(bus: Bus, say: (line: string) => void): Promise<void> {
  const newest = new Map<string, FactOf<"ConfigChanged">>();
  for await (const message of messagesSoFar(bus, streams.facts, subjects.control("config"))) {
    const reading = readFact(message.string());
    if (reading.kind === "fact" && reading.fact.type === "ConfigChanged") newest.set(reading.fact.key, reading.fact);
  }
  const kv = await bus.kvm.open(buckets.config);
  let restored = 0;
  for (const { key, value } of newest.values()) {
    if (value === null || value === undefined || (await kv.get(key)) !== null) continue;
    await kv.create(key, JSON.stringify(value)).catch((error: unknown) => {
      // Somebody was quicker.
      if (!isConflict(error)) throw error;
    });
    restored += 1;
  }
  if (restored > 0) say(`${restored} settings that had vanished are back, as the log has them`);
}

const NOTICE_MS = 5_000;

/**
 * Waits, as long as it takes, until a provisioner has made everything.
 * @returns false when `signal` ended the waiting.
 */
export async function untilProvisioned(bus: Bus, logger: Logger, signal: AbortSignal): Promise<boolean> {
  let toldMs = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    await bus.whenConnected();
    const missing = await overLink(bus, () => missingStreams(bus.jsm)).catch((error: unknown) => {
      if (!isOfTheBus(error)) throw error;
      return null;
    });
    if (missing?.length === 0) return true;
    if (performance.now() - toldMs >= NOTICE_MS) {
      toldMs = performance.now();
      logger.warn({ missing }, "waiting for the provisioner to make streams and buckets: `slipstream provision`");
    }
    await pause(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}
const RETRY_MS = 250;
