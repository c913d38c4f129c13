/**
 * Decision on a leader's exit, and later tries to follow one. He may have sold, or merged, converted or sent away his
 * tokens: it is one path.
 *
 * An exit is sized once, when the leader leaves: the part that he gave of the purchases behind our lot. What is not sold
 * yet stays owed in shares (`unfollowed`) and joins the next exit of the same lot. Its order is placed at the limit of the
 * moment whether or not the book bids it: it rests, and is replaced when the limit gives way.
 */
import type { Decision } from "@slipstream/actor/core";
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import {
  add,
  minAmount,
  type PriceMicro,
  type SharesMicro,
  subtract,
  subtractToZero,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import { takeableSize } from "@slipstream/polymarket/orderRules";
import { type Basis, type Deciding, type Facts, intentFact, skipFact, waitedMs } from "./attempt.ts";
import { cancelOpen } from "./cancel.ts";
import { concerns, type ExitShare, exitShareOf } from "./copied.ts";
import { awaitBook, mayWait } from "./entries.ts";
import { exitLimit, exitPrice, exitTtlMs } from "./exitLimit.ts";
import { closableLot, isDust, partOf, pendingExits, waitsSinceMs } from "./exitSize.ts";
import { exitGates, type Tradable } from "./gates.ts";
import type { ExecutorRequest } from "./messages.ts";
import { leavesOf, type OrderState } from "./orders.ts";
import { type ExecutorState, type LotRef, lotKey, lotSize, openOrdersOf, type UnfollowedExit } from "./state.ts";
import type { ExecutorView } from "./view.ts";

/** A resting exit is not replaced sooner, however fast the book falls: a cancel and an order take their time as well. */
const REPLACE_AFTER_MS = 1_000;

/** First decision on a leader's exit. What is still being bought for him is cancelled, whatever else is decided. */
export function decideExit(deciding: Deciding): Decision<ExecutorRequest> {
  const { state, fill, policy } = deciding;
  const lot = { account: policy.account, tokenId: fill.tokenId, leader: fill.leader };
  const facts: Facts = [];
  const requests: ExecutorRequest[] = [];
  if (fill.status === "ON_CHAIN") {
    const isOf = concerns(state, lot, fill);
    for (const order of openOrdersOf(state, lot)) {
      if (order.kind !== "ENTRY" || order.cancelReason !== null || !isOf(order.leaderFillId)) continue;
      const canceling = cancelOpen(deciding, order, "LEADER_EXITED");
      facts.push(...canceling.facts);
      requests.push(...canceling.requests);
    }
  }
  const answer = answerExit(deciding, lot);
  if (answer === "wait") return { facts, requests: [...requests, awaitBook(deciding)] };
  return { facts: [...facts, answer], requests };
}

function answerExit(deciding: Deciding, lot: LotRef): Facts[number] | "wait" {
  const { state, view, fill, policy } = deciding;
  const exitShare = exitShareOf(state, lot, fill);
  const refuse = (reason: SkipReason, basis: Parameters<typeof skipFact>[3] = {}): Facts[number] =>
    skipFact(deciding, "EXIT", reason, { unfollowed: true, exitShare, ...basis });
  // One that returns is followed then; one that was retracted never happened.
  if (fill.status !== "ON_CHAIN") return refuse({ code: "FILL_REVERTED" }, { unfollowed: fill.status === "REVERTED" });
  if (fill.disputed) return refuse({ code: "FILL_DISPUTED" });
  const isKept = state.removed.get(fill.leader) === "keep";
  if (isKept) return skipFact(deciding, "EXIT", { code: "LEADER_NOT_FOLLOWED" }, { exitShare });
  // It waits even when nothing is held: what he bought before it may be told, and fill, until its part is known.
  if (exitShare === null) return refuse({ code: "FILL_NOT_ON_CHAIN" });
  const closable = closableLot(state, lot, fill);
  const wantedMicro = add(partOf(closable, exitShare), pendingExits(state, lot));
  if (closable <= policy.dustMicro) {
    return skipFact(deciding, "EXIT", { code: "NOTHING_TO_SELL" }, { exitShare, targetMicro: wantedMicro });
  }
  if (isDust(state, lot)) {
    return skipFact(deciding, "EXIT", dustReason(state, lot), { exitShare, targetMicro: wantedMicro });
  }
  const gate = exitGates({ state, view, fill, policy, waitedMs: waitedMs(deciding) });
  const isOtherChain = gate.kind === "pass" && gate.value.market.conditionId !== deciding.conditionId;
  if (isOtherChain || (gate.kind === "wait" && mayWait(deciding))) return "wait";
  if (gate.kind !== "pass") return refuse(gate.reason, { targetMicro: wantedMicro });
  const priceMicro = exitPrice(fill, gate.value.quote);
  return priceAndSize({ deciding, lot, tradable: gate.value, wantedMicro, priceMicro, n: 0, exitShare }, refuse);
}

const dustReason = (state: ExecutorState, ref: LotRef): SkipReason => ({
  code: "BELOW_MINIMUM",
  sizeMicro: lotSize(state, ref),
  minimumMicro: state.lots.get(lotKey(ref))?.minimumMicro ?? ZERO_SHARES,
  bucketMicro: ZERO_SHARES,
});

/** Tries again what is still owed of one lot; null while the answer is no. */
export function retryExit(deciding: Deciding, exit: UnfollowedExit): Facts[number] | null {
  // Its part of the lot is known when the chain shows it (`foldShown`).
  if (exit.remainingMicro === null) return null;
  const { state, view, fill, policy } = deciding;
  const gate = exitGates({ state, view, fill, policy, waitedMs: 0 });
  if (gate.kind !== "pass" || gate.value.market.conditionId !== deciding.conditionId) return null;
  const wantedMicro = pendingExits(state, exit);
  const priceMicro = exit.priceMicro ?? exitPrice(fill, gate.value.quote);
  const { n } = exit;
  return priceAndSize(
    { deciding, lot: exit, tradable: gate.value, wantedMicro, priceMicro, n, exitShare: null },
    () => null,
  );
}

function priceAndSize<Refusal>(
  exit: {
    readonly deciding: Deciding;
    readonly lot: LotRef;
    readonly tradable: Tradable;
    readonly wantedMicro: SharesMicro;
    readonly priceMicro: PriceMicro | null;
    readonly n: number;
    readonly exitShare: ExitShare | null;
  },
  refuse: (reason: SkipReason, basis: Partial<Basis>) => Refusal,
): Facts[number] | Refusal {
  const { deciding, lot, tradable, wantedMicro, priceMicro, n, exitShare } = exit;
  const { policy, state } = deciding;
  const { nowMs } = deciding.view;
  const { market, quote } = tradable;
  if (priceMicro === null) return refuse({ code: "NO_PRICE" }, { targetMicro: wantedMicro });
  const { tickMicro, minOrderSizeMicro: minimumMicro } = market;
  const sinceMs = waitsSinceMs(state, lot, { minimumMicro, nowMs, isNew: n === 0 });
  const { bestBidMicro } = quote;
  const limit = exitLimit({ policy, leaderPriceMicro: priceMicro, tickMicro, sinceMs, nowMs, bestBidMicro });
  const { limitMicro, nextStepMs } = limit;
  const basis = { targetMicro: wantedMicro, limitMicro };
  const priced = { side: "SELL" as const, limitPriceMicro: limitMicro, timeInForce: "GTD" as const };
  const sizeMicro = takeableSize(priced, orderSize(state, lot, wantedMicro, minimumMicro));
  if (sizeMicro < minimumMicro || sizeMicro === 0n) {
    return refuse({ code: "BELOW_MINIMUM", sizeMicro, minimumMicro, bucketMicro: ZERO_SHARES }, basis);
  }
  const order = { kind: "EXIT" as const, n, tradable, limitPriceMicro: limitMicro, targetMicro: wantedMicro };
  const rests = { timeInForce: "GTD" as const, ttlMs: exitTtlMs(policy, nextStepMs, nowMs) };
  return intentFact(deciding, { ...order, sizeMicro, exitShare, rests });
}

/**
 * What of the lot is ordered: as much as is wanted and no exit order holds; all of it when less would be left than the
 * venue takes in an order, unless more is being bought.
 */
function orderSize(state: ExecutorState, lot: LotRef, wanted: SharesMicro, minimum: SharesMicro): SharesMicro {
  const orders = openOrdersOf(state, lot);
  const closing = orders.flatMap((order) => (order.kind === "EXIT" ? [leavesOf(order)] : []));
  const sellable = subtractToZero(lotSize(state, lot), add(ZERO_SHARES, ...closing));
  if (wanted >= sellable) return sellable;
  const isGrowing = orders.some(({ kind, cancelReason }) => kind === "ENTRY" && cancelReason === null);
  return !isGrowing && subtract(sellable, wanted) < minimum ? sellable : minAmount(wanted, sellable);
}

/**
 * True when an exit order rests at a limit that has given way since: it is to be replaced. What the venue would not take
 * as a new order stays where it is.
 */
export function givesWay(
  by: { readonly state: ExecutorState; readonly view: ExecutorView },
  order: OrderState,
): boolean {
  const { state, view } = by;
  const fill = state.fills.get(order.leaderFillId);
  const account = state.accounts.get(order.account);
  const { clock, status, tsDecidedMs } = order;
  if (fill === undefined || account === undefined || clock?.priceMicro == null || status !== "accepted") return false;
  if (view.nowMs - tsDecidedMs < REPLACE_AFTER_MS) return false;
  const { policy } = account;
  const gate = exitGates({ state, view, fill, policy, waitedMs: 0 });
  if (gate.kind !== "pass" || leavesOf(order) < gate.value.market.minOrderSizeMicro) return false;
  const { market, quote } = gate.value;
  const { limitMicro } = exitLimit({
    ...{ policy, leaderPriceMicro: clock.priceMicro, tickMicro: market.tickMicro, bestBidMicro: quote.bestBidMicro },
    ...{ sinceMs: clock.sinceMs, nowMs: view.nowMs },
  });
  return limitMicro < order.limitPriceMicro;
}
