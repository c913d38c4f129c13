import type { Bus } from "@slipstream/actor/bus";
import { provision } from "@slipstream/actor/provision";
import { startingPoint } from "@slipstream/actor/recovery";
import { encodeState } from "@slipstream/contracts/json";
import { buckets, streams } from "@slipstream/contracts/subjects";
import { recordedFacts } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { describe, expect, test } from "vitest";
import { jobFact, jobsCore } from "./jobs.ts";
import {
  append,
  done,
  expectPerformed,
  type JobsActor,
  type JobsOptions,
  logger,
  startJobs,
  withFreshLogs,
} from "./rig.ts";

let bus: Bus;
withFreshLogs((opened) => {
  ({ bus } = opened);
});

const running: JobsActor[] = [];
const start = async (options: Partial<JobsOptions> = {}): Promise<JobsActor> => {
  const actor = await startJobs({ bus, ...options });
  running.push(actor);
  return actor;
};
const stopAll = async (): Promise<void> => {
  await Promise.all(running.splice(0).map((actor) => actor.drain()));
};

describe("a live owner", () => {
  test("decides each fact once, writes what it used of the view, performs after the fact is in the log", async () => {
    const actor = await start();
    await append(bus, jobFact(1), jobFact(2));
    await done(actor, 2);
    expect(actor.effects).toEqual(["a.1", "a.2"]);
    expect(actor.state().total.get("a" as never)).toBe(14n);
    const facts = await recordedFacts(bus);
    expect(facts.map(({ fact }) => fact.type).filter((type) => type === "AccountFunded")).toHaveLength(2);
    const fence = actor.status().fence ?? 0;
    expect(fence).toBeGreaterThan(0);
    for (const { fact, fence: written } of facts) {
      expect(written).toBe(fact.type === "ConfigChanged" ? 0 : fence);
    }
    await stopAll();
  });

  test("keeps many jobs of one chain in order and each of them once", async () => {
    const actor = await start();
    await Promise.all(Array.from({ length: 200 }, (_, i) => append(bus, jobFact(i + 1))));
    await done(actor, 200);
    expectPerformed(actor, 200);
    expect(actor.status()).toMatchObject({ role: "owner", ready: true, lagging: false, problems: [] });
    await stopAll();
  });
});

describe("recovery", () => {
  test("folds and never decides again: the same state without the view that the decisions used", async () => {
    const first = await start();
    await append(bus, jobFact(1), jobFact(2), jobFact(3));
    await done(first, 3);
    await stopAll();
    const before = encodeState(first.state());
    await purgeSnapshots();
    const second = await start({
      view: () => ({
        get bonus(): number {
          throw new Error("the view must not be asked");
        },
      }),
    });
    await until(() => second.status().role === "owner", { what: "ownership" });
    expect(encodeState(second.state())).toBe(before);
    expect(second.effects).toEqual([]);
    expect(second.fatal).toEqual([]);
    await stopAll();
  });

  test("starts from the snapshot when the log no longer has its beginning, and refuses without one", async () => {
    const first = await start();
    await append(bus, ...Array.from({ length: 20 }, (_, i) => jobFact(i + 1)));
    await done(first, 20);
    await stopAll();
    const before = encodeState(first.state());
    const { state } = await bus.jsm.streams.info(streams.facts);
    await bus.jsm.streams.purge(streams.facts, { seq: state.last_seq });

    const second = await start();
    expect(encodeState(second.state())).toBe(before);
    await append(bus, jobFact(21));
    await done(second, 21);
    await stopAll();

    await purgeSnapshots();
    await expect(start()).rejects.toMatchObject({ code: "SNAPSHOT_UNREADABLE" });
  });

  test("splits a large state into parts, keeps only the newest, and reads them back", async () => {
    const first = await start();
    const filler = "x".repeat(600_000);
    await append(bus, jobFact(1));
    await done(first, 1);
    first.state().jobs.set("filler", { account: filler as never, n: 0 });
    first.state().intents.set("filler", { account: filler as never, n: 0 });
    first.state().done.add("filler");
    await first.save();
    await append(bus, jobFact(2));
    await done(first, 3);
    await first.save();
    const info = await bus.jsm.streams.info(`KV_${buckets.state("inventory")}`, { subjects_filter: ">" });
    const keys = Object.keys(info.state.subjects ?? {});
    expect(keys.filter((key) => key.endsWith(".manifest"))).toHaveLength(1);
    expect(new Set(keys.filter((key) => !key.endsWith(".manifest")).map((key) => key.split(".")[3])).size).toBe(1);
    expect(keys.length).toBeGreaterThan(8);
    await stopAll();
    const second = await start();
    expect(second.state().jobs.get("filler")?.account).toBe(filler);
    await stopAll();
  });

  test("folds the whole log when the snapshot is of another version of the state", async () => {
    const first = await start();
    await append(bus, jobFact(1));
    await done(first, 1);
    first.state().total.set("a" as never, 999n);
    await stopAll();
    const second = await start({ core: { ...jobsCore, stateVersion: 2 } });
    expect(second.state().total.get("a" as never)).toBe(7n);
    await stopAll();
  });

  test("decides afresh what is open: a job without intent and an intent without outcome", async () => {
    const first = await start({ perform: () => Promise.resolve(null) });
    await append(bus, jobFact(1));
    await until(() => first.state().intents.size === 1, { what: "the intent" });
    await stopAll();
    await append(bus, jobFact(2));
    const second = await start({ view: () => ({ bonus: 5 }) });
    await done(second, 2);
    expect(second.effects.sort()).toEqual(["a.1", "a.2"]);
    expect(second.state().total.get("a" as never)).toBe(12n);
    await stopAll();
  });
});

describe("the stream's identity", () => {
  test("a snapshot of another log refuses the start and says how to recover", async () => {
    const first = await start();
    await append(bus, jobFact(1));
    await done(first, 1);
    await stopAll();
    await bus.jsm.streams.delete(streams.facts);
    await provision(bus.jsm);
    await expect(start()).rejects.toMatchObject({
      code: "STREAM_IDENTITY_CHANGED",
      message: expect.stringContaining("bring back the store"),
    });
  });

  test("a snapshot beyond the end of the log refuses the start", async () => {
    const first = await start();
    await append(bus, jobFact(1));
    await done(first, 1);
    await first.save();
    const kv = await bus.kvm.open(buckets.state("inventory"));
    const manifest = await kv.get("jobs.manifest");
    const text = JSON.stringify({ ...manifest?.json<object>(), lastApplied: 1_000 });
    await first.drain();
    await kv.put("jobs.manifest", text);
    await expect(start()).rejects.toMatchObject({ code: "STREAM_IDENTITY_CHANGED" });
    running.splice(0);
  });
});

async function purgeSnapshots(): Promise<void> {
  await bus.jsm.streams.purge(`KV_${buckets.state("inventory")}`);
}

test("a snapshot that an owner beside us saves while we start is not ahead of the log", async () => {
  await append(bus, jobFact(1));
  const { created } = await bus.jsm.streams.info(streams.facts);
  const read = async () => {
    const lastApplied = await append(bus, jobFact(2));
    return { kind: "snapshot", snapshot: { created, lastApplied, state: 1, tails: new Map() } } as const;
  };
  const store = { read, write: () => Promise.reject(new Error("nothing is to be saved")) };
  const start = await startingPoint({ bus, logger, store }, { initial: () => 0, name: "jobs" });
  expect(start).toMatchObject({ created, lastApplied: 2, state: 1 });
});
