/** The log as it grows: what has been told, who owns what, how far the shards have come. */
import { DeliverPolicy } from "@nats-io/jetstream";
import type { Bus } from "@slipstream/actor/bus";
import { type Fact, readFact } from "@slipstream/contracts/facts";
import { type LeaderFillId, shardOf } from "@slipstream/contracts/ids";
import { ALL_SHARDS, streams } from "@slipstream/contracts/subjects";
import { until } from "@slipstream/testkit/until";

export type StoredFact = { readonly fact: Fact; readonly storedMs: number };

export type Log = {
  /** Everything so far, in its order; `storedMs` by the clock of the bus. */
  readonly stored: readonly StoredFact[];
  /** Leaders who are followed. */
  joined(): number;
  /** The lowest cursor of all shards with a leader who is followed. */
  cursor(): number;
  /** Fills that the chain has yet to show, or that are to be retracted. */
  open(): number;
  /** Resolves when everything that is in the log now has been read. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
};

export async function followFaultLog(bus: Bus): Promise<Log> {
  const stored: StoredFact[] = [];
  const shards = new Map<string, number>();
  const leaders = new Set<string>();
  const open = new Set<LeaderFillId>();
  let lastSeq = 0;
  const apply = (fact: Fact): void => {
    if (fact.type === "LeaderJoined") {
      leaders.add(fact.leader);
      if (!shards.has(shardOf(fact.leader))) shards.set(shardOf(fact.leader), 0);
    }
    if (fact.type === "ChainProgress" && fact.shard !== ALL_SHARDS) shards.set(fact.shard, fact.cursor);
    if (fact.type === "LeaderFillReverted") open.add(fact.leaderFillId);
    if (fact.type === "LeaderFillRetracted") open.delete(fact.leaderFillId);
    if (fact.type !== "LeaderFill") return;
    if (fact.blockNumber === null) open.add(fact.leaderFillId);
    else open.delete(fact.leaderFillId);
  };
  const consumer = await bus.js.consumers.get(streams.facts, { deliver_policy: DeliverPolicy.All });
  const messages = await consumer.consume({
    max_messages: 1_000,
    callback: (message) => {
      lastSeq = message.seq;
      const reading = readFact(message.string());
      if (reading.kind !== "fact") return;
      stored.push({ fact: reading.fact, storedMs: Number(message.timestampNanos / 1_000_000n) });
      apply(reading.fact);
    },
  });
  return {
    stored,
    joined: () => leaders.size,
    cursor: () => (shards.size === 0 ? 0 : Math.min(...shards.values())),
    open: () => open.size,
    caughtUp: async () => {
      const { state } = await bus.jsm.streams.info(streams.facts);
      await until(() => lastSeq >= state.last_seq, { what: "the end of the log" });
    },
    stop: async () => {
      await messages.close();
    },
  };
}
