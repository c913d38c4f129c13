import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ask } from "@slipstream/actor/ask";
import type { Bus } from "@slipstream/actor/bus";
import { exactClockText, MACHINE_CLOCK } from "@slipstream/actor/clock";
import { freePort, type RunningProcess } from "@slipstream/actor/process";
import { provision } from "@slipstream/actor/provision";
import { Heartbeat } from "@slipstream/contracts/live";
import { buckets, streams, subjects } from "@slipstream/contracts/subjects";
import type { TestNats } from "@slipstream/testkit/nats";
import { makeFolder, removeFolder, startCounted } from "@slipstream/testkit/processes";
import { recordedFacts } from "@slipstream/testkit/testBus";
import { HANGING_MS, until } from "@slipstream/testkit/until";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { jobFact } from "./jobs.ts";
import { append, startJobs, withFreshLogs } from "./rig.ts";

let nats: TestNats;
let bus: Bus;
let folder: string;
const children = new Set<RunningProcess>();
withFreshLogs((opened) => {
  ({ nats, bus } = opened);
});
beforeEach(() => {
  folder = makeFolder("actor");
});
afterEach(async () => {
  await Promise.all([...children].map((child) => child.kill9()));
  children.clear();
  removeFolder(folder);
});

const startChild = async (env: Record<string, string> = {}, ipc = false): Promise<RunningProcess> => {
  const child = await startCounted({
    name: "jobs service",
    command: process.execPath,
    args: [fileURLToPath(new URL("./jobsService/main.ts", import.meta.url))],
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      NATS_URL: nats.url,
      // The world is on this machine.
      SLIPSTREAM_CLOCK: exactClockText(MACHINE_CLOCK),
      EFFECTS_FILE: join(folder, "effects"),
      LOG_LEVEL: "warn",
      SHUTDOWN_GRACE_MS: "60000",
      ...env,
    },
    ipc,
  });
  children.add(child);
  return child;
};
/** Where a child looks that holds its job, and how it may go on. */
const held = (): string => join(folder, "release");
const release = (): void => writeFileSync(held(), "");
/** Keys of leases live until they are freed from now on, however long the rest takes. */
const keepLeases = () => bus.jsm.streams.update(`KV_${buckets.leasesFast}`, { max_age: 0 });
const effects = (): string[] => {
  const file = join(folder, "effects");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").sort() : [];
};
const idsOf = async (type: string): Promise<string[]> =>
  (await recordedFacts(bus)).map(({ fact }) => fact).flatMap((fact) => (fact.type === type ? [fact.id as string] : []));
const inLog = (type: string, count: number) =>
  until(async () => (await idsOf(type)).length >= count, { what: `${count} facts ${type}` });
const expectOnce = async (jobs: number): Promise<void> => {
  for (const type of ["AccountFunded", "ForceReconciled"]) {
    const ids = await idsOf(type);
    expect(new Set(ids).size, `${type} doubled`).toBe(ids.length);
    expect(ids).toHaveLength(jobs);
  }
  expect(effects()).toEqual(Array.from({ length: jobs }, (_, i) => `a.${i + 1}`).sort());
};

test("a service makes no stream: without a provisioner it waits, says so, and begins when all is there", async () => {
  for (const { config } of await bus.jsm.streams.list().next()) await bus.jsm.streams.delete(config.name);
  const child = await startChild();
  await until(() => child.outputTail().includes("waiting for the provisioner"), { what: "the notice" });
  expect(await bus.jsm.streams.list().next()).toEqual([]);
  await provision(bus.jsm);
  await append(bus, jobFact(1));
  await inLog("ForceReconciled", 1);
});

describe("kill -9", () => {
  test.each(["intent", "effect"])("after the %s of a job, the next process finishes that job once", async (dieAt) => {
    const first = await startChild({ DIE_AT: dieAt, DIE_JOB: "2" });
    await append(bus, jobFact(1), jobFact(2), jobFact(3));
    expect(await first.exited).toMatchObject({ signal: "SIGKILL" });
    expect(effects().includes("a.2")).toBe(dieAt === "effect");
    expect(await idsOf("ForceReconciled")).not.toContain("ForceReconciled:a.2:0");
    await startChild();
    await inLog("ForceReconciled", 3);
    await expectOnce(3);
  });

  test("between facts and their snapshot: what was saved is used, what came after is folded", async () => {
    const first = await startChild({ SAVE_EVERY_FACTS: "5" });
    await append(bus, jobFact(1), jobFact(2), jobFact(3));
    await inLog("ForceReconciled", 3);
    const kv = await bus.kvm.open(buckets.state("inventory"));
    await until(() => kv.get("jobs.manifest"), { what: "a snapshot" });
    await append(bus, jobFact(4));
    await inLog("ForceReconciled", 4);
    await first.kill9();
    // With its beginning gone the log alone is not enough: the snapshot has to be used.
    await bus.jsm.streams.purge(streams.facts, { seq: 2 });
    await append(bus, jobFact(5));
    await startChild();
    await inLog("ForceReconciled", 5);
    await expectOnce(5);
  });

  test("at any moment, again and again", async () => {
    let jobs = 0;
    for (let round = 0; round < 5; round += 1) {
      const child = await startChild({ SAVE_EVERY_FACTS: "4" });
      // Killed at another point of its work each time, the first times even before it owns anything.
      const target = jobs + round;
      await append(bus, ...Array.from({ length: 6 }, (_, i) => jobFact(jobs + i + 1)));
      jobs += 6;
      await inLog("AccountFunded", target);
      await child.kill9();
    }
    await startChild();
    await inLog("ForceReconciled", jobs);
    await expectOnce(jobs);
  });
});

describe("two processes", () => {
  test("a standby takes over from a frozen owner, whose late answer changes nothing", async () => {
    const frozen = await startChild({ INSTANCE: "a", HOLD_FILE: held() });
    await append(bus, jobFact(1));
    await inLog("AccountFunded", 1);
    frozen.child.kill("SIGSTOP");
    const standby = await startJobs({ bus, instance: "b" });
    expect(standby.status().role).toBe("standby");
    await until(() => standby.status().role === "owner", { what: "the take-over" });
    await append(bus, jobFact(2));
    await until(() => standby.state().done.size === 2, { what: "both jobs" });
    release();
    frozen.child.kill("SIGCONT");
    // It had the answer to job 1 in hand; now it learns that it is no longer the owner.
    const woken = await heartbeat("a", (beat) => beat.role === "standby");
    expect(woken.problems).toEqual([]);
    await append(bus, jobFact(3));
    await until(() => standby.state().done.size === 3, { what: "the third job" });
    const facts = await recordedFacts(bus);
    const tenures = facts.flatMap(({ fact }, at) => (fact.type === "OwnerChanged" ? [{ at, fence: fact.fence }] : []));
    expect(tenures.length).toBeGreaterThan(1);
    // From a take-over on nothing more is written under an earlier fence; facts of others have none.
    for (const { at, fence } of tenures) {
      expect(facts.slice(at).filter(({ fence: by }) => by !== 0 && by < fence)).toEqual([]);
    }
    expect(new Set(facts.map(({ fact }) => fact.id)).size).toBe(facts.length);

    await standby.drain();
    await append(bus, jobFact(4));
    await inLog("ForceReconciled", 4);
    expect((await recordedFacts(bus)).at(-1)?.fence).toBeGreaterThan(tenures.at(-1)?.fence ?? 0);
  });

  test("an owner of the same name takes the dead one's lease though it lives, one of another name does not", async () => {
    const first = await startChild({ INSTANCE: "a" });
    await heartbeat("a", (beat) => beat.role === "owner");
    // The dead one's key does not run out here: waiting for its end would take for ever.
    await keepLeases();
    await first.kill9();
    const other = await startJobs({ bus, instance: "b" });
    const same = await startJobs({ bus, instance: "a" });
    await until(() => same.status().role === "owner", { what: "the one of the same name to own" });
    expect(other.status().role).toBe("standby");
    await other.drain();
    await same.drain();
  });
});

describe("the end of a process", () => {
  test.each(["SIGTERM", "SIGINT", "loss of its parent"])("by %s: finishes, saves, frees the lease", async (way) => {
    const hold = { HOLD_FILE: held(), LOG_LEVEL: "info" };
    const child = await startChild(hold, way === "loss of its parent");
    await append(bus, jobFact(1));
    await inLog("AccountFunded", 1);
    await keepLeases();
    if (way === "loss of its parent") child.child.disconnect();
    else child.child.kill(way as NodeJS.Signals);
    await until(() => child.outputTail().includes("draining"), { what: "the end to begin" });
    release();
    expect(await child.exited, child.outputTail()).toEqual({ code: 0, signal: null });
    await expectOnce(1);
    const leases = await bus.kvm.open(buckets.leasesFast);
    expect((await leases.get("jobs"))?.operation).toBe("DEL");
    const snapshots = await bus.kvm.open(buckets.state("inventory"));
    const { state } = await bus.jsm.streams.info(streams.facts);
    expect((await snapshots.get("jobs.manifest"))?.json()).toMatchObject({ lastApplied: state.last_seq });
  });

  test("wrong settings: exit 1 with the variable, the value and what is allowed", async () => {
    const child = await startChild({ INSTANCE: "Not Good", HEALTH_PORT: "x" });
    expect(await child.exited).toMatchObject({ code: 1 });
    expect(child.outputTail()).toContain("INSTANCE=Not Good: 1 to 40 of a-z 0-9 -");
    expect(child.outputTail()).toContain("HEALTH_PORT=x");
  });

  test("another log than its snapshot's: exit 1 and how to recover", async () => {
    const first = await startChild();
    await append(bus, jobFact(1));
    await inLog("ForceReconciled", 1);
    await first.terminate();
    await bus.jsm.streams.delete(streams.facts);
    await provision(bus.jsm);
    const second = await startChild();
    expect(await second.exited).toMatchObject({ code: 1 });
    expect(second.outputTail()).toContain("STREAM_IDENTITY_CHANGED");
    expect(second.outputTail()).toContain("bring back the store");
  });

  test("while it waits for a broker that is not there it can be ended", async () => {
    const child = await startChild({ NATS_URL: "nats://127.0.0.1:9", LOG_LEVEL: "info" });
    await until(() => child.outputTail().includes("connecting"), { what: "the process to run" });
    child.child.kill("SIGTERM");
    expect(await child.exited, child.outputTail()).toEqual({ code: 0, signal: null });
  });
});

describe("what a process shows", () => {
  test("heartbeat, readiness, metrics and answers", async () => {
    const port = await freePort();
    await startChild({ HEALTH_PORT: String(port), INSTANCE: "a" });
    await append(bus, jobFact(1));
    const beat = await heartbeat("a", ({ role, gauges }) => role === "owner" && gauges["jobsDone"] === 1);
    expect(beat).toMatchObject({ service: "inventory", ready: true, problems: [], factSeq: 4 });
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return [response.status, await response.text()];
    };
    expect(await get("/livez")).toEqual([200, "ok\n"]);
    expect(await get("/readyz")).toEqual([200, "owner\n"]);
    expect((await get("/metrics"))[1]).toContain('slipstream_jobs_done{service="inventory"} 1\n');
    const asked = { address: `0x${"a".repeat(40)}` as never, tokenIds: [] };
    expect(await ask(bus, "balance-sync", "now", asked, HANGING_MS)).toEqual({ ok: true, value: { blockNumber: 1 } });
    expect(await ask(bus, "registry", "resolve", { tokenId: "1" as never }, HANGING_MS)).toMatchObject({
      ok: false,
      code: "NO_RESPONDERS",
    });
  });
});

/** Waits for a heartbeat of an instance that is as wanted. */
async function heartbeat(instance: string, wanted: (beat: Heartbeat) => boolean): Promise<Heartbeat> {
  let found: Heartbeat | null = null;
  const subscription = bus.nc.subscribe(subjects.heartbeat("inventory", instance), {
    callback: (_error, message) => {
      const beat = Heartbeat.parse(message.json());
      if (found === null && wanted(beat)) found = beat;
    },
  });
  try {
    return await until(() => found, { what: `such a heartbeat of ${instance}` });
  } finally {
    subscription.unsubscribe();
  }
}
