/**
 * Named shards, shared evenly by all live replicas of a service: each shard is a lease of its own, and each replica
 * holds as many as its share of them.
 *
 * 1. A replica is live while its member key is renewed. All replicas see the same members, sort them by name and come
 *    to the same shares, so nobody has to coordinate.
 * 2. A replica takes free shards up to its share, and gives the rest back when another joins: first what is in hand is
 *    finished (`beforeYield`), then the key is freed. Renewals go on meanwhile: a slow end of one shard costs no other.
 * 3. What a dead replica held is free when its keys have run out, and is taken at the next step.
 */
import type { KV } from "@nats-io/kv";
import type { Logger } from "pino";
import { type Bus, overLink } from "./bus.ts";
import { everyRenewal, type LeaseBucket, type LeaseKey, leaseKey } from "./lease.ts";

export type ShardLeasesOptions = {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly bucket: LeaseBucket;
  /** Keys are `<prefix>.<shard>` and `<prefix>.members.<instance>`. */
  readonly prefix: string;
  readonly shards: readonly string[];
  readonly instance: string;
  /** Unlike any other process's. */
  readonly boot: string;
  readonly steadyMs: () => number;
  /** `fence` is higher than that of any earlier owner of the shard. */
  readonly onGained: (shard: string, fence: number) => void;
  readonly onLost: (shard: string, reason: string) => void;
  /** Finishes what is in hand of a shard that another replica is to have; `onLost` follows. Absent: nothing to finish. */
  readonly beforeYield?: (shard: string) => Promise<void>;
};

export type ShardLeases = {
  holds(shard: string): boolean;
  /** Steady milliseconds until which the owner may act; -Infinity for a shard that is not held. */
  deadlineMs(shard: string): number;
  giveUp(shard: string, reason: string): void;
  /** Frees all shards, so that the other replicas need not wait. */
  release(): Promise<void>;
};

/** How many of `shards` the replica `instance` should hold when these are live. Shares differ by one at most. */
export function shareOf(shards: number, members: readonly string[], instance: string): number {
  const sorted = [...new Set([...members, instance])].sort();
  const at = sorted.indexOf(instance);
  return Math.floor(shards / sorted.length) + (at < shards % sorted.length ? 1 : 0);
}

export function startShardLeases(options: ShardLeasesOptions): ShardLeases {
  const { bus, logger, prefix, shards, instance, onGained, onLost, beforeYield } = options;
  const memberKey = `${prefix}.members.${instance}`;
  const leases = new Map<string, LeaseKey>(
    shards.map((shard) => [
      shard,
      leaseKey({
        ...options,
        key: `${prefix}.${shard}`,
        onGained: (fence) => onGained(shard, fence),
        onLost: (reason) => onLost(shard, reason),
      }),
    ]),
  );
  const heldOnes = (): [string, LeaseKey][] => [...leases].filter(([, lease]) => lease.held());

  const step = async (kv: KV): Promise<void> => {
    // Renewals first: everything else may wait, they may not.
    await Promise.all([
      overLink(bus, () => kv.put(memberKey, options.boot)),
      ...heldOnes().map(([, lease]) => lease.renew(kv)),
    ]);
    const share = shareOf(shards.length, await membersOf(bus, options.bucket, prefix), instance);
    await takeUpTo(kv, share);
    for (const [shard, lease] of heldOnes().slice(share)) void handOver(shard, lease);
    const now = heldOnes().length;
    if (now !== shown) logger.info({ prefix, shards: now, share }, "shards of this replica");
    shown = now;
  };
  let shown = 0;

  const yielding = new Set<string>();
  const handOver = async (shard: string, lease: LeaseKey): Promise<void> => {
    if (yielding.has(shard)) return;
    yielding.add(shard);
    try {
      await beforeYield?.(shard);
    } catch (error) {
      logger.warn({ shard, err: error }, "what was in hand of a shard is left to its next owner");
    }
    // Lost meanwhile: then it was told as that.
    if (lease.held()) {
      const freeing = lease.free();
      // At once: what is gained from now on is another tenure.
      onLost(shard, "another replica has it now");
      await freeing;
    }
    yielding.delete(shard);
  };

  const takeUpTo = async (kv: KV, share: number): Promise<void> => {
    const others = startingAt(instance, [...leases.values()]).filter((lease) => !lease.held());
    let next = 0;
    while (next < others.length) {
      const wanted = share - heldOnes().length;
      if (wanted <= 0) return;
      const asked = others.slice(next, next + wanted);
      next += asked.length;
      await Promise.allSettled(asked.map((lease) => lease.acquire(kv)));
    }
  };

  const loop = everyRenewal({ ...options, step });
  return {
    holds: (shard) => leases.get(shard)?.held() ?? false,
    deadlineMs: (shard) => leases.get(shard)?.deadlineMs() ?? Number.NEGATIVE_INFINITY,
    giveUp: (shard, reason) => leases.get(shard)?.giveUp(reason),
    release: async () => {
      loop.stop();
      if (!bus.connected()) return;
      await loop.ended;
      await Promise.all([...leases.values()].map((lease) => lease.free()));
      const kv = await bus.kvm.open(options.bucket);
      await kv.delete(memberKey).catch((error: unknown) => logger.warn({ err: error }, "member runs out by itself"));
    },
  };
}

/**
 * One request for the last values, not the bucket's own list of keys: that makes a consumer on the server for each call,
 * which stays there for five minutes.
 */
async function membersOf(bus: Bus, bucket: LeaseBucket, prefix: string): Promise<string[]> {
  const before = `$KV.${bucket}.${prefix}.members.`;
  const members: string[] = [];
  const read = async (): Promise<void> => {
    const last = await bus.jsm.direct.getLastMessagesFor(`KV_${bucket}`, { multi_last: [`${before}*`] });
    for await (const { subject, header } of last) {
      // Who has left is a mark until it runs out.
      if (!header.has(KV_OPERATION)) members.push(subject.slice(before.length));
    }
  };
  await overLink(bus, read);
  return members;
}
/** Header of a key that was deleted or purged. */
const KV_OPERATION = "KV-Operation";

/** Each replica looks from another place on, so that they seldom want the same shard. */
function startingAt<T>(instance: string, items: readonly T[]): T[] {
  let at = 0;
  for (const character of instance) at = (at * 31 + character.charCodeAt(0)) % Math.max(1, items.length);
  return [...items.slice(at), ...items.slice(0, at)];
}
