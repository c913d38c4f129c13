/**
 * Which tokens bookstore must read, folded from the log: what leaders trade and what we hold. It writes no facts; books
 * are quotes and live in `desk.ts`.
 */
import { type Core, nothing } from "@slipstream/actor/core";
import type { Recorded } from "@slipstream/contracts/facts";
import type { TokenId } from "@slipstream/contracts/ids";

export type TrackState = {
  /** Token → time of the newest leader fill in it, ms. */
  traded: Map<TokenId, number>;
  /** Tokens with a position or an open reservation of ours. */
  held: Set<TokenId>;
  /** Newest time seen in the log, to forget by. */
  newestMs: number;
};

/** A token that no leader traded for this long and that we do not hold is not read any more. */
const TRADED_KEEP_MS = 6 * 3_600_000;

export const bookstoreCore: Core<TrackState, null, never, never> = {
  service: "bookstore",
  stateVersion: 1,
  initial: () => ({ traded: new Map(), held: new Set(), newestMs: 0 }),
  folds: new Set(["LeaderFill", "PositionChanged"]),
  evolve,
  route: () => [],
  decide: () => nothing,
  owed: () => [],
  chains: () => [],
};

function evolve(state: TrackState, { fact }: Recorded): TrackState {
  if (fact.type === "LeaderFill") {
    state.newestMs = Math.max(state.newestMs, fact.tsEventMs);
    state.traded.set(fact.tokenId, Math.max(state.traded.get(fact.tokenId) ?? 0, fact.tsEventMs));
    for (const [token, seenMs] of state.traded)
      if (state.newestMs - seenMs > TRADED_KEEP_MS) state.traded.delete(token);
  }
  if (fact.type === "PositionChanged") {
    if (fact.conservativeExposureMicro > 0n || fact.effectiveMicro !== 0n) state.held.add(fact.tokenId);
    else state.held.delete(fact.tokenId);
  }
  return state;
}

/** Every token that must be read now, without the siblings that the market's definition adds. */
export const wantedTokens = (state: TrackState): Set<TokenId> => new Set([...state.traded.keys(), ...state.held]);
