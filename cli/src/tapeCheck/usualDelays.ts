/** What frames of a recording are usually late by: its receive times are the recorder's, whose clock nobody corrects. */
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import { bookTimeOf } from "../replay/frameTimes.ts";

/** How many frames of a connection tell what they are usually late by. */
const DELAYS_KEPT = 9;

/** What the first frames of each connection are late by, as their middle: one with a time that is none moves nothing. */
export function createDelays() {
  const kept = new Map<string, number[]>();
  return {
    usualMs: (connection: string, events: readonly MarketEvent[], t: number): number => {
      const delays = kept.get(connection) ?? [];
      kept.set(connection, delays);
      const [timeMs] = events.map(bookTimeOf).filter((ms) => ms !== null);
      if (timeMs !== undefined && delays.length < DELAYS_KEPT) delays.push(t - timeMs);
      return [...delays].sort((a, b) => a - b)[Math.floor(delays.length / 2)] ?? 0;
    },
  };
}
