/** Shards shared by replicas, on a real broker: the fast bucket, so that a dead replica is noticed in seconds. */
import type { Bus } from "@slipstream/actor/bus";
import { type ShardLeases, shareOf, startShardLeases } from "@slipstream/actor/shardLeases";
import { startNats } from "@slipstream/testkit/nats";
import { until } from "@slipstream/testkit/until";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { clock, connectTo, freshLog, logger } from "./rig.ts";

const shards = Array.from({ length: 12 }, (_, at) => String(at).padStart(2, "0"));

let nats: Awaited<ReturnType<typeof startNats>>;
let bus: Bus;
const replicas = new Set<Replica>();
beforeAll(async () => {
  nats = await startNats();
  bus = await connectTo(nats.url);
});
beforeEach(() => freshLog(bus));
afterEach(async () => {
  for (const replica of replicas) await replica.leave();
});
afterAll(async () => {
  await bus.nc.close();
  await nats.stop();
});

type Replica = {
  readonly held: Map<string, number>;
  readonly yielded: string[];
  readonly leases: ShardLeases;
  leave(): Promise<void>;
  /** As a process that is killed: nothing more is renewed, nothing is freed. */
  die(): Promise<void>;
};

async function join(
  instance: string,
  fences: Map<string, number[]>,
  finish: (shard: string) => Promise<void> = () => Promise.resolve(),
): Promise<Replica> {
  const own = await connectTo(nats.url, instance);
  const held = new Map<string, number>();
  const yielded: string[] = [];
  const leases = startShardLeases({
    bus: own,
    logger,
    bucket: "leases_fast",
    prefix: "test",
    shards,
    instance,
    boot: instance,
    steadyMs: clock.steadyMs,
    onGained: (shard, fence) => {
      held.set(shard, fence);
      fences.set(shard, [...(fences.get(shard) ?? []), fence]);
    },
    onLost: (shard) => void held.delete(shard),
    beforeYield: (shard) => {
      yielded.push(shard);
      return finish(shard);
    },
  });
  const replica: Replica = {
    held,
    yielded,
    leases,
    leave: async () => {
      replicas.delete(replica);
      await leases.release();
      await own.nc.close();
    },
    die: async () => {
      replicas.delete(replica);
      await own.nc.close();
    },
  };
  replicas.add(replica);
  return replica;
}

const sizes = (...of: readonly Replica[]): number[] => of.map(({ held }) => held.size);
/** Of a shard that is not held: never. */
const deadlineOr = ({ held, leases }: Replica, shard: string): number =>
  held.has(shard) ? leases.deadlineMs(shard) : Number.POSITIVE_INFINITY;
const all = (...of: readonly Replica[]): string[] => of.flatMap(({ held }) => [...held.keys()]).sort();

test("one replica has all; a second gets half of them, handed over and not torn away; who leaves gives his back", async () => {
  const fences = new Map<string, number[]>();
  const one = await join("one", fences);
  await until(() => one.held.size === shards.length, { what: "one has all" });
  const two = await join("two", fences);
  await until(() => two.held.size === 6 && one.held.size === 6, { what: "half each" });
  expect(all(one, two)).toEqual(shards);
  expect(one.yielded).toHaveLength(6);
  await two.leave();
  await until(() => one.held.size === shards.length, { what: "all again" });
  for (const of of fences.values()) expect(of).toEqual([...of].sort((a, b) => a - b));
});

test("a hand-over that takes longer than a lease costs none of the others, and what was finished goes at once", async () => {
  const fences = new Map<string, number[]>();
  let finishOne: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => {
    finishOne = resolve;
  });
  let slowShard = "";
  const one = await join("one", fences, (shard) => {
    slowShard ||= shard;
    return shard === slowShard ? slow : Promise.resolve();
  });
  await until(() => one.held.size === shards.length, { what: "one has all" });
  const first = new Map(one.held);
  const two = await join("two", fences);
  await until(() => two.held.size === 5, { what: "all but the slow one" });
  // All that is left is renewed for longer than a lease lives without it.
  const sinceMs = clock.steadyMs();
  const renewedTo = (): number => Math.min(...[...first.keys()].map((shard) => deadlineOr(one, shard)));
  await until(() => renewedTo() > sinceMs + 7_000, { what: "renewals" });
  expect(one.held.size).toBe(7);
  expect([...one.held].every(([shard, fence]) => first.get(shard) === fence)).toBe(true);
  finishOne();
  await until(() => two.held.size === 6 && one.held.size === 6, { what: "half each" });
  expect(all(one, two)).toEqual(shards);
});

test("of three replicas one dies without a word: the others share what it had, each shard under a higher fence", async () => {
  const fences = new Map<string, number[]>();
  const [one, two, three] = [await join("a", fences), await join("b", fences), await join("c", fences)];
  await until(() => sizes(one, two, three).every((size) => size === 4), { what: "a third each" });
  const lost = [...two.held];
  await two.die();
  await until(() => sizes(one, three).every((size) => size === 6), { what: "half each" });
  expect(all(one, three)).toEqual(shards);
  for (const [shard, fence] of lost) expect(fences.get(shard)?.at(-1)).toBeGreaterThan(fence);
});

test("who shares shards leaves nothing behind on the server, however often members are read", async () => {
  const one = await join("one", new Map());
  const two = await join("two", new Map());
  const read = async () => (await bus.jsm.streams.info("KV_leases_fast")).state;
  const { last_seq: before } = await read();
  // Each step of both writes its member key and reads all members.
  await until(async () => (await read()).last_seq > before + 60, { what: "renewals" });
  expect((await read()).consumer_count).toBe(0);
  await two.leave();
  await until(() => one.held.size === shards.length, { what: "all of them, as the mark of who left is no member" });
  expect((await read()).consumer_count).toBe(0);
});

test.each([
  [64, ["a"], "a", 64],
  [64, ["a", "b", "c"], "a", 22],
  [64, ["c", "a", "b"], "c", 21],
  [64, ["a", "b"], "c", 21],
  [2, ["a", "b", "c"], "c", 0],
])("%i shards, members %j: %s holds %i", (count, members, instance, share) => {
  expect(shareOf(count, members, instance)).toBe(share);
});
