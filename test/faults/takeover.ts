/** Who owns which shard, and how long after its owner's end a shard was owned again: read from the log. Pure. */
import { ALL_SHARDS, subjects } from "@slipstream/contracts/subjects";
import type { StoredFact } from "./log.ts";

const prefix = subjects.chain(ALL_SHARDS).slice(0, -ALL_SHARDS.length);

type Ownership = { readonly shard: string; readonly owner: string; readonly storedMs: number };

const ownerships = (stored: readonly StoredFact[]): Ownership[] =>
  stored.flatMap(({ fact, storedMs }) =>
    fact.type === "OwnerChanged" && fact.chain.startsWith(prefix)
      ? { shard: fact.chain.slice(prefix.length), owner: fact.owner, storedMs }
      : [],
  );

/** The owner of each shard, as of a time. */
export function ownersAt(stored: readonly StoredFact[], atMs = Number.POSITIVE_INFINITY): Map<string, string> {
  const owners = new Map<string, string>();
  for (const { shard, owner, storedMs } of ownerships(stored)) if (storedMs <= atMs) owners.set(shard, owner);
  return owners;
}

export const shardsOf = (owners: ReadonlyMap<string, string>, instance: string): string[] =>
  [...owners].flatMap(([shard, owner]) => (owner === instance ? shard : []));

export type Takeover = {
  readonly shards: number;
  /** Shards that nobody owns yet. */
  readonly waiting: readonly string[];
  /** From the owner's end to the first fact of another one, of the slowest and of the usual shard. */
  readonly slowestMs: number;
  readonly medianMs: number;
};

/** @param endMs - when the instance was killed, stopped or told to end. */
export function takeoverOf(stored: readonly StoredFact[], instance: string, endMs: number): Takeover {
  const shards = shardsOf(ownersAt(stored, endMs), instance);
  const firsts = new Map<string, number>();
  for (const { shard, owner, storedMs } of ownerships(stored)) {
    if (storedMs > endMs && owner !== instance && !firsts.has(shard)) firsts.set(shard, storedMs - endMs);
  }
  const took = shards.flatMap((shard) => firsts.get(shard) ?? []).sort((a, b) => a - b);
  return {
    shards: shards.length,
    waiting: shards.filter((shard) => !firsts.has(shard)),
    slowestMs: took.at(-1) ?? 0,
    medianMs: took[Math.floor(took.length / 2)] ?? 0,
  };
}
