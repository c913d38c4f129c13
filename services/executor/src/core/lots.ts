/**
 * What we hold for leaders. A lot is of one account, token and leader; its parts are by the signal that each was bought
 * for, because an exit that is told late closes only what was bought for signals before it.
 *
 * Invariants
 * 1. The parts of a lot add up to its size; none is zero.
 * 2. Of a lot at or below the account's dust nothing is left to be followed. It stays: lots are what the fills hold, to the
 *    micro (lotCheck.ts).
 */
import type { LeaderFillId, TokenId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  type SharesMicro,
  scale,
  subtract,
  subtractToZero,
  type UsdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import { isBefore } from "./holdings.ts";
import type { OrderState } from "./orders.ts";
import {
  type ExecutorState,
  holdingKey,
  type KnownFill,
  type Lot,
  type LotRef,
  lotKey,
  unfollowedOf,
} from "./state.ts";

/** Adds what an order bought, or gives back what a sale that never settled had taken. */
export function addToLot(
  state: ExecutorState,
  order: OrderState,
  { sizeMicro, usdcMicro }: { readonly sizeMicro: SharesMicro; readonly usdcMicro: UsdcMicro },
): void {
  if (sizeMicro === 0n) return;
  const { account, tokenId, conditionId, leader, leaderFillId, minOrderSizeMicro: minimumMicro } = order;
  const lot = state.lots.get(lotKey(order)) ?? {
    ...{ account, tokenId, conditionId, leader },
    ...{ sizeMicro: ZERO_SHARES, costMicro: ZERO_USDC, minimumMicro, parts: new Map<LeaderFillId, SharesMicro>() },
  };
  lot.minimumMicro = minimumMicro;
  lot.sizeMicro = add(lot.sizeMicro, sizeMicro);
  lot.costMicro = add(lot.costMicro, usdcMicro);
  lot.parts.set(leaderFillId, add(lot.parts.get(leaderFillId) ?? ZERO_SHARES, sizeMicro));
  state.lots.set(lotKey(order), lot);
}

/** Takes shares out of a lot: in proportion from the parts that `isOf` names, and only what those lack from the others. */
export function takeFromLot(
  state: ExecutorState,
  ref: LotRef,
  sizeMicro: SharesMicro,
  isOf: (signal: LeaderFillId) => boolean,
): void {
  const key = lotKey(ref);
  const lot = state.lots.get(key);
  if (lot === undefined) return;
  const left = subtractToZero(lot.sizeMicro, sizeMicro);
  const dust = state.accounts.get(ref.account)?.policy.dustMicro ?? ZERO_SHARES;
  if (left <= dust) dropWaiting(state, ref);
  if (left === 0n) {
    state.lots.delete(key);
    return;
  }
  const open = subtractToZero(sizeMicro, takeFromParts(lot, sizeMicro, isOf));
  takeFromParts(lot, open, (signal) => !isOf(signal));
  lot.costMicro = scale(lot.costMicro, { numerator: left, denominator: lot.sizeMicro }, "floor");
  lot.sizeMicro = left;
}

/**
 * Nothing of a lot is left to be followed. An exit that the chain has not shown yet waits all the same: what he bought before
 * it may still fill, or be told.
 */
export function dropWaiting(state: ExecutorState, ref: LotRef): void {
  for (const { attemptId, remainingMicro } of unfollowedOf(state, ref)) {
    if (remainingMicro !== null) state.unfollowed.delete(attemptId);
  }
}

/** @returns what was taken. */
function takeFromParts(lot: Lot, sizeMicro: SharesMicro, isOf: (signal: LeaderFillId) => boolean): SharesMicro {
  const parts = [...lot.parts].filter(([signal]) => isOf(signal));
  const total = add(...parts.map(([, size]) => size));
  const taken = minAmount(sizeMicro, total);
  if (taken === 0n) return taken;
  const left = subtract(total, taken);
  let rest = left;
  const kept = parts.map(([signal, size]): [LeaderFillId, SharesMicro] => {
    const part = scale(size, { numerator: left, denominator: total }, "floor");
    rest = subtract(rest, part);
    return [signal, part];
  });
  for (const [at, [signal, part]] of kept.entries()) {
    // The roundings stay with the oldest.
    const size = at === 0 ? add(part, rest) : part;
    if (size > 0n) lot.parts.set(signal, size);
    else lot.parts.delete(signal);
  }
  return taken;
}

/** True when an exit is not about a signal, because that lies behind it. What never happened lies behind nothing. */
export const isLater = (state: ExecutorState, signalId: LeaderFillId, exit: KnownFill | undefined): boolean =>
  state.fills.get(signalId)?.status !== "RETRACTED" && liesBehind(state, signalId, exit);

/** True when what a signal is about came to the leader behind `exit` on the chain. */
export function liesBehind(state: ExecutorState, signalId: LeaderFillId, exit: KnownFill | undefined): boolean {
  const signal = state.fills.get(signalId);
  if (signal === undefined || exit === undefined || exit.blockNumber === null || exit.logIndex === null) return false;
  const { blockNumber, logIndex } = gotAt(state, signal, exit.tokenId);
  // An act is final when it is told; what the chain has not even shown then comes after it.
  if (blockNumber === null || logIndex === null) return exit.act !== null;
  return isBefore({ blockNumber: exit.blockNumber, logIndex: exit.logIndex }, { blockNumber, logIndex });
}

/**
 * Where on the chain he got what a signal is copied as. Who sells NO out of a split has had the YES since the split: what he
 * gives of it in between leaves the copy, also when that is told afterwards.
 */
export function gotAt(
  state: ExecutorState,
  signal: KnownFill,
  copied: TokenId,
): Pick<KnownFill, "blockNumber" | "logIndex"> {
  const { blockNumber, logIndex, leader, tokenId } = signal;
  if (tokenId === copied || blockNumber === null || logIndex === null) return signal;
  const movements = state.holdings.get(holdingKey(leader, copied))?.movements ?? [];
  return movements.find((one) => one.split === true && isBefore(one, { blockNumber, logIndex })) ?? signal;
}
