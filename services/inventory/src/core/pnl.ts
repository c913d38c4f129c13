/**
 * Cost, realized profit and fees, from our own fills and settlements in log order. Realized profit is net: a fee is lost the
 * moment it is paid.
 *
 * 1. `Σ bought + Σ fees − Σ sold − Σ paid out (USDC) = cost − realized`, exactly, at every moment: what left the purse and did
 *    not come back is in what is held, or lost.
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
 * The cost that leaves a position with a sale of so many shares: its share, rounded down, so the last share takes the
 * rest.
 */
export function costOfSale({ tradedMicro, costMicro }: Position, sizeMicro: SharesMicro): UsdcMicro {
  if (tradedMicro <= sizeMicro) return costMicro;
  return scale(costMicro, { numerator: sizeMicro, denominator: tradedMicro }, "floor");
}

/**
 * Books an execution. What is sold beyond what fills brought (transferred in) had no cost.
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
  const removed = costOfSale(position, sizeMicro);
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
  if (position.tradedMicro > 0n) return;
  // Nothing is left that could carry the rest: a sale or settlement in between took too little of it.
  position.realizedPnlMicro = subtract(position.realizedPnlMicro, position.costMicro);
  position.costMicro = ZERO_USDC;
}
