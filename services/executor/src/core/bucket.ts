/**
 * Copies too small for the venue are saved up, by account, token and leader, until together they make an order.
 *
 * Invariants
 * 1. Each part keeps the limit it was decided at and the time of its signal. It joins no order with a worse limit, and
 *    none after the account's `bucketAgeMsMax`; then it has aged out.
 * 2. An order takes the oldest parts first, and its fills buy them before anything else the order wants, oldest first. What
 *    it did not buy goes back where it came from, so the oldest is given back last; age and limit stay.
 * 3. To the micro: saved = in the bucket + in open orders + bought + gone (aged out, sold by the leader in proportion, of a
 *    leader no longer followed, of a closed market, of a fill that never happened, pushed out).
 * 4. A bucket has at most PARTS_MAX parts; the oldest is pushed out.
 */
import type { FactOf } from "@slipstream/contracts/facts";
import type { BucketPart } from "@slipstream/contracts/facts/exec";
import type { AccountId, Address, ConditionId, LeaderFillId, TokenId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  type PriceMicro,
  type SharesMicro,
  subtract,
  subtractToZero,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import { concerns, dropCopied, type ExitShare } from "./copied.ts";
import { partOf } from "./exitSize.ts";
import { isEnded, type OrderState } from "./orders.ts";
import { type ExecutorState, type KnownFill, type LotRef, lotKey, lotRefOf, lotSize, openOrdersOf } from "./state.ts";

export const PARTS_MAX = 256;

/** A part that an order took, and what became of it. */
export type UsedPart = BucketPart & {
  /** Given back so far. */
  backMicro: SharesMicro;
  /** Shares of his holding that the leader has left since: less is given back. */
  readonly exits: ExitShare[];
  /** Nothing is given back any more. */
  forfeited: boolean;
};

export const sumOf = (parts: readonly Pick<BucketPart, "sizeMicro">[]): SharesMicro =>
  add(ZERO_SHARES, ...parts.map(({ sizeMicro }) => sizeMicro));

/** What of a bucket is not too old at `nowMs`, oldest signal first. */
export function youngParts(state: ExecutorState, ref: LotRef, nowMs: number): readonly BucketPart[] {
  const sinceMs = nowMs - ageMsMax(state, ref.account);
  return (state.buckets.get(lotKey(ref)) ?? []).filter(({ tsSignalMs }) => tsSignalMs >= sinceMs);
}

/** The young parts, to be kept; purchases whose saved copy has aged out stand behind no lot. */
function keepYoung(state: ExecutorState, ref: LotRef, nowMs: number): readonly BucketPart[] {
  const young = youngParts(state, ref, nowMs);
  for (const part of state.buckets.get(lotKey(ref)) ?? []) if (!young.includes(part)) forgetPurchase(state, ref, part);
  return young;
}

function forgetPurchase(state: ExecutorState, ref: LotRef, { leaderFillId }: BucketPart): void {
  const key = lotKey(ref);
  const used = usedOf(state, (order) => lotKey(order) === key);
  if (![...used].some((part) => part.leaderFillId === leaderFillId)) dropCopied(state, ref, leaderFillId);
}

/** True when an account has, or is about to have, what an exit of the leader would close. */
export const hasStake = (state: ExecutorState, ref: LotRef, nowMs: number): boolean =>
  lotSize(state, ref) > 0n || openOrdersOf(state, ref).length > 0 || youngParts(state, ref, nowMs).length > 0;

/** What of a bucket may join an order now: young, its signal on the chain, and saved at this limit or a worse one. */
export function usableParts(
  state: ExecutorState,
  ref: LotRef,
  { nowMs, limitMicro }: { readonly nowMs: number; readonly limitMicro: PriceMicro },
): readonly BucketPart[] {
  return youngParts(state, ref, nowMs).filter((part) => {
    const status = state.fills.get(part.leaderFillId)?.status ?? "ON_CHAIN";
    return limitMicro <= part.limitMicro && status === "ON_CHAIN";
  });
}

/** The oldest of `parts` that make up `sizeMicro`; the last one perhaps in part. */
export function oldestOf(parts: readonly BucketPart[], sizeMicro: SharesMicro): BucketPart[] {
  let open = sizeMicro;
  return parts.flatMap((part) => {
    const taken = minAmount(part.sizeMicro, open);
    open = subtract(open, taken);
    return taken > 0n ? [{ ...part, sizeMicro: taken }] : [];
  });
}

/** Folds a skip that saved something up. */
export function saveUp(state: ExecutorState, fact: FactOf<"ExecutionAttempt">): void {
  const { bucketAddMicro: sizeMicro, limitMicro, leaderFillId, tsSignalMs } = fact;
  if (sizeMicro === 0n || limitMicro === null || state.leaders.get(fact.leader) !== true) return;
  putBack(state, fact, { leaderFillId, sizeMicro, limitMicro, tsSignalMs }, fact.tsInitMs);
}

/** Folds the intent of an order that takes from the bucket. @returns what the order has to give back if it buys nothing. */
export function takeOut(state: ExecutorState, intent: FactOf<"OrderIntent">): UsedPart[] {
  const parts = keepYoung(state, intent, intent.tsInitMs);
  const used = intent.bucketUsed.map((part): UsedPart => {
    const had = parts.find(({ leaderFillId }) => leaderFillId === part.leaderFillId)?.sizeMicro ?? ZERO_SHARES;
    // Emptied between decision and fold: what is gone does not come back by this way.
    return { ...part, backMicro: ZERO_SHARES, exits: [], forfeited: had < part.sizeMicro };
  });
  const takenOf = (id: LeaderFillId): SharesMicro => sumOf(used.filter(({ leaderFillId }) => leaderFillId === id));
  setParts(
    state,
    lotKey(intent),
    parts.map((part) => ({ ...part, sizeMicro: subtractToZero(part.sizeMicro, takenOf(part.leaderFillId)) })),
  );
  return used;
}

/** What an order has really bought: trades that failed to settle are taken off. */
const boughtBy = (order: OrderState): SharesMicro =>
  add(ZERO_SHARES, ...[...order.trades.values()].map(({ sizeMicro }) => sizeMicro));

/** What of its fills, or of its size, an order wanted beyond what it took from the bucket. */
export const ownPart = (order: OrderState, amount: "bought" | "size"): SharesMicro =>
  subtractToZero(amount === "bought" ? boughtBy(order) : order.sizeMicro, sumOf(order.bucketUsed));

/**
 * Gives back what an ended order did not buy. To be called after each change of an ended order: a trade that settles late
 * takes out again what was given back for it, one that failed gives back more.
 */
export function settleUsed(state: ExecutorState, order: OrderState, nowMs: number): void {
  if (!isEnded(order)) return;
  let bought = boughtBy(order);
  for (const part of order.bucketUsed) {
    const filled = minAmount(part.sizeMicro, bought);
    bought = subtract(bought, filled);
    if (part.forfeited) continue;
    let back = subtract(part.sizeMicro, filled);
    for (const share of part.exits) back = subtract(back, partOf(back, share));
    if (back > part.backMicro)
      putBack(state, order, { ...bare(part), sizeMicro: subtract(back, part.backMicro) }, nowMs);
    else takeAgain(state, order, part, subtract(part.backMicro, back));
    part.backMicro = back;
  }
}

const bare = ({ leaderFillId, sizeMicro, limitMicro, tsSignalMs }: BucketPart): BucketPart => ({
  ...{ leaderFillId, sizeMicro, limitMicro, tsSignalMs },
});

function takeAgain(state: ExecutorState, ref: LotRef, { leaderFillId }: UsedPart, amount: SharesMicro): void {
  const parts = state.buckets.get(lotKey(ref)) ?? [];
  const less = (part: BucketPart): BucketPart => ({ ...part, sizeMicro: subtractToZero(part.sizeMicro, amount) });
  const left = parts.map((part) => (part.leaderFillId === leaderFillId ? less(part) : part));
  setParts(state, lotKey(ref), left);
}

/**
 * A leader who leaves takes his share of what was saved up, and of what open orders may give back, with him: of signals
 * that do not lie behind his exit. All of it when his share is not known.
 */
export function shrinkBucket(
  state: ExecutorState,
  fact: LotRef & Pick<FactOf<"ExecutionAttempt">, "exitShare">,
  exit: KnownFill | undefined,
): void {
  const { exitShare } = fact;
  const key = lotKey(fact);
  const isOf = concerns(state, fact, exit);
  const isBefore = ({ leaderFillId }: BucketPart): boolean => isOf(leaderFillId);
  const gone = (size: SharesMicro): SharesMicro => (exitShare === null ? size : partOf(size, exitShare));
  const left = (state.buckets.get(key) ?? []).map((part) =>
    isBefore(part) ? { ...part, sizeMicro: subtract(part.sizeMicro, gone(part.sizeMicro)) } : part,
  );
  setParts(state, key, left);
  for (const part of usedOf(state, (order) => lotKey(order) === key && !isEnded(order))) {
    if (!isBefore(part)) continue;
    if (exitShare === null) part.forfeited = true;
    else part.exits.push(exitShare);
  }
}

/** Empties the buckets that `isOf` names; what open orders took of them does not come back either. */
export function clearBuckets(
  state: ExecutorState,
  isOf: (ref: { readonly account: AccountId; readonly tokenId: TokenId; readonly leader: Address }) => boolean,
): void {
  for (const key of state.buckets.keys()) if (isOf(lotRefOf(key))) state.buckets.delete(key);
  for (const part of usedOf(state, isOf)) part.forfeited = true;
}

/** A market that is resolved trades no more. One that only stopped trading takes no orders; what was saved for it ages out. */
export function clearMarket(state: ExecutorState, conditionId: ConditionId): void {
  const tokens = new Set<TokenId>();
  for (const [key, parts] of state.buckets) {
    const isOfMarket = parts.some((part) => state.fills.get(part.leaderFillId)?.conditionId === conditionId);
    if (isOfMarket) tokens.add(lotRefOf(key).tokenId);
  }
  for (const order of state.orders.values()) if (order.conditionId === conditionId) tokens.add(order.tokenId);
  clearBuckets(state, ({ tokenId }) => tokens.has(tokenId));
}

/** Fills that something is saved up for: whether they are still on the chain matters as long. */
export const savedSignals = (state: ExecutorState): Set<LeaderFillId> =>
  new Set([...state.buckets.values()].flatMap((parts) => parts.map(({ leaderFillId }) => leaderFillId)));

/** A fill that never happened has nothing saved up. */
export function dropSignal(state: ExecutorState, leaderFillId: LeaderFillId): void {
  for (const [key, parts] of state.buckets) {
    if (!parts.some((part) => part.leaderFillId === leaderFillId)) continue;
    setParts(
      state,
      key,
      parts.filter((part) => part.leaderFillId !== leaderFillId),
    );
  }
  for (const part of usedOf(state, () => true)) if (part.leaderFillId === leaderFillId) part.forfeited = true;
}

/** Forgets what nobody buys any more. */
export function dropAged(state: ExecutorState, nowMs: number): void {
  for (const key of [...state.buckets.keys()]) setParts(state, key, keepYoung(state, lotRefOf(key), nowMs));
}

const ageMsMax = (state: ExecutorState, account: AccountId): number =>
  state.accounts.get(account)?.policy.bucketAgeMsMax ?? 0;

function* usedOf(state: ExecutorState, isOf: (order: OrderState) => boolean): Generator<UsedPart> {
  for (const order of state.orders.values()) if (order.bucketUsed.length > 0 && isOf(order)) yield* order.bucketUsed;
}

/** Adds to the part of the same signal, or in the order of signals. */
function putBack(state: ExecutorState, ref: LotRef, part: BucketPart, nowMs: number): void {
  const parts = [...keepYoung(state, ref, nowMs)];
  const at = parts.findIndex(({ leaderFillId }) => leaderFillId === part.leaderFillId);
  const known = parts[at];
  if (known !== undefined) parts[at] = { ...known, sizeMicro: add(known.sizeMicro, part.sizeMicro) };
  else if (part.tsSignalMs >= nowMs - ageMsMax(state, ref.account)) {
    parts.splice(parts.findLastIndex(({ tsSignalMs }) => tsSignalMs <= part.tsSignalMs) + 1, 0, part);
  }
  for (const pushedOut of parts.slice(0, -PARTS_MAX)) forgetPurchase(state, ref, pushedOut);
  setParts(state, lotKey(ref), parts.slice(-PARTS_MAX));
}

function setParts(state: ExecutorState, key: string, parts: readonly BucketPart[]): void {
  const left = parts.filter(({ sizeMicro }) => sizeMicro > 0n);
  if (left.length > 0) state.buckets.set(key, left);
  else state.buckets.delete(key);
}
