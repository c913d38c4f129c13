/**
 * What a leader still holds of the purchases that stand behind our lot: the denominator of an exit. What he sells is taken
 * from them first and only then from what he held otherwise (before we followed him, or what we did not copy), so that a
 * round trip of his leaves us with nothing, however large his old position is.
 *
 * The purchases are kept in the order in which we decided on them, and so is what he gave, but that an exit which is told
 * late stands before those it overtakes: as our lot shrinks by an exit, so does what stands behind it, by the same part of
 * each purchase that does not lie behind the exit on the chain. It is added up anew for each exit, so that what a reorg
 * takes back or moves needs no correction.
 *
 * Invariants
 * 1. Each fill is counted once, an exit from the fact on that names its part.
 * 2. Without lot, bucket, open order and waiting exit nothing is counted.
 */
import type { LeaderFillId, TokenId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  negate,
  type SharesMicro,
  scale,
  subtract,
  subtractToZero,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import { holdingBefore, holdingNow, isBefore, type Movement, movementsOrAway } from "./holdings.ts";
import { gotAt, isLater } from "./lots.ts";
import { asCopied } from "./splitSale.ts";
import {
  type ExecutorState,
  holdingKey,
  type KnownFill,
  type LotRef,
  lotKey,
  lotRefOf,
  openOrdersOf,
  unfollowedOf,
} from "./state.ts";

type Where = Pick<KnownFill, "blockNumber" | "logIndex">;
/** A purchase of his that we copied or save up (positive), or what he gave away (negative), in 1e-6 share. */
export type CopiedStep = Where & {
  readonly id: LeaderFillId;
  readonly deltaMicro: SharesMicro;
  /** He gave it by an act, which is final when it is told. */
  readonly isAct: boolean;
  /** The chain has taken it back. */
  readonly isLost: boolean;
};
export type ExitShare = { readonly soldMicro: SharesMicro; readonly heldMicro: SharesMicro };

/** More than these behind one lot are added up, the oldest half first, and then stand for good. */
const STEPS_MAX = 128;

/**
 * Counts a purchase or an exit. One that is counted already stays where it is.
 * @param copiedMicro - what of a purchase was copied; null: all of it.
 */
export function noteCopied(
  state: ExecutorState,
  ref: LotRef,
  fill: KnownFill,
  copiedMicro: SharesMicro | null = null,
): void {
  const steps = state.copied.get(lotKey(ref)) ?? [];
  if (steps.some(({ id }) => id === fill.leaderFillId)) return;
  const whole = stepOf(state, fill, ref.tokenId);
  const step = copiedMicro === null ? whole : { ...whole, deltaMicro: copiedMicro };
  // An exit takes nothing from nothing.
  if (step.deltaMicro < 0n && steps.length === 0) return;
  state.copied.set(lotKey(ref), bounded(step.deltaMicro < 0n ? withExit(steps, step) : [...steps, step]));
}

/** An exit that is told late comes before those that it overtakes on the chain: these took from what it had left. */
function withExit(steps: readonly CopiedStep[], exit: CopiedStep): CopiedStep[] {
  const isBeyond = (step: CopiedStep): boolean =>
    step.deltaMicro > 0n ? !isBehindLot(step, exit) : isPlacedBefore(exit, step);
  return steps.toSpliced(steps.findLastIndex((step) => !isBeyond(step)) + 1, 0, exit);
}

/**
 * Which signals an exit is about: those that do not lie behind it on the chain. When exits that do were followed before it
 * was told, they took their part of what it is about as well as of what was bought since. Then it is about all of that.
 */
export function concerns(
  state: ExecutorState,
  ref: LotRef,
  exit: KnownFill | undefined,
): (signal: LeaderFillId) => boolean {
  const later = exit === undefined ? [] : laterExits(state, ref, exit);
  return (signal) => [exit, ...later].some((one) => !isLater(state, signal, one));
}

/** Exits that were counted although they lie behind this one on the chain; what a reorg has taken back will return. */
const laterExits = (state: ExecutorState, ref: LotRef, exit: KnownFill): KnownFill[] =>
  (state.copied.get(lotKey(ref)) ?? []).flatMap(({ id, deltaMicro }) => {
    const other = deltaMicro < 0n ? state.fills.get(id) : undefined;
    return other !== undefined && other.status !== "RETRACTED" && isPlacedBefore(exit, other) ? [other] : [];
  });

/** Nothing was bought for a purchase after all. */
export function dropCopied(state: ExecutorState, ref: LotRef, id: LeaderFillId): void {
  const steps = state.copied.get(lotKey(ref));
  if (steps === undefined) return;
  const kept = steps.filter((step) => step.id !== id);
  state.copied.set(lotKey(ref), kept);
}

/** A fill that is counted was taken back, returned, or lies elsewhere on the chain now. */
export function moveCopied(state: ExecutorState, fill: KnownFill): void {
  for (const [key, steps] of state.copied) {
    const { leader, tokenId } = lotRefOf(key);
    if (leader !== fill.leader) continue;
    const at = steps.findIndex(({ id }) => id === fill.leaderFillId);
    const step = steps[at];
    // It may have been copied in part; its size is in its id, so it has not changed.
    if (step !== undefined) steps[at] = { ...stepOf(state, fill, tokenId), deltaMicro: step.deltaMicro };
  }
}

/**
 * What of a purchase that never happened, as of others, is left to be sold: his exits took their part of it, and what they
 * took was theirs.
 * @returns `own`: what they left of it. `others`: what of the others goes with it. null: all of it, and nothing.
 */
export function goneWith(
  state: ExecutorState,
  ref: LotRef,
  id: LeaderFillId,
): { readonly own: ExitShare | null; readonly others: ExitShare | null } {
  const steps = state.copied.get(lotKey(ref)) ?? [];
  const lost = steps.find((step) => step.id === id && step.deltaMicro > 0n);
  if (lost === undefined) return { own: null, others: null };
  const believed = leftOf(steps.map((step) => (step === lost ? { ...step, isLost: false } : step)));
  const isOwn = ({ step }: Left): boolean => step.id === id;
  const own = { soldMicro: totalOf(believed.filter(isOwn)), heldMicro: lost.deltaMicro };
  const heldMicro = totalOf(believed.filter((one) => !isOwn(one)));
  return { own, others: { soldMicro: subtractToZero(heldMicro, totalOf(leftOf(steps))), heldMicro } };
}

/** Forgets the purchases behind a lot when nothing of it is left and nothing will be. */
export function tidyCopied(state: ExecutorState, ref: LotRef): void {
  const key = lotKey(ref);
  if (!state.copied.has(key) || state.lots.has(key) || state.buckets.has(key)) return;
  if (openOrdersOf(state, ref).length === 0 && unfollowedOf(state, ref).length === 0) state.copied.delete(key);
}

/**
 * What is left of a purchase that is decided on late: a sale that followed it may have been told, and answered with nothing
 * to sell, before it was. What he gave since leaves it first, but for what an exit took from our lot and for what he merged,
 * which undoes a split before it undoes a purchase; and who is known to hold nothing has left all of it.
 * @param purchase - one whose place on the chain is not known yet is taken for whole.
 */
export function leftOfPurchase(state: ExecutorState, ref: LotRef, purchase: KnownFill): SharesMicro {
  const { blockNumber, logIndex, sharesMicro: boughtMicro, leaderFillId } = purchase;
  const holding = state.holdings.get(holdingKey(ref.leader, ref.tokenId));
  if (blockNumber === null || logIndex === null || holding === undefined) return boughtMicro;
  // An exit whose part is not known yet will take it from the copy.
  const waiting = unfollowedOf(state, ref).filter(({ remainingMicro }) => remainingMicro === null);
  const isOther = ({ id }: Movement): boolean =>
    id !== leaderFillId && !waiting.some((exit) => exit.leaderFillId === id);
  const isSince = (movement: Movement): boolean =>
    isOther(movement) && isBefore({ blockNumber, logIndex }, movement) && movement.deltaMicro < 0n;
  const given = movementsOrAway(holding).filter(isSince);
  // A balance alone may be of before anybody knew that he has the token.
  if (given.length === 0) return boughtMicro;
  const now = holdingNow(holding);
  if (now !== null && now <= 0n) return ZERO_SHARES;
  const steps = state.copied.get(lotKey(ref)) ?? [];
  const own = given.map(({ id, merge, deltaMicro }) =>
    merge === true ? ZERO_SHARES : subtractToZero(negate(deltaMicro), takenBy(steps, id)),
  );
  return subtractToZero(boughtMicro, add(ZERO_SHARES, ...own));
}

/** What an exit took from the purchases that were counted before it; it may have been larger. */
function takenBy(steps: readonly CopiedStep[], id: string): SharesMicro {
  const at = steps.findIndex((step) => step.id === id);
  const exit = steps[at];
  if (exit === undefined || exit.isLost) return ZERO_SHARES;
  return minAmount(negate(exit.deltaMicro), copiedFor(steps.slice(0, at), exit));
}

/** What he still holds of the copied purchases that an exit is about, without what the exit itself takes. */
function copiedFor(steps: readonly CopiedStep[], exit: CopiedStep): SharesMicro {
  return totalOf(leftOf(steps).filter(({ step }) => isBehindLot(step, exit)));
}

/**
 * The part of the lot that an exit closes: sold / copied and still held. Sold beyond it closes all; so does an exit after
 * which he is known to hold nothing, or when nothing he bought stands behind the lot any more.
 * @returns null while the chain does not show the exit: not yet, or it was taken back and may return.
 */
export function exitShareOf(state: ExecutorState, ref: LotRef, exit: KnownFill): ExitShare | null {
  const { sharesMicro: soldMicro, blockNumber, logIndex } = exit;
  if (exit.status !== "ON_CHAIN" || blockNumber === null || logIndex === null) return null;
  const own = stepOf(state, exit, ref.tokenId);
  const steps = (state.copied.get(lotKey(ref)) ?? []).filter(({ id }) => id !== own.id);
  const later = new Set(laterExits(state, ref, exit).map(({ leaderFillId }) => leaderFillId));
  if (later.size > 0) {
    const believed = steps.map((step) => (later.has(step.id) ? { ...step, isLost: false } : step));
    const heldMicro = totalOf(leftOf(believed));
    const leftMicro = totalOf(leftOf(withExit(believed, own)));
    if (heldMicro > 0n) return { soldMicro: subtractToZero(heldMicro, leftMicro), heldMicro };
  }
  const copied = copiedFor(steps, own);
  const held = holdingBefore(state.holdings.get(holdingKey(exit.leader, exit.tokenId)), {
    ...{ blockNumber, logIndex, soldMicro },
  });
  // A balance may show what we are told of later, so only its end counts: he is flat, whatever we missed.
  const of = held !== null && soldMicro >= held ? minAmount(copied, held) : copied;
  return { soldMicro, heldMicro: of === 0n ? soldMicro : of };
}

function stepOf(state: ExecutorState, fill: KnownFill, tokenId: TokenId): CopiedStep {
  const { blockNumber, logIndex } = gotAt(state, fill, tokenId);
  const { side, sharesMicro } = asCopied(fill, tokenId);
  return {
    ...{ id: fill.leaderFillId, blockNumber, logIndex },
    deltaMicro: side === "BUY" ? sharesMicro : negate(sharesMicro),
    ...{ isAct: fill.act !== null, isLost: fill.status !== "ON_CHAIN" },
  };
}

const isPlacedBefore = (a: Where, b: Where): boolean =>
  a.blockNumber !== null &&
  a.logIndex !== null &&
  b.blockNumber !== null &&
  b.logIndex !== null &&
  isBefore({ blockNumber: a.blockNumber, logIndex: a.logIndex }, { blockNumber: b.blockNumber, logIndex: b.logIndex });

type Left = { readonly step: CopiedStep; readonly leftMicro: SharesMicro };

const totalOf = (left: readonly Left[]): SharesMicro => add(ZERO_SHARES, ...left.map(({ leftMicro }) => leftMicro));

/** What is left of each purchase, in their order. */
function leftOf(steps: readonly CopiedStep[]): Left[] {
  let left: Left[] = [];
  for (const step of steps) {
    if (step.isLost) continue;
    if (step.deltaMicro > 0n) left.push({ step, leftMicro: step.deltaMicro });
    else left = take(left, step);
  }
  return left;
}

/** The same part of each purchase that does not lie behind the exit; the roundings stay with the oldest of them. */
function take(left: readonly Left[], exit: CopiedStep): Left[] {
  const isOf = ({ step }: Left): boolean => isBehindLot(step, exit);
  const total = totalOf(left.filter(isOf));
  const kept = subtractToZero(total, negate(exit.deltaMicro));
  if (kept === 0n) return left.filter((one) => !isOf(one));
  const part = (amount: SharesMicro): SharesMicro => scale(amount, { numerator: kept, denominator: total }, "floor");
  let rest = subtract(kept, add(ZERO_SHARES, ...left.filter(isOf).map(({ leftMicro }) => part(leftMicro))));
  return left.map((one) => {
    if (!isOf(one)) return one;
    const leftMicro = add(part(one.leftMicro), rest);
    rest = ZERO_SHARES;
    return { ...one, leftMicro };
  });
}

/** True unless a purchase lies behind the exit on the chain: then he still holds it. As `isLater` says of the lot's parts. */
function isBehindLot(purchase: CopiedStep, exit: CopiedStep): boolean {
  if (exit.blockNumber === null || exit.logIndex === null) return true;
  if (purchase.blockNumber === null || purchase.logIndex === null) return !exit.isAct;
  if (purchase.blockNumber !== exit.blockNumber) return purchase.blockNumber < exit.blockNumber;
  return purchase.logIndex <= exit.logIndex;
}

function bounded(steps: CopiedStep[]): CopiedStep[] {
  if (steps.length <= STEPS_MAX) return steps;
  const left = leftOf(steps.slice(0, STEPS_MAX / 2)).map(({ step, leftMicro }) => ({ ...step, deltaMicro: leftMicro }));
  const rest = steps.slice(STEPS_MAX / 2);
  const last = left.at(-1);
  if (last === undefined || left.length < STEPS_MAX / 2) return [...left, ...rest];
  // All of them are purchases that he holds: as one, at the place of the last.
  return [{ ...last, deltaMicro: add(...left.map(({ deltaMicro }) => deltaMicro)) }, ...rest];
}
