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
import type { Core, FactMessage, Latch, Performer } from "./core.ts";
import { type FactReader, startFactReader, type Tail } from "./factReader.ts";
import { type Lease, startLease } from "./lease.ts";
import { createOutbox, TenureEnded } from "./outbox.ts";
import { checkIdentity } from "./reader.ts";
import { retrying } from "./retrying.ts";
import { snapshotStore, startingPoint } from "./snapshot.ts";
import { createTenure, type Tenure } from "./tenure.ts";

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
  /** The service's own latch; the lease's deadline and the reader are checked before it. Absent: always open. */
  readonly latch?: Latch<Request>;
  /** A request that a latch refused, as a message to decide on; null: `owed` will find it. */
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
  /** Saves now if this process is the owner; resolves when it is stored. */
  save(): Promise<void>;
  /** Stops intake, finishes what is in hand, saves, releases the lease, stops reading. Harmless the second time. */
  drain(graceMs?: number): Promise<void>;
};

const SAVE_EVERY_MS = 60_000;
const SAVE_EVERY_FACTS = 20_000;
const SAVE_CHECK_MS = 1_000;
/** How long a request waits for the reader to catch up before it is refused. */
const CATCH_UP_MS = 2_000;
const GRACE_MS = 5_000;

/**
 * Starts an actor. Resolves when the state is recovered to the end of the log, or when an unreadable fact stands in the
 * way (see `status().problems`); ownership follows, see `onOwnership`.
 * @throws ContractError STREAM_IDENTITY_CHANGED or SNAPSHOT_UNREADABLE with what to do.
 */
export async function startActor<State, View, Message extends { readonly type: string }, Request>(
  options: ActorOptions<State, View, Message, Request>,
): Promise<ActorHandle<State, Message>> {
  const { core, bus, clock, logger, instance, view, perform, latch, onRefused, onOwnership } = options;
  const { everyMs = SAVE_EVERY_MS, everyFacts = SAVE_EVERY_FACTS } = options.save ?? {};
  const store = snapshotStore<State>(bus, {
    bucket: buckets.state(core.service),
    key: options.lease.key,
    stateVersion: core.stateVersion,
  });
  const stream = await retrying(bus, logger, () => bus.jsm.streams.info(streams.facts));
  const reading = await retrying(bus, logger, () => store.read());
  if (reading.kind === "unusable") logger.warn({ reason: reading.why }, "snapshot not usable, folding the whole log");
  const { created } = stream;
  if (reading.kind === "snapshot") {
    checkIdentity(
      { created: reading.snapshot.created, position: reading.snapshot.lastApplied },
      { created, lastSeq: stream.state.last_seq },
    );
  }
  const start = startingPoint(reading, {
    initial: () => core.initial(),
    firstSeq: stream.state.first_seq,
    name: core.service,
  });

  let state = start.state;
  const tails: Map<string, Tail> = start.tails;
  let role: ActorRole = "recovering";
  let tenure: Tenure<Message> | null = null;
  let trouble: string | null = null;
  let failed = false;
  let saved = { seq: start.lastApplied, steadyMs: clock.steadyMs() };
  let saving: Promise<void> | null = null;

  const onFatal = (error: unknown): void => {
    if (failed || role === "stopped") return;
    failed = true;
    trouble = error instanceof Error ? error.message : String(error);
    endTenure();
    options.onFatal(error instanceof Error ? error : new Error(String(error)));
  };

  const reader: FactReader = startFactReader({
    bus,
    logger,
    service: core.service,
    folds: core.folds,
    created,
    after: start.lastApplied,
    tails,
    onFact: (recorded) => {
      state = core.evolve(state, recorded);
      if (tenure?.live() !== true) return;
      const message: FactMessage = { type: "Fact", recorded };
      tenure.deliver(message);
    },
    onFatal,
  });

  const endTenure = (): void => {
    if (tenure === null) return;
    tenure.end();
    tenure = null;
    reader.giveUp(new TenureEnded("the tenure is over"));
  };

  const gained = (fence: number): void => {
    const mayWrite = (): boolean => tenure?.fence === fence && clock.steadyMs() < lease.deadlineMs();
    const mine = createTenure<State, View, Message, Request>({
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
      state: () => state,
      view,
      perform,
      latch: (request) => {
        if (!mayWrite()) return { open: false, reason: "LEASE_LOST" };
        if (!lagging()) return latch?.(request) ?? { open: true };
        return caughtUp(reader).then((is) => {
          if (!is) return { open: false, reason: "READER_BEHIND" };
          if (!mayWrite()) return { open: false, reason: "LEASE_LOST" };
          return latch?.(request) ?? { open: true };
        });
      },
      onRefused: (request, reason) => onRefused?.(request, reason) ?? null,
      applied: reader.taken,
      endOfLog: async () => (await retrying(bus, logger, () => bus.jsm.streams.info(streams.facts))).state.last_seq,
      onError: (error) => decisionFailed(error, mine),
    });
    tenure = mine;
    mine
      .begin()
      .then(() => {
        if (tenure !== mine || !mine.live()) return;
        role = "owner";
        trouble = null;
        onOwnership?.("owner");
      })
      .catch((error: unknown) => decisionFailed(error, mine));
  };
  const lost = (): void => {
    const was = role;
    endTenure();
    if (role === "owner") role = "standby";
    if (was === "owner") onOwnership?.("standby");
  };
  const decisionFailed = (error: unknown, of: Tenure<Message>): void => {
    if (error instanceof TenureEnded || tenure !== of) return;
    if (error instanceof ContractError && error.code === "CHAIN_FENCED") {
      trouble = error.message;
      lease.giveUp("a chain has a later owner");
      return;
    }
    onFatal(error);
  };

  const lagging = (): boolean => reader.blind() || reader.known() > reader.position();

  await Promise.race([
    retrying(bus, logger, () => bus.jsm.streams.info(streams.facts)).then(({ state: now }) =>
      reader.taken(now.last_seq),
    ),
    reader.stuck,
  ]);
  if (reader.problem() === null) role = "standby";
  const lease: Lease = startLease({
    bus,
    logger,
    ...options.lease,
    instance,
    boot: `${process.pid}-${clock.nowMs()}-${performance.timeOrigin}`,
    steadyMs: clock.steadyMs,
    onGained: gained,
    onLost: lost,
  });

  const save = async (): Promise<void> => {
    const fence = tenure?.fence;
    const seq = reader.position();
    if (fence === undefined || role === "stopped" || seq === saved.seq) return;
    saved = { seq, steadyMs: clock.steadyMs() };
    const answer = await store.write({ state, tails, created, lastApplied: seq }, fence);
    if (answer !== null) lease.giveUp(`a snapshot of fence ${answer.overtakenBy} is there`);
    else logger.debug({ seq }, "state saved");
  };
  const saveOnce = (): Promise<void> => {
    saving ??= save()
      .catch((error: unknown) => logger.warn({ err: error }, "state not saved, tried again later"))
      .finally(() => {
        saving = null;
      });
    return saving;
  };
  const saveTimer = setInterval(
    () => {
      const due = reader.position() - saved.seq >= everyFacts || clock.steadyMs() - saved.steadyMs >= everyMs;
      if (due && role === "owner") void saveOnce();
    },
    Math.min(SAVE_CHECK_MS, everyMs),
  );

  return {
    post: (message) => {
      if (tenure === null || role === "stopped") return false;
      tenure.deliver(message);
      return true;
    },
    state: () => state,
    status: () => ({
      role,
      ready: reader.problem() === null && (role === "owner" || (role === "standby" && tenure === null)),
      lastSeq: reader.position(),
      lagging: lagging(),
      fence: tenure?.fence ?? null,
      problems: [reader.problem(), trouble, bus.connected() ? null : "no link to nats-server"].filter(
        (problem) => problem !== null,
      ),
    }),
    save: async () => {
      await saving;
      await saveOnce();
    },
    drain: async (graceMs = GRACE_MS) => {
      if (role === "draining" || role === "stopped") return;
      role = "draining";
      clearInterval(saveTimer);
      tenure?.closeIntake();
      await within(graceMs, tenure?.idle() ?? Promise.resolve());
      if (bus.connected()) {
        await saving;
        await within(graceMs, saveOnce());
      }
      role = "stopped";
      endTenure();
      await within(graceMs, lease.release());
      await within(graceMs, reader.stop());
    },
  };
}

/** Waits until everything known of the log is applied; false when that takes too long. */
async function caughtUp(reader: FactReader): Promise<boolean> {
  const done = reader.taken(reader.known()).then(() => !reader.blind());
  return (await within(CATCH_UP_MS, done)) ?? false;
}

/** The answer of `work`, or undefined when it takes longer or fails. */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  const answer = await Promise.race([work.catch(() => undefined), late]);
  clearTimeout(timer);
  return answer;
}
