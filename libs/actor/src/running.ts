/** What changes while an actor runs, and what it says of itself. */
import { plainText } from "@slipstream/contracts/text";
import type { Logger } from "pino";
import type { FactReader } from "./factReader.ts";
import type { Ownership } from "./ownership.ts";
import type { Tenure } from "./tenure.ts";

const LEFT_OUT_TEXT_MAX = 300;

export type ActorRole = "recovering" | "standby" | "owner" | "draining" | "stopped";
export type ActorStatus = {
  readonly role: ActorRole;
  /** Owner: recovered and deciding. Standby: has followed the log to its end. */
  readonly ready: boolean;
  /** Last fact applied. */
  readonly lastSeq: number;
  /** The reader is behind the log: nothing is requested until it has caught up. */
  readonly lagging: boolean;
  /** Lease revision of the tenure, the highest of several; null without one. */
  readonly fence: number | null;
  readonly problems: readonly string[];
};

/** Everything that changes while an actor runs. */
export type Running<State, Message> = {
  state: State;
  role: ActorRole;
  /** By shard; those that have begun to begin. */
  readonly tenures: Map<string, Tenure<Message>>;
  /** Why the tenure before ended badly; null when there is nothing to say. */
  trouble: string | null;
  failed: boolean;
  /** What came from outside and could be neither decided on nor written, and the newest of it. */
  leftOut: { readonly count: number; readonly why: string } | null;
  reader: FactReader;
  ownership: Ownership | null;
};

export const isInTime = <State, Message>(
  { ownership }: Running<State, Message>,
  shard: string,
  steadyMs: number,
): boolean => steadyMs < (ownership?.deadlineMs(shard) ?? Number.NEGATIVE_INFINITY);

export function statusOf<State, Message>(
  running: Running<State, Message>,
  connected: boolean,
  steadyMs: number,
): ActorStatus {
  const { role: taken, tenures, reader, trouble, leftOut } = running;
  const lost =
    leftOut === null ? null : `${leftOut.count} left out that could not be written, the last: ${leftOut.why}`;
  const readable = reader.problem() === null;
  // A process that was stopped and goes on may be asked before it notices that its leases have run out.
  const isLate = ![...tenures.keys()].some((shard) => isInTime(running, shard, steadyMs));
  const role = taken === "owner" && isLate ? "standby" : taken;
  return {
    role,
    ready: readable && (role === "owner" || (role === "standby" && tenures.size === 0)),
    lastSeq: reader.position(),
    lagging: isBehind(reader),
    fence: tenures.size === 0 ? null : Math.max(...[...tenures.values()].map(({ fence }) => fence)),
    problems: [reader.problem(), trouble, lost, reader.notice(), connected ? null : "no link to nats-server"].filter(
      (text) => text !== null,
    ),
  };
}

/** Behind the log, or unable to see it. */
export const isBehind = (reader: FactReader): boolean => reader.blind() || reader.known() > reader.position();

/** Counts what was left out and says it, once: the same item may be told again with each reading. */
export function leaveOut<State, Message>(running: Running<State, Message>, logger: Logger, text: string): void {
  const why = plainText(text, LEFT_OUT_TEXT_MAX);
  if (running.leftOut?.why !== why) logger.error({ reason: why }, "left out");
  running.leftOut = { count: (running.leftOut?.count ?? 0) + 1, why };
}
