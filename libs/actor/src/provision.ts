/**
 * Owns every stream and bucket. Only a provisioner calls it (`provisioner.ts`): what a service makes for itself is what
 * nobody has looked at. Calls may overlap: creating what is there in the same shape is harmless.
 *
 * 1. Size, age and replicas are set at creation only; an operator may change them later. Everything else must be as asked,
 *    read back from the server field by field: older servers accept settings and silently drop them.
 * 2. A bucket whose revisions are compared with those of before (leases: fences and epochs; config) and that is made again
 *    beside an older log begins above every revision it can have had. Otherwise each new owner would be taken for a stale
 *    one, and each new setting for an old one.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  StoreCompression,
  type StreamConfig,
  type StreamInfo,
  type StreamState,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { ContractError } from "@slipstream/contracts/errors";
import { buckets, type ServiceName, serviceNames, streams, subjects } from "@slipstream/contracts/subjects";
import { isStreamNotFound } from "./errorsOfBus.ts";

export type ProvisionOptions = {
  /** 1 (default), or 3 in a cluster. */
  readonly replicas?: number;
  readonly factsMaxBytes?: number;
  readonly factsMaxAgeMs?: number;
  /** The time; absent: this machine's. */
  readonly nowMs?: number;
};

type Wanted = Partial<StreamConfig> & { readonly name: string };

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const UNAVAILABLE = 503;

const sizes = new Set<keyof StreamConfig>(["max_bytes", "num_replicas"]);
const sizesAndAges = new Set<keyof StreamConfig>([...sizes, "max_age", "duplicate_window"]);
/** Set at creation, an operator's afterwards; but the age of a lease is its time to live, on which fencing rests. */
const operatorsFields = (name: string): ReadonlySet<keyof StreamConfig> =>
  name.startsWith("KV_") ? sizes : sizesAndAges;

/** Time to live and pace of the two kinds of lease, milliseconds of real time. */
export const leaseTimings = {
  leases: { ttlMs: 12_000, renewMs: 2_000, stopMs: 10_000 },
  leases_fast: { ttlMs: 4_000, renewMs: 1_000, stopMs: 3_000 },
} as const;

/** Where the lease of each service is: what depends on it in time has the fast one. */
export const leaseBuckets = {
  "chain-watcher": "leases",
  "balance-sync": "leases",
  bookstore: "leases",
  registry: "leases",
  executor: "leases_fast",
  inventory: "leases_fast",
  risk: "leases_fast",
} as const satisfies Record<ServiceName, keyof typeof leaseTimings>;
/** How long a fact is kept, while a leader's fill and what follows from it come no faster than 1.5 times a second. */
export const FACTS_DAYS = 14;
/**
 * Counted before compression: 0.87 GiB a day at that rate, which leaves the 70 % from which on risk lets nobody buy. On disk
 * it is a sixth of that.
 */
const FACTS_BYTES = 18 * 1024 * MIB;

/** Everything there has to be. */
export function wantedStreams({
  replicas = 1,
  factsMaxBytes = FACTS_BYTES,
  factsMaxAgeMs = FACTS_DAYS * DAY_MS,
}: ProvisionOptions = {}): readonly Wanted[] {
  const stream = (name: string, subject: string, more: Partial<StreamConfig>): Wanted => ({
    name,
    subjects: [subject],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    num_replicas: replicas,
    allow_direct: true,
    ...more,
  });
  const bucket = (name: string, more: Partial<StreamConfig>): Wanted =>
    stream(`KV_${name}`, `$KV.${name}.>`, {
      discard: DiscardPolicy.New,
      allow_rollup_hdrs: true,
      deny_delete: true,
      max_msgs_per_subject: 1,
      max_bytes: 64 * MIB,
      ...more,
    });
  return [
    stream(streams.facts, subjects.allFacts, {
      max_age: nanos(factsMaxAgeMs),
      max_bytes: factsMaxBytes,
      compression: StoreCompression.S2,
      duplicate_window: nanos(120_000),
      republish: { src: subjects.riskFacts, dest: subjects.liveRisk },
    }),
    stream(streams.markets, subjects.allMarkets, { max_msgs_per_subject: 1, max_bytes: 128 * MIB }),
    stream(streams.books, subjects.allBookLast, {
      storage: StorageType.Memory,
      num_replicas: 1,
      max_msgs_per_subject: 1,
      max_age: nanos(600_000),
      max_bytes: 128 * MIB,
    }),
    // Kept for longer than facts: who folds an old fact looks here whether it was refused.
    stream(streams.dlq, subjects.allDeadLetters, { max_age: nanos(30 * DAY_MS), max_bytes: 64 * MIB }),
    bucket(buckets.leases, { max_age: nanos(leaseTimings.leases.ttlMs) }),
    bucket(buckets.leasesFast, { max_age: nanos(leaseTimings.leases_fast.ttlMs) }),
    bucket(buckets.config, { max_msgs_per_subject: 20 }),
    ...serviceNames.map((service) => bucket(buckets.state(service), { max_bytes: 256 * MIB })),
  ];
}

/**
 * Creates what is missing, brings up to date what may be changed, and reads back what the server made of it.
 * @throws ContractError STREAM_CONFIG_REFUSED naming stream, field, asked and given.
 */
export async function provision(jsm: JetStreamManager, options: ProvisionOptions = {}): Promise<Made> {
  const log = await stateOf(jsm, streams.facts);
  const made = await Promise.all(
    wantedStreams(options).map(async (wanted) => {
      const isNew = await provisionOne(jsm, { ...wanted, ...firstSeqOf(wanted, log, options) });
      return isNew ? [wanted.name] : [];
    }),
  );
  return { made: made.flat(), isBesideOldLog: hasFacts(log) };
}

/** Names of what was not there, and whether the log had facts already: then they had been there before. */
export type Made = { readonly made: readonly string[]; readonly isBesideOldLog: boolean };

/** Buckets whose revisions outlive them, in facts, books and states. */
const counted: ReadonlySet<string> = new Set(
  [buckets.leases, buckets.leasesFast, buckets.config].map((name) => `KV_${name}`),
);

const hasFacts = (log: StreamState | null): boolean => log !== null && log.last_seq > 0;

/**
 * A millisecond is far more than a revision takes, so the time in milliseconds is above all that went before; the time of
 * the newest fact stands in for a clock that was set back.
 */
function firstSeqOf(
  { name }: Wanted,
  log: StreamState | null,
  { nowMs = Date.now() }: ProvisionOptions,
): { readonly first_seq?: number } {
  if (!counted.has(name) || log === null || !hasFacts(log)) return {};
  const lastFactMs = Date.parse(String(log.last_ts));
  return { first_seq: Math.max(nowMs, Number.isFinite(lastFactMs) ? lastFactMs : 0) + CLOCKS_APART_MS };
}
/** Between the clock that was read before and the one that is read now. */
const CLOCKS_APART_MS = 60_000;

/** Names of what there should be and is not. */
export async function missingStreams(jsm: JetStreamManager): Promise<string[]> {
  const present = new Set<string>();
  for await (const name of jsm.streams.names()) present.add(name);
  return wantedStreams()
    .map(({ name }) => name)
    .filter((name) => !present.has(name));
}

/** A broker that is just making or removing a store of the same name says so by an error; it is over in a moment. */
const STORE_BUSY = 10_049;
const STORE_TRIES_MAX = 20;
const STORE_PAUSE_MS = 100;

/** @returns whether it was not there. */
async function provisionOne(jsm: JetStreamManager, wanted: Wanted, tries = 1): Promise<boolean> {
  const present = await infoOf(jsm, wanted.name);
  const limits = new Set<keyof StreamConfig>([...operatorsFields(wanted.name), "first_seq"]);
  let echo = present;
  try {
    if (present === null) echo = (await jsm.streams.add(wanted)).config;
    else if (differences(wanted, present, limits).length > 0) echo = await update(jsm, wanted);
  } catch (cause) {
    if (cause instanceof JetStreamApiError && cause.code === STORE_BUSY && tries < STORE_TRIES_MAX) {
      await pause(STORE_PAUSE_MS);
      return provisionOne(jsm, wanted, tries + 1);
    }
    // A time-out or a broker without its JetStream yet may be tried again by the caller; refusals carry 400 and 500.
    if (!(cause instanceof JetStreamApiError) || cause.status === UNAVAILABLE) throw cause;
    throw new ContractError("STREAM_CONFIG_REFUSED", `stream ${wanted.name} was refused: ${cause.message}`, { cause });
  }
  const wrong = echo === null ? [] : differences(wanted, echo, present === null ? new Set() : limits);
  if (wrong.length > 0) {
    throw new ContractError("STREAM_CONFIG_REFUSED", `stream ${wanted.name} is not as asked: ${wrong.join("; ")}`);
  }
  return present === null;
}

/** Changes all but the limits, which stay as they are. */
async function update(jsm: JetStreamManager, wanted: Wanted): Promise<StreamConfig> {
  const limits = new Set<keyof StreamConfig>([...operatorsFields(wanted.name), "first_seq"]);
  const changed = Object.fromEntries(
    Object.entries(wanted).filter(([field]) => !limits.has(field as keyof StreamConfig)),
  );
  return (await jsm.streams.update(wanted.name, changed)).config;
}

const infoOf = async (jsm: JetStreamManager, name: string): Promise<StreamConfig | null> =>
  (await streamOf(jsm, name))?.config ?? null;

const stateOf = async (jsm: JetStreamManager, name: string): Promise<StreamState | null> =>
  (await streamOf(jsm, name))?.state ?? null;

async function streamOf(jsm: JetStreamManager, name: string): Promise<StreamInfo | null> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (isStreamNotFound(error)) return null;
    throw error;
  }
}

function differences(wanted: Wanted, given: StreamConfig, ignored: ReadonlySet<keyof StreamConfig>): string[] {
  return (Object.keys(wanted) as (keyof StreamConfig)[])
    .filter((field) => !ignored.has(field) && JSON.stringify(wanted[field]) !== JSON.stringify(given[field]))
    .map((field) => `${field} asked ${JSON.stringify(wanted[field])}, given ${JSON.stringify(given[field])}`);
}
