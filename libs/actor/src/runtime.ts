/**
 * Runs one core on the log: recovery, reading, ownership, deciding, saving.
 *
 * Roles: recovering → standby ⇄ owner → draining → stopped.
 * 1. State comes from facts alone, in the log's order; recovery folds and decides nothing.
 * 2. Only the owner decides, and only what is not yet decided in a state that has all that the log had when its tenure
 *    began.
 * 3. Facts are in the log before requests leave; a request leaves only under a living lease and in a state that has
 *    everything the log is known to have.
 */
import { ContractError } from "@slipstream/contracts/errors";
import { buckets, streams } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import type { Bus } from "./bus.ts";
import type { Clock } from "./clock.ts";
import type { Core, Latch, Performer } from "./core.ts";
import { type FactReader, startFactReader } from "./factReader.ts";
import { type Lease, startLease } from "./lease.ts";
import { createOutbox, TenureEnded } from "./outbox.ts";
import { type Start, startingPoint } from "./recovery.ts";
import { retrying } from "./retrying.ts";
import { type Saver, startSaver } from "./saver.ts";
import { snapshotStore } from "./snapshot.ts";
import { createTenure, type Tenure } from "./tenure.ts";
import { within } from "./within.ts";

export type ActorRole = "recovering" | "standby" | "owner" | "draining" | "stopped";
export type ActorStatus = {
  readonly role: ActorRole;
  /** Owner: recovered and deciding. Standby: has followed the log to its end. */
  readonly ready: boolean;
  /** Last fact applied. */
  readonly lastSeq: number;
  /** The reader is behind the log: nothing is requested until it has caught up. */
  readonly lagging: boolean;
  /** Lease revision of the tenure; null without one. */
  readonly fence: number | null;
  readonly problems: readonly string[];
};

export type ActorOptions<State, View, Message extends { readonly type: string }, Request> = {
  readonly core: Core<State, View, Message, Request>;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly lease: { readonly bucket: "leases" | "leases_fast"; readonly key: string };
  /** Name of this process among the replicas; takes its own lease back at once. */
  readonly instance: string;
  /** What is not in the log, read anew for each decision. */
  readonly view: () => View;
  readonly perform: Performer<Message, Request>;
  /**
   * The service's own latch, asked right before the call: after the lease's deadline was checked and the reader has
   * caught up with the log, however long that took (the latch should look at ages). Absent: always open.
   */
  readonly latch?: Latch<Request>;
  /** Requests that need neither lease, reader nor latch, as cancelling does. Absent: none. */
  readonly passesAlways?: (request: Request) => boolean;
  /**
   * A request that was refused, as a message to decide on. Absent or null: it stays open until the next tenure's
   * `owed`. `reason` is the latch's, or LEASE_LOST, after which this tenure decides nothing more.
   */
  readonly onRefused?: (request: Request, reason: string) => Message | null;
  readonly onOwnership?: (role: "owner" | "standby") => void;
  /** Called once for an error after which the process must end. */
  readonly onFatal: (error: Error) => void;
  /** When state is saved; the defaults are the design's, tests save sooner. */
  readonly save?: { readonly everyMs?: number; readonly everyFacts?: number };
};

export type ActorHandle<State, Message> = {
  /** Gives a message to the mailbox; dropped (false) unless this process is the live owner. */
  post(message: Message): boolean;
  /** The state, to look at and not to keep: it changes in place. */
  state(): State;
  status(): ActorStatus;
  /** Resolves when nothing waits for a decision, all decided facts are in the log and no request is under way. */
  idle(): Promise<void>;
  /** Saves now if this process is the owner; resolves when it is stored. */
  save(): Promise<void>;
  /** Stops intake, finishes what is in hand, saves, releases the lease, stops reading. Harmless the second time. */
  drain(graceMs?: number): Promise<void>;
};

const SAVE_EVERY_MS = 60_000;
const SAVE_EVERY_FACTS = 20_000;
const GRACE_MS = 5_000;

/** Everything that changes while an actor runs. */
type Running<State, Message> = {
  state: State;
  role: ActorRole;
  tenure: Tenure<Message> | null;
  /** Why the tenure before ended badly; null when there is nothing to say. */
  trouble: string | null;
  failed: boolean;
  reader: FactReader;
  lease: Lease | null;
};

/**
 * Starts an actor. Resolves when the state is recovered to the end of the log, or when an unreadable fact stands in the
 * way (see `status().problems`); ownership follows, see `onOwnership`.
 * @throws ContractError STREAM_IDENTITY_CHANGED or SNAPSHOT_UNREADABLE with what to do.
 */
export async function startActor<State, View, Message extends { readonly type: string }, Request>(
  options: ActorOptions<State, View, Message, Request>,
): Promise<ActorHandle<State, Message>> {
  const { core, bus, logger, clock } = options;
  const store = snapshotStore<State>(bus, {
    bucket: buckets.state(core.service),
    key: options.lease.key,
    stateVersion: core.stateVersion,
  });
  const start = await startingPoint({ bus, logger, store }, { initial: () => core.initial(), name: core.service });
  const running = startReading(options, start);
  const saver = startSaver({
    store,
    logger,
    steadyMs: clock.steadyMs,
    everyMs: options.save?.everyMs ?? SAVE_EVERY_MS,
    everyFacts: options.save?.everyFacts ?? SAVE_EVERY_FACTS,
    savedSeq: start.lastApplied,
    current: () => {
      const { state, tenure, reader } = running;
      if (tenure === null) return null;
      const { tails, created } = start;
      return { snapshot: { state, tails, created, lastApplied: reader.position() }, fence: tenure.fence };
    },
    onOvertaken: (fence) => running.lease?.giveUp(`a snapshot of the later owner ${fence} is there`),
  });
  const recovered = recover(options, running).then(() => {
    if (running.role !== "recovering") return;
    running.role = "standby";
    running.lease = beginLease(options, start, running);
  });
  await Promise.race([recovered, running.reader.stuck]);
  return handleOf(running, saver, options);
}

/** Folds the log from the starting point on; facts become messages only in a live tenure. */
function startReading<State, View, Message extends { readonly type: string }, Request>(
  { core, bus, logger, onFatal }: ActorOptions<State, View, Message, Request>,
  start: Start<State>,
): Running<State, Message> {
  const reader = startFactReader({
    bus,
    logger,
    service: core.service,
    folds: core.folds,
    created: start.created,
    after: start.lastApplied,
    tails: start.tails,
    onFact: (recorded) => {
      running.state = core.evolve(running.state, recorded);
      if (running.tenure?.live() === true) running.tenure.deliver({ type: "Fact", recorded });
    },
    onFatal: (error) => fail(running, error, onFatal),
  });
  const running: Running<State, Message> = {
    state: start.state,
    role: "recovering",
    tenure: null,
    trouble: null,
    failed: false,
    reader,
    lease: null,
  };
  return running;
}

async function recover<State, View, Message extends { readonly type: string }, Request>(
  { bus, logger, onFatal }: ActorOptions<State, View, Message, Request>,
  running: Running<State, Message>,
): Promise<void> {
  try {
    const { state } = await retrying(bus, logger, () => bus.jsm.streams.info(streams.facts));
    await running.reader.taken(state.last_seq);
  } catch (error) {
    fail(running, error, onFatal);
  }
}

/** The end of an actor that cannot go on: nothing more is decided or written. */
function fail<State, Message>(running: Running<State, Message>, error: unknown, onFatal: (error: Error) => void): void {
  if (running.failed || running.role === "stopped") return;
  const fatal = error instanceof Error ? error : new Error(String(error));
  running.failed = true;
  running.trouble = fatal.message;
  endTenure(running);
  onFatal(fatal);
}

function endTenure<State, Message>(running: Running<State, Message>): void {
  if (running.tenure === null) return;
  running.tenure.end();
  running.tenure = null;
  running.reader.giveUp(new TenureEnded("the tenure is over"));
}

function beginLease<State, View, Message extends { readonly type: string }, Request>(
  options: ActorOptions<State, View, Message, Request>,
  start: Start<State>,
  running: Running<State, Message>,
): Lease {
  const { bus, logger, clock, instance, onOwnership, onFatal } = options;
  const onError = (error: unknown, of: Tenure<Message>): void => {
    if (error instanceof TenureEnded || running.tenure !== of) return;
    if (error instanceof ContractError && error.code === "CHAIN_FENCED") {
      running.trouble = error.message;
      running.lease?.giveUp("a chain has a later owner");
    } else {
      fail(running, error, onFatal);
    }
  };
  return startLease({
    bus,
    logger,
    ...options.lease,
    instance,
    boot: `${process.pid}-${performance.timeOrigin}-${clock.steadyMs()}`,
    steadyMs: clock.steadyMs,
    onGained: (fence) => {
      if (running.failed || running.role !== "standby") return;
      const tenure: Tenure<Message> = tenureOf(options, start, running, fence, (error) => onError(error, tenure));
      running.tenure = tenure;
      tenure.begin().then(
        () => {
          if (running.tenure !== tenure || !tenure.live()) return;
          running.role = "owner";
          running.trouble = null;
          onOwnership?.("owner");
        },
        (error: unknown) => onError(error, tenure),
      );
    },
    onLost: () => {
      endTenure(running);
      if (running.role !== "owner") return;
      running.role = "standby";
      onOwnership?.("standby");
    },
  });
}

function tenureOf<State, View, Message extends { readonly type: string }, Request>(
  options: ActorOptions<State, View, Message, Request>,
  { tails }: Start<State>,
  running: Running<State, Message>,
  fence: number,
  onError: (error: unknown) => void,
): Tenure<Message> {
  const { core, bus, clock, logger, instance, view, perform, latch, passesAlways, onRefused } = options;
  const { reader } = running;
  const mayWrite = (): boolean =>
    running.tenure?.fence === fence && clock.steadyMs() < (running.lease?.deadlineMs() ?? Number.NEGATIVE_INFINITY);
  const last = (request: Request): ReturnType<Latch<Request>> =>
    mayWrite() ? (latch?.(request) ?? { open: true }) : { open: false, reason: "LEASE_LOST" };
  return createTenure<State, View, Message, Request>({
    core,
    clock,
    logger,
    owner: instance,
    fence,
    outbox: createOutbox({
      bus,
      logger,
      source: `${core.service}/${instance}`,
      fence,
      tails,
      mayWrite,
      applied: reader.taken,
    }),
    state: () => running.state,
    view,
    perform,
    latch: (request) => {
      if (passesAlways?.(request) === true) return { open: true };
      return isBehind(reader) ? reader.caughtUp().then(() => last(request)) : last(request);
    },
    onRefused: (request, reason) => onRefused?.(request, reason) ?? null,
    applied: reader.taken,
    endOfLog: async () => (await retrying(bus, logger, () => bus.jsm.streams.info(streams.facts))).state.last_seq,
    onError,
  });
}

function handleOf<State, Message>(
  running: Running<State, Message>,
  saver: Saver,
  { bus, clock }: { readonly bus: Bus; readonly clock: Clock },
): ActorHandle<State, Message> {
  const { reader } = running;
  return {
    post: (message) => {
      if (running.tenure === null) return false;
      running.tenure.deliver(message);
      return running.tenure.live();
    },
    state: () => running.state,
    status: () => statusOf(running, bus.connected(), clock.steadyMs()),
    idle: () => running.tenure?.idle() ?? Promise.resolve(),
    save: saver.save,
    drain: async (graceMs = GRACE_MS) => {
      if (running.role === "draining" || running.role === "stopped") return;
      running.role = "draining";
      saver.stop();
      running.tenure?.closeIntake();
      await within(graceMs, running.tenure?.idle() ?? Promise.resolve());
      if (bus.connected()) await within(graceMs, saver.save());
      running.role = "stopped";
      endTenure(running);
      await within(graceMs, running.lease?.release() ?? Promise.resolve());
      await within(graceMs, reader.stop());
    },
  };
}

function statusOf<State, Message>(
  { role: taken, tenure, reader, trouble, lease }: Running<State, Message>,
  connected: boolean,
  steadyMs: number,
): ActorStatus {
  const readable = reader.problem() === null;
  // A process that was stopped and goes on may be asked before it notices that its lease has run out.
  const role = taken === "owner" && steadyMs >= (lease?.deadlineMs() ?? Number.NEGATIVE_INFINITY) ? "standby" : taken;
  return {
    role,
    ready: readable && (role === "owner" || (role === "standby" && tenure === null)),
    lastSeq: reader.position(),
    lagging: isBehind(reader),
    fence: tenure?.fence ?? null,
    problems: [reader.problem(), trouble, connected ? null : "no link to nats-server"].filter((text) => text !== null),
  };
}

const isBehind = (reader: FactReader): boolean => reader.blind() || reader.known() > reader.position();
