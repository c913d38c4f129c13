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
import { isConflict } from "./errorsOfBus.ts";
import { leaseTimings } from "./provision.ts";

export type LeaseOptions = {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly bucket: "leases" | "leases_fast";
  readonly key: string;
  readonly instance: string;
  /** Unlike any other process's. */
  readonly boot: string;
  readonly steadyMs: () => number;
  readonly onGained: (fence: number) => void;
  readonly onLost: (reason: string) => void;
};

export type Lease = {
  /** Steady milliseconds until which the owner may act; -Infinity without a tenure. */
  deadlineMs(): number;
  /** Gives up the tenure, as when another owner's fence was seen; the loop tries again after a renewal's time. */
  giveUp(reason: string): void;
  /** Ends the loop and, when held, frees the key, so that a standby need not wait for its end. */
  release(): Promise<void>;
};

type Tenure = { readonly fence: number; revision: number; deadlineMs: number };
type Holder = { readonly instance: string; readonly boot: string };

export function startLease(options: LeaseOptions): Lease {
  const { bus, logger, bucket, key, instance, boot, steadyMs, onGained, onLost } = options;
  const { renewMs, stopMs } = leaseTimings[bucket];
  const mine = JSON.stringify({ instance, boot } satisfies Holder);
  const stopping = new AbortController();
  let tenure: Tenure | null = null;
  let everHeld = false;
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
    deadlineTimer = setTimeout(() => lose("not renewed in time"), Math.max(0, held.deadlineMs - steadyMs()));
  };

  const acquire = async (kv: KV): Promise<void> => {
    const entry = await overLink(bus, () => kv.get(key));
    const holder = holderOf(entry);
    const free = holder === null || holder.boot === boot || (holder.instance === instance && !everHeld);
    if (!free) return;
    const sentMs = steadyMs();
    const revision = await overLink(bus, () => kv.put(key, mine, { previousSeq: entry?.revision ?? 0 }));
    // The answer may have come late: then the time is over before it began.
    if (stopping.signal.aborted || sentMs + stopMs <= steadyMs()) return;
    everHeld = true;
    tenure = { fence: revision, revision, deadlineMs: 0 };
    extend(tenure, sentMs);
    logger.info({ key, fence: revision }, "lease taken");
    onGained(revision);
  };

  const renew = async (kv: KV, held: Tenure): Promise<void> => {
    const sentMs = steadyMs();
    try {
      const revision = await overLink(bus, () => kv.put(key, mine, { previousSeq: held.revision, timeout: renewMs }));
      if (tenure !== held) return;
      held.revision = revision;
      extend(held, sentMs);
    } catch (error) {
      if (!isConflict(error)) throw error;
      const entry = await overLink(bus, () => kv.get(key));
      // An earlier renewal whose acknowledgement was lost: ours all the same, but its time is not known.
      if (entry !== null && holderOf(entry)?.boot === boot) held.revision = entry.revision;
      else lose(`taken by ${holderOf(entry)?.instance ?? "nobody: it had run out"}`);
    }
  };

  const run = async (): Promise<void> => {
    const kv = await bus.kvm.open(bucket);
    while (!stopping.signal.aborted) {
      try {
        const held = tenure;
        if (held === null) await acquire(kv);
        else await renew(kv, held);
      } catch (error) {
        if (bus.nc.isClosed()) return;
        if (!isConflict(error)) logger.warn({ key, err: error }, "lease not reached");
      }
      await pause(renewMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const ran = run();

  return {
    deadlineMs: () => tenure?.deadlineMs ?? Number.NEGATIVE_INFINITY,
    giveUp: lose,
    release: async () => {
      stopping.abort();
      clearTimeout(deadlineTimer);
      if (!bus.connected()) return;
      await ran;
      const held = tenure;
      tenure = null;
      if (held === null) return;
      try {
        const kv = await bus.kvm.open(bucket);
        await overLink(bus, () => kv.delete(key, { previousSeq: held.revision }));
      } catch (error) {
        logger.warn({ key, err: error }, "lease not freed, it runs out by itself");
      }
    },
  };
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
