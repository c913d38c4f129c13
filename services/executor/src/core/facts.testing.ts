/** The facts of a story: a leader, a market, an account, and what others say of them. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import {
  type AccountId,
  type Address,
  attemptId,
  type ConditionId,
  factId,
  type Hash,
  type LeaderFillId,
  type TokenId,
} from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { notional, priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import type { Quote } from "./view.ts";

export const leader = `0x${"11".repeat(20)}` as Address;
export const paper = "paper" as AccountId;
export const tokenId = "7" as TokenId;
export const conditionId = `0x${"c".repeat(64)}` as ConditionId;
export const hash = (n: number): Hash => `0x${n.toString(16).padStart(64, "0")}` as Hash;
export const fillId = (n: number): LeaderFillId => n.toString(16).padStart(32, "0") as LeaderFillId;
export const attemptOf = (n: number) => attemptId(paper, fillId(n));
export const shares = (n: number) => sharesMicro(BigInt(Math.round(n * 1_000_000)));
export const usdc = (n: number) => usdcMicro(BigInt(Math.round(n * 1_000_000)));
export const price = (n: number) => priceMicro(Math.round(n * 1_000_000));
export const START_MS = 1_000_000;

export const market: MarketDefinition = {
  type: "MarketDefinition",
  v: 1,
  conditionId,
  question: "Will it?",
  slug: "will-it",
  eventId: "e1",
  tokens: [
    { tokenId, outcome: "Yes" },
    { tokenId: "8" as TokenId, outcome: "No" },
  ],
  version: "v1",
  negRisk: false,
  negRiskMarketId: null,
  tickMicro: price(0.01),
  minOrderSizeMicro: shares(5),
  fee: { rateMicro: 0, exponent: 1, takerOnly: true },
  takerDelayMs: 0,
  acceptingOrders: true,
  closed: false,
  payoutMicro: null,
  tsEventMs: 0,
  tsInitMs: 0,
};

export const policy: AccountPolicy = {
  account: paper,
  mode: "paper",
  enabled: true,
  initialCollateralMicro: usdc(1_000),
  sizing: { kind: "percentage", ratioMicro: 100_000 },
  signalAgeMsMax: 10_000,
  makerRatioMicro: 1_000_000,
  priceGuardBps: 0,
  priceGuardTicks: 2,
  priceGuardMaxBps: 500,
  exits: { kind: "widen", everySeconds: 30, stepBps: 200, floorBps: null, bookAfterSeconds: 600 },
  bucketAgeMsMax: 3_600_000,
  timeInForce: "GTD",
  ttlMs: 5_000,
  submitLatencyMs: 150,
  caps: {
    orderUsdcMicro: usdc(1_000),
    tokenUsdcMicro: usdc(1_000),
    grossUsdcMicro: usdc(1_000),
    openPositionsMax: 10,
  },
  minPriceMicro: price(0.02),
  maxPriceMicro: price(0.98),
  onRetract: "keep",
  dustMicro: shares(0.001),
};

export const quote: Quote = {
  bestBidMicro: price(0.49),
  bestAskMicro: price(0.5),
  ageMs: 10,
  epoch: "1.1",
  seq: 5,
  tickMicro: null,
  health: "healthy",
  second: null,
};

export const configFact = (key: string, revision: number, value: unknown): FactOf<"ConfigChanged"> => ({
  type: "ConfigChanged",
  v: 1,
  id: factId("ConfigChanged", key, revision),
  ...{ tsEventMs: 0, tsInitMs: 0, key, revision, value },
});

/** Amounts as they are on the wire, as a value of the bucket is. */
export const policyFact = (over: Partial<AccountPolicy> = {}, revision = 1): FactOf<"ConfigChanged"> => {
  const value = { ...policy, ...over };
  const wire = JSON.parse(JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? item.toString() : item)));
  return configFact(`accounts.${value.account}`, revision, wire);
};

export const leaderFact = (enabled = true): FactOf<"ConfigChanged"> =>
  configFact(`leaders.${leader}`, 1, { leader, enabled });
/** The leader is removed, as the command line does it. */
export const removed = (
  whenRemoved?: "follow" | "close" | "keep",
  over: { readonly revision?: number; readonly atMs?: number } = {},
): FactOf<"ConfigChanged"> => ({
  ...configFact(`leaders.${leader}`, over.revision ?? 2, { leader, enabled: false, whenRemoved }),
  tsInitMs: over.atMs ?? START_MS,
});

export const leaderFill = (n: number, over: Partial<FactOf<"LeaderFill">> = {}): FactOf<"LeaderFill"> => {
  const occurrence = over.occurrence ?? 0;
  return {
    type: "LeaderFill",
    v: 1,
    id: factId("LeaderFill", fillId(n), occurrence),
    tsEventMs: START_MS - 1_000,
    tsInitMs: START_MS - 100,
    tsSeenMs: START_MS - 200,
    leaderFillId: fillId(n),
    occurrence,
    chainId: 137,
    leader,
    role: "TAKER",
    side: "BUY",
    tokenId,
    conditionId,
    sharesMicro: shares(100),
    usdcMicro: usdc(50),
    priceMicro: price(0.5),
    feeMicro: usdc(0),
    feeUnit: "USDC",
    exchange: `0x${"e1".repeat(20)}` as Address,
    orderHash: hash(1),
    txHash: hash(1_000 + n),
    blockNumber: 100 + n,
    blockHash: hash(100 + n),
    logIndex: 3,
    ordinal: 0,
    source: "chain",
    historical: false,
    ...over,
  };
};

export const sale = (n: number, sold: number, over: Partial<FactOf<"LeaderFill">> = {}): FactOf<"LeaderFill"> =>
  leaderFill(n, { side: "SELL", sharesMicro: shares(sold), priceMicro: price(0.5), ...over });

export const loss = (
  type: "LeaderFillReverted" | "LeaderFillRetracted",
  fill: FactOf<"LeaderFill">,
): FactOf<"LeaderFillReverted"> | FactOf<"LeaderFillRetracted"> => {
  const { leaderFillId, occurrence, blockNumber, blockHash } = fill;
  const ref = { leaderFillId, occurrence, leader, tokenId, conditionId, blockNumber, blockHash };
  const head = { v: 1 as const, id: factId(type, leaderFillId, occurrence), tsEventMs: START_MS, tsInitMs: START_MS };
  return type === "LeaderFillReverted" ? { type, ...head, ...ref } : { type, ...head, ...ref, reason: "REORGED_OUT" };
};

export const balance = (
  blockNumber: number,
  held: number,
  over: Partial<FactOf<"BalanceSnapshot">> = {},
): FactOf<"BalanceSnapshot"> => ({
  type: "BalanceSnapshot",
  v: 1,
  id: factId("BalanceSnapshot", `${leader}.${blockNumber}`),
  ...{ tsEventMs: START_MS, tsInitMs: START_MS },
  holder: { kind: "wallet", address: leader },
  blockNumber,
  blockHash: hash(blockNumber),
  source: "chain",
  complete: false,
  balances: [{ tokenId, sharesMicro: shares(held) }],
  collateralMicro: null,
  afterReorg: false,
  ...over,
});

export const riskFact = (
  level: "normal" | "degrade" | "halt",
  n: number,
  over: Partial<FactOf<"RiskDecision">> = {},
): FactOf<"RiskDecision"> => ({
  type: "RiskDecision",
  v: 1,
  id: factId("RiskDecision", "global", n),
  ...{ tsEventMs: START_MS, tsInitMs: START_MS },
  scope: { kind: "global", id: "*" },
  level,
  reasons: level === "normal" ? [] : [{ code: "STARTING" }],
  parameters: { sizeFactorMicro: 1_000_000, reduceOnly: false, limitTicks: 0 },
  untilMs: null,
  ...over,
});

export const operatorFact = (
  command: "halt" | "resume",
  scope: FactOf<"OperatorCommand">["scope"] = { kind: "global", id: "*" },
): FactOf<"OperatorCommand"> => ({
  type: "OperatorCommand",
  v: 1,
  id: factId("OperatorCommand", `${command}.${scope.kind}.${scope.id}`),
  ...{ tsEventMs: START_MS, tsInitMs: START_MS, command, scope, who: "ann", why: "" },
});

type Times = { readonly tsEventMs: number; readonly tsInitMs: number };

const answerHead = (
  intent: FactOf<"OrderIntent">,
): Times & Pick<FactOf<"OrderDenied">, "v" | "account" | "orderId" | "tokenId" | "side"> => {
  const { account, orderId, side, tsInitMs } = intent;
  return { v: 1, tsEventMs: tsInitMs, tsInitMs, account, orderId, tokenId: intent.tokenId, side };
};

export const grant = (intent: FactOf<"OrderIntent">, sizeMicro = intent.sizeMicro): FactOf<"ReservationGranted"> => ({
  type: "ReservationGranted",
  id: factId("ReservationGranted", intent.orderId),
  ...answerHead(intent),
  sizeMicro,
  collateralMicro: intent.side === "BUY" ? notional(intent.limitPriceMicro, intent.sizeMicro, "ceil") : usdc(0),
  sharesMicro: intent.side === "SELL" ? sizeMicro : shares(0),
});

export const denial = (intent: FactOf<"OrderIntent">): FactOf<"OrderDenied"> => ({
  type: "OrderDenied",
  id: factId("OrderDenied", intent.orderId),
  ...answerHead(intent),
  reason: { code: "BALANCE_UNKNOWN" },
});

export const only = <T extends Fact["type"]>(facts: readonly Fact[], type: T): FactOf<T>[] =>
  facts.filter((fact): fact is FactOf<T> => fact.type === type);
