/** What a process owns of a service: the whole of it by one lease, or some of its shards by a lease each. */
import type { ChainSubject } from "@slipstream/contracts/subjects";
import { type LeaseBucket, type LeaseOptions, startLease } from "./lease.ts";
import { type ShardLeases, startShardLeases } from "./shardLeases.ts";

export type Ownership = Omit<ShardLeases, "holds">;

export type LeaseChoice = {
  readonly bucket: LeaseBucket;
  readonly key: string;
  /** Present: replicas share the service, shard by shard; the first shard's owner saves the state of all. */
  readonly shards?: {
    readonly names: readonly string[];
    /** The shard a chain belongs to. Pure. */
    readonly of: (chain: ChainSubject) => string;
  };
};

/** The shard of a service that has none. */
const WHOLE = "";

export const shardNames = ({ shards }: LeaseChoice): readonly string[] => shards?.names ?? [WHOLE];
export const shardOfChain = ({ shards }: LeaseChoice, chain: ChainSubject): string => shards?.of(chain) ?? WHOLE;

export type OwnershipOptions = Omit<LeaseOptions, "bucket" | "key" | "onGained" | "onLost"> & {
  readonly lease: LeaseChoice;
  readonly onGained: (shard: string, fence: number) => void;
  readonly onLost: (shard: string) => void;
  /** Finishes what is in hand of a shard that goes to another replica. */
  readonly beforeYield: (shard: string) => Promise<void>;
};

export function startOwnership(options: OwnershipOptions): Ownership {
  const { lease, onGained, onLost } = options;
  const { bucket, key } = lease;
  if (lease.shards !== undefined) {
    return startShardLeases({ ...options, bucket, prefix: key, shards: lease.shards.names });
  }
  const only = startLease({
    ...options,
    bucket,
    key,
    onGained: (fence) => onGained(WHOLE, fence),
    onLost: () => onLost(WHOLE),
  });
  return {
    deadlineMs: () => only.deadlineMs(),
    giveUp: (_shard, reason) => only.giveUp(reason),
    release: only.release,
  };
}
