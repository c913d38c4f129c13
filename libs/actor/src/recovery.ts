/** Where an actor begins: its snapshot, checked against the stream, or the beginning of the log. */
import { ContractError } from "@slipstream/contracts/errors";
import { streams } from "@slipstream/contracts/subjects";
import type { Logger } from "pino";
import type { Bus } from "./bus.ts";
import type { Tail } from "./factReader.ts";
import { checkIdentity } from "./logIdentity.ts";
import { retrying } from "./retrying.ts";
import type { SnapshotReading, SnapshotStore } from "./snapshot.ts";

export type Start<State> = {
  readonly state: State;
  readonly tails: Map<string, Tail>;
  readonly lastApplied: number;
  /** Identity of the stream. */
  readonly created: string;
};

/**
 * Reads snapshot and stream and chooses between them.
 * @throws ContractError STREAM_IDENTITY_CHANGED when the snapshot belongs to another log, SNAPSHOT_UNREADABLE when
 * there is no usable one and the log has lost its beginning.
 */
export async function startingPoint<State>(
  { bus, logger, store }: { readonly bus: Bus; readonly logger: Logger; readonly store: SnapshotStore<State> },
  { initial, name }: { readonly initial: () => State; readonly name: string },
): Promise<Start<State>> {
  // In this order: an owner beside us may save a snapshot of facts that are newer than a state of the log read before.
  const reading = await retrying(bus, logger, () => store.read());
  const { created, state: stream } = await retrying(bus, logger, () => bus.jsm.streams.info(streams.facts));
  if (reading.kind === "snapshot") {
    const { snapshot } = reading;
    checkIdentity({ created: snapshot.created, position: snapshot.lastApplied }, { created, lastSeq: stream.last_seq });
    return snapshot;
  }
  if (reading.kind === "unusable") logger.warn({ reason: reading.why }, "snapshot not usable, folding the whole log");
  // An empty log that never had a fact begins at 0.
  if (stream.first_seq > 1) throw beginningLost(name, reading, stream.first_seq);
  return { state: initial(), tails: new Map(), lastApplied: 0, created };
}

function beginningLost<State>(name: string, reading: SnapshotReading<State>, firstSeq: number): ContractError {
  const why = reading.kind === "unusable" ? reading.why : "there is none";
  return new ContractError(
    "SNAPSHOT_UNREADABLE",
    `${name} cannot start from its snapshot (${why}), and the log begins only at fact ${firstSeq}. Start the version of the service that wrote the snapshot, or restore a backup of the log that has its beginning.`,
  );
}
