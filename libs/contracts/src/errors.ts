/**
 * Errors, grouped by what to do next. A refusal (the answer is no) is a value of a closed union, never one of these.
 * `docs/errors.md` lists every code; a test keeps both equal.
 */

export const errorCodes = [
  "AMOUNT_INVALID",
  "PRICE_INVALID",
  "ID_INVALID",
  "CONFIG_INVALID",
  "MESSAGE_MALFORMED",
  "MESSAGE_UNKNOWN_MAJOR",
  "STREAM_IDENTITY_CHANGED",
  "STREAM_CONFIG_REFUSED",
  "SERVER_TOO_OLD",
  "SNAPSHOT_UNREADABLE",
  "CHAIN_FENCED",
  "DUPLICATE_DIFFERS",
  "VENUE_UNREACHABLE",
  "VENUE_REFUSED",
  "VENUE_UNREADABLE",
  "RPC_UNREACHABLE",
  "RPC_REFUSED",
  "RPC_UNREADABLE",
  "MARKET_VERSION_UNKNOWN",
  "WALLET_MISMATCH",
  "BUS_UNREACHABLE",
  "TAPE_INVALID",
  "TAPE_WRITE_FAILED",
  "DISK_FULL",
  "INVARIANT_BROKEN",
] as const;
export type ErrorCode = (typeof errorCodes)[number];

class CodedError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** A message, a setting or an input does not match its schema. A fact: stop at it. At start: exit 1 with the text. */
export class ContractError extends CodedError {}

/** Safe to repeat (reads, 429, no responders): bounded backoff with jitter outside the mailbox. */
export class TransientError extends CodedError {}

/** An order or a transfer may have happened. Never resend; look it up. */
export class OutcomeUnknownError extends CodedError {}

/** Our own bug or corrupt state: log and exit 1 without acknowledging anything. */
export class InvariantError extends CodedError {
  constructor(message: string, options?: ErrorOptions) {
    super("INVARIANT_BROKEN", message, options);
  }
}

/** Makes a switch exhaustive at compile time and loud at run time. */
export function assertNever(value: never): never {
  throw new InvariantError(`unexpected case ${JSON.stringify(value)}`);
}
