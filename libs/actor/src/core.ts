/**
 * The shape of every service: a pure core that a thin shell runs. The same core runs on NATS (`runtime.ts`) and in one
 * process under a virtual clock (`local.ts`).
 *
 * 1. `evolve` is the only way state changes, in sequence order, own facts included. It may update its state in place
 *    (the core is the only owner), but sees no clock, no randomness, no I/O, and a known fact changes nothing.
 * 2. `decide` reads state, view and message, and answers facts to publish and requests to perform. It changes nothing.
 * 3. What `decide` took from the view is written into its facts, so recovery never decides again what is decided.
 */
import type { Fact, FactType, Recorded } from "@slipstream/contracts/facts";
import type { ChainSubject, ServiceName } from "@slipstream/contracts/subjects";

export type Decision<Request> = {
  /** Published in this order; all belong to the chain the decision was made for. */
  readonly facts: readonly Fact[];
  /** Performed after the facts are in the log. */
  readonly requests: readonly Request[];
};

export const nothing: Decision<never> = { facts: [], requests: [] };

/** A fact as a message: delivered to `decide` after `evolve` has applied it, only to the owner, never in recovery. */
export type FactMessage = { readonly type: "Fact"; readonly recorded: Recorded };

export type Core<State, View, Message extends { readonly type: string }, Request> = {
  readonly service: ServiceName;
  /** Raised when the shape of State changes: older snapshots are not read, the log is folded from its start. */
  readonly stateVersion: number;
  /** Makes the empty state. */
  initial(): State;
  /** Types that `evolve` uses; an unreadable fact of one of these stops the actor, others pass. */
  readonly folds: ReadonlySet<FactType>;
  evolve(state: State, recorded: Recorded): State;
  /** The chains whose next decision this message is; `decide` is called once for each, in this order. */
  route(state: State, view: View, message: Message | FactMessage): readonly ChainSubject[];
  decide(state: State, view: View, message: Message | FactMessage, chain: ChainSubject): Decision<Request>;
  /** What is open after recovery or take-over, as messages to decide afresh. */
  owed(state: State, view: View): readonly Message[];
  /** Chains that a new owner fences before it acts. Others are fenced at their first write. */
  chains(state: State): readonly ChainSubject[];
};

/** Why a request is not performed now. */
export type Latch<Request> = (
  request: Request,
) => { readonly open: true } | { readonly open: false; readonly reason: string };

/** Performs a request outside the mailbox; the answer, if any, comes back as a message. Throws only on our own bugs. */
export type Performer<Message, Request> = (request: Request) => Promise<Message | null>;
