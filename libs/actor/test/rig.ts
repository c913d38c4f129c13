/** What the actor's tests share: a bus on a fresh log, facts from outside, actors that are ended with the test. */

import { headers } from "@nats-io/transport-node";
import { type Bus, connectBus } from "@slipstream/actor/bus";
import { systemClock } from "@slipstream/actor/clock";
import { provision } from "@slipstream/actor/provision";
import { retrying } from "@slipstream/actor/retrying";
import { type ActorHandle, type ActorOptions, startActor } from "@slipstream/actor/runtime";
import { type Fact, writeFact } from "@slipstream/contracts/facts";
import { subjectOf } from "@slipstream/contracts/subjects";
import { pino } from "pino";
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
  readonly fatal: Error[];
};

/** An actor whose effects are noted in memory; `perform` may be given. */
export async function startJobs(options: JobsOptions): Promise<JobsActor> {
  const effects: string[] = [];
  const fatal: Error[] = [];
  const handle = await startActor<JobsState, JobsView, JobsMessage, JobsRequest>({
    core: jobsCore,
    clock,
    logger,
    lease: { bucket: "leases_fast", key: "jobs" },
    instance: "one",
    view: () => ({ bonus: 7 }),
    perform: (job) => {
      effects.push(`${job.account}.${job.n}`);
      return Promise.resolve({ type: "Done", job });
    },
    onFatal: (error) => fatal.push(error),
    ...options,
  });
  return { ...handle, effects, fatal };
}
