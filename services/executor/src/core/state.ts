/**
 * What the executor knows, folded from the log.
 *
 * Invariants
 * 1. An account decides a fill at most once: it is in `undecided` from the fill's first occurrence to its attempt, and is
 *    never put back. A fill that returns after a revert, or after it was forgotten, has nobody undecided.
 * 2. The fills of an order never exceed its granted size.
 * 3. A lot is what our own fills bought on behalf of one leader and did not sell again.
 * 4. An act of the leader that ends a holding otherwise (merge, conversion, transfer) is a sale without a price.
 * 5. Fills are forgotten after 2 × the largest signal age, but not while a lot, an open order or an unfollowed exit of
 *    the same leader and token remains.
 */
import type { FactOf } from "@slipstream/contracts/facts";
import type { BucketPart } from "@slipstream/contracts/facts/exec";
import type {
  AccountId,
  Address,
  AttemptId,
  ConditionId,
  FactId,
  LeaderFillId,
  TokenId,
} from "@slipstream/contracts/ids";
import {
  add,
  notional,
  type PriceMicro,
  type SharesMicro,
  type UsdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { AccountPolicy, WhenRemoved } from "@slipstream/contracts/policy";
import { type ChainSubject, partitionFor, subjects } from "@slipstream/contracts/subjects";
import type { CopiedStep } from "./copied.ts";
import type { Holding } from "./holdings.ts";
import type { LeaderOrders } from "./leaderOrder.ts";
import type { LotDifference, LotSum } from "./lotCheck.ts";
import { type ExitClock, isEnded, leavesOf, type OrderState, type OrdersById } from "./orders.ts";

export type KnownFill = Pick<
  FactOf<"LeaderFill">,
  | "leaderFillId"
  | "leader"
  | "tokenId"
  | "conditionId"
  | "side"
  | "role"
  | "sharesMicro"
  | "blockNumber"
  | "logIndex"
  | "historical"
  | "txHash"
  | "orderHash"
> & {
  /** null: an act that has no price. */
  readonly priceMicro: PriceMicro | null;
  /** Not what the leader did, but what it amounts to: see splitSale.ts. */
  readonly derived?: "splitSale";
  /** null: a fill. */
  readonly act: FactOf<"LeaderAct">["act"] | null;
  occurrence: number;
  /** Another source tells of it differently: nothing is copied. */
  readonly disputed: boolean;
  /** ON_CHAIN: told and not taken back, also by a source that is ahead of the chain. */
  status: "ON_CHAIN" | "REVERTED" | "RETRACTED";
  /** Block time, and when the watcher published it. */
  readonly tsSignalMs: number;
  readonly tsSignalPublishedMs: number;
  undecided: Set<AccountId>;
};

export type Lot = {
  readonly account: AccountId;
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId;
  readonly leader: Address;
  sizeMicro: SharesMicro;
  /** What is held has cost, without fees. */
  costMicro: UsdcMicro;
  /** The market's minimum order size: less cannot be sold. */
  minimumMicro: SharesMicro;
  /** The size by the signal that it was bought for. */
  readonly parts: Map<LeaderFillId, SharesMicro>;
};

/** A leader's exit that is still to be followed, or what a lot has to be closed for otherwise. No order is open for it. */
export type UnfollowedExit = ExitClock & {
  readonly attemptId: AttemptId;
  readonly account: AccountId;
  readonly leaderFillId: LeaderFillId;
  readonly leader: Address;
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId | null;
  /** null: the chain has not shown the exit yet, so its part of the lot is not known. */
  readonly remainingMicro: SharesMicro | null;
  /** Number of the next order of this attempt. */
  readonly n: number;
  /** A refused or unfilled order is not repeated before. */
  readonly notBeforeMs: number;
  readonly reason: string;
};

/** The reason of an exit that waits because a person removed the leader and wants his lots closed. */
export const CLOSE_REASON = "LEADER_REMOVED";

export type RiskStanding = Pick<FactOf<"RiskDecision">, "level" | "parameters"> & { readonly reason: string };

export type ExecutorState = {
  /** true: followed. */
  leaders: Map<Address, boolean>;
  /** What becomes of what was bought after leaders who are not followed any more. */
  removed: Map<Address, WhenRemoved>;
  accounts: Map<AccountId, { readonly policy: AccountPolicy; readonly revision: number }>;
  fills: Map<LeaderFillId, KnownFill>;
  orders: OrdersById;
  /** By `lotKey`. */
  lots: Map<string, Lot>;
  /** Copies too small for the venue, saved up by `lotKey`; oldest signal first, never empty. See bucket.ts. */
  buckets: Map<string, BucketPart[]>;
  /** What is ordered of a fixed size for each order of a leader. See leaderOrder.ts. */
  leaderOrders: LeaderOrders;
  unfollowed: Map<AttemptId, UnfollowedExit>;
  /** What the leader bought behind a lot and gave since, by `lotKey`. */
  copied: Map<string, CopiedStep[]>;
  /** Sales that an account has still to decide. */
  openSales: Set<LeaderFillId>;
  /** Sums of lots by account and token at the places of the log where they changed. See lotCheck.ts. */
  lotSums: Map<string, LotSum[]>;
  /** Where lots and positions disagree, by account and token. */
  lotDifferences: Map<string, LotDifference>;
  /** Settlements that were folded, the newest SETTLEMENTS_MAX, so that none is paid twice. */
  settlements: Set<FactId>;
  /** Markets whose payout is known, whatever the venue says of them: the newest RESOLVED_MAX. */
  resolved: Set<ConditionId>;
  /** By `holdingKey`. */
  holdings: Map<string, Holding>;
  /** By shard of leaders: every act up to this block is told. */
  actsUpTo: Map<string, number>;
  /** By `<scope kind>:<id>`. */
  risk: Map<string, RiskStanding>;
  /**
   * Scopes that a person halted, by `<scope kind>:<id>`. Risk halts them as well; here they hold before it has spoken,
   * and after a restart that lost the local latch while risk was dead.
   */
  operatorHalts: Set<string>;
  /** Log position of the newest RiskDecision. */
  riskSeq: number;
  /** Leader fills folded: when to forget is counted, so that it follows from the log alone. */
  fillsFolded: number;
};

export const SETTLEMENTS_MAX = 4_096;
export const RESOLVED_MAX = 4_096;

export const initialState = (): ExecutorState => ({
  leaders: new Map(),
  removed: new Map(),
  accounts: new Map(),
  fills: new Map(),
  orders: new Map(),
  lots: new Map(),
  buckets: new Map(),
  leaderOrders: new Map(),
  unfollowed: new Map(),
  copied: new Map(),
  openSales: new Set(),
  lotSums: new Map(),
  lotDifferences: new Map(),
  settlements: new Set(),
  resolved: new Set(),
  holdings: new Map(),
  actsUpTo: new Map(),
  risk: new Map(),
  operatorHalts: new Set(),
  riskSeq: 0,
  fillsFolded: 0,
});

export type LotRef = { readonly account: AccountId; readonly tokenId: TokenId; readonly leader: Address };
export const lotKey = ({ account, tokenId, leader }: LotRef): string => `${account}|${tokenId}|${leader}`;
/** The inverse of `lotKey`. */
export function lotRefOf(key: string): LotRef {
  const [account = "", tokenId = "", leader = ""] = key.split("|");
  return { account: account as AccountId, tokenId: tokenId as TokenId, leader: leader as Address };
}
export const holdingKey = (leader: Address, tokenId: TokenId): string => `${leader}|${tokenId}`;
export const lotSize = (state: ExecutorState, ref: LotRef): SharesMicro =>
  state.lots.get(lotKey(ref))?.sizeMicro ?? ZERO_SHARES;

const isOf = (one: LotRef, ref: LotRef): boolean =>
  one.account === ref.account && one.tokenId === ref.tokenId && one.leader === ref.leader;

/** Orders without an end, oldest first. */
export function* openOrders(state: ExecutorState): Generator<OrderState> {
  for (const order of state.orders.values()) if (!isEnded(order)) yield order;
}
export const openOrdersOf = (state: ExecutorState, ref: LotRef): OrderState[] =>
  [...openOrders(state)].filter((order) => isOf(order, ref));
export const unfollowedOf = (state: ExecutorState, ref: LotRef): UnfollowedExit[] =>
  [...state.unfollowed.values()].filter((exit) => isOf(exit, ref));

/** The chain of an account's facts about one market; by token as long as the market is not known. */
export const execChain = (
  account: AccountId,
  { conditionId, tokenId }: { readonly conditionId: ConditionId | null; readonly tokenId: TokenId },
): ChainSubject => subjects.exec(partitionFor(conditionId, tokenId), account);

/** Accounts that follow entries: live ones first, then by name. */
export function followers(state: ExecutorState): AccountId[] {
  const enabled = [...state.accounts.values()].filter(({ policy }) => policy.enabled).map(({ policy }) => policy);
  return enabled.sort(liveFirst).map(({ account }) => account);
}

const liveFirst = (a: AccountPolicy, b: AccountPolicy): number =>
  a.mode === b.mode ? (a.account < b.account ? -1 : 1) : a.mode === "live" ? -1 : 1;

export function sortLiveFirst(state: ExecutorState, accounts: Iterable<AccountId>): AccountId[] {
  const policies = [...accounts].flatMap((account) => state.accounts.get(account)?.policy ?? []);
  return policies.sort(liveFirst).map(({ account }) => account);
}

export type Exposure = {
  /** Cost of what is held and of what is being bought. */
  readonly tokenMicro: UsdcMicro;
  readonly grossMicro: UsdcMicro;
  /** Tokens being bought, or held in a size that can be sold: the open positions. */
  readonly tokens: ReadonlySet<TokenId>;
};

/** What an account has at stake: lots at cost, open entries at their limit. */
export function exposureOf(state: ExecutorState, account: AccountId, tokenId: TokenId): Exposure {
  let tokenMicro = ZERO_USDC;
  let grossMicro = ZERO_USDC;
  const count = (token: TokenId, amount: UsdcMicro): void => {
    grossMicro = add(grossMicro, amount);
    if (token === tokenId) tokenMicro = add(tokenMicro, amount);
  };
  for (const lot of state.lots.values()) if (lot.account === account) count(lot.tokenId, lot.costMicro);
  const tokens = heldTokens(state, account);
  for (const order of openOrders(state)) {
    if (order.account === account && order.kind === "ENTRY") {
      tokens.add(order.tokenId);
      count(order.tokenId, notional(order.limitPriceMicro, leavesOf(order), "ceil"));
    }
  }
  return { tokenMicro, grossMicro, tokens };
}

/** Tokens of which an account holds, over all leaders, at least what the venue takes in an order; less is dust. */
export function heldTokens(state: ExecutorState, account: AccountId): Set<TokenId> {
  const held = new Map<TokenId, SharesMicro>();
  const minimum = new Map<TokenId, SharesMicro>();
  for (const lot of state.lots.values()) {
    if (lot.account !== account) continue;
    held.set(lot.tokenId, add(held.get(lot.tokenId) ?? ZERO_SHARES, lot.sizeMicro));
    minimum.set(lot.tokenId, lot.minimumMicro);
  }
  return new Set([...held].flatMap(([token, size]) => (size >= (minimum.get(token) ?? size) ? [token] : [])));
}
