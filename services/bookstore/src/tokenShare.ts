/**
 * Which tokens are this replica's. Markets fall into 16 partitions, each a lease; replicas share them evenly, and both
 * tokens of a market are in one.
 *
 * A token may also change its partition, once: while its market is not known it goes by its own id. So an epoch does not
 * begin with the revision of a partition's lease but with that of a key of its own in the same bucket, written when a
 * token is taken: it is higher than the one of any owner before, of whatever partition.
 */
import type { Bus } from "@slipstream/actor/bus";
import type { Clock } from "@slipstream/actor/clock";
import type { ServiceContext } from "@slipstream/actor/service";
import { startShardLeases } from "@slipstream/actor/shardLeases";
import { type ConditionId, PARTITIONS, type TokenId } from "@slipstream/contracts/ids";
import { buckets, partitionFor } from "@slipstream/contracts/subjects";

export type TokenShare = {
  /** False also when the lease's time is over and nobody has noticed yet, as after a long stop of the process. */
  has(tokenId: TokenId): boolean;
  /** Partitions held. */
  count(): number;
  /**
   * A new first part of epochs, for tokens that are taken now. Valid for those that are still had when it is there.
   * @throws what the broker says.
   */
  newFence(): Promise<number>;
  /** Frees all, so that other replicas need not wait. */
  release(): Promise<void>;
};

const PREFIX = "books";
const partitions = Array.from({ length: PARTITIONS }, (_, n) => String(n).padStart(2, "0"));

export function shareTokens(options: {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: ServiceContext<Record<never, never>>["logger"];
  readonly instance: string;
  /** Unlike any other process's. */
  readonly process: string;
  readonly conditionOf: (tokenId: TokenId) => ConditionId | null;
  /** Partitions came or went. */
  readonly onChange: () => void;
}): TokenShare {
  const { bus, clock, logger, instance, process, conditionOf, onChange } = options;
  const held = new Set<string>();
  const leases = startShardLeases({
    bus,
    logger,
    bucket: buckets.leases,
    prefix: PREFIX,
    shards: partitions,
    instance,
    boot: process,
    steadyMs: clock.steadyMs,
    onGained: (shard) => {
      held.add(shard);
      onChange();
    },
    onLost: (shard, reason) => {
      if (!held.delete(shard)) return;
      logger.info({ partition: shard, reason }, "partition of books given up");
      onChange();
    },
  });
  return {
    has: (tokenId) => {
      const shard = partitionFor(conditionOf(tokenId), tokenId);
      return held.has(shard) && clock.steadyMs() < leases.deadlineMs(shard);
    },
    count: () => held.size,
    newFence: async () => {
      const kv = await bus.kvm.open(buckets.leases);
      return kv.put(`${PREFIX}.epoch`, process);
    },
    release: async () => {
      held.clear();
      await leases.release();
    },
  };
}
