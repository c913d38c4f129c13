/**
 * The same cores without NATS: one ordered log in memory, synchronous, under a virtual clock. Replay and backtest.
 *
 * 1. Each fact gets the next sequence number and is folded by every actor, in the order they were added, before any
 *    decision follows: a decision sees its chain's last own fact, as on the bus.
 * 2. Facts then reach `decide` as messages in log order, actor by actor; requests are performed at once, after the
 *    facts of their decision.
 * 3. Nothing depends on anything but the inputs: same calls, same facts.
 */
import { InvariantError } from "@slipstream/contracts/errors";
import { type Fact, type FactType, factSchemas, type Recorded, readFact, writeFact } from "@slipstream/contracts/facts";
import { subjectOf } from "@slipstream/contracts/subjects";
import type { Core, FactMessage } from "./core.ts";

/** A local actor takes messages and shows its state. */
export type LocalActor<State, Message> = {
  post(message: Message): void;
  state(): State;
};

export type LocalActorOptions<State, View, Message extends { readonly type: string }, Request> = {
  readonly core: Core<State, View, Message, Request>;
  /** What is not in the log, read anew for each decision; the caller's virtual clock is in it. */
  readonly view: () => View;
  /** Performs a request now; an answer is posted behind what is already in the mailbox. Later answers: `post`. */
  readonly perform: (request: Request, post: (message: Message) => void) => Message | null;
};

export type LocalLog = {
  /** Adds an actor; all are added before the first fact. */
  add<State, View, Message extends { readonly type: string }, Request>(
    options: LocalActorOptions<State, View, Message, Request>,
  ): LocalActor<State, Message>;
  /** A fact of a writer that is not one of the actors (a person, a tape). Runs everything that follows from it. */
  append(fact: Fact): void;
  /** Asks each actor for what is open and decides it, as after a recovery. */
  owed(): void;
  /** Sequence number of the last fact. */
  lastSeq(): number;
};

export type LocalLogOptions = {
  /** Sees every fact, in order, after it was folded and before anything is decided on it. */
  readonly onFact?: (recorded: Recorded) => void;
  /** Sends each fact through its wire form, as the bus would: slower, finds what only works in memory. */
  readonly throughWire?: boolean;
};

/** One actor seen from the log. */
type Seat = {
  readonly folds: ReadonlySet<FactType>;
  fold(recorded: Recorded): void;
  decide(message: FactMessage): void;
  owed(): void;
};

/** More decisions than this in one go, each causing the next, are a loop and not a story. */
const STEPS_MAX = 5_000_000;

export function createLocalLog({ onFact, throughWire = false }: LocalLogOptions = {}): LocalLog {
  const seats: Seat[] = [];
  const foldersOf = new Map<FactType, Seat[]>();
  /** What waits to be decided. A ring would save little: it is nearly always empty. */
  let waiting: (() => void)[] = [];
  let running = false;
  let seq = 0;

  const record = (fact: Fact): void => {
    const kept = throughWire ? rewire(fact) : fact;
    seq += 1;
    const recorded: Recorded = { seq, subject: subjectOf(kept), fence: 0, fact: kept };
    const folders = foldersOf.get(kept.type) ?? [];
    for (const seat of folders) seat.fold(recorded);
    onFact?.(recorded);
    if (folders.length === 0) return;
    const message: FactMessage = { type: "Fact", recorded };
    waiting.push(() => {
      for (const seat of folders) seat.decide(message);
    });
  };

  const run = (): void => {
    if (running) return;
    running = true;
    try {
      let steps = 0;
      while (waiting.length > 0) {
        const batch = waiting;
        waiting = [];
        for (const step of batch) step();
        steps += batch.length;
        if (steps > STEPS_MAX) throw new InvariantError(`more than ${STEPS_MAX} decisions followed from one input`);
      }
    } finally {
      running = false;
    }
  };

  const add = <State, View, Message extends { readonly type: string }, Request>({
    core,
    view,
    perform,
  }: LocalActorOptions<State, View, Message, Request>): LocalActor<State, Message> => {
    let state = core.initial();
    const post = (message: Message): void => {
      waiting.push(() => decide(message));
      run();
    };
    const decide = (message: Message | FactMessage): void => {
      for (const chain of core.route(state, view(), message)) {
        const { facts, requests } = core.decide(state, view(), message, chain);
        for (const fact of facts) {
          if (subjectOf(fact) !== chain) throw offChain(core.service, fact, chain);
          record(fact);
        }
        for (const request of requests) {
          const answer = perform(request, post);
          if (answer !== null) post(answer);
        }
      }
    };
    const seat: Seat = {
      folds: core.folds,
      fold: (recorded) => {
        state = core.evolve(state, recorded);
      },
      decide,
      owed: () => {
        for (const message of core.owed(state, view())) waiting.push(() => decide(message));
      },
    };
    seats.push(seat);
    for (const type of Object.keys(factSchemas) as FactType[]) {
      if (core.folds.has(type)) foldersOf.set(type, [...(foldersOf.get(type) ?? []), seat]);
    }
    return { post, state: () => state };
  };

  return {
    add,
    append: (fact) => {
      record(fact);
      run();
    },
    owed: () => {
      for (const seat of seats) seat.owed();
      run();
    },
    lastSeq: () => seq,
  };
}

/** An error that names a fact which does not belong to the chain it was decided for: our own bug. */
const offChain = (service: string, fact: Fact, chain: string): InvariantError =>
  new InvariantError(`${service} decided ${fact.type} ${fact.id} of chain ${subjectOf(fact)} for chain ${chain}`);

function rewire(fact: Fact): Fact {
  const reading = readFact(writeFact(fact));
  if (reading.kind !== "fact") throw new InvariantError(`${fact.type} ${fact.id} cannot be read back`);
  return reading.fact;
}
