/**
 * Which tokens are read: what we hold, what others asked for, what leaders traded and hold, the most traded markets of
 * the venue; and the siblings of all these.
 */
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { TrackState } from "./core/core.ts";

/** A token somebody asked for is read for so long after the last request. */
const REQUEST_KEEP_MS = 600_000;

export type Requested = {
  add(tokenIds: readonly TokenId[], nowMs: number): void;
  has(tokenId: TokenId): boolean;
  /** Those still wanted; older ones are forgotten. */
  at(nowMs: number): TokenId[];
};

export function createRequested(): Requested {
  const untilMs = new Map<TokenId, number>();
  return {
    add: (tokenIds, nowMs) => {
      for (const tokenId of tokenIds) untilMs.set(tokenId, nowMs + REQUEST_KEEP_MS);
    },
    has: (tokenId) => untilMs.has(tokenId),
    at: (nowMs) => {
      for (const [tokenId, until] of untilMs) if (until <= nowMs) untilMs.delete(tokenId);
      return [...untilMs.keys()];
    },
  };
}

export type Wishes = {
  readonly requested: readonly TokenId[];
  /** Tokens of the most traded markets, the first one first. */
  readonly top: readonly TokenId[];
  readonly market: (tokenId: TokenId) => MarketDefinition | undefined;
  readonly nowMs: number;
  /** What leaders traded longer ago is not read for that. */
  readonly leaderHours: number;
};

/**
 * All wanted tokens, the most important first: held, requested, what leaders traded (the latest first), what they hold,
 * the top markets; siblings beside their token. A closed market has no book: what leaders traded or hold there is not
 * read, or in the hours after many short markets they would stand before those that are traded.
 */
export function tokensToRead(state: TrackState, wishes: Wishes): TokenId[] {
  const { requested, top, market, nowMs, leaderHours } = wishes;
  const sinceMs = nowMs - leaderHours * 3_600_000;
  const traded = [...state.traded].filter(([, tsMs]) => tsMs >= sinceMs).sort(([, a], [, b]) => b - a);
  const positions = [...state.leaders.values()].flatMap((tokens) => [...tokens]);
  const isOpen = (tokenId: TokenId): boolean => market(tokenId)?.closed !== true;
  const tokens = new Set<TokenId>();
  for (const tokenId of [
    ...state.held,
    ...requested,
    ...traded.map(([tokenId]) => tokenId).filter(isOpen),
    ...positions.filter(isOpen),
    ...top,
  ]) {
    tokens.add(tokenId);
    for (const { tokenId: sibling } of market(tokenId)?.tokens ?? []) tokens.add(sibling);
  }
  return [...tokens];
}
