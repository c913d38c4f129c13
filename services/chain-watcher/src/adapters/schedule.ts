/**
 * Whose list is read next. A pure function of when each leader was asked and when he last traded.
 *
 * 1. A request is one turn. Even turns are for leaders who traded lately, odd ones for whoever waited longest: a crowd of
 *    active leaders cannot keep the others waiting for ever, and the other way round.
 * 2. Everybody is asked once per `roundMs` at least, plus the turns that are already under way.
 */
import type { Address } from "@slipstream/contracts/ids";

export type Polled = {
  /** When he was last asked; null: never. */
  readonly askedMs: number | null;
  /** Time of his newest fill; null: none seen. */
  readonly tradedMs: number | null;
  /** A window that was begun has older pages: he is due at once. */
  readonly unfinished: boolean;
  readonly busy: boolean;
};

export type Pace = {
  /** Of leaders who traded lately. */
  readonly pollMs: number;
  /** Of everybody. */
  readonly roundMs: number;
};

/** So long after his last fill a leader counts as active. */
const ACTIVE_MS = 10 * 60_000;

/** Half of the requests are enough for everybody once per `roundMs`; few leaders are all asked every `pollMs`. */
export const paceFor = (options: {
  readonly leaders: number;
  readonly requestsPerSecond: number;
  readonly pollMs: number;
}): Pace => ({
  pollMs: options.pollMs,
  roundMs: Math.max(options.pollMs, Math.ceil((2_000 * options.leaders) / options.requestsPerSecond)),
});

const isActive = (one: Polled, nowMs: number): boolean => one.tradedMs !== null && nowMs - one.tradedMs <= ACTIVE_MS;

function dueMs(one: Polled, nowMs: number, pace: Pace): number {
  if (one.askedMs === null) return Number.NEGATIVE_INFINITY;
  if (one.unfinished) return one.askedMs;
  return one.askedMs + (isActive(one, nowMs) ? pace.pollMs : pace.roundMs);
}

export type Turn = {
  /** Null: nobody is due. */
  readonly leader: Address | null;
  /** When the next one of the others is due; null: nobody waits. */
  readonly nextDueMs: number | null;
};

/** @param turn - counts up with every request. */
export function nextTurn(leaders: ReadonlyMap<Address, Polled>, nowMs: number, turn: number, pace: Pace): Turn {
  let active: { leader: Address; dueMs: number } | null = null;
  let oldest: { leader: Address; askedMs: number } | null = null;
  let nextDueMs: number | null = null;
  for (const [leader, one] of leaders) {
    if (one.busy) continue;
    const due = dueMs(one, nowMs, pace);
    if (due > nowMs) {
      nextDueMs = nextDueMs === null ? due : Math.min(nextDueMs, due);
      continue;
    }
    if (isActive(one, nowMs) && (active === null || due < active.dueMs)) active = { leader, dueMs: due };
    const askedMs = one.askedMs ?? Number.NEGATIVE_INFINITY;
    if (oldest === null || askedMs < oldest.askedMs) oldest = { leader, askedMs };
  }
  const preferred = turn % 2 === 0 ? (active ?? oldest) : oldest;
  return { leader: preferred?.leader ?? null, nextDueMs };
}
