/**
 * A cause limits trading after it has held for its rising time, and stops limiting after it was gone for its falling
 * time: a value at its limit does not switch trading on and off.
 */
import type { RiskReason } from "@slipstream/contracts/facts/risk";
import type { Cause } from "./causes.ts";

type Track = {
  readonly cause: Cause;
  readonly sinceMs: number;
  readonly goneMs: number | null;
  readonly active: boolean;
};
/** By key of the cause. */
export type Tracks = ReadonlyMap<string, Track>;

type Times = { readonly riseMs: number; readonly fallMs: number };
/**
 * Facts have had their own waiting time where they were made. Silence and lag are measured in time already, so they
 * rise at once; what ends fast may return fast, so they fall slowly.
 */
const times: Record<RiskReason["code"], Times> = {
  OPERATOR_HALT: { riseMs: 0, fallMs: 0 },
  STARTING: { riseMs: 0, fallMs: 0 },
  BOOKS_BROKEN: { riseMs: 0, fallMs: 0 },
  BALANCE_IMPOSSIBLE: { riseMs: 0, fallMs: 5_000 },
  UNREADABLE_FACT: { riseMs: 0, fallMs: 0 },
  DISCREPANCY: { riseMs: 0, fallMs: 5_000 },
  API_FALLBACK: { riseMs: 0, fallMs: 5_000 },
  GAP_OPEN: { riseMs: 10_000, fallMs: 2_000 },
  SERVICE_SILENT: { riseMs: 0, fallMs: 2_000 },
  CHAIN_SYNC_LOST: { riseMs: 0, fallMs: 5_000 },
  WATCHER_LAGGING: { riseMs: 2_000, fallMs: 5_000 },
  BOOKS_STALE: { riseMs: 2_000, fallMs: 3_000 },
  CLOCK_UNCERTAIN: { riseMs: 0, fallMs: 2_000 },
  STREAM_FILLING: { riseMs: 0, fallMs: 60_000 },
  DISK_FULL: { riseMs: 0, fallMs: 10_000 },
};

export const noTracks: Tracks = new Map();

/** Moves the tracks to `steadyMs`, given all causes that hold at that moment. */
export function advance(tracks: Tracks, causes: readonly Cause[], steadyMs: number): Tracks {
  const next = new Map<string, Track>();
  for (const cause of causes) {
    const known = tracks.get(cause.key);
    const sinceMs = known?.goneMs === null || known?.active === true ? known.sinceMs : steadyMs;
    const active = known?.active === true || steadyMs - sinceMs >= times[cause.reason.code].riseMs;
    next.set(cause.key, { cause, sinceMs, goneMs: null, active });
  }
  for (const [key, track] of tracks) {
    if (next.has(key) || !track.active) continue;
    const goneMs = track.goneMs ?? steadyMs;
    if (steadyMs - goneMs < times[track.cause.reason.code].fallMs) next.set(key, { ...track, goneMs });
  }
  return next;
}

/** The causes that limit trading now. */
export const activeCauses = (tracks: Tracks): Cause[] =>
  [...tracks.values()].filter(({ active }) => active).map(({ cause }) => cause);
