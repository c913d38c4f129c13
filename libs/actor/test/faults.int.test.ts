import { rmSync } from "node:fs";
import type { Bus } from "@slipstream/actor/bus";
import { createOutbox } from "@slipstream/actor/outbox";
import type { Fact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { streams, subjects } from "@slipstream/contracts/subjects";
import { startNats, type TestNats } from "@slipstream/testkit/nats";
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { recordedFacts } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type AckEater, startAckEater } from "./ackEater.ts";
import { accountA, funded, jobFact } from "./jobs.ts";
import { append, clock, connectTo, done, expectPerformed, freshLog, logger, owner, startJobs } from "./rig.ts";

let nats: TestNats;
let bus: Bus;
let eater: AckEater;
let proxied: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectTo(nats.url);
  eater = await startAckEater(nats.port);
  proxied = await connectTo(eater.url, "behind the proxy");
});
afterAll(async () => {
  await Promise.all([bus.drain(), proxied.drain()]);
  await eater.stop();
  await nats.stop();
  await expectNoLeaks();
});
beforeEach(() => freshLog(bus));

const countsById = async (): Promise<number[]> => {
  const counts = new Map<string, number>();
  for (const { fact } of await recordedFacts(bus)) counts.set(fact.id, (counts.get(fact.id) ?? 0) + 1);
  return [...counts.values()];
};

describe("a lost acknowledgement", () => {
  test.each(["of the intent", "of every fact"])("%s does not double anything", async (which) => {
    const actor = await startJobs({ bus: proxied });
    await owner(actor);
    const before = eater.eaten();
    eater.eatNextAck();
    await append(bus, jobFact(1));
    await until(() => eater.eaten() > before, { what: "an eaten acknowledgement" });
    if (which === "of every fact") eater.eatNextAck();
    await done(actor, 1);
    expect(actor.effects).toEqual(["a.1"]);
    expect(new Set(await countsById())).toEqual(new Set([1]));
    expect(actor.fatal).toEqual([]);
    await actor.drain();
  });
});

test("a fact that cannot be written is left out with its effect, said, and everything else goes on", async () => {
  const bonuses = [-7, 7];
  const actor = await startJobs({ bus, view: () => ({ bonus: bonuses[0] ?? 7 }) });
  await owner(actor);
  await append(bus, jobFact(1));
  await until(() => actor.status().problems.some((text) => text.includes("could not be written")), { what: "it said" });
  bonuses.shift();
  await append(bus, jobFact(2));
  await done(actor, 1);
  expect(actor.effects).toEqual(["a.2"]);
  expect(actor.fatal).toEqual([]);
  await actor.drain();
});

test("a fact left behind because the lease had run out is decided again, also when the lease was held on to", async () => {
  let late = 0;
  const actor = await startJobs({ bus, clock: { ...clock, steadyMs: () => clock.steadyMs() + late } });
  await owner(actor);
  // Nothing may be written now, and nothing has noticed yet that the lease ran out.
  late = 60_000;
  await append(bus, jobFact(1));
  await until(() => actor.state().jobs.size === 1, { what: "the job" });
  late = 0;
  await done(actor, 1);
  expect(actor.effects).toEqual(["a.1"]);
  await actor.drain();
});

describe("the link and the broker", () => {
  test("a link that breaks again and again loses and doubles nothing", async () => {
    const actor = await startJobs({ bus: proxied });
    await owner(actor);
    for (let n = 1; n <= 60; n += 1) {
      await append(bus, jobFact(n));
      if (n % 15 === 0) eater.cut();
    }
    await done(actor, 60);
    expectPerformed(actor, 60);
    expect(new Set(await countsById())).toEqual(new Set([1]));
    await actor.drain();
  });

  test("a broker killed by -9 and started again is gone on with where it was", async () => {
    const actor = await startJobs({ bus });
    await owner(actor);
    await append(bus, ...Array.from({ length: 20 }, (_, i) => jobFact(i + 1)));
    await nats.kill9();
    await nats.restart();
    await append(bus, ...Array.from({ length: 20 }, (_, i) => jobFact(i + 21)));
    await done(actor, 40);
    expectPerformed(actor, 40);
    expect(new Set(await countsById())).toEqual(new Set([1]));
    expect(actor.status().problems).toEqual([]);
    await actor.drain();
  });

  test("a broker that comes back with another store is refused while running", async () => {
    const actor = await startJobs({ bus });
    await append(bus, jobFact(1));
    await done(actor, 1);
    await nats.kill9();
    rmSync(nats.storeDir, { recursive: true, force: true });
    await nats.restart();
    await freshLog(bus);
    await until(() => actor.fatal.length > 0, { what: "the refusal" });
    expect(actor.fatal[0]).toMatchObject({ code: "STREAM_IDENTITY_CHANGED" });
    await actor.drain();
  });
});

describe("the outbox on a chain with other writers", () => {
  const outboxOf = (fence: number, tails = new Map<string, { seq: number; fence: number }>()) =>
    createOutbox({
      bus,
      logger,
      source: "inventory/test",
      fence,
      tails,
      judge: { isPossible: () => Promise.resolve(true) },
      mayWrite: () => true,
      applied: () => Promise.resolve(),
    });
  test("a stale owner that wakes late is refused by the fence of the later one", async () => {
    const [stale, later] = [outboxOf(5), outboxOf(9)];
    await stale.publish(funded(1));
    expect(await later.publish(funded(2))).toEqual({ kind: "overtaken" });
    expect(await later.publish(funded(2))).toMatchObject({ kind: "stored" });
    await expect(stale.publish(funded(3))).rejects.toMatchObject({ code: "CHAIN_FENCED" });
    expect((await recordedFacts(bus)).map(({ fact }) => fact.id)).toEqual([
      "AccountFunded:a.1:0",
      "AccountFunded:a.2:0",
    ]);
  });

  test("a reader that has seen the higher fence stops a stale owner even with the right sequence", async () => {
    const { seq } = (await outboxOf(9).publish(funded(1))) as { seq: number };
    const tails = new Map([[subjects.position(accountA) as string, { seq, fence: 9 }]]);
    await expect(outboxOf(5, tails).publish(funded(2))).rejects.toMatchObject({ code: "CHAIN_FENCED" });
  });

  test("its own fact already in the log is a success, the same id with another content is not", async () => {
    const first = await outboxOf(5).publish(funded(1));
    expect(await outboxOf(5).publish(funded(1))).toEqual(first);
    await expect(outboxOf(5).publish(funded(1, 2))).rejects.toMatchObject({ code: "DUPLICATE_DIFFERS" });
  });

  test("what the owner before decided at the last moment is applied and decided upon, not taken for a bug", async () => {
    await outboxOf(5).publish(funded(1));
    const later = outboxOf(9);
    expect(await later.publish(funded(1, 2))).toEqual({ kind: "overtaken" });
    // Who decides the same once more in spite of it has a bug.
    await expect(later.publish(funded(1, 2))).rejects.toMatchObject({ code: "DUPLICATE_DIFFERS" });
  });

  test("the same is so for a fact that another decision has brought to another chain", async () => {
    const told = (conditionId: string | null) =>
      ({
        ...{ type: "LeaderFillReverted", v: 1, id: factId("LeaderFillReverted", "a".repeat(32)) },
        ...{ tsEventMs: 1, tsInitMs: 1, leaderFillId: "a".repeat(32), occurrence: 0, blockNumber: 1 },
        ...{ leader: `0x${"11".repeat(20)}`, tokenId: "7", blockHash: `0x${"22".repeat(32)}`, conditionId },
      }) as unknown as Fact;
    const outbox = outboxOf(5);
    await outbox.publish(told(null));
    expect(await outbox.publish(told(`0x${"33".repeat(32)}`))).toEqual({ kind: "overtaken" });
  });

  test("a duplicate found by the server's window is read back and compared", async () => {
    await outboxOf(5).publish(funded(1));
    await outboxOf(5).publish(funded(2));
    const { state } = await bus.jsm.streams.info(streams.facts);
    const tails = new Map([[subjects.position(accountA) as string, { seq: state.last_seq, fence: 5 }]]);
    expect(await outboxOf(5, tails).publish(funded(1))).toEqual({ kind: "stored", seq: 1 });
    await expect(outboxOf(5, tails).publish(funded(1, 2))).rejects.toMatchObject({ code: "DUPLICATE_DIFFERS" });
  });

  test("a chain that the log has forgotten begins again", async () => {
    const tails = new Map([[subjects.position(accountA) as string, { seq: 77, fence: 3 }]]);
    expect(await outboxOf(5, tails).publish(funded(1))).toEqual({ kind: "stored", seq: 1 });
  });
});
