/**
 * Fixed sizing is about a leader's decision, which is one order of his and often many fills. Remembered is, for each of his
 * orders and each of our accounts, what has been ordered for its fills already.
 *
 * A leader's order is known by its hash. A fill that another source tells first has none until the chain shows it: until
 * then all fills of its transaction count as of one order, so that nothing is bought twice.
 *
 * Invariants
 * 1. Covered is what was filled or is open of orders for its fills, at the limits they were given, and what was saved up
 *    for them. Money, not shares: a later fill at a higher price must not make the whole dearer than the fixed size.
 * 2. A leader's order may rest for days, so it is remembered longer than its fills: the newest LEADER_ORDERS_MAX.
 */
import type { AccountId, Hash, LeaderFillId } from "@slipstream/contracts/ids";
import {
  add,
  notional,
  type PriceMicro,
  type SharesMicro,
  SIZE_STEP_MICRO,
  sharesFor,
  subtractToZero,
  type UsdcMicro,
  usdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import { ownPart } from "./bucket.ts";
import { isEnded, type OrderState } from "./orders.ts";
import type { ExecutorState, KnownFill } from "./state.ts";

export const LEADER_ORDERS_MAX = 4_096;
/** What rounding to the venue's size step may leave of an order at any price. */
const ROUNDING_REST = usdcMicro(SIZE_STEP_MICRO);

/** USDC at the limits it was ordered at, and the shares. */
export type Coverage = { readonly usdcMicro: UsdcMicro; readonly sharesMicro: SharesMicro };
/** By order, then by `<account>|<fill>`: what was ordered for that fill. */
export type LeaderOrders = Map<string, Map<string, Coverage>>;

type Ids = Pick<KnownFill, "leader" | "tokenId" | "side" | "orderHash" | "txHash">;

const hashKey = ({ leader, tokenId, side }: Ids, hash: Hash): string => `order|${leader}|${tokenId}|${side}|${hash}`;
const txKey = ({ leader, tokenId, side }: Ids, hash: Hash): string => `tx|${leader}|${tokenId}|${side}|${hash}`;
const keyOf = (fill: Ids): string =>
  fill.orderHash === null ? txKey(fill, fill.txHash) : hashKey(fill, fill.orderHash);

/** All keys under which fills of the same leader order may stand. */
function keysOf(state: ExecutorState, fill: KnownFill): Set<string> {
  const hashes = new Set<Hash>(fill.orderHash === null ? [] : [fill.orderHash]);
  const txs = new Set<Hash>([fill.txHash]);
  for (const other of state.fills.values()) {
    if (other.leader !== fill.leader || other.tokenId !== fill.tokenId || other.side !== fill.side) continue;
    if (other.orderHash === null) continue;
    if (fill.orderHash === null && other.txHash === fill.txHash) hashes.add(other.orderHash);
    if (fill.orderHash === other.orderHash) txs.add(other.txHash);
  }
  return new Set([...[...hashes].map((hash) => hashKey(fill, hash)), ...[...txs].map((hash) => txKey(fill, hash))]);
}

/** What is ordered, held or saved up already for fills of the same order of the leader. */
export function coveredFor(state: ExecutorState, account: AccountId, fill: KnownFill): Coverage {
  let covered: Coverage = { usdcMicro: ZERO_USDC, sharesMicro: ZERO_SHARES };
  for (const key of keysOf(state, fill)) {
    for (const [of, part] of state.leaderOrders.get(key) ?? []) {
      if (!of.startsWith(`${account}|`)) continue;
      const sharesMicro = add(covered.sharesMicro, part.sharesMicro);
      covered = { usdcMicro: add(covered.usdcMicro, part.usdcMicro), sharesMicro };
    }
  }
  return covered;
}

/** What of a fixed size is still to be bought at `limitMicro`; a rest that rounding left is nothing. */
export function unbought(budgetMicro: UsdcMicro, covered: Coverage, limitMicro: PriceMicro): SharesMicro {
  const restMicro = subtractToZero(budgetMicro, covered.usdcMicro);
  if (covered.usdcMicro > 0n && restMicro < ROUNDING_REST) return ZERO_SHARES;
  return sharesFor(restMicro, limitMicro, "floor");
}

/** Folds what was saved up for a fill. */
export function coverSaved(
  state: ExecutorState,
  {
    account,
    leaderFillId,
    limitMicro,
    bucketAddMicro,
  }: {
    readonly account: AccountId;
    readonly leaderFillId: LeaderFillId;
    readonly limitMicro: PriceMicro | null;
    readonly bucketAddMicro: SharesMicro;
  },
): void {
  if (limitMicro !== null) cover(state, account, leaderFillId, bucketAddMicro, limitMicro);
}

/** Folds what an order of a fixed size covers: all it wants for itself while it is open, what it bought at its end. */
export function coverOrder(state: ExecutorState, order: OrderState): void {
  if (!order.fixedSize) return;
  const sizeMicro = ownPart(order, isEnded(order) ? "bought" : "size");
  cover(state, order.account, order.leaderFillId, sizeMicro, order.limitPriceMicro);
}

function cover(
  state: ExecutorState,
  account: AccountId,
  leaderFillId: LeaderFillId,
  sizeMicro: SharesMicro,
  limitMicro: PriceMicro,
): void {
  const fill = state.fills.get(leaderFillId);
  if (fill === undefined) return;
  set(state, keyOf(fill), `${account}|${leaderFillId}`, {
    usdcMicro: notional(limitMicro, sizeMicro, "ceil"),
    sharesMicro: sizeMicro,
  });
}

function set(state: ExecutorState, key: string, of: string, coverage: Coverage): void {
  const { leaderOrders } = state;
  const known = leaderOrders.get(key);
  if (known === undefined && coverage.sharesMicro === 0n) return;
  const parts = known ?? new Map<string, Coverage>();
  if (coverage.sharesMicro > 0n) parts.set(of, coverage);
  else parts.delete(of);
  // The last one touched is the newest.
  leaderOrders.delete(key);
  if (parts.size > 0) leaderOrders.set(key, parts);
  const [oldest] = leaderOrders.keys();
  if (leaderOrders.size > LEADER_ORDERS_MAX && oldest !== undefined) leaderOrders.delete(oldest);
}

/** The chain has told the order of a fill that came without: what was ordered for it moves there. */
export function learnOrder(state: ExecutorState, before: KnownFill | undefined, after: KnownFill): void {
  if (before === undefined) return;
  const [from, to] = [keyOf(before), keyOf(after)];
  const parts = state.leaderOrders.get(from);
  if (from === to || parts === undefined) return;
  for (const [of, coverage] of [...parts]) {
    if (!of.endsWith(`|${after.leaderFillId}`)) continue;
    set(state, from, of, { usdcMicro: ZERO_USDC, sharesMicro: ZERO_SHARES });
    set(state, to, of, coverage);
  }
}

/** A fill that never happened has nothing saved up for it; what was bought for it stays bought. */
export function uncoverSaved(state: ExecutorState, fill: KnownFill): void {
  const bought = new Set<string>();
  for (const { account, leaderFillId } of state.orders.values()) bought.add(`${account}|${leaderFillId}`);
  const key = keyOf(fill);
  for (const of of [...(state.leaderOrders.get(key)?.keys() ?? [])]) {
    if (!of.endsWith(`|${fill.leaderFillId}`) || bought.has(of)) continue;
    set(state, key, of, { usdcMicro: ZERO_USDC, sharesMicro: ZERO_SHARES });
  }
}
