/** The numbers of a position and a purse. All derived: nothing here is stored. */
import type { TokenId } from "@slipstream/contracts/ids";
import {
  add,
  notional,
  type SharesMicro,
  scale,
  subtract,
  subtractToZero,
  type UsdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import { remainingOf } from "./absorption.ts";
import type { Account, Order, OwnFill, Position } from "./state.ts";

export type PositionNumbers = {
  readonly pendingBuysMicro: SharesMicro;
  readonly pendingSellsMicro: SharesMicro;
  readonly reservedBuysMicro: SharesMicro;
  readonly reservedSellsMicro: SharesMicro;
  /** Sales past their time that may still settle. */
  readonly agedSellsMicro: SharesMicro;
  /** Settled shares that balances still show. */
  readonly settledMicro: SharesMicro;
  /** confirmed + pending buys − pending sells − settled. Negative only when books and balances contradict each other. */
  readonly effectiveMicro: SharesMicro;
  /** confirmed − settled + pending buys, aged ones too, + reserved buys: what we may come to hold at worst. */
  readonly conservativeExposureMicro: SharesMicro;
  readonly availableToSellMicro: SharesMicro;
};

/**
 * Pending and reserved shares of one token and what follows from them.
 * An aged sale frees nothing to sell: it may still settle.
 */
export function positionNumbers(account: Account, position: Position): PositionNumbers {
  // Absorbed fills stay for hundreds of blocks; nearly all are passed over here.
  const open = position.fills.filter((fill) => fill.absorbedMicro < fill.sizeMicro);
  const pending = (side: "BUY" | "SELL", aged: boolean): SharesMicro =>
    sum(open.filter((fill) => fill.kind === "fill" && fill.side === side && fill.aged === aged).map(remainingOf));
  const pendingBuysMicro = pending("BUY", false);
  const pendingSellsMicro = pending("SELL", false);
  const reserved = (side: "BUY" | "SELL"): SharesMicro =>
    sum(ordersOf(account, position.tokenId, side).map((order) => order.leavesMicro));
  const reservedBuysMicro = reserved("BUY");
  const reservedSellsMicro = reserved("SELL");
  const agedSellsMicro = pending("SELL", true);
  const settledMicro = sum(open.filter((fill) => fill.kind === "settlement").map(remainingOf));
  const effectiveMicro = subtract(add(position.confirmedMicro, pendingBuysMicro), add(pendingSellsMicro, settledMicro));
  // Shares of a paper fill are ours at once; on the chain only what a balance shows can be delivered.
  const deliverable =
    account.policy?.mode === "live"
      ? subtract(position.confirmedMicro, add(pendingSellsMicro, settledMicro))
      : effectiveMicro;
  const spokenFor = add(reservedSellsMicro, agedSellsMicro);
  return {
    pendingBuysMicro,
    pendingSellsMicro,
    reservedBuysMicro,
    reservedSellsMicro,
    agedSellsMicro,
    settledMicro,
    effectiveMicro,
    conservativeExposureMicro: add(
      subtractToZero(position.confirmedMicro, settledMicro),
      pendingBuysMicro,
      pending("BUY", true),
      reservedBuysMicro,
    ),
    availableToSellMicro: subtractToZero(deliverable, spokenFor),
  };
}

/** Shares by which balances disagree with our own fills: 0 when each share came by a fill of ours. */
export const differenceOf = (account: Account, position: Position): SharesMicro =>
  subtract(positionNumbers(account, position).effectiveMicro, position.tradedMicro);

/** Collateral set aside for an open purchase: limit × what is left, rounded up, and the fee that is left. */
const reservedCollateral = (order: Order): UsdcMicro =>
  order.side === "BUY" && order.phase === "granted"
    ? add(notional(order.limitPriceMicro, order.leavesMicro, "ceil"), order.feeLeftMicro)
    : ZERO_USDC;

/** What our purchases cost that the last balance of the purse does not show yet, rounded up. */
function pendingCost(account: Account): UsdcMicro {
  let total = ZERO_USDC;
  for (const position of account.positions.values()) {
    for (const fill of position.fills) total = add(total, unseenCost(fill, account.collateralBlock));
  }
  return total;
}

/** collateral − reserved − pending cost, never negative; null while the purse is unknown. */
export function availableCollateral(account: Account): UsdcMicro | null {
  if (account.collateralMicro === null) return null;
  let bound = pendingCost(account);
  for (const order of account.orders.values()) bound = add(bound, reservedCollateral(order));
  return subtractToZero(account.collateralMicro, bound);
}

/**
 * What the purse of a paper account and what markets owe it have to be and are, when everything that happened is in it:
 * equal, or our own books are wrong. null: a wallet, which others move too, or a purse that was never read.
 */
export function purseCheck(
  account: Account,
): { readonly expectedMicro: UsdcMicro; readonly actualMicro: UsdcMicro } | null {
  const actualMicro = account.fundingMicro === null ? null : cashWhenSettled(account);
  if (account.fundingMicro === null || actualMicro === null) return null;
  let expectedMicro = account.fundingMicro;
  let actual = actualMicro;
  for (const position of account.positions.values()) {
    expectedMicro = subtract(add(expectedMicro, position.realizedPnlMicro), position.costMicro);
    actual = add(actual, claimable(position));
  }
  return { expectedMicro, actualMicro: actual };
}

/** What redeeming the settled shares brings that balances still show. */
export function claimable(position: Position): UsdcMicro {
  let total = ZERO_USDC;
  for (const fill of position.fills) if (fill.kind === "settlement") total = add(total, unpaidOf(fill));
  return total;
}

const unpaidOf = (fill: OwnFill): UsdcMicro =>
  scale(fill.usdcMicro, { numerator: remainingOf(fill), denominator: fill.sizeMicro }, "floor");

/** USDC at stake in a token: cost of what our fills hold plus what open purchases may still cost, without fees. */
export function exposureUsdc(account: Account, tokenId: TokenId): UsdcMicro {
  let exposure = account.positions.get(tokenId)?.costMicro ?? ZERO_USDC;
  for (const order of ordersOf(account, tokenId, "BUY")) {
    exposure = add(exposure, notional(order.limitPriceMicro, order.leavesMicro, "ceil"));
  }
  return exposure;
}

/**
 * Open positions: tokens that are being bought or held in a size that can be sold, at least the market's minimum. Less is
 * dust; where no intent named the minimum, above `dustMicro`.
 */
export function openTokens(account: Account, dustMicro: SharesMicro): Set<TokenId> {
  const open = new Set<TokenId>();
  for (const position of account.positions.values()) {
    const held = positionNumbers(account, position).conservativeExposureMicro;
    const { minimumMicro } = position;
    if (minimumMicro === null ? held > dustMicro : held > 0n && held >= minimumMicro) open.add(position.tokenId);
  }
  for (const order of account.orders.values()) {
    if (order.side === "BUY" && order.phase === "granted") open.add(order.tokenId);
  }
  return open;
}

const ordersOf = (account: Account, tokenId: TokenId, side: "BUY" | "SELL"): Order[] =>
  [...account.orders.values()].filter((order) => order.tokenId === tokenId && order.side === side);

const sum = (amounts: readonly SharesMicro[]): SharesMicro => add(ZERO_SHARES, ...amounts);

function unseenCost(fill: OwnFill, collateralBlock: number): UsdcMicro {
  if (fill.spentMicro === 0n) return ZERO_USDC;
  return scale(fill.spentMicro, unseenPart(fill, collateralBlock), "ceil");
}

/**
 * The part of a fill that the purse's balance of `collateralBlock` does not show. A fill known to be in that block or
 * before is in it wholly; what a balance of tokens absorbed moved the purse only in a balance of that block or later.
 */
function unseenPart(fill: OwnFill, collateralBlock: number): { numerator: bigint; denominator: bigint } {
  const { settledBlock, absorbedBlock, sizeMicro: denominator } = fill;
  if (settledBlock !== null) return { numerator: settledBlock <= collateralBlock ? 0n : denominator, denominator };
  return { numerator: absorbedBlock > collateralBlock ? denominator : remainingOf(fill), denominator };
}

/**
 * The purse as it will be when all our trades are in it: its last balance, and what that does not show yet. What resolved
 * markets owe is not cash. Exact for fills that settle whole; null while the purse is unknown.
 */
export function cashWhenSettled(account: Account): UsdcMicro | null {
  if (account.collateralMicro === null) return null;
  let cash = subtract(account.collateralMicro, pendingCost(account));
  for (const { fills } of account.positions.values()) {
    for (const fill of fills) {
      if (fill.side === "BUY" || fill.kind === "settlement") continue;
      const part = unseenPart(fill, account.collateralBlock);
      const got = scale(fill.usdcMicro, part, "floor");
      cash = subtract(add(cash, got), scale(fill.feeMicro, part, "ceil"));
    }
  }
  return cash;
}
