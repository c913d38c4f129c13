/**
 * Decision on a leader's exit, and later tries to follow one. He may have sold, or merged, converted or sent away his
 * tokens: it is one path.
 *
 * An exit is sized once, when the leader leaves: `lot × sold / held before`. What could not be sold then stays owed in
 * shares (`unfollowed`) and joins the next exit of the same lot.
 */
import type { Decision } from "@slipstream/actor/core";
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import { add, minAmount, type SharesMicro, subtractToZero, ZERO_SHARES } from "@slipstream/contracts/money";
import { smallestOrder, takeableSize } from "@slipstream/polymarket/orderRules";
import { type Deciding, type Facts, intentFact, skipFact, waitedMs } from "./attempt.ts";
import { cancelOpen } from "./cancel.ts";
import { awaitBook, mayWait } from "./entries.ts";
import { closableLot, type ExitShare, partOf, pendingExits } from "./exitSize.ts";
import { exitGates, type Tradable } from "./gates.ts";
import { holdingBefore } from "./holdings.ts";
import { isLater } from "./lots.ts";
import type { ExecutorRequest } from "./messages.ts";
import { leavesOf } from "./orders.ts";
import { exitPrice, isMarketable, limitPrice, opposite } from "./price.ts";
import { holdingKey, type LotRef, lotSize, openOrdersOf, type UnfollowedExit } from "./state.ts";

/** First decision on a leader's exit. What is still being bought for him is cancelled, whatever else is decided. */
export function decideExit(deciding: Deciding): Decision<ExecutorRequest> {
  const { state, fill, policy } = deciding;
  const lot = { account: policy.account, tokenId: fill.tokenId, leader: fill.leader };
  const facts: Facts = [];
  const requests: ExecutorRequest[] = [];
  if (fill.status === "ON_CHAIN") {
    for (const order of openOrdersOf(state, lot)) {
      if (order.kind !== "ENTRY" || order.cancelReason !== null || isLater(state, order.leaderFillId, fill)) continue;
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
  const exitShare = shareOf(deciding);
  const refuse = (reason: SkipReason): Facts[number] =>
    skipFact(deciding, "EXIT", reason, { unfollowed: true, exitShare });
  if (fill.status !== "ON_CHAIN") return refuse({ code: "FILL_REVERTED" });
  if (fill.disputed) return refuse({ code: "FILL_DISPUTED" });
  const closable = closableLot(state, lot, fill);
  if (closable <= policy.dustMicro) {
    return skipFact(deciding, "EXIT", { code: "NOTHING_TO_SELL" }, { exitShare });
  }
  if (exitShare === null) return refuse({ code: "LEADER_HOLDING_UNKNOWN" });
  const gate = exitGates({ state, view, fill, policy, waitedMs: waitedMs(deciding) });
  const isOtherChain = gate.kind === "pass" && gate.value.market.conditionId !== deciding.conditionId;
  if (isOtherChain || (gate.kind === "wait" && mayWait(deciding))) return "wait";
  if (gate.kind !== "pass") return refuse(gate.reason);
  const wantedMicro = add(partOf(closable, exitShare), pendingExits(state, lot));
  return priceAndSize({ deciding, lot, tradable: gate.value, wantedMicro, n: 0, exitShare }, refuse) ?? "wait";
}

/** Tries again what is still owed of one lot; null while the answer is no. */
export function retryExit(deciding: Deciding, exit: UnfollowedExit): Facts[number] | null {
  const { state, view, fill, policy } = deciding;
  const gate = exitGates({ state, view, fill, policy, waitedMs: 0 });
  if (gate.kind !== "pass" || gate.value.market.conditionId !== deciding.conditionId) return null;
  const exitShare = exit.remainingMicro === null ? shareOf(deciding) : null;
  if (exit.remainingMicro === null && exitShare === null) return null;
  const own = exitShare === null ? ZERO_SHARES : partOf(closableLot(state, exit, fill), exitShare);
  const wantedMicro = add(own, pendingExits(state, exit));
  return priceAndSize({ deciding, lot: exit, tradable: gate.value, wantedMicro, n: exit.n, exitShare }, () => null);
}

function priceAndSize<Refusal>(
  exit: {
    readonly deciding: Deciding;
    readonly lot: LotRef;
    readonly tradable: Tradable;
    readonly wantedMicro: SharesMicro;
    readonly n: number;
    readonly exitShare: ExitShare | null;
  },
  refuse: (reason: SkipReason) => Refusal,
): Facts[number] | Refusal {
  const { deciding, lot, tradable, wantedMicro, n, exitShare } = exit;
  const { market, quote } = tradable;
  const limitMicro = limitPrice({
    leaderPriceMicro: exitPrice(deciding.fill, quote),
    side: "SELL",
    tickMicro: market.tickMicro,
    policy: deciding.policy,
    // Leaving is not made harder by a degraded state.
    riskTicks: 0,
  });
  const bestMicro = opposite(quote, "SELL");
  if (!isMarketable(bestMicro, limitMicro, "SELL")) return refuse({ code: "PRICE_GUARD", bestMicro, limitMicro });
  const { timeInForce } = deciding.policy;
  const priced = { side: "SELL" as const, limitPriceMicro: limitMicro, timeInForce };
  const sizeMicro = takeableSize(priced, minAmount(wantedMicro, sellable(deciding, lot)));
  const minimumMicro = smallestOrder({ ...priced, minOrderSizeMicro: market.minOrderSizeMicro });
  if (sizeMicro < minimumMicro || sizeMicro === 0n) {
    return refuse({ code: "BELOW_MINIMUM", sizeMicro, minimumMicro, bucketMicro: ZERO_SHARES });
  }
  const order = { kind: "EXIT" as const, n, tradable, limitPriceMicro: limitMicro, sizeMicro, exitShare };
  return intentFact(deciding, { ...order, bucketUsedMicro: ZERO_SHARES });
}

/** What of the lot is not in an open exit order. */
function sellable({ state }: Deciding, lot: LotRef): SharesMicro {
  const closing = openOrdersOf(state, lot).flatMap((order) => (order.kind === "EXIT" ? [leavesOf(order)] : []));
  return subtractToZero(lotSize(state, lot), add(...closing));
}

/** What the leader gave of what he held, null when his holding is not known or the chain has not shown the fill yet. */
function shareOf({ state, fill }: Deciding): ExitShare | null {
  const { sharesMicro: soldMicro, blockNumber, logIndex } = fill;
  if (blockNumber === null || logIndex === null) return null;
  const at = { blockNumber, logIndex, soldMicro };
  const heldMicro = holdingBefore(state.holdings.get(holdingKey(fill.leader, fill.tokenId)), at);
  return heldMicro === null ? null : { soldMicro, heldMicro };
}
