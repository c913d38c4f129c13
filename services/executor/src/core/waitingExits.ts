/**
 * The fold of exits that wait: what of a lot is owed, since when, and when its next order may be made. Also of leaders who
 * are removed, whose lots are closed or left alone.
 */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { type Address, type AttemptId, attemptId } from "@slipstream/contracts/ids";
import { add } from "@slipstream/contracts/money";
import type { WhenRemoved } from "@slipstream/contracts/policy";
import { clearBuckets } from "./bucket.ts";
import { tidyCopied } from "./copied.ts";
import { exitPrice } from "./exitLimit.ts";
import { freeLot, isDust, waitsSinceMs } from "./exitSize.ts";
import { dropWaiting } from "./lots.ts";
import type { ExitClock, OrderState } from "./orders.ts";
import {
  CLOSE_REASON,
  type ExecutorState,
  type KnownFill,
  type Lot,
  type LotRef,
  lotRefOf,
  type UnfollowedExit,
} from "./state.ts";

/** The wait doubles with each order of an exit that failed, up to a minute, but never beyond a step of its limit. */
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 60_000;

/** Ends after which nothing speaks against the next order: its time was over, or its limit has given way. */
export const isNoFailure = (fact: Fact): boolean =>
  fact.type === "OrderExpired" ||
  fact.type === "ExecutionFill" ||
  (fact.type === "OrderCanceled" && (fact.reason === "REPLACED" || fact.reason === "FAK_REMAINDER"));

export function retryAfterMs(state: ExecutorState, { account }: LotRef, failures: number): number {
  const exits = state.accounts.get(account)?.policy.exits;
  const stepMs = exits?.kind === "widen" ? exits.everySeconds * 1_000 : RETRY_MS_MAX;
  return Math.min(RETRY_MS_MAX, stepMs, RETRY_MS * 2 ** Math.min(failures, 10));
}

/** As the decision reckoned it, from what stands in its fact. */
export function clockOf(state: ExecutorState, fact: FactOf<"OrderIntent">, fill: KnownFill | undefined): ExitClock {
  const known = state.unfollowed.get(fact.attemptId);
  const priceMicro = known?.priceMicro ?? (fill === undefined ? null : exitPrice(fill, fact.used));
  const at = { minimumMicro: fact.minOrderSizeMicro, nowMs: fact.tsDecidedMs, isNew: known === undefined };
  return { sinceMs: waitsSinceMs(state, fact, at), priceMicro, failures: known?.failures ?? 0 };
}

export const aboutOf = (order: OrderState) => {
  const { account, leader, tokenId, conditionId, attemptId: attempt, leaderFillId } = order;
  return { account, leader, tokenId, conditionId, attemptId: attempt, leaderFillId };
};

/** The number of an attempt's next order: the first one of an attempt that ordered nothing at once is 1. */
export function nextOrderOf(state: ExecutorState, attempt: AttemptId): number {
  const known = [...state.orders.values()].filter((order) => order.attemptId === attempt);
  return Math.max(0, state.unfollowed.get(attempt)?.n ?? 0, ...known.map(({ n }) => n + 1), 1);
}

/** Several rests of one attempt are one. Of nothing, nothing waits. What a person wants to keep is not followed. */
export function setUnfollowed(state: ExecutorState, exit: UnfollowedExit): void {
  if (state.removed.get(exit.leader) === "keep" || exit.remainingMicro === 0n) return;
  const known = state.unfollowed.get(exit.attemptId);
  if (known === undefined) {
    state.unfollowed.set(exit.attemptId, exit);
    return;
  }
  const remainingMicro =
    known.remainingMicro === null || exit.remainingMicro === null
      ? null
      : add(known.remainingMicro, exit.remainingMicro);
  state.unfollowed.set(exit.attemptId, {
    ...{ ...exit, remainingMicro, n: Math.max(known.n, exit.n) },
    ...{ sinceMs: Math.min(known.sinceMs, exit.sinceMs), priceMicro: known.priceMicro ?? exit.priceMicro },
  });
}

/**
 * What is below the venue's minimum cannot be sold: it stays in the lot as dust, and the next exit takes it along when more
 * has been bought. Nothing waits for it.
 */
export function tidy(state: ExecutorState, ref: LotRef): void {
  if (isDust(state, ref)) dropWaiting(state, ref);
  tidyCopied(state, ref);
}

/** A lot of a leader who was removed is sold, whatever he does; no price of his says at what. */
export function closeLot(state: ExecutorState, lot: Lot, sinceMs: number): void {
  const signal = [...lot.parts.keys()].at(-1);
  const remainingMicro = freeLot(state, lot);
  if (signal === undefined || remainingMicro === 0n) return;
  const { account, leader, tokenId, conditionId } = lot;
  const attempt = attemptId(account, signal);
  setUnfollowed(state, {
    ...{ account, leader, tokenId, conditionId, leaderFillId: signal, attemptId: attempt, remainingMicro, sinceMs },
    ...{ n: nextOrderOf(state, attempt), notBeforeMs: 0, priceMicro: null, failures: 0, reason: CLOSE_REASON },
  });
}

/** A person follows a leader, or removed him and said what becomes of the lots. Buckets end with the following. */
export function foldLeader(
  state: ExecutorState,
  leader: Address,
  { whenRemoved, atMs }: { readonly whenRemoved: WhenRemoved | null; readonly atMs: number },
): void {
  state.leaders.set(leader, whenRemoved === null);
  const isHis = (exit: UnfollowedExit): boolean => exit.leader === leader;
  const forgetExits = (isOf: (exit: UnfollowedExit) => boolean): void => {
    for (const exit of [...state.unfollowed.values()]) if (isOf(exit)) state.unfollowed.delete(exit.attemptId);
  };
  if (whenRemoved === null) state.removed.delete(leader);
  else state.removed.set(leader, whenRemoved);
  if (whenRemoved !== "close") forgetExits((exit) => isHis(exit) && exit.reason === CLOSE_REASON);
  if (whenRemoved === "keep") forgetExits(isHis);
  if (whenRemoved === null) return;
  clearBuckets(state, (ref) => ref.leader === leader);
  for (const lot of [...state.lots.values()]) {
    if (lot.leader !== leader) continue;
    if (whenRemoved === "close") closeLot(state, lot, atMs);
    tidy(state, lot);
  }
  for (const ref of [...state.copied.keys()].map(lotRefOf)) if (ref.leader === leader) tidyCopied(state, ref);
}
