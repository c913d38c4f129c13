/** Holdings of wallets as they follow from fills alone. Pure. */
import type { Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import {
  add,
  type SharesMicro,
  scale,
  subtract,
  subtractToZero,
  type UsdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { SettledFill } from "./settledFills.ts";

export type FillPosition = {
  readonly wallet: Address;
  readonly conditionId: ConditionId;
  readonly tokenId: TokenId;
  readonly sharesMicro: SharesMicro;
  /** What the shares still held have cost, by average. */
  readonly costMicro: UsdcMicro;
  readonly boughtMicro: SharesMicro;
};

/** @param fills - oldest first. A sale of more than was bought leaves zero. */
export function positionsOf(fills: readonly SettledFill[]): FillPosition[] {
  const held = new Map<string, FillPosition>();
  for (const fill of fills) {
    const key = `${fill.wallet} ${fill.tokenId}`;
    held.set(key, after(held.get(key) ?? emptyFor(fill), fill));
  }
  return [...held.values()].filter((position) => position.sharesMicro > 0n);
}

const emptyFor = ({ wallet, conditionId, tokenId }: SettledFill): FillPosition => ({
  wallet,
  conditionId,
  tokenId,
  sharesMicro: ZERO_SHARES,
  costMicro: ZERO_USDC,
  boughtMicro: ZERO_SHARES,
});

function after(position: FillPosition, fill: SettledFill): FillPosition {
  if (fill.side === "BUY") {
    return {
      ...position,
      sharesMicro: add(position.sharesMicro, fill.sharesMicro),
      costMicro: add(position.costMicro, fill.usdcMicro),
      boughtMicro: add(position.boughtMicro, fill.sharesMicro),
    };
  }
  const left = subtractToZero(position.sharesMicro, fill.sharesMicro);
  if (left === 0n) return { ...position, sharesMicro: ZERO_SHARES, costMicro: ZERO_USDC };
  const sold = scale(position.costMicro, { numerator: fill.sharesMicro, denominator: position.sharesMicro }, "floor");
  return { ...position, sharesMicro: left, costMicro: subtract(position.costMicro, sold) };
}
