/** Whose turn it is to be compared with REST: each token once per round, evenly over it, whatever comes and goes. */
import type { TokenId } from "@slipstream/contracts/ids";

export type AuditRound = {
  /** The next one first. */
  readonly order: Set<TokenId>;
  /** Part of a token that is due, from the time before. */
  credit: number;
};

export const createAuditRound = (): AuditRound => ({ order: new Set(), credit: 0 });

/**
 * Returns the tokens to look at now.
 * @param tokens - all that are read.
 * @param elapsedMs - since the call before.
 * @param everyMs - how often each token is to be looked at.
 */
export function takeTurns(
  round: AuditRound,
  tokens: ReadonlySet<TokenId>,
  elapsedMs: number,
  everyMs: number,
): TokenId[] {
  for (const tokenId of round.order) if (!tokens.has(tokenId)) round.order.delete(tokenId);
  for (const tokenId of tokens) round.order.add(tokenId);
  // A long pause is not made up for in one burst.
  round.credit = Math.min(round.credit + (tokens.size * elapsedMs) / everyMs, tokens.size);
  const turns = [...round.order].slice(0, Math.floor(round.credit));
  round.credit -= turns.length;
  for (const tokenId of turns) {
    round.order.delete(tokenId);
    round.order.add(tokenId);
  }
  return turns;
}
