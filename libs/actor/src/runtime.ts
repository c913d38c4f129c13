/**
 * Runs one core on the log: recovery, reading, ownership, deciding, saving.
 *
 * Roles: recovering → standby ⇄ owner → draining → stopped.
 * 1. State comes from facts alone, in the log's order; recovery folds and decides nothing.
 * 2. Only the owner decides, and only what is not yet decided in a state that has all that the log had when its tenure
 *    began.
 * 3. Facts are in the log before requests leave; a request leaves only under a living lease and in a state that has
 *    everything the log is known to have.
 * 4. A service may be shared by its replicas, shard by shard: each shard has a lease and tenures of its own, the state is
 *    one, so a replica takes over a shard without loading anything.
 */
import { ContractError } from "@slipstream/contracts/errors";
import type { Fact } from "@slipstream/contracts/facts";
import { buckets, streams } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import type { Bus } from "./bus.ts";
import type { Clock } from "./clock.ts";
import type { Core, FactMessage, Latch, Performer } from "./core.ts";
import { startFactReader } from "./factReader.ts";
import { createFenceJudge, type FenceJudge, refusedFacts } from "./fences.ts";
import { createOutbox, TenureEnded } from "./outbox.ts";
import { type LeaseChoice, type Ownership, shardNames, shardOfChain, startOwnership } from "./ownership.ts";
import { type Start, startingPoint } from "./recovery.ts";
import { retrying } from "./retrying.ts";
import { type ActorStatus, isBehind, isInTime, leaveOut, type Running, statusOf } from "./running.ts";
import { type Saver, startSaver } from "./saver.ts";
import { snapshotStore } from "./snapshot.ts";
import { createTenure, type Tenure } from "./tenure.ts";
import { within } from "./within.ts";

export type ActorOptions<State, View, Message extends { readonly type: string }, Request> = {
  readonly core: Core<State, View, Message, Request>;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly lease: LeaseChoice;
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
  /** Each fact of ours as it is stored: for measuring, nothing may depend on it. */
  readonly onStored?: (fact: Fact) => void;
  /** Owner: of the service, or of at least one of its shards. */
  readonly onOwnership?: (role: "owner" | "standby") => void;
  /** Called once for an error after which the process must end. */
  readonly onFatal: (error: Error) => void;
  /** When state is saved; the defaults are the design's, tests save sooner. */
  readonly save?: { readonly everyMs?: number; readonly everyFacts?: number };
};

export type ActorHandle<State, Message> = {
  /** Gives a message to the mailbox; dropped (false) unless this process is the live owner, or one of the owners. */
  post(message: Message): boolean;
  /** Whether this process owns the shard and decides for it now. */
  owns(shard: string): boolean;
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

type Beginning<State> = Start<State> & { readonly judge: FenceJudge; readonly refused: ReadonlySet<number> };

const SAVE_EVERY_MS = 60_000;
const SAVE_EVERY_FACTS = 20_000;
const GRACE_MS = 5_000;

/**
 * Starts an actor. Resolves when the state is recovered to the end of the log, or when an unreadable fact stands in the
 * way (see `status().problems`); ownership follows, see `onOwnership`.
 * @throws ContractError STREAM_IDENTITY_CHANGED or SNAPSHOT_UNREADABLE with what to do.
 */
export async function startActor<State, View, Message extends { readonly type: string }, Request>(
  options: ActorOptions<State, View, Message, Request>,
): Promise<ActorHandle<State, Message>> {
  const { core, bus, logger, clock } = options;
  const judge = createFenceJudge(bus);
  const store = snapshotStore<State>(bus, {
    bucket: buckets.state(core.service),
    key: options.lease.key,
    stateVersion: core.stateVersion,
    isReached: (fence) => judge.isReached(options.lease.bucket, fence),
  });
  const from = await startingPoint({ bus, logger, store }, { initial: () => core.initial(), name: core.service });
  const refused = await retrying(bus, logger, () => refusedFacts(bus, from.created));
  const start = { ...from, judge, refused };
  const running = startReading(options, start);
  const [saving = ""] = shardNames(options.lease);
  const saver = startSaver({
    store,
    logger,
    steadyMs: clock.steadyMs,
    everyMs: options.save?.everyMs ?? SAVE_EVERY_MS,
    everyFacts: options.save?.everyFacts ?? SAVE_EVERY_FACTS,
    savedSeq: start.lastApplied,
    current: () => {
      const { state, tenures, reader } = running;
      const tenure = tenures.get(saving);
      if (tenure === undefined) return null;
      const { tails, created } = start;
      return { snapshot: { state, tails, created, lastApplied: reader.position() }, fence: tenure.fence };
    },
    onOvertaken: (fence) => running.ownership?.giveUp(saving, `a snapshot of the later owner ${fence} is there`),
  });
  const recovered = recover(options, running).then(() => {
    if (running.role !== "recovering") return;
    running.role = "standby";
    running.ownership = beginOwnership(options, start, running);
  });
  await Promise.race([recovered, running.reader.stuck]);
  return handleOf(running, saver, options);
}

/** Folds the log from the starting point on; facts become messages only in a live tenure. */
function startReading<State, View, Message extends { readonly type: string }, Request>(
  options: ActorOptions<State, View, Message, Request>,
  start: Beginning<State>,
): Running<State, Message> {
  const { core, bus, logger, onFatal } = options;
  const reader = startFactReader({
    bus,
    logger,
    service: core.service,
    folds: core.folds,
    created: start.created,
    after: start.lastApplied,
    judge: start.judge,
    refused: start.refused,
    tails: start.tails,
    onFact: (recorded) => {
      running.state = core.evolve(running.state, recorded);
      dispatch(options, running, { type: "Fact", recorded });
    },
    onFatal: (error) => fail(running, error, onFatal),
  });
  const running: Running<State, Message> = {
    state: start.state,
    role: "recovering",
    tenures: new Map(),
    trouble: null,
    failed: false,
    leftOut: null,
    reader,
    ownership: null,
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
  for (const shard of running.tenures.keys()) endTenure(running, shard);
  onFatal(fatal);
}

/** Brings a message to the owners of the chains it concerns, as far as they are here. */
function dispatch<State, View, Message extends { readonly type: string }, Request>(
  { core, view, lease }: ActorOptions<State, View, Message, Request>,
  { state, tenures }: Running<State, Message>,
  message: Message | FactMessage,
): boolean {
  if (tenures.size === 0) return false;
  for (const chain of core.route(state, view(), message)) tenures.get(shardOfChain(lease, chain))?.put(chain, message);
  return [...tenures.values()].some((tenure) => tenure.live());
}

function endTenure<State, Message>(running: Running<State, Message>, shard: string): void {
  const tenure = running.tenures.get(shard);
  if (tenure === undefined) return;
  tenure.end();
  running.tenures.delete(shard);
  running.reader.giveUp(new TenureEnded("the tenure is over"), tenure.waits);
}

function beginOwnership<State, View, Message extends { readonly type: string }, Request>(
  options: ActorOptions<State, View, Message, Request>,
  start: Beginning<State>,
  running: Running<State, Message>,
): Ownership {
  const { bus, logger, clock, instance, lease, onOwnership, onFatal } = options;
  const onError = (error: unknown, shard: string, of: Tenure<Message>): void => {
    if (running.tenures.get(shard) !== of) return;
    if (error instanceof TenureEnded) {
      // A renewal may still come: then nobody would ask what is owed.
      running.ownership?.giveUp(shard, "a fact was left behind when the lease had run out");
    } else if (error instanceof ContractError && error.code === "CHAIN_FENCED") {
      running.trouble = error.message;
      running.ownership?.giveUp(shard, "a chain has a later owner");
    } else {
      fail(running, error, onFatal);
    }
  };
  return startOwnership({
    bus,
    logger,
    lease,
    instance,
    boot: `${process.pid}-${performance.timeOrigin}-${clock.steadyMs()}`,
    steadyMs: clock.steadyMs,
    onGained: (shard, fence) => {
      if (running.failed || (running.role !== "standby" && running.role !== "owner")) return;
      start.judge.learn(lease.bucket, fence);
      const at = { shard, fence };
      const tenure: Tenure<Message> = tenureOf(options, start, running, at, (error) => onError(error, shard, tenure));
      running.tenures.set(shard, tenure);
      tenure.begin().then(
        () => {
          if (running.tenures.get(shard) !== tenure || !tenure.live()) return;
          running.trouble = null;
          if (running.role !== "standby") return;
          running.role = "owner";
          onOwnership?.("owner");
        },
        (error: unknown) => onError(error, shard, tenure),
      );
    },
    onLost: (shard) => {
      endTenure(running, shard);
      if (running.role !== "owner" || running.tenures.size > 0) return;
      running.role = "standby";
      onOwnership?.("standby");
    },
    beforeYield: async (shard) => {
      const tenure = running.tenures.get(shard);
      tenure?.closeIntake();
      await within(GRACE_MS, tenure?.idle() ?? Promise.resolve());
    },
  });
}

function tenureOf<State, View, Message extends { readonly type: string }, Request>(
  options: ActorOptions<State, View, Message, Request>,
  { tails, judge }: Beginning<State>,
  running: Running<State, Message>,
  { shard, fence }: { readonly shard: string; readonly fence: number },
  onError: (error: unknown) => void,
): Tenure<Message> {
  const { core, bus, clock, logger, instance, lease, view, perform, latch, passesAlways, onRefused } = options;
  const { reader } = running;
  const mayWrite = (): boolean =>
    running.tenures.get(shard)?.fence === fence &&
    clock.steadyMs() < (running.ownership?.deadlineMs(shard) ?? Number.NEGATIVE_INFINITY);
  const last = (request: Request): ReturnType<Latch<Request>> =>
    mayWrite() ? (latch?.(request) ?? { open: true }) : { open: false, reason: "LEASE_LOST" };
  const waits = {};
  const applied = (seq: number): Promise<void> => reader.taken(seq, waits);
  return createTenure<State, View, Message, Request>({
    core,
    clock,
    logger,
    owner: instance,
    fence,
    waits,
    owns: (chain) => shardOfChain(lease, chain) === shard,
    outbox: createOutbox({
      bus,
      logger,
      source: `${core.service}/${instance}`,
      fence,
      tails,
      judge,
      mayWrite,
      applied,
    }),
    state: () => running.state,
    view,
    perform,
    latch: (request) => {
      if (passesAlways?.(request) === true) return { open: true };
      return isBehind(reader) ? reader.caughtUp().then(() => last(request)) : last(request);
    },
    onRefused: (request, reason) => onRefused?.(request, reason) ?? null,
    onAnswer: (message) => dispatch(options, running, message),
    onStored: options.onStored ?? (() => undefined),
    onLeftOut: (text) => leaveOut(running, logger, text),
    applied,
    endOfLog: async () => (await retrying(bus, logger, () => bus.jsm.streams.info(streams.facts))).state.last_seq,
    onError,
  });
}

function handleOf<State, View, Message extends { readonly type: string }, Request>(
  running: Running<State, Message>,
  saver: Saver,
  options: ActorOptions<State, View, Message, Request>,
): ActorHandle<State, Message> {
  const { bus, clock } = options;
  const { reader, tenures } = running;
  const eachTenure = (work: (tenure: Tenure<Message>) => Promise<void>): Promise<unknown> =>
    Promise.all([...tenures.values()].map(work));
  return {
    post: (message) => dispatch(options, running, message),
    owns: (shard) => tenures.get(shard)?.live() === true && isInTime(running, shard, clock.steadyMs()),
    state: () => running.state,
    status: () => statusOf(running, bus.connected(), clock.steadyMs()),
    idle: async () => void (await eachTenure((tenure) => tenure.idle())),
    save: saver.save,
    drain: async (graceMs = GRACE_MS) => {
      if (running.role === "draining" || running.role === "stopped") return;
      running.role = "draining";
      saver.stop();
      for (const tenure of tenures.values()) tenure.closeIntake();
      await within(
        graceMs,
        eachTenure((tenure) => tenure.idle()),
      );
      if (bus.connected()) await within(graceMs, saver.save());
      running.role = "stopped";
      for (const shard of tenures.keys()) endTenure(running, shard);
      await within(graceMs, running.ownership?.release() ?? Promise.resolve());
      await within(graceMs, reader.stop());
    },
  };
}
