import type { Recorded } from "@slipstream/contracts/facts";
import { encodeState } from "@slipstream/contracts/json";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { accountA, type Job, type JobsMessage, jobFact, jobsCore } from "../test/jobs.ts";
import { virtualClock } from "./clock.ts";
import { createLocalLog } from "./local.ts";

const run = (latencyMs: number | null, jobs: readonly Job[], throughWire = false) => {
  const clock = virtualClock(0);
  const facts: string[] = [];
  const log = createLocalLog({ onFact: ({ seq, fact }: Recorded) => facts.push(`${seq} ${fact.id}`), throughWire });
  const effects: string[] = [];
  const actor = log.add({
    core: jobsCore,
    view: () => ({ bonus: clock.nowMs() }),
    perform: (job, post): JobsMessage | null => {
      effects.push(`${clock.nowMs()} ${job.account}.${job.n}`);
      if (latencyMs === null) return { type: "Done", job };
      clock.after(latencyMs, () => post({ type: "Done", job }));
      return null;
    },
  });
  for (const { account, n } of jobs) {
    clock.advanceTo(clock.nowMs() + 10);
    log.append(jobFact(n, account));
  }
  clock.advanceTo(clock.nowMs() + 1_000);
  return { facts, effects, actor, log };
};
const job = (n: number): Job => ({ account: accountA, n });

describe("cores without a broker", () => {
  test("a fact is folded, decided on, its request performed and its answer recorded, in one call", () => {
    const { facts, effects, actor } = run(null, [job(1), job(2)]);
    expect(facts).toEqual([
      "1 ConfigChanged:jobs.a.1:0",
      "2 AccountFunded:a.1:0",
      "3 ForceReconciled:a.1:0",
      "4 ConfigChanged:jobs.a.2:0",
      "5 AccountFunded:a.2:0",
      "6 ForceReconciled:a.2:0",
    ]);
    expect(effects).toEqual(["10 a.1", "20 a.2"]);
    expect(actor.state().total.get(accountA)).toBe(30n);
  });

  test("an answer may come later on the virtual clock", () => {
    const { facts } = run(15, [job(1), job(2)]);
    expect(facts.map((line) => line.split(" ")[1])).toEqual([
      "ConfigChanged:jobs.a.1:0",
      "AccountFunded:a.1:0",
      "ConfigChanged:jobs.a.2:0",
      "AccountFunded:a.2:0",
      "ForceReconciled:a.1:0",
      "ForceReconciled:a.2:0",
    ]);
  });

  test("the same inputs give the same facts and state, through the wire form or not; a repeated fact changes nothing", () => {
    const jobs = fc.array(
      fc.record({ account: fc.constantFrom("a", "b", "c"), n: fc.integer({ min: 1, max: 5 }) }) as fc.Arbitrary<Job>,
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(jobs, fc.option(fc.integer({ min: 0, max: 40 })), (list, latencyMs) => {
        const [one, two] = [run(latencyMs, list), run(latencyMs, list, true)];
        expect(two.facts).toEqual(one.facts);
        expect(encodeState(two.actor.state())).toBe(encodeState(one.actor.state()));
        const distinct = new Set(list.map(({ account, n }) => `${account}.${n}`));
        expect(one.actor.state().done).toEqual(distinct);
        expect(one.facts.filter((line) => line.includes("AccountFunded"))).toHaveLength(distinct.size);
      }),
      { numRuns: Number(process.env["FC_RUNS"] ?? 50) },
    );
  });

  test("facts of another chain than the decided one are our own bug", () => {
    const log = createLocalLog();
    log.add({
      core: { ...jobsCore, route: () => ["evt.position.v1.other"] },
      view: () => ({ bonus: 1 }),
      perform: () => null,
    });
    expect(() => log.append(jobFact(1))).toThrow(/evt\.position\.v1\.other/);
  });
});
