/**
 * One tenure: from the moment the lease is taken until it is lost or released. It fences the chains, decides what is
 * open and then every message; nothing of it survives its end.
 */
import { ContractError, InvariantError } from "@slipstream/contracts/errors";
import type { Fact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { type ChainSubject, subjectOf } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import type { Clock } from "./clock.ts";
import { type Core, type Decision, type FactMessage, type Latch, nothing, type Performer } from "./core.ts";
import { createMailbox } from "./mailbox.ts";
import { type Outbox, type Publication, UnwritableFact } from "./outbox.ts";

export type TenureOptions<State, View, Message extends { readonly type: string }, Request> = {
  readonly core: Core<State, View, Message, Request>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly owner: string;
  readonly fence: number;
  /** Under this name the tenure waits for the reader, so that its end ends no other's waiting. */
  readonly waits: object;
  /** Whether a chain is this tenure's to decide. */
  readonly owns: (chain: ChainSubject) => boolean;
  readonly outbox: Outbox;
  readonly state: () => State;
  readonly view: () => View;
  readonly perform: Performer<Message, Request>;
  /** Everything that keeps a request from leaving: lease, reader, service. Waits, within bounds, for the reader. */
  readonly latch: (request: Request) => ReturnType<Latch<Request>> | Promise<ReturnType<Latch<Request>>>;
  readonly onRefused: (request: Request, reason: string) => Message | null;
  /** Brings the answer to a request to the chains it concerns, which may be another tenure's. */
  readonly onAnswer: (message: Message) => void;
  readonly onStored: (fact: Fact) => void;
  /** Something from outside could not be decided on, or not be written: it is left out, with its requests. */
  readonly onLeftOut: (why: string) => void;
  /** Resolves when the reader has applied a sequence. */
  readonly applied: (seq: number) => Promise<void>;
  /** Sequence at which the log ends now. */
  readonly endOfLog: () => Promise<number>;
  /** TenureEnded: something in hand was left, since the lease had run out. */
  readonly onError: (error: unknown) => void;
};

export type Tenure<Message> = {
  readonly fence: number;
  readonly waits: object;
  /** Reads the log to its end, fences the chains, asks what is owed; then messages are taken. */
  begin(): Promise<void>;
  live(): boolean;
  /** Gives a message to one of its chains; dropped before the tenure is live. */
  put(chain: ChainSubject, message: Message | FactMessage): void;
  /** Stops taking facts; what is in hand and its answers go on. */
  closeIntake(): void;
  /** Resolves when mailbox and requests are empty. */
  idle(): Promise<void>;
  end(): void;
};

/** Of one decision that others' facts keep overtaking: only chains of several writers know it, and only a few times. */
const OVERTAKEN_MAX = 1_000;

export function createTenure<State, View, Message extends { readonly type: string }, Request>(
  options: TenureOptions<State, View, Message, Request>,
): Tenure<Message> {
  const { core, clock, logger, owner, fence, owns, outbox, state, view, perform, latch, applied } = options;
  let phase: "beginning" | "live" | "closing" | "ended" = "beginning";
  let performing = 0;
  let whenPerformed: (() => void)[] = [];

  const onError = (error: unknown): void => {
    if (phase !== "ended") options.onError(error);
  };

  const publishOne = async (fact: Fact): Promise<Publication | null> => {
    try {
      return await outbox.publish(fact);
    } catch (error) {
      if (!(error instanceof UnwritableFact)) throw error;
      options.onLeftOut(error.message);
      return null;
    }
  };

  /**
   * Publishes in order. `overtaken`: nothing was stored, because another writer's fact came first. `partly`: some fact
   * could not be written; the others are in the log, and nothing of the decision may be requested.
   */
  const publishAll = async (facts: readonly Fact[]): Promise<"all" | "partly" | "overtaken"> => {
    let last = 0;
    let isWhole = true;
    for (const fact of facts) {
      let answer = await publishOne(fact);
      if (answer?.kind === "overtaken" && last === 0) return "overtaken";
      while (answer?.kind === "overtaken") answer = await publishOne(fact);
      if (answer === null) {
        isWhole = false;
        continue;
      }
      last = answer.seq;
      options.onStored(fact);
    }
    await applied(last);
    return isWhole ? "all" : "partly";
  };

  /** What a value from outside does to money's own rules is no reason to end. */
  const decided = (chain: ChainSubject, message: Message | FactMessage): Decision<Request> => {
    try {
      return core.decide(state(), view(), message, chain);
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      options.onLeftOut(`${message.type}: ${error.message}`);
      return nothing;
    }
  };

  const decide = (chain: ChainSubject, message: Message | FactMessage) => {
    const decision = decided(chain, message);
    for (const fact of decision.facts) {
      if (subjectOf(fact) === chain) continue;
      throw new InvariantError(`${core.service} decided ${fact.type} ${fact.id} for chain ${chain}, it is not of it`);
    }
    return decision;
  };

  const handle = (chain: ChainSubject, message: Message | FactMessage): Promise<void> | undefined => {
    if (phase === "ended") return undefined;
    const decision = decide(chain, message);
    if (decision.facts.length === 0) {
      for (const request of decision.requests) request_(request);
      return undefined;
    }
    return (async () => {
      let current = decision;
      let outcome: Awaited<ReturnType<typeof publishAll>> = "all";
      for (let tries = 0; current.facts.length > 0; tries += 1) {
        outcome = await publishAll(current.facts);
        if (outcome !== "overtaken") break;
        if (tries >= OVERTAKEN_MAX) throw new InvariantError(`chain ${chain} never comes to rest`);
        current = decide(chain, message);
      }
      if (outcome !== "partly") for (const request of current.requests) request_(request);
    })();
  };
  const mailbox = createMailbox(handle, onError);

  const request_ = (request: Request): void => {
    if (phase === "ended") return;
    performing += 1;
    void one(request)
      .then((answer) => {
        if (answer !== null && phase !== "ended") options.onAnswer(answer);
      })
      .catch(onError)
      .then(() => {
        performing -= 1;
        if (performing > 0) return;
        const calls = whenPerformed;
        whenPerformed = [];
        for (const call of calls) call();
      });
  };
  const one = async (request: Request): Promise<Message | null> => {
    const answer = latch(request);
    // Not awaited when it need not be: the venue should get the order in this turn of the loop.
    const open = answer instanceof Promise ? await answer : answer;
    if (phase === "ended") return null;
    if (open.open) return perform(request);
    logger.warn({ service: core.service, reason: open.reason }, "request refused by the latch");
    return options.onRefused(request, open.reason);
  };

  const announce = async (chain: ChainSubject): Promise<number> => {
    const nowMs = clock.nowMs();
    const fact: Fact = {
      type: "OwnerChanged",
      v: 1,
      id: factId("OwnerChanged", `${chain}.${fence}`),
      tsEventMs: nowMs,
      tsInitMs: nowMs,
      chain,
      fence,
      owner,
    };
    for (;;) {
      const answer = await outbox.publish(fact);
      if (answer.kind === "stored") return answer.seq;
    }
  };

  return {
    fence,
    waits: options.waits,
    live: () => phase === "live",
    put: (chain, message) => {
      if (phase === "ended" || phase === "beginning" || (phase === "closing" && message.type === "Fact")) return;
      mailbox.put(chain, message);
    },
    begin: async () => {
      // The owner before us may have written until its end.
      await applied(await options.endOfLog());
      const seqs = await Promise.all(core.chains(state()).filter(owns).map(announce));
      await applied(Math.max(0, ...seqs));
      if (phase !== "beginning") return;
      phase = "live";
      for (const message of core.owed(state(), view())) {
        for (const chain of core.route(state(), view(), message)) if (owns(chain)) mailbox.put(chain, message);
      }
    },
    closeIntake: () => {
      if (phase !== "ended") phase = "closing";
    },
    idle: async () => {
      while (phase !== "ended" && (mailbox.size() > 0 || performing > 0)) {
        await mailbox.idle();
        if (performing > 0) await new Promise<void>((resolve) => whenPerformed.push(resolve));
      }
    },
    end: () => {
      phase = "ended";
      mailbox.close();
      for (const call of whenPerformed) call();
    },
  };
}
