/**
 * Displayed depth that our own paper fills have taken. The real book still shows it, so it must not be taken twice.
 * What disappears from a level takes our part of it along, what is added is new: a level that the venue removes or
 * refills is fresh again as far as it was refilled. Accounts are separate worlds.
 */

import type { AccountId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  type PriceMicro,
  type SharesMicro,
  type Side,
  sharesMicro,
  ZERO_SHARES,
} from "@slipstream/contracts/money";

export type ConsumedDepth = Map<number, Map<AccountId, SharesMicro>>;

const keyOf = (side: Side, price: PriceMicro): number => price * 2 + (side === "BUY" ? 0 : 1);

/** @param side - of the level in the book: SELL for asks. */
export const consumedAt = (depth: ConsumedDepth, account: AccountId, side: Side, price: PriceMicro): SharesMicro =>
  depth.get(keyOf(side, price))?.get(account) ?? ZERO_SHARES;

export function consume(
  depth: ConsumedDepth,
  by: { readonly account: AccountId; readonly side: Side; readonly priceMicro: PriceMicro },
  sizeMicro: SharesMicro,
): void {
  const key = keyOf(by.side, by.priceMicro);
  const level = depth.get(key) ?? new Map<AccountId, SharesMicro>();
  level.set(by.account, add(level.get(by.account) ?? ZERO_SHARES, sizeMicro));
  depth.set(key, level);
}

/** The venue published a new total of a level. */
export function onLevelSize(depth: ConsumedDepth, side: Side, price: PriceMicro, sizeMicro: number): void {
  const key = keyOf(side, price);
  const level = depth.get(key);
  if (level === undefined) return;
  if (sizeMicro === 0) depth.delete(key);
  else {
    const size = sharesMicro(BigInt(sizeMicro));
    for (const [account, taken] of level) level.set(account, minAmount(taken, size));
  }
}
