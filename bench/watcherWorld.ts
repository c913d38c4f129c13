/** What benchmarks of chain-watcher share: a bus, a provider over a generated chain, watchers in processes of their own. */
import { fileURLToPath } from "node:url";
import { DeliverPolicy } from "@nats-io/jetstream";
import { pino } from "pino";
import { type Bus, connectBus } from "../libs/actor/src/bus.ts";
import type { RunningProcess } from "../libs/actor/src/process.ts";
import { provision } from "../libs/actor/src/provision.ts";
import { type Fact, readFact, writeFact } from "../libs/contracts/src/facts.ts";
import { type Address, factId } from "../libs/contracts/src/ids.ts";
import type { FollowFrom } from "../libs/contracts/src/policy.ts";
import { streams, subjectOf } from "../libs/contracts/src/subjects.ts";
import { startNats, type TestNats } from "../libs/testkit/src/nats.ts";
import { startCounted } from "../libs/testkit/src/processes.ts";
import type { GeneratedNode } from "../services/chain-watcher/test/generatedNode.ts";
import type { Report } from "./watcherChild.ts";

export type World = { readonly nats: TestNats; readonly bus: Bus; stop(): Promise<void> };

export async function startWorld(): Promise<World> {
  const nats = await startNats();
  const bus = await connectBus({ url: nats.url, name: "bench", logger: pino({ level: "silent" }) });
  await provision(bus.jsm);
  return {
    nats,
    bus,
    stop: async () => {
      await bus.drain();
      await nats.stop();
    },
  };
}

/** Writes that the leaders are followed. */
export async function follow(bus: Bus, leaders: readonly Address[], from: FollowFrom): Promise<void> {
  const WAITING_MAX = 100;
  for (let at = 0; at < leaders.length; at += WAITING_MAX) {
    await Promise.all(
      leaders.slice(at, at + WAITING_MAX).map((leader) => {
        const fact: Fact = {
          type: "ConfigChanged",
          v: 1,
          id: factId("ConfigChanged", `leaders.${leader}`, 1),
          key: `leaders.${leader}`,
          revision: 1,
          value: { leader, enabled: true, follow: from },
          tsEventMs: 1,
          tsInitMs: 1,
        };
        return bus.js.publish(subjectOf(fact), writeFact(fact), { msgID: fact.id });
      }),
    );
  }
}

export type Watcher = {
  readonly process: RunningProcess;
  /** @param collect - after a collection of its garbage, which stops it for some milliseconds. */
  report(collect?: boolean): Promise<Report>;
};

export async function startWatcher(
  { nats }: World,
  node: GeneratedNode,
  env: Readonly<Record<string, string>> = {},
): Promise<Watcher> {
  const process_ = await startCounted({
    name: "chain-watcher",
    command: process.execPath,
    args: [fileURLToPath(new URL("./watcherChild.ts", import.meta.url))],
    ipc: true,
    env: {
      ...process.env,
      NATS_URL: nats.url,
      POLYGON_HTTP_URL: node.httpUrl,
      POLYGON_WS_URL: node.wsUrl,
      LOG_LEVEL: "fatal",
      INSTANCE: "one",
      ...env,
    },
  });
  const { child } = process_;
  return {
    process: process_,
    report: (collect = false) =>
      new Promise((resolve, reject) => {
        child.once("message", (report) => resolve(report as Report));
        void process_.exited.then(() => reject(new Error(`the watcher has ended:\n${process_.outputTail()}`)));
        child.send({ collect });
      }),
  };
}

/** Every fact of the log up to its end now. */
export async function eachFact(bus: Bus, take: (fact: Fact) => void): Promise<void> {
  const { state } = await bus.jsm.streams.info(streams.facts);
  if (state.messages === 0) return;
  const consumer = await bus.js.consumers.get(streams.facts, { deliver_policy: DeliverPolicy.All });
  for await (const message of await consumer.consume({ max_messages: 1_000 })) {
    const reading = readFact(message.string());
    if (reading.kind === "fact") take(reading.fact);
    if (message.seq >= state.last_seq) break;
  }
}

/** Value at a part of the sorted ones. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}
