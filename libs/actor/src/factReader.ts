/**
 * From messages of the log to facts of one actor.
 *
 * 1. A fact of a type it folds that cannot be read stops it at that sequence: a copy goes to the dead letters, and only an
 *    operator's `SkipFact`, further on in the log, lets it pass, for all services alike.
 * 2. What no service can have written is passed over by all of them, and said: what lies on a subject that no fact has,
 *    and what has a fence that no lease has reached.
 */
import { setTimeout as pause } from "node:timers/promises";
import { DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { writerOf } from "@slipstream/contracts/chains";
import { ContractError } from "@slipstream/contracts/errors";
import { type Fact, type FactType, type Recorded, readFact } from "@slipstream/contracts/facts";
import { type ServiceName, streams, subjectOf, subjects } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import type { Bus } from "./bus.ts";
import { type FenceJudge, NO_FENCE, readFence } from "./fences.ts";
import { createPassedOver } from "./passedOver.ts";
import { type LogReader, startLogReader } from "./reader.ts";

/** Where a chain ends: sequence of its last fact and lease revision of that fact's writer. */
export type Tail = { readonly seq: number; readonly fence: number };
export const noTail: Tail = { seq: 0, fence: 0 };

export const headerNames = { fence: "x-fence", source: "x-src", schema: "x-schema" } as const;

export type FactReaderOptions = {
  readonly bus: Bus;
  readonly logger: Logger;
  readonly service: ServiceName;
  readonly folds: ReadonlySet<FactType>;
  readonly created: string;
  readonly after: number;
  readonly judge: FenceJudge;
  /** Sequences that were refused for their fence before. */
  readonly refused: ReadonlySet<number>;
  /** Filled in as the log is read, all chains. */
  readonly tails: Map<string, Tail>;
  readonly onFact: (recorded: Recorded) => void;
  readonly onFatal: (error: Error) => void;
};

export type FactReader = LogReader & {
  /** Why it stands still, in words; null while it reads. */
  problem(): string | null;
  /** What was passed over lately, in words, for a while, where it is this service's to say; null: nothing. */
  notice(): string | null;
  /** Resolves when it has stopped at an unreadable fact for the first time. */
  readonly stuck: Promise<void>;
};

type Reading =
  | { readonly kind: "fact"; readonly fact: Fact }
  | { readonly kind: "pass" }
  | { readonly kind: "refused"; readonly error: ContractError };

const RETRY_MS = 500;
const SKIPS = subjects.control("skip");

export function startFactReader(options: FactReaderOptions): FactReader {
  const { bus, logger, service, folds, created, tails, judge, onFact, onFatal } = options;
  const skipped = new Set<number>();
  const refused = new Set(options.refused);
  const passed = createPassedOver(service, logger);
  let problem: string | null = null;
  let stopped = false;
  let onStuck: () => void = () => undefined;
  const stuck = new Promise<void>((resolve) => {
    onStuck = resolve;
  });

  /** Sees to what no service can have written; "fact": it may be one, "wait": that has to be asked. */
  const sift = (message: JsMsg): "fact" | "passedOver" | "wait" => {
    const { seq, subject } = message;
    if (writerOf(subject) === "none") {
      passed.note(message, "lies on a subject that no fact has");
      return "passedOver";
    }
    const fence = fenceOf(message);
    if (!refused.has(seq)) {
      if (judge.isKnownPossible(subject, fence) === true) return "fact";
      void settleFence(message, fence);
      return "wait";
    }
    // The chain goes on behind it, with the fence it had.
    tails.set(subject, { seq, fence: tails.get(subject)?.fence ?? noTail.fence });
    const said = fence === NO_FENCE ? message.headers?.get(headerNames.fence) : fence;
    passed.note(message, `has the fence ${said}, which no lease had reached, so no owner wrote it`);
    return "passedOver";
  };
  const settleFence = (message: JsMsg, fence: number): Promise<void> =>
    repeat(async () => {
      problem = null;
      try {
        if (!(await judge.isPossible(message.subject, fence))) {
          await copyToDeadLetters(bus, { subject: subjects.refusedFacts, by: "refused", created, message });
          refused.add(message.seq);
        }
      } catch (error) {
        problem = `waits at fact ${message.seq}: the leases, which tell whether its writer is one, cannot be read now`;
        throw error;
      }
      reader.resume();
    });

  const take = (message: JsMsg): boolean => {
    const sifted = sift(message);
    if (sifted !== "fact") return sifted === "passedOver";
    const reading = skipped.has(message.seq) ? ({ kind: "pass" } as const) : readMessage(message, folds);
    if (reading.kind === "refused") return stopAt(message, reading.error);
    const fence = fenceOf(message);
    tails.set(message.subject, { seq: message.seq, fence });
    if (message.subject === SKIPS) passed.forget(skipIn(message));
    if (reading.kind !== "fact") return true;
    try {
      onFact({ seq: message.seq, subject: message.subject, fence, fact: reading.fact });
      return true;
    } catch (error) {
      // It fits its schema and says nothing that can be followed, such as the settings of nobody.
      if (!(error instanceof ContractError)) throw error;
      return stopAt(message, error);
    }
  };

  const stopAt = (message: JsMsg, error: ContractError): false => {
    problem = `stopped at fact ${message.seq}, which cannot be read (${error.code}); to pass over it: npm run slipstream -- skip ${message.seq} --why "…"`;
    logger.error({ seq: message.seq, subject: message.subject, err: error }, "unreadable fact");
    onStuck();
    void waitForSkip(message, error);
    return false;
  };

  const waitForSkip = async (message: JsMsg, error: ContractError): Promise<void> => {
    await repeat(() =>
      copyToDeadLetters(bus, {
        subject: subjects.deadLetter(service),
        by: service,
        created,
        message,
        code: error.code,
      }),
    );
    await repeat(async () => {
      if (!(await skipIsThere(bus, message.seq, () => stopped))) return;
      logger.warn({ seq: message.seq }, "unreadable fact skipped by an operator");
      skipped.add(message.seq);
      problem = null;
      reader.resume();
    });
  };
  const repeat = async (step: () => Promise<void>): Promise<void> => {
    while (!stopped) {
      try {
        return await step();
      } catch (error) {
        if (bus.nc.isClosed()) return;
        logger.warn({ err: error }, "cannot reach the log now");
        await pause(RETRY_MS);
      }
    }
  };

  const reader = startLogReader({ bus, logger, created, after: options.after, take, onFatal });
  return {
    ...reader,
    problem: () => problem,
    notice: passed.notice,
    stuck,
    stop: async () => {
      stopped = true;
      await reader.stop();
    },
  };
}

/** Lease revision of the writer; 0 when the message does not say. */
export const fenceOf = (message: { readonly headers?: { get(name: string): string } | undefined }): number =>
  readFence(message.headers?.get(headerNames.fence));

function readMessage(message: JsMsg, folds: ReadonlySet<FactType>): Reading {
  const schema = message.headers?.get(headerNames.schema) ?? "";
  const named = schema.slice(0, schema.indexOf("/"));
  // The type stands in a header, so that what is not ours is not even parsed.
  if (named !== "" && !folds.has(named as FactType)) return { kind: "pass" };
  const reading = readFact(message.string());
  switch (reading.kind) {
    case "unknownType":
      return { kind: "pass" };
    case "fact":
      if (!folds.has(reading.fact.type)) return { kind: "pass" };
      if (chainOf(reading.fact) === message.subject) return reading;
      return {
        kind: "refused",
        error: new ContractError("MESSAGE_MALFORMED", `${reading.fact.type} lies on the chain ${message.subject}`),
      };
    case "refused": {
      const type = named === "" ? typeIn(message.string()) : named;
      // What does not even tell its type may be one of ours.
      return type !== null && !folds.has(type as FactType) ? { kind: "pass" } : reading;
    }
  }
}

/** Null for a fact that no chain can hold. */
function chainOf(fact: Fact): string | null {
  try {
    return subjectOf(fact);
  } catch (error) {
    if (error instanceof ContractError) return null;
    throw error;
  }
}

function typeIn(text: string): string | null {
  try {
    const json: unknown = JSON.parse(text);
    return json !== null && typeof json === "object" && "type" in json && typeof json.type === "string"
      ? json.type
      : null;
  } catch {
    return null;
  }
}

async function copyToDeadLetters(
  bus: Bus,
  {
    subject,
    by,
    created,
    message,
    code = "MESSAGE_MALFORMED",
  }: {
    readonly subject: string;
    readonly by: string;
    readonly created: string;
    readonly message: JsMsg;
    readonly code?: string;
  },
): Promise<void> {
  const about = headers();
  about.set("x-seq", String(message.seq));
  about.set("x-created", created);
  about.set("x-subject", message.subject);
  about.set("x-code", code);
  await bus.js.publish(subject, message.data, { headers: about, msgID: `${by}:${created}:${message.seq}` });
}

/** The sequence that a message of the chain of skips names; null: it is no skip. */
function skipIn(message: JsMsg): number | null {
  const reading = readFact(message.string());
  return reading.kind === "fact" && reading.fact.type === "SkipFact" ? reading.fact.seq : null;
}

/** Follows the skips from the stuck sequence on until its own comes; false when stopped before. */
async function skipIsThere(bus: Bus, seq: number, stopped: () => boolean): Promise<boolean> {
  const consumer = await bus.js.consumers.get(streams.facts, {
    filter_subjects: SKIPS,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: seq + 1,
  });
  while (!stopped()) {
    const message = await consumer.next({ expires: 1_000 });
    if (message !== null && skipIn(message) === seq) return true;
  }
  return false;
}
