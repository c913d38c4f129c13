/**
 * Time on one connection to the venue. Book time is venue time made monotonic per connection; the watermark says up to
 * which venue time every change has been published: one millisecond below the newest change, or, on a quiet connection,
 * what the answer to a ping proves.
 */
import type { BookClock } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { At } from "./tokenBook.ts";

/** How far our clock may be ahead of the venue's when nothing on the connection tells, and the clock is measured. */
export const CLOCK_AHEAD_MS_MAX = 1_000;

export type Connection = {
  readonly name: string;
  lastEventMs: number;
  watermarkMs: number;
  /** Smallest (receive − venue time) seen, infinite before the first: our clock is ahead of the venue's by at most this. */
  offsetMs: number;
  /** Tokens whose opening book on this connection is still awaited. */
  readonly opening: Set<TokenId>;
};

const createConnection = (name: string): Connection => ({
  name,
  lastEventMs: 0,
  watermarkMs: 0,
  offsetMs: Number.POSITIVE_INFINITY,
  opening: new Set(),
});

/** The connection of that name; it is there from the first time it is named. */
export function connectionOf(
  { connections }: { readonly connections: Map<string, Connection> },
  name: string,
): Connection {
  const connection = connections.get(name) ?? createConnection(name);
  connections.set(name, connection);
  return connection;
}

/** Takes the time of a message of now: monotonic venue time, and what it says of our clock. */
export function stamp(connection: Connection, tsEventMs: number, tsInitMs: number): At {
  connection.offsetMs = Math.min(connection.offsetMs, tsInitMs - tsEventMs);
  connection.lastEventMs = Math.max(connection.lastEventMs, tsEventMs);
  return atArrival(connection, tsEventMs, tsInitMs);
}

/**
 * The time of what changes a book and does not tell what time it is: a tick, an opening book, a book of REST. What a PONG
 * has proved may be decided already, so nothing that comes after it is from before it.
 */
export const atArrival = (connection: Connection, tsEventMs: number, tsInitMs: number): At =>
  atOf(connection, Math.max(tsEventMs, connection.watermarkMs + 1), tsInitMs);

/** The time of what is told of a book and changes nothing. */
export const atOf = (connection: Connection, tsEventMs: number, tsInitMs: number): At => ({
  tsEventMs: Math.max(connection.lastEventMs, tsEventMs),
  tsInitMs,
});

/**
 * The time of a print: its own, later than everything that was told when it came. Prints and changes come up to 0.62 s out
 * of order (reference §6.3), so a print does not tell that the changes before it have come.
 * @param bookMs - of the newest entry of its book.
 */
export function stampPrint(connection: Connection, tsEventMs: number, tsInitMs: number, bookMs: number): At {
  connection.offsetMs = Math.min(connection.offsetMs, tsInitMs - tsEventMs);
  return atArrival(connection, Math.max(tsEventMs, bookMs), tsInitMs);
}

/** Moves the watermark; null when it stands there already. */
export function advance(connection: Connection, watermarkMs: number, tsInitMs: number): BookClock | null {
  if (watermarkMs <= connection.watermarkMs) return null;
  connection.watermarkMs = watermarkMs;
  return { type: "BookClock", v: 1, connection: connection.name, watermarkMs, tsInitMs };
}
