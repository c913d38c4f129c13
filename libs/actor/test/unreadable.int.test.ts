import { headers } from "@nats-io/transport-node";
import type { Bus } from "@slipstream/actor/bus";
import { type Fact, writeFact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { buckets, streams, subjects } from "@slipstream/contracts/subjects";
import { until } from "@slipstream/testkit/until";
import { describe, expect, test } from "vitest";
import { accountA, funded, jobFact, jobsCore } from "./jobs.ts";
import { append, appendRaw, done, freshLog, type JobsActor, owner, startJobs, withFreshLogs } from "./rig.ts";

let bus: Bus;
withFreshLogs((opened) => {
  ({ bus } = opened);
});

/** Folds the same facts as another service, and writes nothing. */
const onlooker = { ...jobsCore, service: "risk" as const, route: () => [], owed: () => [], chains: () => [] };

describe("an unreadable fact", () => {
  test("of a folded type stops the actor there, is copied to the dead letters, and passes by a SkipFact", async () => {
    const actor = await startJobs({ bus });
    await append(bus, jobFact(1));
    await done(actor, 1);
    const seq = await appendRaw(bus, subjects.control("config"), "ConfigChanged/1", '{"type":"ConfigChanged","v":1}');
    await append(bus, jobFact(2));
    await until(() => actor.status().problems.length > 0, { what: "the problem" });
    expect(actor.status()).toMatchObject({ lastSeq: seq - 1, lagging: true });
    expect(actor.status().problems[0]).toContain(`skip ${seq} --why`);
    const letter = await until(
      () => bus.jsm.streams.getMessage(streams.dlq, { last_by_subj: subjects.deadLetter("inventory") }),
      { what: "the dead letter" },
    );
    expect([letter.string(), letter.header.get("x-seq")]).toEqual(['{"type":"ConfigChanged","v":1}', String(seq)]);

    const second = await startJobs({ bus, instance: "two" });
    expect(second.status()).toMatchObject({ role: "recovering", lastSeq: seq - 1 });
    await append(bus, skip(seq - 1), skip(seq));
    await done(actor, 2);
    expect(actor.status().problems).toEqual([]);
    await until(() => second.status().role === "standby", { what: "the standby to pass it too" });
    await second.drain();
    await actor.drain();
  });

  test("that two services cannot read passes for both by one SkipFact", async () => {
    const actors = await Promise.all([
      startJobs({ bus }),
      startJobs({ bus, core: onlooker, lease: { bucket: "leases_fast", key: "others" } }),
    ]);
    const seq = await appendRaw(bus, subjects.control("config"), "ConfigChanged/1", "{}");
    await append(bus, jobFact(1));
    for (const actor of actors) await until(() => actor.status().problems.length > 0, { what: "the problem" });
    await append(bus, skip(seq));
    for (const actor of actors) await until(() => actor.state().jobs.size === 1, { what: "the job behind it" });
    await Promise.all(actors.map((actor) => actor.drain()));
  });

  test("of other types, known or not, passes by", async () => {
    const actor = await startJobs({ bus });
    await appendRaw(bus, subjects.risk("global"), "RiskDecision/1", "{");
    await appendRaw(bus, subjects.risk("global"), null, '{"type":"RiskDecision","v":1}');
    await appendRaw(bus, subjects.risk("global"), "NotYetInvented/1", "{}");
    await append(bus, jobFact(1));
    await done(actor, 1);
    await actor.drain();
  });

  test("stops also on the wrong chain, in an unknown major version, and when it tells no type", async () => {
    const good = JSON.stringify({ ...jobFact(1), value: null });
    const cases: [string, string | null, string][] = [
      [subjects.control("skip"), "ConfigChanged/1", good],
      [subjects.control("config"), "ConfigChanged/2", good.replace('"v":1', '"v":2')],
      [subjects.risk("global"), null, "not JSON"],
    ];
    for (const [subject, schema, text] of cases) {
      await freshLog(bus);
      const actor = await startJobs({ bus });
      await appendRaw(bus, subject, schema, text);
      await until(() => actor.status().problems.length > 0, { what: "the problem" });
      expect(actor.status().lastSeq).toBeLessThan((await bus.jsm.streams.info(streams.facts)).state.last_seq);
      await actor.drain();
    }
  });
});

const skip = (seq: number) =>
  ({
    type: "SkipFact",
    v: 1,
    id: factId("SkipFact", `${seq}`),
    tsEventMs: 1,
    tsInitMs: 1,
    seq,
    who: "test",
    why: "broken on purpose",
  }) as const;

const purgeState = () => bus.jsm.streams.purge(`KV_${buckets.state("inventory")}`);

describe("what no service can have written", () => {
  const chain = subjects.position(accountA);
  const forged = (n: number): Fact => funded(n, 1_000_000);
  const forge = async (fence: string, fact: Fact): Promise<number> => {
    const about = headers();
    about.set("x-fence", fence);
    return (await bus.js.publish(chain, writeFact(fact), { headers: about, msgID: fact.id })).seq;
  };
  const revision = async (): Promise<number> => (await bus.jsm.streams.info("KV_leases_fast")).state.last_seq;
  const standby = (actor: JobsActor) => until(() => actor.status().role === "standby", { what: "a standby" });

  test.each([
    ["far above the lease's", String(Number.MAX_SAFE_INTEGER)],
    ["too large for a number", "99999999999999999999"],
    ["endless", "1e400"],
    ["no number", "the newest"],
    ["negative", "-5"],
  ])("a fence %s is refused by every reader, told once, and stops nobody", async (_name, fence) => {
    const actor = await startJobs({ bus });
    const second = await startJobs({ bus, instance: "two" });
    const other = await startJobs({
      ...{ bus, core: onlooker },
      lease: { bucket: "leases_fast", key: "others" },
    });
    await owner(actor);
    await append(bus, jobFact(1));
    await done(actor, 1);
    const seq = await forge(fence, forged(77));
    await append(bus, jobFact(2));
    await done(actor, 2);
    for (const one of [actor, second]) {
      await until(() => one.state().done.size === 2, { what: "both jobs" });
      expect(one.state().total.get(accountA)).toBe(14n);
      expect(one.status().problems).toEqual([
        expect.stringContaining(`passed over: fact ${seq} on ${chain} has the fence`),
      ]);
    }
    // Told by the service whose chain it is, and by no other.
    await until(() => other.state().done.size === 2, { what: "the other service" });
    expect(other.status().problems).toEqual([]);
    expect(actor.status().role).toBe("owner");
    expect(actor.fatal).toEqual([]);
    // Who has seen it says so; nothing depended on it.
    await append(bus, skip(seq));
    await until(() => actor.status().problems.length === 0, { what: "an end of the notice" });
    await Promise.all([actor, second, other].map((one) => one.drain()));
  });

  test("it stays refused for who folds the log later, when the lease has come that far", async () => {
    const actor = await startJobs({ bus });
    await owner(actor);
    const fence = (await revision()) + 5;
    await forge(String(fence), forged(77));
    await append(bus, jobFact(1));
    await done(actor, 1);
    await until(async () => (await revision()) > fence, { what: "a lease beyond the fence" });
    await purgeState();
    const later = await startJobs({ bus, instance: "two" });
    await standby(later);
    expect(later.state().total.get(accountA)).toBe(7n);
    await actor.drain();
    await owner(later);
    await append(bus, jobFact(2));
    await done(later, 2);
    await later.drain();
  });

  test("a chain that ends with it belongs to its writer after a restart, too", async () => {
    const first = await startJobs({ bus });
    await owner(first);
    await append(bus, jobFact(1));
    await done(first, 1);
    await forge("888888888", forged(77));
    await first.drain();
    const again = await startJobs({ bus });
    await owner(again);
    await append(bus, jobFact(2));
    await done(again, 2);
    expect(again.fatal).toEqual([]);
    await again.drain();
  });

  test("it takes no id away: what has the id of a fact to come is told all the same", async () => {
    const actor = await startJobs({ bus });
    await owner(actor);
    await forge("888888888", forged(1));
    await append(bus, jobFact(1));
    await done(actor, 1);
    expect(actor.state().total.get(accountA)).toBe(7n);
    expect(actor.fatal).toEqual([]);
    await actor.drain();
  });

  test("a saved state with such a fence is replaced, and takes no lease away", async () => {
    const actor = await startJobs({ bus });
    await owner(actor);
    await append(bus, jobFact(1));
    await done(actor, 1);
    await actor.save();
    const kv = await bus.kvm.open(buckets.state("inventory"));
    const manifest = (await kv.get("jobs.manifest"))?.json<object>();
    await kv.put("jobs.manifest", JSON.stringify({ ...manifest, fence: 888_888_888 }));
    await append(bus, jobFact(2));
    await done(actor, 2);
    await actor.save();
    expect((await kv.get("jobs.manifest"))?.json<{ fence: number }>().fence).toBe(actor.status().fence);
    expect(actor.status().role).toBe("owner");
    await actor.drain();
  });

  test("what lies on a subject that no fact has is passed over by all and told by one", async () => {
    const actor = await startJobs({ bus });
    const teller = await startJobs({
      ...{ bus, core: onlooker },
      lease: { bucket: "leases_fast", key: "others" },
    });
    for (const subject of ["evt.junk", "evt.exec.v1.99.paper", "evt.control.v1.moon"]) {
      await appendRaw(bus, subject, "ConfigChanged/1", "not JSON");
      await appendRaw(bus, subject, null, JSON.stringify(jobFact(9)));
    }
    await append(bus, jobFact(1));
    await done(actor, 1);
    await until(() => teller.state().done.size === 1, { what: "the other service" });
    expect(actor.state().jobs.size).toBe(1);
    expect(actor.status().problems).toEqual([]);
    expect(teller.status().problems).toEqual([
      expect.stringMatching(
        /^passed over: fact \d+ on evt.control.v1.moon lies on a subject that no fact has, and 5 others/,
      ),
    ]);
    await Promise.all([actor.drain(), teller.drain()]);
  });
});
