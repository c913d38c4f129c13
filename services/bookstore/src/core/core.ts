/**
 * Which tokens bookstore must read, folded from the log: what leaders trade and hold, and what we hold. It writes no
 * facts; books are quotes and live in `desk.ts`.
 */
import { type Core, nothing } from "@slipstream/actor/core";
import type { FactOf, Recorded } from "@slipstream/contracts/facts";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { readConfig } from "@slipstream/contracts/policy";

export type TrackState = {
  /** Token → time of the newest leader fill in it, ms. */
  traded: Map<TokenId, number>;
  /** Tokens with a position or an open reservation of ours. */
  held: Set<TokenId>;
  /** Followed leader → tokens he holds. */
  leaders: Map<Address, Set<TokenId>>;
  /** Newest time seen in the log, to forget by. */
  newestMs: number;
  /** When it was last forgotten. */
  trimmedMs: number;
};

/** What may be asked for at most (`BOOKSTORE_LEADER_HOURS`); the state does not depend on the setting. */
export const TRADED_KEEP_HOURS_MAX = 72;
const TRADED_KEEP_MS = TRADED_KEEP_HOURS_MAX * 3_600_000;
const TRIM_EVERY_MS = 60_000;

export const bookstoreCore: Core<TrackState, null, never, never> = {
  service: "bookstore",
  stateVersion: 2,
  initial: () => ({ traded: new Map(), held: new Set(), leaders: new Map(), newestMs: 0, trimmedMs: 0 }),
  folds: new Set(["LeaderFill", "PositionChanged", "BalanceSnapshot", "ConfigChanged"]),
  evolve,
  route: () => [],
  decide: () => nothing,
  owed: () => [],
  chains: () => [],
};

function evolve(state: TrackState, { fact }: Recorded): TrackState {
  switch (fact.type) {
    case "LeaderFill":
      state.traded.set(fact.tokenId, Math.max(state.traded.get(fact.tokenId) ?? 0, fact.tsEventMs));
      trim(state, fact.tsEventMs);
      break;
    case "PositionChanged":
      if (fact.conservativeExposureMicro > 0n || fact.effectiveMicro !== 0n) state.held.add(fact.tokenId);
      else state.held.delete(fact.tokenId);
      break;
    case "BalanceSnapshot":
      onBalances(state, fact);
      break;
    case "ConfigChanged":
      onConfig(state, fact);
      break;
    default:
  }
  return state;
}

function trim(state: TrackState, tsMs: number): void {
  state.newestMs = Math.max(state.newestMs, tsMs);
  if (state.newestMs - state.trimmedMs < TRIM_EVERY_MS) return;
  state.trimmedMs = state.newestMs;
  for (const [token, seenMs] of state.traded) if (state.newestMs - seenMs > TRADED_KEEP_MS) state.traded.delete(token);
}

/** What a complete snapshot no longer lists stays: a book too many costs little, and settled ones are put aside. */
function onBalances({ leaders }: TrackState, { holder, balances }: FactOf<"BalanceSnapshot">): void {
  const tokens = holder.kind === "wallet" ? leaders.get(holder.address) : undefined;
  if (tokens === undefined) return;
  for (const { tokenId, sharesMicro } of balances) {
    if (sharesMicro > 0n) tokens.add(tokenId);
    else tokens.delete(tokenId);
  }
}

function onConfig({ leaders }: TrackState, { key, value }: FactOf<"ConfigChanged">): void {
  const read = readConfig(key, value);
  // What cannot be read voids nothing.
  if (!read.ok || read.config.kind !== "leaders") return;
  const { leader, config } = read.config;
  if (config?.enabled !== true) leaders.delete(leader);
  else if (!leaders.has(leader)) leaders.set(leader, new Set());
}

/** Number that changes whenever a token comes or goes. */
export const trackedCount = ({ traded, held, leaders }: TrackState): number => {
  let count = traded.size + held.size;
  for (const tokens of leaders.values()) count += tokens.size;
  return count;
};
