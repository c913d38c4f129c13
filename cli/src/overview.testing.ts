/** Facts of a small run, for the tests of what is made of an overview: one leader, one account, one token. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import {
  type AccountId,
  type Address,
  attemptId,
  type ClientOrderId,
  type ConditionId,
  clientOrderId,
  factId,
  type Hash,
  type LeaderFillId,
  type TokenId,
  type TradeId,
} from "@slipstream/contracts/ids";
import type { AccountValue, Pending } from "@slipstream/contracts/live";
import { priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { AccountPolicy } from "@slipstream/contracts/policy";
import { subjectOf } from "@slipstream/contracts/subjects";
import { defaultAccount } from "./defaults.ts";
import { applyFact, emptyOverview, type Overview } from "./overview.ts";

export const leader = `0x${"11".repeat(20)}` as Address;
export const account = "paper" as AccountId;
export const condition = `0x${"c0".repeat(32)}` as ConditionId;
export const tokenId = "77" as TokenId;
export const hash = (n: number): Hash => `0x${String(n).padStart(64, "0")}` as Hash;
export const fillId = (n: number): LeaderFillId => String(n).padStart(32, "0") as LeaderFillId;
export const times = { v: 1 as const, tsEventMs: 1_000, tsInitMs: 1_010 };

export const leaderFill = (n: number, over: Partial<FactOf<"LeaderFill">> = {}): FactOf<"LeaderFill"> => ({
  ...times,
  type: "LeaderFill",
  id: factId("LeaderFill", fillId(n), over.occurrence ?? 0),
  leaderFillId: fillId(n),
  occurrence: 0,
  chainId: 137,
  leader,
  role: "TAKER",
  side: "BUY",
  tokenId,
  conditionId: condition,
  sharesMicro: sharesMicro(100_000_000n),
  usdcMicro: usdcMicro(50_000_000n),
  priceMicro: priceMicro(500_000),
  feeMicro: usdcMicro(0n),
  feeUnit: "USDC",
  exchange: leader,
  orderHash: hash(1),
  txHash: hash(n),
  blockNumber: n,
  blockHash: hash(n),
  logIndex: 1,
  ordinal: 0,
  source: "chain",
  historical: false,
  tsSeenMs: 1_005,
  ...over,
});
const used = {
  riskLevel: "normal" as const,
  bookEpoch: null,
  bookSeq: null,
  bookAgeMs: null,
  bestBidMicro: null,
  bestAskMicro: null,
  configRevision: 1,
  clockOffsetMs: null,
  clockUncertaintyMs: null,
};
const attempt = (n: number) => ({
  ...times,
  attemptId: attemptId(account, fillId(n)),
  account,
  leaderFillId: fillId(n),
  leader,
  kind: "ENTRY" as const,
  tokenId,
  conditionId: condition,
  used,
  tsSignalMs: 1_000,
  tsSignalPublishedMs: 1_010,
  ratioMicro: 100_000,
  targetMicro: null,
  limitMicro: null,
  exitShare: null,
});
export const orderId = (n: number, order = 0): ClientOrderId => clientOrderId(attemptId(account, fillId(n)), order);
export const intent = (n: number, order = 0): FactOf<"OrderIntent"> => ({
  ...attempt(n),
  type: "OrderIntent",
  id: factId("OrderIntent", orderId(n, order)),
  outcome: "TRADE",
  orderId: orderId(n, order),
  side: "BUY",
  limitPriceMicro: priceMicro(510_000),
  sizeMicro: sharesMicro(10_000_000n),
  timeInForce: "GTD",
  ttlMs: 5_000,
  maxFeeMicro: usdcMicro(0n),
  bucketUsed: [],
  minOrderSizeMicro: sharesMicro(5_000_000n),
  tsDecidedMs: 1_012,
});
export const skip = (n: number): FactOf<"ExecutionAttempt"> => ({
  ...attempt(n),
  type: "ExecutionAttempt",
  id: factId("ExecutionAttempt", attemptId(account, fillId(n))),
  outcome: "SKIP",
  reasons: [{ code: "HISTORICAL_FILL" }],
  unfollowed: false,
  bucketAddMicro: sharesMicro(0n),
});
export const execution = (n: number, size: bigint, leaves: bigint, trade = 0): FactOf<"ExecutionFill"> => ({
  ...times,
  type: "ExecutionFill",
  id: factId("ExecutionFill", `${n}.${trade}`),
  orderId: orderId(n),
  account,
  tokenId,
  conditionId: condition,
  leaderFillId: fillId(n),
  leavesMicro: sharesMicro(leaves),
  tradeId: `${n}.${trade}` as TradeId,
  leader,
  kind: "ENTRY",
  side: "BUY",
  priceMicro: priceMicro(500_000),
  sizeMicro: sharesMicro(size),
  usdcMicro: usdcMicro(size / 2n),
  feeMicro: usdcMicro(0n),
  liquiditySide: "taker",
});
export const position = (confirmed: bigint, effective = confirmed): FactOf<"PositionChanged"> => ({
  ...times,
  type: "PositionChanged",
  id: factId("PositionChanged", `p.${confirmed}.${effective}`),
  account,
  tokenId,
  conditionId: condition,
  confirmedMicro: sharesMicro(confirmed),
  confirmedBlock: 5,
  pendingBuysMicro: sharesMicro(0n),
  pendingSellsMicro: sharesMicro(0n),
  reservedBuysMicro: sharesMicro(0n),
  reservedSellsMicro: sharesMicro(0n),
  effectiveMicro: sharesMicro(effective),
  conservativeExposureMicro: sharesMicro(effective),
  availableToSellMicro: sharesMicro(effective),
  settledMicro: sharesMicro(0n),
  claimableMicro: usdcMicro(0n),
  tradedMicro: sharesMicro(effective),
  costMicro: usdcMicro(5_000_000n),
  realizedPnlMicro: usdcMicro(0n),
  feesMicro: usdcMicro(0n),
  collateralMicro: usdcMicro(9_995_000_000n),
  availableCollateralMicro: usdcMicro(9_995_000_000n),
});
const funded: Fact = {
  ...times,
  type: "AccountFunded",
  id: factId("AccountFunded", account),
  account,
  collateralMicro: usdcMicro(10_000_000_000n),
  configRevision: 1,
};
const configured: Fact = {
  ...times,
  type: "ConfigChanged",
  id: factId("ConfigChanged", "accounts.paper", 1),
  key: "accounts.paper",
  revision: 1,
  value: AccountPolicy.encode(defaultAccount),
};

export function overviewOf(...facts: Fact[]): Overview {
  const overview = emptyOverview();
  [configured, funded, ...facts].forEach((fact, index) => {
    applyFact(overview, { seq: index + 1, subject: subjectOf(fact), fence: 0, fact }, 1_015);
  });
  return overview;
}
/** 4 shares that cost 5, now at 0.05, after 1 of fees. */
export const fallen: AccountValue = {
  type: "AccountValue",
  v: 1,
  account,
  cashMicro: usdcMicro(9_994_000_000n),
  claimableMicro: usdcMicro(0n),
  fundingMicro: usdcMicro(10_000_000_000n),
  realizedMicro: usdcMicro(-1_000_000n),
  feesMicro: usdcMicro(1_000_000n),
  unrealizedMicro: usdcMicro(-4_800_000n),
  equityMicro: usdcMicro(9_994_200_000n),
  unmarked: 0,
  positions: [
    {
      ...{ tokenId, conditionId: condition, sharesMicro: sharesMicro(4_000_000n), costMicro: usdcMicro(5_000_000n) },
      mark: { priceMicro: priceMicro(50_000), source: "mid", tsMs: 500 },
      ...{ valueMicro: usdcMicro(200_000n), unrealizedMicro: usdcMicro(-4_800_000n) },
    },
  ],
  tsInitMs: 1_000,
};
/** An executor that holds nothing. */
export const nothing: Pending = { exits: [], lots: [], buckets: [] };
