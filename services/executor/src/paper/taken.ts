/**
 * Displayed depth that our own paper fills have taken (rules 5). The real book still shows it, so it must not be taken
 * twice, on neither token. What disappears from a level takes our part of it along, what is added is new. Accounts are
 * separate worlds.
 */
import type { AccountId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  type PriceMicro,
  type SharesMicro,
  sharesMicro,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import type { MarketLevel } from "./market.ts";

/** By level of the market; none of size 0. */
export type TakenDepth = Map<number, Map<AccountId, SharesMicro>>;

const keyOf = ({ side, priceMicro }: MarketLevel): number => priceMicro * 2 + (side === "BUY" ? 0 : 1);
const levelOf = (key: number): MarketLevel => ({
  side: key % 2 === 0 ? "BUY" : "SELL",
  priceMicro: Math.floor(key / 2) as PriceMicro,
});

export const takenAt = (depth: TakenDepth, account: AccountId, level: MarketLevel): SharesMicro =>
  depth.get(keyOf(level))?.get(account) ?? ZERO_SHARES;

export function take(depth: TakenDepth, account: AccountId, level: MarketLevel, sizeMicro: SharesMicro): void {
  const key = keyOf(level);
  const byAccount = depth.get(key) ?? new Map<AccountId, SharesMicro>();
  byAccount.set(account, add(byAccount.get(account) ?? ZERO_SHARES, sizeMicro));
  depth.set(key, byAccount);
}

/** The venue published a new total of a level, 1e-6 share. */
export function onTotal(depth: TakenDepth, level: MarketLevel, sizeMicro: number): void {
  const byAccount = depth.get(keyOf(level));
  if (byAccount !== undefined) capAt(depth, keyOf(level), byAccount, sizeMicro);
}

/** New totals of some levels, 1e-6 share, by the keys of `TakenDepth`. */
export type TotalsByLevel = Map<number, number>;

export const noteTotal = (totals: TotalsByLevel, level: MarketLevel, sizeMicro: number): void =>
  void totals.set(keyOf(level), sizeMicro);

export function onTotals(depth: TakenDepth, totals: TotalsByLevel): void {
  for (const [key, sizeMicro] of totals) onTotal(depth, levelOf(key), sizeMicro);
}

/** A full book: new totals of all levels. */
export function onFullBook(depth: TakenDepth, sizeOf: (level: MarketLevel) => number): void {
  for (const [key, byAccount] of depth) capAt(depth, key, byAccount, sizeOf(levelOf(key)));
}

function capAt(depth: TakenDepth, key: number, byAccount: Map<AccountId, SharesMicro>, sizeMicro: number): void {
  if (sizeMicro === 0) depth.delete(key);
  else {
    const size = sharesMicro(BigInt(sizeMicro));
    for (const [account, taken] of byAccount) byAccount.set(account, minAmount(taken, size));
  }
}
