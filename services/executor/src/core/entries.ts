/** Decision on a leader's purchase. */
import type { Decision } from "@slipstream/actor/core";
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import { type PriceMicro, toTick, ZERO_SHARES } from "@slipstream/contracts/money";
import { type Deciding, intentFact, skipFact, waitedMs } from "./attempt.ts";
import { entryGates, type Tradable } from "./gates.ts";
import type { AwaitBook, ExecutorRequest } from "./messages.ts";
import { isMarketable, limitPrice, opposite, purchasePrice } from "./price.ts";
import { entrySize, wantedSize } from "./sizing.ts";
import { exposureOf, lotKey } from "./state.ts";

export function decideEntry(deciding: Deciding): Decision<ExecutorRequest> {
  const { state, view, fill, policy, conditionId } = deciding;
  const gate = entryGates({ state, view, fill, policy, waitedMs: waitedMs(deciding) });
  if (gate.kind === "wait" && mayWait(deciding)) return { facts: [], requests: [awaitBook(deciding)] };
  if (gate.kind !== "pass") return skipped(deciding, gate.reason);
  const { market } = gate.value;
  // The market became known after the chain was chosen: the next decision is made for the right chain.
  if (market.conditionId !== conditionId) return { facts: [], requests: [awaitBook(deciding)] };
  return priceAndSize(deciding, gate.value);
}

function priceAndSize(deciding: Deciding, tradable: Tradable): Decision<ExecutorRequest> {
  const { state, fill, policy } = deciding;
  const { market, quote, risk } = tradable;
  const limitMicro = entryLimit(deciding, tradable);
  const bestMicro = opposite(quote, "BUY");
  if (limitMicro < policy.minPriceMicro) {
    return skipped(deciding, { code: "PRICE_OUT_OF_RANGE", priceMicro: limitMicro });
  }
  if (!isMarketable(bestMicro, limitMicro, "BUY")) {
    return skipped(deciding, { code: "PRICE_GUARD", bestMicro, limitMicro });
  }
  const size = entrySize({
    policy,
    market,
    limitMicro,
    wantedMicro: wantedSize({ policy, fill, limitMicro, riskFactorMicro: risk.sizeFactorMicro }),
    bucketMicro: state.buckets.get(lotKey({ ...fill, account: policy.account })) ?? ZERO_SHARES,
    exposure: exposureOf(state, policy.account, fill.tokenId),
  });
  if (size.kind === "skip") {
    return { facts: [skipFact(deciding, "ENTRY", size.reason, size)], requests: [] };
  }
  const { sizeMicro, bucketUsedMicro } = size;
  const order = { kind: "ENTRY" as const, n: 0, tradable, limitPriceMicro: limitMicro, exitShare: null };
  return { facts: [intentFact(deciding, { ...order, sizeMicro, bucketUsedMicro })], requests: [] };
}

/** The account's highest price is a limit as well. */
function entryLimit({ fill, policy }: Deciding, { market, risk }: Tradable): PriceMicro {
  const { tickMicro } = market;
  const options = { leaderPriceMicro: purchasePrice(fill), side: "BUY" as const, tickMicro, policy };
  const limit = limitPrice({ ...options, riskTicks: risk.limitTicks });
  const highest = toTick(policy.maxPriceMicro, tickMicro, "BUY");
  return limit < highest ? limit : highest;
}

const skipped = (deciding: Deciding, reason: SkipReason): Decision<ExecutorRequest> => ({
  facts: [skipFact(deciding, "ENTRY", reason)],
  requests: [],
});

/** A clock that was set back would make it wait for as long: then it has waited enough. */
export const mayWait = (deciding: Deciding): boolean =>
  deciding.view.nowMs >= deciding.sinceMs && waitedMs(deciding) < deciding.view.limits.firstTouchMaxMs;

export const awaitBook = ({ view, fill, policy, sinceMs }: Deciding): AwaitBook => ({
  type: "AwaitBook",
  account: policy.account,
  leaderFillId: fill.leaderFillId,
  tokenId: fill.tokenId,
  sinceMs,
  untilMs: sinceMs + view.limits.firstTouchMaxMs,
});
