/** Keeps what the desk learned of our clock true while the clock is being corrected. */
import type { Clock } from "@slipstream/actor/clock";
import { CLOCK_AHEAD_MS_MAX } from "./core/connection.ts";
import { type Desk, onClock } from "./core/desk.ts";

/** A correction that moves by less between two looks is rounding. */
const STANDS_MS = 1;

/** @returns to be called before each message; true when the clock stood since the last call. */
export function followClock(desk: Desk, clock: Pick<Clock, "correctionMs" | "quality">): () => boolean {
  let knownMs = clock.correctionMs();
  return () => {
    const nowMs = clock.correctionMs();
    const movedMs = nowMs - knownMs;
    knownMs = nowMs;
    const quality = clock.quality();
    const aheadMs = quality === null ? Number.POSITIVE_INFINITY : Math.max(CLOCK_AHEAD_MS_MAX, quality.uncertaintyMs);
    onClock(desk, movedMs, aheadMs);
    return Math.abs(movedMs) < STANDS_MS;
  };
}
