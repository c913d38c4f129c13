/**
 * Cost, realized profit and fees, from our own fills in log order. Realized profit is net: a fee is lost the moment it is
 * paid.
 *
 * 1. `Σ bought + Σ fees − Σ sold (USDC) = cost − realized`, exactly, at every moment: what left the purse and did not come
 *    back is in what is held, or lost.
 * 2. The cost of an empty position is 0.
 */
import {
  add,
  minAmount,
  type SharesMicro,
  type Side,
  scale,
  subtract,
  type UsdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { OwnFill, Position } from "./state.ts";

export type Execution = {
  readonly side: Side;
  readonly sizeMicro: SharesMicro;
  /** Before the fee. */
  readonly usdcMicro: UsdcMicro;
  readonly feeMicro: UsdcMicro;
};

/**
 * Books an execution. A sale takes its share of the cost, rounded down, so the last share takes the rest; what is sold
 * beyond what fills brought (transferred in) had no cost.
 * @returns the cost that left the position: 0 for a purchase.
 */
export function bookExecution(position: Position, execution: Execution): UsdcMicro {
  const { side, sizeMicro, usdcMicro, feeMicro } = execution;
  position.feesMicro = add(position.feesMicro, feeMicro);
  position.realizedPnlMicro = subtract(position.realizedPnlMicro, feeMicro);
  if (side === "BUY") {
    position.tradedMicro = add(position.tradedMicro, sizeMicro);
    position.costMicro = add(position.costMicro, usdcMicro);
    return ZERO_USDC;
  }
  const held = position.tradedMicro > 0n ? position.tradedMicro : ZERO_SHARES;
  const removed =
    held <= sizeMicro
      ? position.costMicro
      : scale(position.costMicro, { numerator: sizeMicro, denominator: held }, "floor");
  position.tradedMicro = subtract(position.tradedMicro, sizeMicro);
  position.costMicro = subtract(position.costMicro, removed);
  position.realizedPnlMicro = add(position.realizedPnlMicro, subtract(usdcMicro, removed));
  return removed;
}

/** Takes back an execution whose settlement failed, keeping invariant 1. */
export function unbookExecution(position: Position, fill: OwnFill): void {
  position.feesMicro = subtract(position.feesMicro, fill.feeMicro);
  position.realizedPnlMicro = add(position.realizedPnlMicro, fill.feeMicro);
  if (fill.side === "SELL") {
    position.tradedMicro = add(position.tradedMicro, fill.sizeMicro);
    position.costMicro = add(position.costMicro, fill.costRemovedMicro);
    position.realizedPnlMicro = subtract(position.realizedPnlMicro, subtract(fill.usdcMicro, fill.costRemovedMicro));
    return;
  }
  // Part of what it brought may be sold already: the cost that left with that sale was never spent.
  const fromCost = minAmount(fill.usdcMicro, position.costMicro);
  position.tradedMicro = subtract(position.tradedMicro, fill.sizeMicro);
  position.costMicro = subtract(position.costMicro, fromCost);
  position.realizedPnlMicro = add(position.realizedPnlMicro, subtract(fill.usdcMicro, fromCost));
}
