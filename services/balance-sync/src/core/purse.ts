/**
 * The paper ledger.
 *
 * 1. A fill moves the ledger once, in the first block seen after it.
 * 2. A snapshot holds absolute balances after everything settled up to its block; a purse has one per block at most.
 * 3. A settlement moves it at once: shares out, payout in, told with the next block.
 * 4. Nothing in it is negative: a contradiction shows as a difference in inventory.
 */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { type AccountId, factId, type TokenId } from "@slipstream/contracts/ids";
import {
  add,
  type SharesMicro,
  subtractToZero,
  type UsdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import { BALANCES_MAX, contentName } from "./snapshots.ts";
import { type BalanceSyncState, type Purse, type PurseFill, SEEN_TRADES_MAX } from "./state.ts";

export function fundPurse(state: BalanceSyncState, account: AccountId, collateralMicro: UsdcMicro): void {
  if (state.purses.has(account)) return;
  state.purses.set(account, {
    account,
    collateralMicro,
    balances: new Map(),
    unsettled: new Map(),
    unpublished: new Set(),
    seenTrades: new Set(),
    seenSettlements: new Set(),
    lastBlock: 0,
  });
}

export function noteFill(purse: Purse, fact: FactOf<"ExecutionFill">): void {
  const { tradeId, orderId, tokenId, side, sizeMicro, usdcMicro, feeMicro } = fact;
  if (!isFirst(purse.seenTrades, tradeId)) return;
  purse.unsettled.set(tradeId, { tradeId, orderId, tokenId, side, sizeMicro, usdcMicro, feeMicro });
}

/** Moves the ledger by one fill; a fill that it does not wait for changes nothing. */
export function settle(purse: Purse, tradeId: PurseFill["tradeId"]): void {
  const fill = purse.unsettled.get(tradeId);
  if (fill === undefined) return;
  purse.unsettled.delete(tradeId);
  const { sharesMicro, collateralMicro } = moved(fill, balanceOf(purse, fill.tokenId), purse.collateralMicro);
  purse.balances.set(fill.tokenId, sharesMicro);
  purse.collateralMicro = collateralMicro;
  purse.unpublished.add(fill.tokenId);
}

/** A market pays what the account held of a token; a settlement that was paid changes nothing. */
export function payOut(purse: Purse, { id, tokenId, sharesMicro, payoutMicro }: FactOf<"PositionSettled">): void {
  if (!isFirst(purse.seenSettlements, id)) return;
  purse.balances.set(tokenId, subtractToZero(balanceOf(purse, tokenId), sharesMicro));
  purse.collateralMicro = add(purse.collateralMicro, payoutMicro);
  purse.unpublished.add(tokenId);
}

/** Remembers the newest. @returns false when it was known. */
function isFirst<T>(seen: Set<T>, item: T): boolean {
  if (seen.has(item)) return false;
  seen.add(item);
  for (const oldest of seen) {
    if (seen.size <= SEEN_TRADES_MAX) break;
    seen.delete(oldest);
  }
  return true;
}

export function notePublished(purse: Purse, fact: FactOf<"BalanceSnapshot">): void {
  if (fact.blockNumber < purse.lastBlock) return;
  for (const { tokenId, sharesMicro } of fact.balances) {
    // A settlement that came between deciding and telling is told with the next block.
    if (balanceOf(purse, tokenId) === sharesMicro) purse.unpublished.delete(tokenId);
  }
  purse.lastBlock = fact.blockNumber;
}

/** True when a block after the last snapshot is there and something waits for one. */
export const isDue = (purse: Purse, blockNumber: number): boolean =>
  blockNumber > purse.lastBlock && (purse.unsettled.size > 0 || purse.unpublished.size > 0);

/** The settlements of a block and the balances after them. */
export function settlementFacts(
  purse: Purse,
  block: { readonly blockNumber: number; readonly tsMs: number },
  nowMs: number,
): Fact[] {
  const { account } = purse;
  const head = { v: 1, tsEventMs: block.tsMs, tsInitMs: nowMs } as const;
  const changed = new Map<TokenId, SharesMicro>();
  for (const tokenId of purse.unpublished) changed.set(tokenId, balanceOf(purse, tokenId));
  let collateralMicro = purse.collateralMicro;
  const facts: Fact[] = [];
  for (const fill of purse.unsettled.values()) {
    const after = moved(fill, changed.get(fill.tokenId) ?? balanceOf(purse, fill.tokenId), collateralMicro);
    changed.set(fill.tokenId, after.sharesMicro);
    collateralMicro = after.collateralMicro;
    const { orderId, tradeId, tokenId } = fill;
    facts.push({
      type: "ExecutionFillSettled",
      id: factId("ExecutionFillSettled", `${account}.${tradeId}`),
      ...head,
      account,
      orderId,
      tradeId,
      tokenId,
      txHash: null,
      blockNumber: block.blockNumber,
    });
  }
  const balances = [...changed].map(([tokenId, sharesMicro]) => ({ tokenId, sharesMicro }));
  for (let from = 0; from < balances.length; from += BALANCES_MAX) {
    const part = balances.slice(from, from + BALANCES_MAX);
    facts.push({
      type: "BalanceSnapshot",
      id: factId("BalanceSnapshot", `${account}.${block.blockNumber}.${contentName(part, null)}`),
      ...head,
      holder: { kind: "paper", account },
      blockNumber: block.blockNumber,
      blockHash: null,
      source: "paper",
      complete: false,
      balances: part,
      collateralMicro,
      afterReorg: false,
    });
  }
  return facts;
}

const balanceOf = (purse: Purse, tokenId: TokenId): SharesMicro => purse.balances.get(tokenId) ?? ZERO_SHARES;

function moved(
  fill: PurseFill,
  sharesMicro: SharesMicro,
  collateralMicro: UsdcMicro,
): { readonly sharesMicro: SharesMicro; readonly collateralMicro: UsdcMicro } {
  const { side, sizeMicro, usdcMicro, feeMicro } = fill;
  const [cameIn, wentOut] = side === "BUY" ? [ZERO_USDC, add(usdcMicro, feeMicro)] : [usdcMicro, feeMicro];
  return {
    sharesMicro: side === "BUY" ? add(sharesMicro, sizeMicro) : subtractToZero(sharesMicro, sizeMicro),
    collateralMicro: subtractToZero(add(collateralMicro, cameIn), wentOut),
  };
}
