/**
 * One active owner among replicas: a key in a KV bucket whose entries die when they are not renewed.
 *
 * 1. The deadline counts from the moment the last good renewal was *sent*, on a steady clock, and lies before the
 *    broker's: the owner stops before another can begin.
 * 2. Losing a lease is a pause: the loop goes on and takes it again when it is free.
 * 3. The fence is the revision at which a tenure began. Revisions only grow, so a later owner's fence is higher.
 *    The lease alone does not exclude a stale owner; the fence in the chain does.
 * 4. A process that starts takes over the lease of its own name at once: its predecessor is dead. Later it takes back
 *    only what it wrote itself, so two processes of one name do not throw each other out for ever.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { KV, KvEntry } from "@nats-io/kv";
import type { Logger } from "pino";
import { type Bus, overLink } from "./bus.ts";
import { timerMs } from "./clock.ts";
import { isConflict } from "./errorsOfBus.ts";
import { leaseTimings } from "./provision.ts";

export type LeaseOptions = {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly bucket: LeaseBucket;
  readonly key: string;
  readonly instance: string;
  /** Unlike any other process's. */
  readonly boot: string;
  readonly steadyMs: () => number;
  readonly onGained: (fence: number) => void;
  readonly onLost: (reason: string) => void;
};

export type LeaseBucket = keyof typeof leaseTimings;

/** One key that a process holds or would like to hold; whoever has it makes the steps in time. */
export type LeaseKey = {
  held(): boolean;
  /** Steady milliseconds until which the owner may act; -Infinity without a tenure. */
  deadlineMs(): number;
  /** Takes the key when it is free. @throws what the broker says. */
  acquire(kv: KV): Promise<void>;
  /** Holds it for longer. @throws what the broker says. */
  renew(kv: KV): Promise<void>;
  /** Gives up the tenure, as when another owner's fence was seen. */
  giveUp(reason: string): void;
  /** Ends the tenure without telling anybody and frees the key, so that a standby need not wait for its end. */
  free(): Promise<void>;
};

export type Lease = Pick<LeaseKey, "deadlineMs" | "giveUp"> & {
  /** Ends the loop and, when held, frees the key. */
  release(): Promise<void>;
};

type Tenure = { readonly fence: number; revision: number; deadlineMs: number };
type Holder = { readonly instance: string; readonly boot: string };

export function leaseKey(options: LeaseOptions): LeaseKey {
  const { bus, logger, bucket, key, instance, boot, steadyMs, onGained, onLost } = options;
  const { renewMs, stopMs } = leaseTimings[bucket];
  const mine = JSON.stringify({ instance, boot } satisfies Holder);
  let tenure: Tenure | null = null;
  let everHeld = false;
  let freed = false;
  let deadlineTimer: NodeJS.Timeout | undefined;

  const lose = (reason: string): void => {
    if (tenure === null) return;
    tenure = null;
    clearTimeout(deadlineTimer);
    logger.warn({ key, reason }, "lease lost");
    onLost(reason);
  };
  const extend = (held: Tenure, sentMs: number): void => {
    held.deadlineMs = sentMs + stopMs;
    clearTimeout(deadlineTimer);
    deadlineTimer = setTimeout(() => lose("not renewed in time"), timerMs(held.deadlineMs - steadyMs()));
  };

  const renew = async (kv: KV): Promise<void> => {
    const held = tenure;
    if (held === null) return;
    const sentMs = steadyMs();
    try {
      held.revision = await overLink(bus, () => kv.put(key, mine, { previousSeq: held.revision, timeout: renewMs }));
      if (tenure === held) extend(held, sentMs);
    } catch (error) {
      if (!isConflict(error)) throw error;
      const entry = await overLink(bus, () => kv.get(key));
      // An earlier renewal whose acknowledgement was lost: ours all the same, but its time is not known.
      if (entry !== null && holderOf(entry)?.boot === boot) held.revision = entry.revision;
      else if (tenure === held) lose(`taken by ${holderOf(entry)?.instance ?? "nobody: it had run out"}`);
    }
  };
  let renewal = Promise.resolve();

  return {
    held: () => tenure !== null,
    deadlineMs: () => tenure?.deadlineMs ?? Number.NEGATIVE_INFINITY,
    giveUp: lose,
    acquire: async (kv) => {
      freed = false;
      const entry = await overLink(bus, () => kv.get(key));
      const holder = holderOf(entry);
      const free = holder === null || holder.boot === boot || (holder.instance === instance && !everHeld);
      if (!free) return;
      const sentMs = steadyMs();
      const revision = await overLink(bus, () => kv.put(key, mine, { previousSeq: entry?.revision ?? 0 }));
      // The answer may have come late: then the time is over before it began.
      if (freed || sentMs + stopMs <= steadyMs()) return;
      everHeld = true;
      tenure = { fence: revision, revision, deadlineMs: 0 };
      extend(tenure, sentMs);
      onGained(revision);
    },
    renew: (kv) => {
      renewal = renew(kv);
      return renewal;
    },
    free: async () => {
      freed = true;
      clearTimeout(deadlineTimer);
      const held = tenure;
      tenure = null;
      if (held === null || !bus.connected()) return;
      try {
        // One that is on its way would leave a key that nobody may delete.
        await renewal.catch(() => undefined);
        const kv = await bus.kvm.open(bucket);
        await overLink(bus, () => kv.delete(key, { previousSeq: held.revision }));
      } catch (error) {
        logger.warn({ key, err: error }, "lease not freed, it runs out by itself");
      }
    },
  };
}

/** Holds one key for as long as it can, and takes it again whenever it is free. */
export function startLease(options: LeaseOptions): Lease {
  const { bus, logger, bucket, key, onGained } = options;
  const lease = leaseKey({
    ...options,
    onGained: (fence) => {
      logger.info({ key, fence }, "lease taken");
      onGained(fence);
    },
  });
  const loop = everyRenewal({
    bus,
    logger,
    bucket,
    step: (kv) => (lease.held() ? lease.renew(kv) : lease.acquire(kv)),
  });
  return {
    deadlineMs: lease.deadlineMs,
    giveUp: lease.giveUp,
    release: async () => {
      loop.stop();
      if (bus.connected()) await loop.ended;
      await lease.free();
    },
  };
}

/** Repeats a step at the pace of a bucket's renewals until it is stopped or the connection is closed. */
export function everyRenewal(options: {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly bucket: LeaseBucket;
  readonly step: (kv: KV) => Promise<void>;
}): { readonly ended: Promise<void>; stop(): void } {
  const { bus, logger, bucket, step } = options;
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    const kv = await bus.kvm.open(bucket);
    while (!stopping.signal.aborted) {
      try {
        await step(kv);
      } catch (error) {
        if (bus.nc.isClosed()) return;
        if (!isConflict(error)) logger.warn({ bucket, err: error }, "lease not reached");
      }
      await pause(leaseTimings[bucket].renewMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  return { ended: run(), stop: () => stopping.abort() };
}

function holderOf(entry: KvEntry | null): Holder | null {
  if (entry === null || entry.operation !== "PUT") return null;
  try {
    const value: unknown = entry.json();
    if (value !== null && typeof value === "object" && "instance" in value && "boot" in value) {
      return { instance: String(value.instance), boot: String(value.boot) };
    }
  } catch {
    // Written by hand: it is somebody's until it runs out.
  }
  return { instance: "?", boot: "?" };
}
