/** Which tokens are read: what we hold, what leaders traded, what others asked for, and the siblings of all these. */
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { type TrackState, wantedTokens } from "./core/core.ts";

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

/** All wanted tokens, the most important first: held, requested, then the latest traded; siblings beside their token. */
export function tokensToRead(
  state: TrackState,
  requested: readonly TokenId[],
  market: (tokenId: TokenId) => MarketDefinition | undefined,
): TokenId[] {
  const traded = [...wantedTokens(state)].sort((a, b) => (state.traded.get(b) ?? 0) - (state.traded.get(a) ?? 0));
  const tokens = new Set<TokenId>();
  for (const tokenId of [...state.held, ...requested, ...traded]) {
    tokens.add(tokenId);
    for (const { tokenId: sibling } of market(tokenId)?.tokens ?? []) tokens.add(sibling);
  }
  return [...tokens];
}
