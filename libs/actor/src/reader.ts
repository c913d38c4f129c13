/**
 * Reads the log from a position on: every message once, in sequence order, whatever happens to the link, the broker or
 * the consumer.
 *
 * 1. The position is ours, not the server's: after every doubt a new ordered consumer starts behind it.
 * 2. A jump in the sequence is believed only after the stream itself has said that nothing lies in between.
 * 3. The stream is known by its moment of creation. Another one, or one that ends before our position, is not our log.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { ContractError } from "@slipstream/contracts/errors";
import { streams, subjects } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import { type Bus, overLink } from "./bus.ts";
import { isOfTheBus, isStreamNotFound } from "./errorsOfBus.ts";

/** Takes the message of the next sequence; false: not taken, the reader stops before it until `resume`. */
export type TakeMessage = (message: JsMsg) => boolean;

export type LogReaderOptions = {
  readonly bus: Bus;
  readonly logger: Logger;
  /** Identity of the stream that `after` counts in. */
  readonly created: string;
  /** Last sequence that is already applied. */
  readonly after: number;
  readonly take: TakeMessage;
  readonly onFatal: (error: Error) => void;
};

export type LogReader = {
  /** Last sequence taken. */
  position(): number;
  /** Highest sequence the log is known to have; equal to `position` when everything known is taken. */
  known(): number;
  /** True while messages may be missing: no link, no consumer, or a consumer that has fallen silent. */
  blind(): boolean;
  /** Resolves when `seq` is taken. @throws the reason given to `giveUp`. */
  taken(seq: number): Promise<void>;
  /** Resolves when everything the log is known to have is taken, and the log can be seen. @throws as `taken`. */
  caughtUp(): Promise<void>;
  /** Rejects everyone who waits. */
  giveUp(reason: Error): void;
  /** Starts again behind the position, after a message was not taken. */
  resume(): void;
  stop(): Promise<void>;
};

/** Short, so that a consumer that died with its broker is noticed within two of these. */
const EXPIRES_MS = 1_000;
const MESSAGES_MAX = 1_000;
const RETRY_MS = 200;
/** The server forgets a consumer of ours that nobody reads. */
const INACTIVE_MS = 30_000;
const IDENTITY_CHECK_MS = 10_000;
/** A broker that has just started may not have its streams for a moment. */
const STREAM_MISSING_TRIES = 25;

/** Why reading begins again. */
type SessionEnd = "link" | "closed" | "notTaken" | "stopped" | { readonly jumpTo: number };

/** Starts reading; messages follow. */
export function startLogReader({ bus, logger, created, after, take, onFatal }: LogReaderOptions): LogReader {
  let position = after;
  let known = after;
  let reading = false;
  let silent = false;
  let stopped = false;
  let endSession: (why: SessionEnd) => void = () => undefined;
  let resumed: () => void = () => undefined;
  /** `sight`: waits for an open eye, not for a sequence. */
  type Waiter = { seq: number | "sight"; resolve: () => void; reject: (reason: Error) => void };
  const waiters = new Set<Waiter>();

  /** Takes one message; answers why the session cannot go on, or null. */
  const receive = (message: JsMsg): SessionEnd | null => {
    if (message.seq <= position) return null;
    if (silent) openEye();
    known = Math.max(known, message.seq + message.info.pending);
    if (message.seq !== position + 1) return { jumpTo: message.seq };
    if (!take(message)) return "notTaken";
    moveTo(message.seq);
    return null;
  };
  const moveTo = (seq: number): void => {
    position = seq;
    for (const waiter of waiters) {
      if (waiter.seq === "sight" || waiter.seq > position) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  };
  const blind = (): boolean => silent || !reading || !bus.connected();
  const openEye = (): void => {
    silent = false;
    for (const waiter of waiters) {
      if (waiter.seq !== "sight" || blind()) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  };
  const taken = (seq: number): Promise<void> =>
    new Promise((resolve, reject) => {
      if (seq <= position) resolve();
      else waiters.add({ seq, resolve, reject });
    });
  const caughtUp = async (): Promise<void> => {
    while (blind() || known > position) {
      if (blind()) {
        await new Promise<void>((resolve, reject) => waiters.add({ seq: "sight", resolve, reject }));
      }
      await taken(known);
    }
  };

  const checked = async (): Promise<number> => {
    const log = await checkedLog({
      created,
      position: () => position,
      read: async () => {
        const info = await overLink(bus, () => bus.jsm.streams.info(streams.facts));
        return { created: info.created, firstSeq: info.state.first_seq, lastSeq: info.state.last_seq };
      },
    });
    known = Math.max(known, log.lastSeq);
    return log.firstSeq;
  };

  /** Nothing between position and `seq` means that those were deleted; anything there, that the consumer lost it. */
  const passHole = async (seq: number): Promise<void> => {
    const firstSeq = await checked();
    if (firstSeq > position + 1) throw agedOut(position + 1, firstSeq);
    const next = await overLink(bus, () =>
      bus.jsm.direct.getMessage(streams.facts, { seq: position + 1, next_by_subj: subjects.allFacts }),
    );
    if (next === null || next.seq < seq) return;
    logger.warn({ fromSeq: position + 1, toSeq: seq - 1 }, "the log has a hole: facts were deleted");
    moveTo(seq - 1);
  };

  const session = async (): Promise<SessionEnd> => {
    const ended = new Promise<SessionEnd>((resolve) => {
      endSession = resolve;
    });
    const source = await overLink(bus, () =>
      bus.js.consumers.get(streams.facts, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: position + 1,
        inactive_threshold: INACTIVE_MS,
      }),
    );
    let over = false;
    let failure: unknown;
    const messages = await source.consume({
      expires: EXPIRES_MS,
      max_messages: MESSAGES_MAX,
      callback: (message) => {
        if (over) return;
        try {
          const why = receive(message);
          if (why === null) return;
          over = true;
          endSession(why);
        } catch (error) {
          over = true;
          failure = error;
          endSession("stopped");
        }
      },
    });
    void messages.closed().then(() => endSession("closed"));
    void watchSilence(messages);
    reading = true;
    openEye();
    const why = await ended;
    reading = false;
    over = true;
    messages.stop();
    if (bus.connected()) void source.delete().catch(() => undefined);
    if (failure !== undefined) throw failure;
    return why;
  };
  const watchSilence = async (messages: ConsumerMessages): Promise<void> => {
    for await (const { type } of messages.status()) {
      if (type === "heartbeat") openEye();
      else if (type === "heartbeats_missed") silent = true;
    }
  };

  const run = async (): Promise<void> => {
    let missing = 0;
    while (!stopped) {
      await bus.whenConnected();
      try {
        const firstSeq = await checked();
        if (firstSeq > position + 1) throw agedOut(position + 1, firstSeq);
        missing = 0;
        const why = await session();
        if (typeof why === "object") await passHole(why.jumpTo);
        else if (why === "notTaken") await resumption();
        else if (why === "closed") await pause(RETRY_MS);
      } catch (error) {
        if (stopped || bus.nc.isClosed()) return;
        const gone = isStreamNotFound(error) && ++missing >= STREAM_MISSING_TRIES;
        if (gone) return onFatal(streamGone(position));
        if (!isOfTheBus(error)) return onFatal(error instanceof Error ? error : new Error(String(error)));
        logger.warn({ err: error, position }, "cannot read the log now");
        await pause(RETRY_MS);
      }
    }
  };
  const resumption = (): Promise<void> =>
    new Promise((resolve) => {
      resumed = resolve;
    });

  const offLink = bus.onLink((link) => {
    if (link === "lost") endSession("link");
  });
  const identityTimer = setInterval(() => {
    if (!reading || !bus.connected()) return;
    checked().catch((error: unknown) => {
      if (!stopped && error instanceof ContractError) onFatal(error);
    });
  }, IDENTITY_CHECK_MS);
  const ran = run();

  return {
    position: () => position,
    known: () => known,
    blind,
    taken,
    caughtUp,
    giveUp: (reason) => {
      for (const waiter of waiters) waiter.reject(reason);
      waiters.clear();
    },
    resume: () => resumed(),
    stop: async () => {
      if (stopped) return;
      stopped = true;
      clearInterval(identityTimer);
      offLink();
      endSession("stopped");
      resumed();
      if (bus.connected()) await ran;
    },
  };
}

/**
 * Asks for the log's state and compares. Our position moves on while the server answers, so the answer is held against
 * where we were when we asked.
 * @throws ContractError STREAM_IDENTITY_CHANGED
 */
export async function checkedLog<Log extends { readonly created: string; readonly lastSeq: number }>({
  created,
  position,
  read,
}: {
  readonly created: string;
  readonly position: () => number;
  readonly read: () => Promise<Log>;
}): Promise<Log> {
  const asked = position();
  const log = await read();
  checkIdentity({ created, position: asked }, log);
  return log;
}

/**
 * Compares our position with the stream.
 * @throws ContractError STREAM_IDENTITY_CHANGED
 */
export function checkIdentity(
  ours: { readonly created: string; readonly position: number },
  stream: { readonly created: string; readonly lastSeq: number },
): void {
  const how =
    "Either bring back the store of the broker that this state belongs to, or, to begin a new log, delete the state: " +
    "the KV buckets state_* and cursors.";
  if (ours.created !== stream.created) {
    throw new ContractError(
      "STREAM_IDENTITY_CHANGED",
      `the log of the broker was created ${stream.created}, our state belongs to the one of ${ours.created}. ${how}`,
    );
  }
  if (ours.position > stream.lastSeq) {
    throw new ContractError(
      "STREAM_IDENTITY_CHANGED",
      `our state has applied fact ${ours.position}, the log of the broker ends at ${stream.lastSeq}: the broker lost the end of its store. ${how}`,
    );
  }
}

const streamGone = (position: number): ContractError =>
  new ContractError(
    "STREAM_IDENTITY_CHANGED",
    `the broker has no stream ${streams.facts} any more, our state has applied fact ${position}. Bring back the store of the broker, or delete the KV buckets state_* and cursors to begin a new log.`,
  );

const agedOut = (wanted: number, first: number): ContractError =>
  new ContractError(
    "SNAPSHOT_UNREADABLE",
    `facts ${wanted} to ${first - 1} were removed by the retention of the log before they were read: the state cannot be complete. Restore a backup of the log that has them.`,
  );
