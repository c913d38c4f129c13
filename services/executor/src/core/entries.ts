/** Decision on a leader's purchase. */
import type { Decision } from "@slipstream/actor/core";
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import type { PriceMicro, SharesMicro } from "@slipstream/contracts/money";
import { type Deciding, intentFact, skipFact, waitedMs } from "./attempt.ts";
import { oldestOf, sumOf, usableParts } from "./bucket.ts";
import { leftOfPurchase } from "./copied.ts";
import { entryGates, secondSourceGate, type Tradable } from "./gates.ts";
import { coveredFor, unbought } from "./leaderOrder.ts";
import type { AwaitBook, ExecutorRequest } from "./messages.ts";
import { guardPrice, isMarketable, opposite, purchasePrice, withinGrid } from "./price.ts";
import { entrySize, type Target, targetOf } from "./sizing.ts";
import { exposureOf } from "./state.ts";

export function decideEntry(deciding: Deciding): Decision<ExecutorRequest> {
  const { state, view, fill, policy, conditionId } = deciding;
  const gate = entryGates({ state, view, fill, policy, waitedMs: waitedMs(deciding) });
  if (gate.kind === "wait" && mayWait(deciding)) return { facts: [], requests: [awaitBook(deciding)] };
  if (gate.kind !== "pass") return skipped(deciding, gate.reason);
  const { market } = gate.value;
  // The market became known after the chain was chosen: the next decision is made for the right chain.
  if (market.conditionId !== conditionId) return { facts: [], requests: [awaitBook(deciding)] };
  const leftMicro = leftOfPurchase(state, { ...fill, account: policy.account }, fill);
  if (leftMicro === 0n) return skipped(deciding, { code: "LEADER_EXITED" });
  return priceAndSize({ ...deciding, fill: { ...fill, sharesMicro: leftMicro } }, gate.value);
}

function priceAndSize(deciding: Deciding, tradable: Tradable): Decision<ExecutorRequest> {
  const { state, view, fill, policy } = deciding;
  const { market, quote, risk } = tradable;
  const limit = entryLimit(deciding, tradable);
  if (typeof limit !== "number") return skipped(deciding, limit.reason, { limitMicro: limit.limitMicro });
  const limitMicro = limit;
  const target = targetOf({ policy, fill, limitMicro, riskFactorMicro: risk.sizeFactorMicro });
  const { ratioMicro, targetMicro } = target;
  const basis = { ratioMicro, targetMicro, limitMicro };
  const bestMicro = opposite(quote, "BUY");
  if (limitMicro < policy.minPriceMicro) {
    return skipped(deciding, { code: "PRICE_OUT_OF_RANGE", priceMicro: limitMicro }, basis);
  }
  if (!isMarketable(bestMicro, limitMicro, "BUY")) {
    return skipped(deciding, { code: "PRICE_GUARD", bestMicro, limitMicro }, basis);
  }
  const unconfirmed = secondSourceGate(view, { quote, market, leaderPriceMicro: purchasePrice(fill) });
  if (unconfirmed !== null && unconfirmed.secondMicro === null && mayWait(deciding)) {
    return { facts: [], requests: [awaitBook(deciding, true)] };
  }
  if (unconfirmed !== null) return skipped(deciding, unconfirmed, basis);
  const wantedMicro = stillWanted(deciding, target, limitMicro);
  if (typeof wantedMicro !== "bigint") return skipped(deciding, wantedMicro, basis);
  const parts = usableParts(state, { ...fill, account: policy.account }, { nowMs: view.nowMs, limitMicro });
  const size = entrySize({
    ...{ policy, market, tokenId: fill.tokenId, limitMicro, wantedMicro },
    bucketMicro: sumOf(parts),
    exposure: exposureOf(state, policy.account, fill.tokenId),
  });
  if (size.kind === "skip") {
    return skipped(deciding, size.reason, { ...basis, bucketAddMicro: size.bucketAddMicro });
  }
  const order = { kind: "ENTRY" as const, n: 0, tradable, limitPriceMicro: limitMicro, exitShare: null };
  const bucketUsed = oldestOf(parts, size.bucketUsedMicro);
  const intent = { ...order, ratioMicro, targetMicro, sizeMicro: size.sizeMicro, bucketUsed };
  return { facts: [intentFact(deciding, intent)], requests: [] };
}

/** What is left to want: of a fixed size only what earlier fills of the leader's order have not asked for already. */
function stillWanted(
  { state, fill, policy }: Deciding,
  { targetMicro, budgetMicro }: Target,
  limitMicro: PriceMicro,
): SharesMicro | SkipReason {
  if (budgetMicro === null) return targetMicro;
  // Of a derived entry the leader's own fill is what belongs to his order.
  const covered = coveredFor(state, policy.account, state.fills.get(fill.leaderFillId) ?? fill);
  const wantedMicro = unbought(budgetMicro, covered, limitMicro);
  if (wantedMicro > 0n || covered.sharesMicro === 0n) return wantedMicro;
  return { code: "ORDER_COVERED", wantedMicro: targetMicro, coveredMicro: covered.sharesMicro };
}

type NoLimit = { readonly reason: SkipReason; readonly limitMicro: PriceMicro };

/** The account's highest price is a limit as well. A bound that no price of the grid keeps is a reason. */
function entryLimit({ fill, policy }: Deciding, { market, quote, risk }: Tradable): PriceMicro | NoLimit {
  const { tickMicro } = market;
  const options = { leaderPriceMicro: purchasePrice(fill), side: "BUY" as const, tickMicro, policy };
  const bound = guardPrice({ ...options, riskTicks: risk.limitTicks });
  const guarded = withinGrid(bound, tickMicro, "BUY");
  if (guarded === null) {
    const bestMicro = opposite(quote, "BUY");
    return { reason: { code: "PRICE_GUARD", bestMicro, limitMicro: bound }, limitMicro: bound };
  }
  const highest = withinGrid(policy.maxPriceMicro, tickMicro, "BUY");
  if (highest === null) {
    return { reason: { code: "PRICE_OUT_OF_RANGE", priceMicro: tickMicro }, limitMicro: policy.maxPriceMicro };
  }
  return guarded < highest ? guarded : highest;
}

const skipped = (
  deciding: Deciding,
  reason: SkipReason,
  more: Parameters<typeof skipFact>[3] = {},
): Decision<ExecutorRequest> => ({ facts: [skipFact(deciding, "ENTRY", reason, more)], requests: [] });

/** A clock that was set back would make it wait for as long: then it has waited enough. */
export const mayWait = (deciding: Deciding): boolean =>
  deciding.view.nowMs >= deciding.sinceMs && waitedMs(deciding) < deciding.view.limits.firstTouchMaxMs;

export const awaitBook = ({ view, fill, policy, sinceMs }: Deciding, secondSource = false): AwaitBook => ({
  type: "AwaitBook",
  account: policy.account,
  leaderFillId: fill.leaderFillId,
  tokenId: fill.tokenId,
  sinceMs,
  untilMs: sinceMs + view.limits.firstTouchMaxMs,
  secondSource,
});
