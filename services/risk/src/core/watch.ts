/** What risk keeps between two looks: heartbeats, hysteresis, and whether it may judge yet. */

import { causesNow, type RiskLimits, type Surroundings, TRADING_PATH } from "./causes.ts";
import type { RiskView } from "./decide.ts";
import { createHeartbeatBoard, type HeartbeatBoard } from "./heartbeats.ts";
import { activeCauses, advance, noTracks, type Tracks } from "./hysteresis.ts";
import { initialState, type RiskState } from "./state.ts";

/** Three heartbeats: whoever lives is heard by then. */
const SETTLE_MS = 3_000;

export type RiskWatch = {
  readonly board: HeartbeatBoard;
  /** Looks again; call it at a steady pace, several times a second. */
  look(state: RiskState, seen: Omit<Surroundings, "board">): void;
  view(nowMs: number): RiskView;
};

export function createRiskWatch(limits: RiskLimits, startMs: number): RiskWatch {
  const board = createHeartbeatBoard();
  // Before the first look nothing is known of anybody: that is a cause, not the absence of causes.
  const blind = { nowMs: 0, steadyMs: startMs, board, streamUsedPercent: null, room: null };
  let tracks: Tracks = advance(noTracks, causesNow(initialState(), blind, limits), startMs);
  const settlesMs = startMs + SETTLE_MS;
  let settled = false;
  return {
    board,
    look: (state, seen) => {
      tracks = advance(tracks, causesNow(state, { ...seen, board }, limits), seen.steadyMs);
      const allHeard = TRADING_PATH.every((service) => board.seen(service) !== null);
      settled = allHeard || seen.steadyMs >= settlesMs;
    },
    view: (nowMs) => ({ nowMs, active: activeCauses(tracks), settled }),
  };
}
