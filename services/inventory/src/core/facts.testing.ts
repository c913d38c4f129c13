/** Facts for the tests of inventory, complete and short to write. */
import type { Fact, FactOf, Recorded } from "@slipstream/contracts/facts";
import {
  AccountId,
  Address,
  type AttemptId,
  type ClientOrderId,
  ConditionId,
  factId,
  type LeaderFillId,
  TokenId,
  type TradeId,
} from "@slipstream/contracts/ids";
import { parseShares, parseUsdc, priceMicro, type Side } from "@slipstream/contracts/money";
import { AccountPolicy } from "@slipstream/contracts/policy";
import { subjectOf } from "@slipstream/contracts/subjects";
import type { InventoryView } from "./view.ts";

export const account = AccountId.parse("paper");
export const token = TokenId.parse("11");
export const otherToken = TokenId.parse("22");
export const condition = ConditionId.parse(`0x${"c".repeat(64)}`);
const leader = Address.parse(`0x${"1".repeat(40)}`);
const leaderFillId = "f".repeat(32) as LeaderFillId;

export const orderId = (n: number): ClientOrderId => n.toString(16).padStart(32, "0") as ClientOrderId;
export const tradeId = (n: number): TradeId => `trade-${n}` as TradeId;
const head = (type: string, name: string, n = 0) =>
  ({ v: 1, id: factId(type, name, n), tsEventMs: 1, tsInitMs: 1 }) as const;
const order = (n: number, tokenId: TokenId) => ({
  orderId: orderId(n),
  account,
  tokenId,
  conditionId: condition,
  leaderFillId,
});

export const policy = (change: Partial<AccountPolicy> = {}): AccountPolicy => ({
  account,
  mode: "paper",
  enabled: true,
  initialCollateralMicro: parseUsdc("1000"),
  sizing: { kind: "percentage", ratioMicro: 100_000 },
  signalAgeMsMax: 10_000,
  makerRatioMicro: 1_000_000,
  priceGuardBps: 100,
  priceGuardTicks: 2,
  priceGuardMaxBps: 500,
  exits: { kind: "widen", everySeconds: 30, stepBps: 200, floorBps: null, bookAfterSeconds: 600 },
  bucketAgeMsMax: 3_600_000,
  timeInForce: "GTD",
  ttlMs: 5_000,
  submitLatencyMs: 150,
  caps: {
    orderUsdcMicro: parseUsdc("100"),
    tokenUsdcMicro: parseUsdc("200"),
    grossUsdcMicro: parseUsdc("500"),
    openPositionsMax: 10,
  },
  minPriceMicro: priceMicro(10_000),
  maxPriceMicro: priceMicro(990_000),
  onRetract: "keep",
  dustMicro: parseShares("0.01"),
  ...change,
});

export const configured = (value: AccountPolicy, revision = 1): FactOf<"ConfigChanged"> => ({
  type: "ConfigChanged",
  ...head("ConfigChanged", `accounts.${value.account}`, revision),
  key: `accounts.${value.account}`,
  revision,
  value: AccountPolicy.encode(value),
});

/** The account was deleted. */
export const unconfigured = (revision: number): FactOf<"ConfigChanged"> => ({
  ...configured(policy(), revision),
  value: null,
});

export const funded = (usdc: string): FactOf<"AccountFunded"> => ({
  type: "AccountFunded",
  ...head("AccountFunded", account),
  account,
  collateralMicro: parseUsdc(usdc),
  configRevision: 1,
});

type Intent = {
  readonly n: number;
  readonly side?: Side;
  readonly size: string;
  readonly price?: number;
  readonly fee?: string;
  readonly tokenId?: TokenId;
  /** The market's. */
  readonly minimum?: string;
};
export const intent = ({
  n,
  side = "BUY",
  size,
  price = 500_000,
  fee = "0",
  tokenId = token,
  minimum = "5",
}: Intent): FactOf<"OrderIntent"> => ({
  type: "OrderIntent",
  ...head("OrderIntent", orderId(n)),
  ...order(n, tokenId),
  attemptId: orderId(n) as unknown as AttemptId,
  leader,
  kind: side === "BUY" ? "ENTRY" : "EXIT",
  used: {
    riskLevel: "normal",
    bookEpoch: null,
    bookSeq: null,
    bookAgeMs: null,
    bestBidMicro: null,
    bestAskMicro: null,
    configRevision: 1,
    clockOffsetMs: null,
    clockUncertaintyMs: null,
  },
  ratioMicro: null,
  targetMicro: null,
  limitMicro: null,
  tsSignalMs: 1,
  tsSignalPublishedMs: 1,
  outcome: "TRADE",
  side,
  limitPriceMicro: priceMicro(price),
  sizeMicro: parseShares(size),
  timeInForce: "GTD",
  ttlMs: 5_000,
  maxFeeMicro: parseUsdc(fee),
  bucketUsed: [],
  exitShare: null,
  minOrderSizeMicro: parseShares(minimum),
  tsDecidedMs: 1,
});

export const granted = (n: number, size: string, side: Side = "BUY"): FactOf<"ReservationGranted"> => ({
  type: "ReservationGranted",
  ...head("ReservationGranted", orderId(n)),
  account,
  orderId: orderId(n),
  tokenId: token,
  side,
  sizeMicro: parseShares(size),
  collateralMicro: parseUsdc("0"),
  sharesMicro: parseShares(side === "SELL" ? size : "0"),
});

type Fill = {
  readonly n: number;
  readonly orderN?: number;
  readonly side?: Side;
  readonly size: string;
  readonly usdc: string;
  readonly fee?: string;
  readonly leaves?: string;
  readonly tokenId?: TokenId;
};
export const filled = ({
  n,
  orderN = n,
  side = "BUY",
  size,
  usdc,
  fee = "0",
  leaves = "0",
  tokenId = token,
}: Fill): FactOf<"ExecutionFill"> => ({
  type: "ExecutionFill",
  ...head("ExecutionFill", tradeId(n)),
  ...order(orderN, tokenId),
  leavesMicro: parseShares(leaves),
  tradeId: tradeId(n),
  leader,
  kind: side === "BUY" ? "ENTRY" : "EXIT",
  side,
  priceMicro: priceMicro(500_000),
  sizeMicro: parseShares(size),
  usdcMicro: parseUsdc(usdc),
  feeMicro: parseUsdc(fee),
  liquiditySide: "taker",
});

export const expired = (n: number, tokenId: TokenId = token): FactOf<"OrderExpired"> => ({
  type: "OrderExpired",
  ...head("OrderExpired", orderId(n)),
  ...order(n, tokenId),
  leavesMicro: parseShares("0"),
});
export const abandoned = (n: number): FactOf<"OrderAbandoned"> => ({
  type: "OrderAbandoned",
  ...head("OrderAbandoned", orderId(n)),
  ...order(n, token),
  reason: "RISK_HALT",
});
export const reversed = (n: number): FactOf<"ExecutionFillReversed"> => ({
  type: "ExecutionFillReversed",
  ...head("ExecutionFillReversed", tradeId(n)),
  ...order(n, token),
  tradeId: tradeId(n),
  reason: "FAILED",
});
export const settled = (n: number, blockNumber: number, tokenId: TokenId = token): FactOf<"ExecutionFillSettled"> => ({
  type: "ExecutionFillSettled",
  ...head("ExecutionFillSettled", `${account}.${tradeId(n)}`),
  account,
  orderId: orderId(n),
  tradeId: tradeId(n),
  tokenId,
  txHash: null,
  blockNumber,
});
export const aged = (...ns: number[]): FactOf<"PendingFillAged"> => ({
  type: "PendingFillAged",
  ...head("PendingFillAged", ns.join("-")),
  account,
  tokenId: token,
  tradeIds: ns.map(tradeId),
  netMicro: parseShares("0"),
});

/** Both tokens of the market are decided: outcome 0 is `token`, outcome 1 is `otherToken`. */
export const resolved = (...payoutNumerators: readonly [bigint, bigint]): FactOf<"ConditionResolved"> => ({
  type: "ConditionResolved",
  ...head("ConditionResolved", condition),
  conditionId: condition,
  tokenIds: [token, otherToken],
  payoutNumerators: [...payoutNumerators],
  payoutDenominator: payoutNumerators[0] + payoutNumerators[1],
  blockNumber: 90,
  source: "chain",
  blockHash: null,
});

type Snapshot = {
  readonly block: number;
  readonly shares?: string;
  readonly usdc?: string;
  readonly afterReorg?: boolean;
  readonly tokenId?: TokenId;
};
export const snapshot = ({
  block,
  shares,
  usdc,
  afterReorg = false,
  tokenId = token,
}: Snapshot): FactOf<"BalanceSnapshot"> => ({
  type: "BalanceSnapshot",
  ...head("BalanceSnapshot", `${account}.${block}.${tokenId}.${shares}.${usdc}`),
  holder: { kind: "paper", account },
  blockNumber: block,
  blockHash: null,
  source: "paper",
  complete: false,
  balances: shares === undefined ? [] : [{ tokenId, sharesMicro: parseShares(shares) }],
  collateralMicro: usdc === undefined ? null : parseUsdc(usdc),
  afterReorg,
});

export const recorded = (fact: Fact, seq: number): Recorded => ({ seq, subject: subjectOf(fact), fence: 0, fact });

export const view = (nowMs = 1): InventoryView => ({
  nowMs,
  pendingFillTtlMs: 180_000,
  discrepancy: { tokenSharesMicro: parseShares("1"), marketSharesMicro: parseShares("1.5"), durationMs: 10_000 },
});
