/** A real bus for the tests of services: a server of its own with streams and buckets, one client, and the log on it. */
import { type Bus, connectBus } from "@slipstream/actor/bus";
import { systemClock } from "@slipstream/actor/clock";
import { provision } from "@slipstream/actor/provision";
import type { ServiceContext } from "@slipstream/actor/service";
import { commonEnv, parseEnv } from "@slipstream/contracts/env";
import { type Fact, type Recorded, readFact, writeFact } from "@slipstream/contracts/facts";
import { type ServiceName, streams, subjectOf } from "@slipstream/contracts/subjects";
import { pino } from "pino";
import type { z } from "zod";
import { type NatsOptions, startNats } from "./nats.ts";

export const silentLogger = pino({ level: "silent" });

export type TestBus = {
  readonly bus: Bus;
  /** What services ended their process for. */
  readonly errors: readonly Error[];
  /** What a service's `main.ts` would be handed with these variables in its environment. */
  context<Shape extends z.ZodRawShape>(
    name: ServiceName,
    shape: Shape,
    env?: Readonly<Record<string, string>>,
  ): ServiceContext<Shape>;
  stop(): Promise<void>;
};

/** Starts nats-server on a free port and makes what a log needs. */
export async function startTestBus(options: NatsOptions = {}): Promise<TestBus> {
  const nats = await startNats(options);
  const bus = await connectBus({ url: nats.url, name: "test", logger: silentLogger });
  await provision(bus.jsm);
  const errors: Error[] = [];
  return {
    bus,
    errors,
    context: (name, shape, env = {}) => {
      const given = { NATS_URL: nats.url, ...env };
      const settings = { ...parseEnv(commonEnv, given), ...parseEnv(shape, given) };
      const fatal = (error: Error): void => void errors.push(error);
      return { name, instance: settings.INSTANCE, settings, logger: silentLogger, clock: systemClock(), bus, fatal };
    },
    stop: async () => {
      await bus.drain();
      await nats.stop();
    },
  };
}

/** Writes facts as somebody who owns no chain. */
export async function append(bus: Bus, ...facts: readonly Fact[]): Promise<void> {
  for (const fact of facts) await bus.js.publish(subjectOf(fact), writeFact(fact), { msgID: fact.id });
}

/** Everything in the log that can be read, in its order. */
export async function recordedFacts(bus: Bus): Promise<Recorded[]> {
  const { state } = await bus.jsm.streams.info(streams.facts);
  const found: Recorded[] = [];
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
    const message = await bus.jsm.streams.getMessage(streams.facts, { seq });
    const reading = message === null ? null : readFact(message.string());
    if (message === null || reading?.kind !== "fact") continue;
    const fence = Number(message.header?.get("x-fence") ?? 0);
    found.push({ seq, subject: message.subject, fence, fact: reading.fact });
  }
  return found;
}
