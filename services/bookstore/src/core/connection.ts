/**
 * Time on one connection to the venue. Book time is venue time made monotonic per connection; the watermark says up to
 * which venue time every change has been published: one millisecond below the newest change, or, on a quiet connection,
 * what the answer to a ping proves.
 *
 * A stamp is a word of the venue, and bounded by when it came: what is far from it is no time, what is ahead of it by more
 * than our clock can be wrong counts as what it can be at most. Nothing that is told can move the clock further.
 */
import type { BookClock } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { At } from "./tokenBook.ts";

/** How far our clock may be from the venue's when nothing on the connection tells, and the clock is measured. */
export const CLOCK_AHEAD_MS_MAX = 1_000;

/** A stamp that is further than this from when its message came, before it or after it, is no time. */
export const STAMP_FAR_MS = 60_000;

export type Connection = {
  readonly name: string;
  lastEventMs: number;
  watermarkMs: number;
  /** Smallest (receive − venue time) seen, infinite before the first: our clock is ahead of the venue's by at most this. */
  offsetMs: number;
  /** How far our clock may be from the venue's; infinite: nobody knows. */
  clockErrorMs: number;
  /** What receive times are usually later than stamps, where they come from a clock that nobody corrects: a tape's. */
  usualDelayMs: number;
  /** Tokens whose opening book on this connection is still awaited. */
  readonly opening: Set<TokenId>;
};

const createConnection = (name: string, clockErrorMs: number): Connection => ({
  name,
  lastEventMs: 0,
  watermarkMs: 0,
  offsetMs: Number.POSITIVE_INFINITY,
  clockErrorMs,
  usualDelayMs: 0,
  opening: new Set(),
});

/** The connection of that name; it is there from the first time it is named. */
export function connectionOf(
  { connections, clockErrorMs }: { readonly connections: Map<string, Connection>; readonly clockErrorMs: number },
  name: string,
): Connection {
  const connection = connections.get(name) ?? createConnection(name, clockErrorMs);
  connections.set(name, connection);
  return connection;
}

type Bounds = Pick<Connection, "clockErrorMs" | "usualDelayMs">;

/** True for a stamp that is far from when its message came: it is no time. */
export const isFar = ({ usualDelayMs }: Bounds, tsEventMs: number, tsInitMs: number): boolean =>
  Math.abs(tsInitMs - usualDelayMs - tsEventMs) > STAMP_FAR_MS;

/** True for a stamp from a future that is none. Opening books, which may be as old as they like, are only that. */
export const isFarAhead = (bounds: Bounds, tsEventMs: number, tsInitMs: number): boolean =>
  tsEventMs > tsInitMs && isFar(bounds, tsEventMs, tsInitMs);

/** The latest venue time at which something that came now can have happened. */
function latestMs({ clockErrorMs, usualDelayMs }: Bounds, tsInitMs: number): number {
  const errorMs = Number.isFinite(clockErrorMs) ? clockErrorMs : CLOCK_AHEAD_MS_MAX;
  return tsInitMs - usualDelayMs + errorMs;
}

/** A stamp that is ahead of what its receipt allows counts as that. */
const bounded = (bounds: Bounds, tsEventMs: number, tsInitMs: number): number =>
  Math.min(tsEventMs, latestMs(bounds, tsInitMs));

/** What a stamp says of our clock, unless it is ahead of it by more than our clock can be behind. */
function learnOffset(connection: Connection, tsEventMs: number, tsInitMs: number): void {
  if (tsEventMs > latestMs(connection, tsInitMs)) return;
  connection.offsetMs = Math.min(connection.offsetMs, tsInitMs - tsEventMs);
}

/**
 * Takes the time of a message of now: monotonic venue time, and what it says of our clock. What the watermark has passed is
 * told already: a change that comes late counts behind it.
 */
export function stamp(connection: Connection, tsEventMs: number, tsInitMs: number): At {
  learnOffset(connection, tsEventMs, tsInitMs);
  connection.lastEventMs = Math.max(connection.lastEventMs, bounded(connection, tsEventMs, tsInitMs));
  return atArrival(connection, tsEventMs, tsInitMs);
}

/**
 * The time of what changes a book and does not tell what time it is: a tick, an opening book, a book of REST. What a PONG
 * has proved may be decided already, so nothing that comes after it is from before it.
 */
export function atArrival(connection: Connection, tsEventMs: number, tsInitMs: number): At {
  const at = atOf(connection, tsEventMs, tsInitMs);
  return { ...at, tsEventMs: Math.max(at.tsEventMs, connection.watermarkMs + 1) };
}

/** The time of what is told of a book and changes nothing. */
export const atOf = (connection: Connection, tsEventMs: number, tsInitMs: number): At => ({
  tsEventMs: Math.max(connection.lastEventMs, bounded(connection, tsEventMs, tsInitMs)),
  tsInitMs,
});

/**
 * The time of a print: its own, later than everything that was told when it came. Prints and changes come up to 0.62 s out
 * of order (reference §6.3), so a print does not tell that the changes before it have come.
 * @param bookMs - of the newest entry of its book.
 */
export function stampPrint(connection: Connection, tsEventMs: number, tsInitMs: number, bookMs: number): At {
  learnOffset(connection, tsEventMs, tsInitMs);
  const at = atArrival(connection, tsEventMs, tsInitMs);
  return { ...at, tsEventMs: Math.max(at.tsEventMs, bookMs) };
}

/**
 * When a market closed for good: as it is stamped, not before what its connection has told. A stamp that is no time, or
 * none, closes it then.
 */
export function closingMs(connection: Connection, tsEventMs: number | null, tsInitMs: number): number {
  const { lastEventMs } = connection;
  if (tsEventMs === null || isFar(connection, tsEventMs, tsInitMs)) return lastEventMs;
  return Math.max(lastEventMs, bounded(connection, tsEventMs, tsInitMs));
}

/** Moves the watermark; null when it stands there already. */
export function advance(connection: Connection, watermarkMs: number, tsInitMs: number): BookClock | null {
  if (watermarkMs <= connection.watermarkMs) return null;
  connection.watermarkMs = watermarkMs;
  return { type: "BookClock", v: 1, connection: connection.name, watermarkMs, tsInitMs };
}
