/** Whether the log that is there is the one our state belongs to; a log that is not ends a service, with what to do. */
import { ContractError } from "@slipstream/contracts/errors";
import { streams } from "@slipstream/contracts/subjects";

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
    "the KV buckets state_*.";
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

export const streamGone = (position: number): ContractError =>
  new ContractError(
    "STREAM_IDENTITY_CHANGED",
    `the broker has no stream ${streams.facts} any more, our state has applied fact ${position}. Bring back the store of the broker, or delete the KV buckets state_* to begin a new log.`,
  );

export const agedOut = (wanted: number, first: number): ContractError =>
  new ContractError(
    "SNAPSHOT_UNREADABLE",
    `facts ${wanted} to ${first - 1} were removed by the retention of the log before they were read: the state cannot be complete. Restore a backup of the log that has them.`,
  );
