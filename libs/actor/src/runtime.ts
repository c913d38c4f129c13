/** Runs one core on the log. */
import type { Logger } from "pino";
import type { Bus } from "./bus.ts";
import type { Clock } from "./clock.ts";
import type { Core, Latch, Performer } from "./core.ts";

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
};

export type ActorHandle<State, Message> = {
  /** Gives a message to the mailbox; dropped (false) unless this process is the live owner. */
  post(message: Message): boolean;
  /** The state, to look at and not to keep: it changes in place. */
  state(): State;
  status(): ActorStatus;
  /** Stops intake, finishes what is in hand, saves, releases the lease, stops reading. Harmless the second time. */
  drain(graceMs?: number): Promise<void>;
};
/** Starts; resolves when the state has been recovered to the end of the log (as owner or standby). */
export function startActor<State, View, Message extends { readonly type: string }, Request>(
  options: ActorOptions<State, View, Message, Request>,
): Promise<ActorHandle<State, Message>> {
  return Promise.reject(new Error(`not yet: ${options.core.service}`));
}
