/**
 * Brings the facts of one tenure into the log, each exactly once, whatever becomes of the acknowledgement.
 *
 * 1. A fact is published with the last sequence of its chain as condition, so nobody writes between two of ours unseen.
 * 2. No answer means "perhaps": the same message goes out again until there is one. The id in the log tells whether
 *    an earlier try was stored; the server's window of duplicates is never relied on.
 * 3. A chain whose last writer has a higher fence is lost to us, unless no lease has come so far: such a fact is refused by
 *    every reader, and here it stands for nothing, its id included.
 * 4. A fact of ours that the owner before has told already, or another decision of ours on another chain, is applied and
 *    decided upon anew, once: decided a second time with another content it is a bug.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { StoredMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { ContractError } from "@slipstream/contracts/errors";
import { type Fact, writeFact } from "@slipstream/contracts/facts";
import { type ChainSubject, streams, subjectOf } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import { type Bus, overLink } from "./bus.ts";
import { isConflict, isFinal } from "./errorsOfBus.ts";
import { fenceOf, headerNames, noTail, type Tail } from "./factReader.ts";
import type { FenceJudge } from "./fences.ts";

/** A fact that its schema refuses, or the log for its length: it was made of something from outside, and is left out. */
export class UnwritableFact extends Error {}

/** The tenure is over: what was in hand is left, `owed` finds it again. */
export class TenureEnded extends Error {}

export type OutboxOptions = {
  readonly bus: Bus;
  readonly logger: Logger;
  /** `<service>/<instance>`, header x-src. */
  readonly source: string;
  readonly fence: number;
  /** Ends of all chains as the reader has seen them. */
  readonly tails: ReadonlyMap<string, Tail>;
  readonly judge: Pick<FenceJudge, "isPossible">;
  /** False as soon as the lease may be another's. */
  readonly mayWrite: () => boolean;
  /** Resolves when the reader has applied a sequence; rejects when the tenure ends. */
  readonly applied: (seq: number) => Promise<void>;
};

/** `overtaken`: another writer's fact, now applied, came first. What was decided before it is to be decided again. */
export type Publication = { readonly kind: "stored"; readonly seq: number } | { readonly kind: "overtaken" };

export type Outbox = {
  /**
   * Publishes the next fact of its chain; one call per chain at a time.
   * @throws UnwritableFact when nothing was tried; TenureEnded, ContractError CHAIN_FENCED, ContractError DUPLICATE_DIFFERS,
   *   or what the server says for good.
   */
  publish(fact: Fact): Promise<Publication>;
};

/** Of a message that bears our fact's id. "nobody's": no service can have written it. */
type Whose = "ours" | "theirs" | "nobody's";

const PUBLISH_TIMEOUT_MS = 2_000;
const RETRY_MS_FIRST = 50;
const RETRY_MS_MAX = 2_000;

export function createOutbox(options: OutboxOptions): Outbox {
  const { bus, logger, source, fence, tails, judge, mayWrite, applied } = options;
  /** Ends of chains that an answer of the broker has told us, perhaps ahead of the reader. */
  const told = new Map<string, number>();
  /** Facts that others told with another content, decided upon anew. */
  const redecided = new Set<string>();
  /** Message ids for facts whose own id a refused fact has taken: the server knows that one as a duplicate. */
  const otherIds = new Map<string, string>();
  const messageIdOf = ({ id }: Fact): string => otherIds.get(id) ?? id;

  const expectedOf = (chain: ChainSubject): number => Math.max(tails.get(chain)?.seq ?? 0, told.get(chain) ?? 0);
  const refuseLater = async (chain: ChainSubject, theirs: number): Promise<void> => {
    if (theirs > fence && (await judge.isPossible(chain, theirs))) throw fenced(chain, fence, theirs);
  };

  const publish = async (fact: Fact): Promise<Publication> => {
    const chain = subjectOf(fact);
    const payload = textOf(fact);
    let forgotten = false;
    for (let waitMs = RETRY_MS_FIRST; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      if (!mayWrite()) throw new TenureEnded("the lease is over");
      const expected = expectedOf(chain);
      try {
        await refuseLater(chain, (tails.get(chain) ?? noTail).fence);
        const ack = await overLink(bus, () =>
          bus.js.publish(chain, payload, {
            msgID: messageIdOf(fact),
            expect: { lastSubjectSequence: forgotten ? 0 : expected },
            // Made for each try: the client writes into it.
            headers: headersOf(fact),
            timeout: PUBLISH_TIMEOUT_MS,
          }),
        );
        const whose = ack.duplicate ? await whoseIs(ack.seq, fact, payload) : "ours";
        if (whose === "theirs") return { kind: "overtaken" };
        if (whose === "nobody's") continue;
        told.set(chain, ack.seq);
        return { kind: "stored", seq: ack.seq };
      } catch (error) {
        if (isConflict(error)) {
          const outcome = await resolve(chain, fact, payload, expected).catch((cause: unknown) => {
            if (cause instanceof TenureEnded || cause instanceof ContractError) throw cause;
            return null;
          });
          if (outcome === "forgotten") forgotten = true;
          else if (outcome !== null) return outcome;
        } else if (error instanceof ContractError || isFinal(error)) {
          throw error;
        }
        logger.warn({ subject: chain, msgId: fact.id, err: error }, "fact not acknowledged yet");
        await Promise.all([pause(waitMs), bus.whenConnected()]);
      }
    }
  };

  /** After "wrong last sequence": what does the chain end with? null: look again. */
  const resolve = async (
    chain: ChainSubject,
    fact: Fact,
    payload: string,
    expected: number,
  ): Promise<Publication | "forgotten" | null> => {
    const last = await overLink(bus, () => bus.jsm.streams.getMessage(streams.facts, { last_by_subj: chain }));
    // All of the chain is older than the log's memory.
    if (last === null) return "forgotten";
    const whose = idOf(last) === messageIdOf(fact) ? await whoseTold(last, fact, payload) : null;
    if (whose === "ours" || whose === "theirs") {
      told.set(chain, last.seq);
      return whose === "theirs" ? { kind: "overtaken" } : { kind: "stored", seq: last.seq };
    }
    await refuseLater(chain, fenceOfStored(last));
    await applied(last.seq);
    told.set(chain, last.seq);
    if (last.seq <= expected) return null;
    return { kind: "overtaken" };
  };

  const whoseIs = async (seq: number, fact: Fact, payload: string): Promise<Whose> => {
    const stored = await overLink(bus, () => bus.jsm.streams.getMessage(streams.facts, { seq }));
    return stored === null ? "ours" : whoseTold(stored, fact, payload);
  };

  /** "theirs": others said it with another content, which is applied now. */
  const whoseTold = async (stored: StoredMsg, fact: Fact, payload: string): Promise<Whose> => {
    const theirs = fenceOfStored(stored);
    if (!(await judge.isPossible(stored.subject, theirs))) {
      otherIds.set(fact.id, `${fact.id}~${stored.seq}`);
      return "nobody's";
    }
    const isSameChain = stored.subject === subjectOf(fact);
    if (isSameChain && stored.string() === payload) return "ours";
    const isEarlier = theirs < fence || !isSameChain;
    if (!isEarlier || redecided.has(fact.id)) throw differs(stored, fact);
    redecided.add(fact.id);
    logger.warn({ msgId: fact.id, seq: stored.seq }, "told already by another owner or on another chain: decided anew");
    await applied(stored.seq);
    return "theirs";
  };

  const headersOf = (fact: Fact) => {
    const made = headers();
    made.set(headerNames.fence, String(fence));
    made.set(headerNames.source, source);
    made.set(headerNames.schema, `${fact.type}/${fact.v}`);
    return made;
  };

  return { publish };
}

const fenceOfStored = ({ header }: StoredMsg): number => fenceOf(header === undefined ? {} : { headers: header });

function textOf(fact: Fact): string {
  try {
    return writeFact(fact);
  } catch (cause) {
    if (!(cause instanceof ContractError)) throw cause;
    throw new UnwritableFact(cause.message, { cause });
  }
}

const idOf = (message: StoredMsg): string => message.header?.get("Nats-Msg-Id") ?? "";

const differs = (stored: StoredMsg, fact: Fact): ContractError =>
  new ContractError(
    "DUPLICATE_DIFFERS",
    `${fact.id} is in the log at ${stored.seq} with another content: it was decided twice`,
  );

const fenced = (chain: ChainSubject, ours: number, theirs: number): ContractError =>
  new ContractError("CHAIN_FENCED", `chain ${chain} belongs to an owner with fence ${theirs}, ours is ${ours}`);
