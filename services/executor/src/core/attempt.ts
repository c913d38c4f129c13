/** The facts of an attempt: its head, a skip, an intent. */

import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { AttemptKind, BucketPart, DecisionView, SkipReason } from "@slipstream/contracts/facts/exec";
import { attemptId, type ConditionId, clientOrderId, factId } from "@slipstream/contracts/ids";
import {
  MICRO,
  maxTakerFee,
  type PriceMicro,
  type SharesMicro,
  sharesMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import type { ExitShare } from "./copied.ts";
import { partOf } from "./exitSize.ts";
import type { Tradable } from "./gates.ts";
import { riskSubject } from "./gates.ts";
import { riskFor } from "./riskGate.ts";
import type { ExecutorState, KnownFill } from "./state.ts";
import type { ExecutorView } from "./view.ts";

/** Everything a decision about one fill for one account is made of. */
export type Deciding = {
  readonly state: ExecutorState;
  readonly view: ExecutorView;
  readonly fill: KnownFill;
  readonly policy: AccountPolicy;
  readonly revision: number;
  /** Of the chain the decision is made for. */
  readonly conditionId: ConditionId | null;
  readonly sinceMs: number;
};

export const waitedMs = ({ view, sinceMs }: Deciding): number => Math.max(0, view.nowMs - sinceMs);

function usedOf({ state, view, fill, policy, revision }: Deciding): DecisionView {
  const quote = view.quote(fill.tokenId);
  const secondAskMicro = quote?.second?.bestAskMicro ?? null;
  return {
    riskLevel: riskFor(state, view, riskSubject(fill, policy, view.market(fill.tokenId))).level,
    bookEpoch: quote?.epoch ?? null,
    bookSeq: quote?.seq ?? null,
    bookAgeMs: quote?.ageMs ?? null,
    bestBidMicro: quote?.bestBidMicro ?? null,
    bestAskMicro: quote?.bestAskMicro ?? null,
    ...(secondAskMicro === null ? {} : { secondAskMicro }),
    configRevision: revision,
    clockOffsetMs: view.clock?.offsetMs ?? null,
    clockUncertaintyMs: view.clock?.uncertaintyMs ?? null,
  };
}

/** What a decision was made of; null where it was refused before that was known. */
export type Basis = {
  readonly ratioMicro: number | null;
  readonly targetMicro: SharesMicro | null;
  readonly limitMicro: PriceMicro | null;
};

const headOf = (deciding: Deciding, kind: AttemptKind) => {
  const { state, fill, policy, view } = deciding;
  const signal = state.fills.get(fill.leaderFillId);
  const isPart = kind === "ENTRY" && signal !== undefined && signal.sharesMicro !== fill.sharesMicro;
  return {
    v: 1 as const,
    tsEventMs: view.nowMs,
    tsInitMs: view.nowMs,
    attemptId: attemptId(policy.account, fill.leaderFillId),
    account: policy.account,
    leaderFillId: fill.leaderFillId,
    leader: fill.leader,
    kind,
    tokenId: fill.tokenId,
    used: usedOf(deciding),
    ...(fill.derived === undefined ? {} : { derived: fill.derived }),
    ...(isPart ? { copiedMicro: fill.sharesMicro } : {}),
    tsSignalMs: fill.tsSignalMs,
    tsSignalPublishedMs: fill.tsSignalPublishedMs,
  };
};

export function skipFact(
  deciding: Deciding,
  kind: AttemptKind,
  reason: SkipReason,
  more: {
    readonly unfollowed?: boolean;
    readonly bucketAddMicro?: SharesMicro;
    readonly exitShare?: ExitShare | null;
  } & Partial<Basis> = {},
): FactOf<"ExecutionAttempt"> {
  const head = headOf(deciding, kind);
  return {
    type: "ExecutionAttempt",
    id: factId("ExecutionAttempt", head.attemptId),
    ...head,
    conditionId: deciding.conditionId,
    outcome: "SKIP",
    reasons: [reason],
    ratioMicro: more.ratioMicro ?? ratioOf(more.exitShare ?? null),
    targetMicro: more.targetMicro ?? null,
    limitMicro: more.limitMicro ?? null,
    unfollowed: more.unfollowed ?? false,
    bucketAddMicro: more.bucketAddMicro ?? ZERO_SHARES,
    exitShare: more.exitShare ?? null,
  };
}

/** The ratio of an exit, 1e-6, rounded down: what the leader gave of what he held. */
function ratioOf(exitShare: ExitShare | null): number | null {
  if (exitShare === null || exitShare.heldMicro === 0n) return null;
  return Number(partOf(sharesMicro(MICRO), exitShare));
}

/**
 * The intent of an order. Seller's fees come out of the proceeds, so only a buyer reserves one.
 * @param n - which order of the attempt, from 0.
 */
export function intentFact(
  deciding: Deciding,
  order: {
    readonly kind: AttemptKind;
    readonly n: number;
    readonly tradable: Tradable;
    readonly limitPriceMicro: PriceMicro;
    readonly sizeMicro: SharesMicro;
    /** Of an exit it follows from its share. */
    readonly ratioMicro?: number | null;
    readonly targetMicro: SharesMicro;
    readonly bucketUsed?: readonly BucketPart[];
    readonly exitShare: ExitShare | null;
    /** Else the policy's. */
    readonly rests?: { readonly timeInForce: "GTD"; readonly ttlMs: number };
  },
): FactOf<"OrderIntent"> {
  const { policy, view } = deciding;
  const { kind, limitPriceMicro, sizeMicro, exitShare, tradable } = order;
  const { market } = tradable;
  const head = headOf(deciding, kind);
  const orderId = clientOrderId(head.attemptId, order.n);
  const isBuy = kind === "ENTRY";
  return {
    type: "OrderIntent",
    id: factId("OrderIntent", orderId),
    ...head,
    conditionId: market.conditionId,
    outcome: "TRADE",
    orderId,
    side: isBuy ? "BUY" : "SELL",
    limitPriceMicro,
    ratioMicro: order.ratioMicro ?? ratioOf(exitShare),
    targetMicro: order.targetMicro,
    limitMicro: limitPriceMicro,
    sizeMicro,
    timeInForce: order.rests?.timeInForce ?? policy.timeInForce,
    ttlMs: order.rests?.ttlMs ?? policy.ttlMs,
    maxFeeMicro: isBuy ? maxTakerFee(market.fee, limitPriceMicro, sizeMicro) : ZERO_USDC,
    bucketUsed: [...(order.bucketUsed ?? [])],
    exitShare,
    minOrderSizeMicro: market.minOrderSizeMicro,
    tsDecidedMs: view.nowMs,
  };
}

/** The head of a fact about an order of ours. */
export const orderHead = (
  order: Pick<FactOf<"OrderAbandoned">, "orderId" | "account" | "tokenId" | "conditionId" | "leaderFillId">,
  times: { readonly atMs: number; readonly nowMs: number },
) => ({
  v: 1 as const,
  tsEventMs: times.atMs,
  tsInitMs: times.nowMs,
  orderId: order.orderId,
  account: order.account,
  tokenId: order.tokenId,
  conditionId: order.conditionId,
  leaderFillId: order.leaderFillId,
});

export type Facts = Fact[];
