/** What our own fills add up to, apart from what inventory says. */
import type { AccountId, TokenId } from "@slipstream/contracts/ids";
import { type SharesMicro, sharesMicro } from "@slipstream/contracts/money";
import type { Overview } from "./overview.ts";

export type PaperHolding = { account: AccountId; tokenId: TokenId; sharesMicro: SharesMicro };

/** What the paper ledger must hold: our fills added up, less what was paid out; independent of inventory's positions. */
export function paperHoldings(overview: Overview): PaperHolding[] {
  const holdings = new Map<string, PaperHolding>();
  const move = (account: AccountId, tokenId: TokenId, shares: bigint): void => {
    const key = `${account}|${tokenId}`;
    const before = holdings.get(key)?.sharesMicro ?? 0n;
    holdings.set(key, { account, tokenId, sharesMicro: sharesMicro(before + shares) });
  };
  for (const { account, tokenId, side, sizeMicro } of overview.executionFills.values()) {
    move(account, tokenId, side === "BUY" ? sizeMicro : -sizeMicro);
  }
  for (const { account, tokenId, sharesMicro: paid } of overview.settlements.values()) move(account, tokenId, -paid);
  return [...holdings.values()];
}
