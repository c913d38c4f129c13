/** What an error of the client means for the next step. */
import { JetStreamApiError } from "@nats-io/jetstream";
import { TransientError } from "@slipstream/contracts/errors";

const WRONG_LAST_SEQUENCE = 10_071;
const WRONG_LAST_SEQUENCE_UNKNOWN = 10_164;
const DUPLICATE_IN_PROCESS = 10_158;
const TOO_MANY_REQUESTS = 10_167;
const STREAM_NOT_FOUND = 10_059;

/** The expected last sequence of the subject was another one: somebody has written in between, or we had already. */
export const isConflict = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  (error.code === WRONG_LAST_SEQUENCE || error.code === WRONG_LAST_SEQUENCE_UNKNOWN);

export const isStreamNotFound = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND;

/**
 * True when the server has given a final no. Timeouts, lost links, elections ("jetstream is not enabled") and a full
 * ingest queue are not: the same message is sent again.
 */
export const isFinal = (error: unknown): boolean =>
  error instanceof JetStreamApiError &&
  error.status < 500 &&
  error.code !== DUPLICATE_IN_PROCESS &&
  error.code !== TOO_MANY_REQUESTS;

/** By name, since the client exports only some of them. */
const clientErrors = new Set([
  "JetStreamNotEnabled",
  "JetStreamError",
  "JetStreamStatusError",
  "RequestError",
  "TimeoutError",
  "NoRespondersError",
  "ConnectionError",
  "ClosedConnectionError",
  "DrainingConnectionError",
]);

/** True for what the link, the broker or the client says; false for our own bugs and for refusals of our contract. */
export const isOfTheBus = (error: unknown): boolean =>
  error instanceof TransientError ||
  error instanceof JetStreamApiError ||
  (error instanceof Error && clientErrors.has(error.name));
