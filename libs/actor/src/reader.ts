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
import { agedOut, checkedLog, streamGone } from "./logIdentity.ts";
import { createReaderPosition } from "./readerPosition.ts";

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
  taken(seq: number, of?: object): Promise<void>;
  /** Resolves when everything the log is known to have is taken, and the log can be seen. @throws as `taken`. */
  caughtUp(): Promise<void>;
  /** Rejects everyone who waits. */
  giveUp(reason: Error, of?: object): void;
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
  let reading = false;
  let silent = false;
  let stopped = false;
  let endSession: (why: SessionEnd) => void = () => undefined;
  let resumed: () => void = () => undefined;
  const blind = (): boolean => silent || !reading || !bus.connected();
  const position = createReaderPosition(after, blind);
  const openEye = (): void => {
    silent = false;
    position.seen();
  };

  /** Takes one message; answers why the session cannot go on, or null. */
  const receive = (message: JsMsg): SessionEnd | null => {
    if (message.seq <= position.at()) return null;
    if (silent) openEye();
    position.learn(message.seq + message.info.pending);
    if (message.seq !== position.at() + 1) return { jumpTo: message.seq };
    if (!take(message)) return "notTaken";
    position.moveTo(message.seq);
    return null;
  };

  const checked = async (): Promise<number> => {
    const log = await checkedLog({
      created,
      position: position.at,
      read: async () => {
        const info = await overLink(bus, () => bus.jsm.streams.info(streams.facts));
        return { created: info.created, firstSeq: info.state.first_seq, lastSeq: info.state.last_seq };
      },
    });
    position.learn(log.lastSeq);
    return log.firstSeq;
  };

  /** Nothing between position and `seq` means that those were deleted; anything there, that the consumer lost it. */
  const passHole = async (seq: number): Promise<void> => {
    const firstSeq = await checked();
    if (firstSeq > position.at() + 1) throw agedOut(position.at() + 1, firstSeq);
    const next = await overLink(bus, () =>
      bus.jsm.direct.getMessage(streams.facts, { seq: position.at() + 1, next_by_subj: subjects.allFacts }),
    );
    if (next === null || next.seq < seq) return;
    logger.warn({ fromSeq: position.at() + 1, toSeq: seq - 1 }, "the log has a hole: facts were deleted");
    position.moveTo(seq - 1);
  };

  const session = async (): Promise<SessionEnd> => {
    const ended = new Promise<SessionEnd>((resolve) => {
      endSession = resolve;
    });
    const source = await overLink(bus, () =>
      bus.js.consumers.get(streams.facts, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: position.at() + 1,
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
        if (firstSeq > position.at() + 1) throw agedOut(position.at() + 1, firstSeq);
        missing = 0;
        const why = await session();
        if (typeof why === "object") await passHole(why.jumpTo);
        else if (why === "notTaken") await resumption();
        else if (why === "closed") await pause(RETRY_MS);
      } catch (error) {
        if (stopped || bus.nc.isClosed()) return;
        const gone = isStreamNotFound(error) && ++missing >= STREAM_MISSING_TRIES;
        if (gone) return onFatal(streamGone(position.at()));
        if (!isOfTheBus(error)) return onFatal(error instanceof Error ? error : new Error(String(error)));
        logger.warn({ err: error, position: position.at() }, "cannot read the log now");
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
    position: position.at,
    known: position.known,
    blind,
    taken: position.taken,
    caughtUp: position.caughtUp,
    giveUp: position.giveUp,
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
