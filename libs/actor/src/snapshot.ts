/**
 * Saved state in a KV bucket: parts first, then a manifest that names them, written by compare-and-set. Whoever reads
 * the manifest finds whole parts or notices by the digest that he does not.
 */
import { createHash } from "node:crypto";
import type { KV } from "@nats-io/kv";
import { decodeState, encodeState } from "@slipstream/contracts/json";
import { readJson } from "@slipstream/contracts/readJson";
import { z } from "zod";
import { type Bus, overLink } from "./bus.ts";
import { isConflict } from "./errorsOfBus.ts";
import type { Tail } from "./factReader.ts";

/** Well below the broker's limit of a message, and small enough to travel beside trading traffic. */
const PART_BYTES = 128 * 1024;
const PARTS_MAX = 4_096;
/** A writer may be replacing parts while we read. */
const READ_TRIES = 5;
const PART_WRITES_AT_ONCE = 16;

const Manifest = z.object({
  v: z.literal(1),
  stateVersion: z.int(),
  /** Identity of the stream that `lastApplied` counts in. */
  created: z.string(),
  lastApplied: z.int().nonnegative(),
  fence: z.int().nonnegative(),
  /** Common beginning of the keys of the parts, which end in .0, .1, … */
  partsKey: z.string(),
  parts: z.int().positive().max(PARTS_MAX),
  sha256: z.string(),
});
type Manifest = z.infer<typeof Manifest>;

export type Snapshot<State> = {
  readonly state: State;
  readonly tails: Map<string, Tail>;
  readonly created: string;
  readonly lastApplied: number;
};

/** What is there: nothing, a snapshot, or one that this build cannot use, with the reason. */
export type SnapshotReading<State> =
  | { readonly kind: "none" }
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot<State> }
  | { readonly kind: "unusable"; readonly why: string };

export type SnapshotStore<State> = {
  read(): Promise<SnapshotReading<State>>;
  /**
   * Encodes the state before it returns to the event loop, then writes.
   * @returns the fence of a later owner whose snapshot is there instead; null when ours was written.
   */
  write(snapshot: Snapshot<State>, fence: number): Promise<{ readonly overtakenBy: number } | null>;
};

export function snapshotStore<State>(
  bus: Bus,
  {
    bucket,
    key,
    stateVersion,
    isReached,
  }: {
    readonly bucket: string;
    readonly key: string;
    readonly stateVersion: number;
    /** Whether the lease has come so far: a fence that nobody was given overtakes nobody. */
    readonly isReached: (fence: number) => Promise<boolean>;
  },
): SnapshotStore<State> {
  let opened: Promise<KV> | undefined;
  const open = (): Promise<KV> => {
    opened ??= bus.kvm.open(bucket);
    return opened;
  };
  const manifestKey = `${key}.manifest`;
  let writes = 0;

  const readManifest = async (kv: KV) => {
    const entry = await overLink(bus, () => kv.get(manifestKey));
    if (entry === null || entry.operation !== "PUT") return { entry, manifest: null };
    return { entry, manifest: readJson(Manifest, entry.string()) ?? ("malformed" as const) };
  };

  const isLater = async (theirs: number, ours: number): Promise<boolean> => theirs > ours && (await isReached(theirs));

  const read = async (): Promise<SnapshotReading<State>> => {
    const kv = await open();
    let why = "";
    for (let tries = 0; tries < READ_TRIES; tries += 1) {
      const { manifest } = await readManifest(kv);
      if (manifest === null) return { kind: "none" };
      if (manifest === "malformed") return { kind: "unusable", why: "its manifest cannot be read" };
      if (manifest.stateVersion !== stateVersion) {
        const why = `it holds state version ${manifest.stateVersion}, this build reads ${stateVersion}`;
        return { kind: "unusable", why };
      }
      const text = await readParts(bus, kv, manifest);
      if (text !== null) return decoded(text, manifest);
      why = "its parts are missing or damaged";
    }
    return { kind: "unusable", why };
  };

  const decoded = (text: string, { created, lastApplied }: Manifest): SnapshotReading<State> => {
    try {
      const { state, tails } = decodeState(text) as { state: State; tails: Map<string, Tail> };
      return { kind: "snapshot", snapshot: { state, tails, created, lastApplied } };
    } catch (error) {
      return { kind: "unusable", why: `its content cannot be read: ${String(error)}` };
    }
  };

  const write = async ({ state, tails, created, lastApplied }: Snapshot<State>, fence: number) => {
    const bytes = Buffer.from(encodeState({ state, tails }), "utf8");
    const kv = await open();
    const { entry, manifest: old } = await readManifest(kv);
    if (old !== null && old !== "malformed" && (await isLater(old.fence, fence))) return { overtakenBy: old.fence };
    writes += 1;
    const partsKey = `${key}.${fence}-${writes}`;
    const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
    await eachPart(parts, (n) =>
      overLink(bus, () => kv.put(`${partsKey}.${n}`, bytes.subarray(n * PART_BYTES, (n + 1) * PART_BYTES))),
    );
    const manifest: Manifest = {
      v: 1,
      stateVersion,
      created,
      lastApplied,
      fence,
      partsKey,
      parts,
      sha256: sha256(bytes),
    };
    try {
      await overLink(bus, () => kv.put(manifestKey, JSON.stringify(manifest), { previousSeq: entry?.revision ?? 0 }));
    } catch (error) {
      if (!isConflict(error)) throw error;
      const now = (await readManifest(kv)).manifest;
      if (now !== null && now !== "malformed" && (await isLater(now.fence, fence))) return { overtakenBy: now.fence };
      // Otherwise our own earlier try, whose acknowledgement was lost, or a dead owner's last one: the next save wins.
      return null;
    }
    if (writes === 1) await removeOrphans(bus, { bucket, key, fence });
    else if (old !== null && old !== "malformed") await removeParts(bus, bucket, old.partsKey);
    return null;
  };

  return { read, write };
}

async function readParts(bus: Bus, kv: KV, { partsKey, parts, sha256: digest }: Manifest): Promise<string | null> {
  const bytes: Uint8Array[] = Array.from({ length: parts }, () => new Uint8Array());
  let whole = true;
  await eachPart(parts, async (n) => {
    const entry = await overLink(bus, () => kv.get(`${partsKey}.${n}`));
    if (entry === null || entry.operation !== "PUT") whole = false;
    else bytes[n] = entry.value;
  });
  if (!whole) return null;
  const all = Buffer.concat(bytes);
  return sha256(all) === digest ? all.toString("utf8") : null;
}

async function eachPart(parts: number, call: (n: number) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < parts; first += PART_WRITES_AT_ONCE) {
    const some = Math.min(PART_WRITES_AT_ONCE, parts - first);
    await Promise.all(Array.from({ length: some }, (_, i) => call(first + i)));
  }
}

/** A failure leaves rubbish, bounded by the bucket's size, and nothing else. */
async function removeParts(bus: Bus, bucket: string, partsKey: string): Promise<void> {
  const filter = `$KV.${bucket}.${partsKey}.*`;
  await overLink(bus, () => bus.jsm.streams.purge(`KV_${bucket}`, { filter })).catch(() => undefined);
}

/** Once per process: parts of the snapshot before, and of writers that died before their manifest. */
async function removeOrphans(
  bus: Bus,
  { bucket, key, fence }: { readonly bucket: string; readonly key: string; readonly fence: number },
): Promise<void> {
  const prefix = `$KV.${bucket}.${key}.`;
  const info = await overLink(bus, () =>
    bus.jsm.streams.info(`KV_${bucket}`, { subjects_filter: `${prefix}*.*` }),
  ).catch(() => null);
  const groups = new Set(
    Object.keys(info?.state.subjects ?? {}).map((subject) => subject.slice(0, subject.lastIndexOf("."))),
  );
  for (const group of groups) {
    const writer = Number(group.slice(prefix.length).split("-")[0]);
    if (writer < fence) await removeParts(bus, bucket, group.slice(`$KV.${bucket}.`.length));
  }
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
