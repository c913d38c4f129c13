/**
 * Which fences there can be. A fence is the revision of a lease at which a tenure began, and revisions only grow: one above
 * what the lease's bucket has reached was given to nobody. Whoever writes it, by mistake or on purpose, would otherwise
 * stop the rightful writer of the chain for ever.
 */
import { writerOf } from "@slipstream/contracts/chains";
import { streams, subjects } from "@slipstream/contracts/subjects";
import { type Bus, overLink } from "./bus.ts";
import type { LeaseBucket } from "./lease.ts";
import { messagesSoFar } from "./messagesSoFar.ts";
import { leaseBuckets } from "./provision.ts";

export type FenceJudge = {
  /** null: above what was known when the server was asked last, so `isPossible` has to ask. */
  isKnownPossible(chain: string, fence: number): boolean | null;
  /** Asks the server when it has to. @throws what the bus says, also while the bucket is missing. */
  isPossible(chain: string, fence: number): Promise<boolean>;
  /** The leases of a bucket have come so far: what an owner learns with its own needs no asking. */
  learn(bucket: LeaseBucket, revision: number): void;
  /** Whether the leases of a bucket have come so far. @throws as `isPossible`. */
  isReached(bucket: LeaseBucket, fence: number): Promise<boolean>;
};

/** A fence that is no whole number, or too large to be counted. */
export const NO_FENCE = Number.POSITIVE_INFINITY;

/** What the header says; 0 without one. */
export function readFence(header: string | undefined): number {
  if (header === undefined || header === "") return 0;
  const fence = /^\d{1,16}$/.test(header) ? Number(header) : NO_FENCE;
  return Number.isSafeInteger(fence) ? fence : NO_FENCE;
}

const bucketOf = (chain: string): LeaseBucket | null => {
  const writer = writerOf(chain);
  return writer === null || writer === "none" ? null : leaseBuckets[writer];
};

export function createFenceJudge(bus: Bus): FenceJudge {
  const revisions: Record<LeaseBucket, number> = { leases: 0, leases_fast: 0 };
  const isKnownPossible = (chain: string, fence: number): boolean | null => {
    if (fence === 0) return true;
    if (fence === NO_FENCE) return false;
    const bucket = bucketOf(chain);
    // What people write is on chains without a lease, where nobody is fenced.
    if (bucket === null) return true;
    return fence <= revisions[bucket] ? true : null;
  };
  const learn = (bucket: LeaseBucket, revision: number): void => {
    revisions[bucket] = Math.max(revisions[bucket], revision);
  };
  const isReached = async (bucket: LeaseBucket, fence: number): Promise<boolean> => {
    if (fence <= revisions[bucket]) return true;
    const { state } = await overLink(bus, () => bus.jsm.streams.info(`KV_${bucket}`));
    learn(bucket, state.last_seq);
    return fence <= revisions[bucket];
  };
  return {
    isKnownPossible,
    learn,
    isReached,
    isPossible: async (chain, fence) => {
      const known = isKnownPossible(chain, fence);
      const bucket = bucketOf(chain);
      return known ?? (bucket === null || (await isReached(bucket, fence)));
    },
  };
}

/**
 * Facts of this log that were refused for their fence. The lease reaches any number in time, so a fact that was refused once
 * is refused by this list ever after: the same log gives the same state.
 */
export async function refusedFacts(bus: Bus, created: string): Promise<Set<number>> {
  const refused = new Set<number>();
  for await (const { headers } of messagesSoFar(bus, streams.dlq, subjects.refusedFacts)) {
    if (headers?.get("x-created") === created) refused.add(Number(headers.get("x-seq")));
  }
  return refused;
}
