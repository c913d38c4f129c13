/** Holdings of wallets as they follow from fills and other acts. Pure. */
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
import type { SettledAct } from "./settledDeeds.ts";
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

type Moved = Pick<SettledFill, "wallet" | "conditionId" | "tokenId" | "side" | "sharesMicro" | "usdcMicro">;

/** What comes in otherwise has cost nothing, what goes out takes its cost with it. */
const asFill = ({ wallet, conditionId, tokenId, direction, sharesMicro: shares }: SettledAct): Moved => ({
  ...{ wallet, conditionId, tokenId, sharesMicro: shares, usdcMicro: ZERO_USDC },
  side: direction === "in" ? "BUY" : "SELL",
});

/** @param fills - oldest first, as `acts`. More going out than came in leaves zero. */
export function positionsOf(fills: readonly SettledFill[], acts: readonly SettledAct[] = []): FillPosition[] {
  const held = new Map<string, FillPosition>();
  const moves = [
    ...fills.map((fill) => ({ blockNumber: fill.blockNumber, moved: fill as Moved })),
    ...acts.map((act) => ({ blockNumber: act.blockNumber, moved: asFill(act) })),
  ].sort((a, b) => a.blockNumber - b.blockNumber);
  for (const { moved: fill } of moves) {
    const key = `${fill.wallet} ${fill.tokenId}`;
    held.set(key, after(held.get(key) ?? emptyFor(fill), fill));
  }
  return [...held.values()].filter((position) => position.sharesMicro > 0n);
}

const emptyFor = ({ wallet, conditionId, tokenId }: Moved): FillPosition => ({
  wallet,
  conditionId,
  tokenId,
  sharesMicro: ZERO_SHARES,
  costMicro: ZERO_USDC,
  boughtMicro: ZERO_SHARES,
});

function after(position: FillPosition, fill: Moved): FillPosition {
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
