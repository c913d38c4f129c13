/**
 * Tokens without a book at the venue: settled ones fall silent, unannounced as a rule, and an unknown one never spoke.
 * They are put aside and looked at again later and later, so that they cost no connection and no budget.
 */
import type { TokenId } from "@slipstream/contracts/ids";

export type SettledTokens = {
  /** The venue has no book for it, or said that its market has ended. */
  put(tokenId: TokenId, nowMs: number): void;
  /** True while it is not to be read. */
  has(tokenId: TokenId, nowMs: number): boolean;
  /** It has a book after all. */
  back(tokenId: TokenId): void;
  /** Somebody asks for it: it is looked at again now, and as seldom as before if it is still without a book. */
  retry(tokenId: TokenId): void;
  /** Forgets what is not wanted any more. */
  keep(wanted: ReadonlySet<TokenId>): void;
  count(nowMs: number): number;
};

const FIRST_MS = 30_000;
const LONGEST_MS = 600_000;

export function createSettledTokens(): SettledTokens {
  const aside = new Map<TokenId, { readonly tries: number; readonly untilMs: number }>();
  const isAside = (tokenId: TokenId, nowMs: number): boolean => (aside.get(tokenId)?.untilMs ?? 0) > nowMs;
  return {
    put: (tokenId, nowMs) => {
      if (isAside(tokenId, nowMs)) return;
      const tries = aside.get(tokenId)?.tries ?? 0;
      aside.set(tokenId, { tries: tries + 1, untilMs: nowMs + Math.min(LONGEST_MS, FIRST_MS * 2 ** tries) });
    },
    has: isAside,
    back: (tokenId) => void aside.delete(tokenId),
    retry: (tokenId) => {
      const known = aside.get(tokenId);
      if (known !== undefined) aside.set(tokenId, { ...known, untilMs: 0 });
    },
    keep: (wanted) => {
      for (const tokenId of aside.keys()) if (!wanted.has(tokenId)) aside.delete(tokenId);
    },
    count: (nowMs) => [...aside.values()].filter(({ untilMs }) => untilMs > nowMs).length,
  };
}
