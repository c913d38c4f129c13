/** What the actor's tests share: a bus on a fresh log, facts from outside, actors that are ended with the test. */

import { headers } from "@nats-io/transport-node";
import { type Bus, connectBus } from "@slipstream/actor/bus";
import { systemClock } from "@slipstream/actor/clock";
import { provision } from "@slipstream/actor/provision";
import { retrying } from "@slipstream/actor/retrying";
import { type ActorHandle, type ActorOptions, startActor } from "@slipstream/actor/runtime";
import { type Fact, writeFact } from "@slipstream/contracts/facts";
import { subjectOf } from "@slipstream/contracts/subjects";
import { startNats, type TestNats } from "@slipstream/testkit/nats";
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { until } from "@slipstream/testkit/until";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { type JobsMessage, type JobsRequest, type JobsState, type JobsView, jobsCore } from "./jobs.ts";

export const logger = pino({ level: "silent" });
export const clock = systemClock();

export const connectTo = (url: string, name = "test"): Promise<Bus> => connectBus({ url, name, logger });

/** A log, buckets and leases as on the first day. */
export async function freshLog(bus: Bus): Promise<void> {
  await retrying(bus, logger, async () => {
    for (const { config } of await bus.jsm.streams.list().next()) await bus.jsm.streams.delete(config.name);
    await provision(bus.jsm);
  });
}

/** A server of the file's own, and before each test a fresh log on it; nothing of it is left at the end. */
export function withFreshLogs(onOpen: (opened: { readonly nats: TestNats; readonly bus: Bus }) => void): void {
  let nats: TestNats;
  let bus: Bus;
  beforeAll(async () => {
    nats = await startNats();
    bus = await connectTo(nats.url);
    onOpen({ nats, bus });
  });
  beforeEach(() => freshLog(bus));
  afterAll(async () => {
    await bus.drain();
    await nats.stop();
    await expectNoLeaks();
  });
}

/** Publishes as a writer that has no lease. */
export async function append(bus: Bus, ...facts: readonly Fact[]): Promise<number> {
  let seq = 0;
  for (const fact of facts) {
    const publish = () => bus.js.publish(subjectOf(fact), writeFact(fact), { msgID: fact.id, timeout: 1_000 });
    ({ seq } = await retrying(bus, logger, publish));
  }
  return seq;
}

/** Publishes bytes that are no fact, under the name of one. */
export async function appendRaw(bus: Bus, subject: string, schema: string | null, text: string): Promise<number> {
  const about = headers();
  if (schema !== null) about.set("x-schema", schema);
  return (await bus.js.publish(subject, text, { headers: about })).seq;
}

export type JobsOptions = Partial<ActorOptions<JobsState, JobsView, JobsMessage, JobsRequest>> & { readonly bus: Bus };
export type JobsActor = ActorHandle<JobsState, JobsMessage> & {
  readonly effects: string[];
  /** As `effects`, each with the fence of the tenure that performed it. */
  readonly byTenure: string[];
  readonly fatal: Error[];
};

/** An actor whose effects are noted in memory; `perform` may be given. */
export async function startJobs(options: JobsOptions): Promise<JobsActor> {
  const effects: string[] = [];
  const byTenure: string[] = [];
  const fatal: Error[] = [];
  let fenceNow: () => number | null = () => null;
  const handle = await startActor<JobsState, JobsView, JobsMessage, JobsRequest>({
    core: jobsCore,
    clock,
    logger,
    lease: { bucket: "leases_fast", key: "jobs" },
    instance: "one",
    view: () => ({ bonus: 7 }),
    perform: (job) => {
      effects.push(`${job.account}.${job.n}`);
      byTenure.push(`${job.account}.${job.n} in ${fenceNow()}`);
      return Promise.resolve({ type: "Done", job });
    },
    onFatal: (error) => fatal.push(error),
    ...options,
  });
  fenceNow = () => handle.status().fence;
  return { ...handle, effects, byTenure, fatal };
}

/**
 * All jobs were performed, none twice in one tenure. On a machine that stands still for longer than a lease there are
 * several, and a new one performs again what no fact in the log says was done.
 */
export function expectPerformed({ effects, byTenure }: JobsActor, jobs: number): void {
  expect(new Set(effects).size).toBe(jobs);
  expect(new Set(byTenure).size).toBe(byTenure.length);
}

export const done = (actor: JobsActor, n: number): Promise<unknown> =>
  until(() => actor.state().done.size === n, {
    what: `${n} jobs done, are ${actor.state().done.size}: ${JSON.stringify(actor.status())}`,
  });

export const owner = (actor: JobsActor): Promise<unknown> =>
  until(() => actor.status().role === "owner", { what: "ownership" });
