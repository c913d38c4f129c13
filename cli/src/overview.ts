/**
 * One fold of the log for people: the live view, `status` and the report all read it. It judges nothing; the report
 * compares it with the chain.
 */
import type { FactOf, Recorded } from "@slipstream/contracts/facts";
import {
  type AccountId,
  type Address,
  type AttemptId,
  type ClientOrderId,
  clientOrderId,
  type FactId,
  type LeaderFillId,
  type TradeId,
} from "@slipstream/contracts/ids";
import type { AccountValue, Heartbeat, StoreRoom } from "@slipstream/contracts/live";
import { type SharesMicro, sharesMicro } from "@slipstream/contracts/money";
import { readConfig } from "@slipstream/contracts/policy";
import { ALL_SHARDS } from "@slipstream/contracts/subjects";
import { type BlockSpan, joinAt, leaveAt } from "./blockSpans.ts";
import { applyBalances } from "./leaderHoldings.ts";
import { applyExecutionFill, endOrder, purseOf } from "./overviewOrders.ts";
import { RECENT, type ToldFill, type ToldIntent, toldFill, toldIntent, trimOverview } from "./overviewTrim.ts";
import { reasonText } from "./reasonText.ts";

export type FillEntry = {
  fill: ToldFill;
  /** Wall-clock time at which the log stored it, in world time. */
  storedMs: number;
  /** SEEN: told by another source, not yet shown by the chain. */
  status: "SEEN" | "ON_CHAIN" | "REVERTED" | "RETRACTED";
  /** A reorg took it back, and it came again. */
  returned: boolean;
  /** How many times the log told of an occurrence that was not a return. */
  firstPublications: number;
};
export type AttemptEntry = {
  account: AccountId;
  leaderFillId: LeaderFillId;
  /**
   * An entry is one order. An exit is tried again with what was not filled, and has another order when an entry that it
   * cancels is filled at the last moment: together they never exceed the lot, which inventory holds.
   */
  trades: ClientOrderId[];
  /** Second orders of an entry. */
  doubled: number;
  /** Codes of its reasons, each time it was skipped. */
  skips: string[];
};
export type OrderEntry = {
  intent: ToldIntent;
  /** Venue time of its placement; null until the venue has it. */
  placedMs: number | null;
  filledMicro: SharesMicro;
  fills: number;
  end: string | null;
};

/** The money of an account, as inventory tells it and as our own fills add up to. */
export type Purse = {
  ledgerMicro: bigint;
  /** Null until inventory told of a position. */
  collateralMicro: bigint | null;
  availableMicro: bigint | null;
};

export type Overview = {
  /** `recent`: counters, what is open and the last lines; `all`: what a report is made of. */
  keeps: "recent" | "all";
  /** Facts since it was last trimmed. */
  untrimmed: number;
  /** Of everything that was told, kept or not. */
  counts: { fills: number; byLeader: Map<Address, number>; attempts: number; traded: number; executionFills: number };
  lastSeq: number;
  firstProgress: FactOf<"ChainProgress"> | null;
  progress: FactOf<"ChainProgress"> | null;
  /** `due`: the blocks whose fills had to be told. */
  leaders: Map<Address, { label: string; enabled: boolean; due: BlockSpan[] }>;
  accounts: Map<AccountId, { mode: "paper" | "live" }>;
  fills: Map<LeaderFillId, FillEntry>;
  attempts: Map<AttemptId, AttemptEntry>;
  orders: Map<ClientOrderId, OrderEntry>;
  executionFills: Map<TradeId, FactOf<"ExecutionFill">>;
  duplicatedExecutionFills: number;
  positions: Map<string, FactOf<"PositionChanged">>;
  /** What resolved markets paid us. */
  settlements: Map<FactId, FactOf<"PositionSettled">>;
  purses: Map<AccountId, Purse>;
  /** What each wallet of a leader holds by the newest reading, by `leader|token`. */
  leaderHoldings: Map<string, { blockNumber: number; sharesMicro: SharesMicro }>;
  /** What inventory last said each account is worth. */
  values: Map<AccountId, AccountValue>;
  risk: Map<string, FactOf<"RiskDecision">>;
  heartbeats: Map<string, Heartbeat & { receivedMs: number }>;
  /** What was last told of the room on the log's disk; null: nobody tells. */
  room: StoreRoom | null;
  latencies: { seenToPublished: number[]; publishedToDecided: number[]; decidedToPlaced: number[] };
  recentFills: LeaderFillId[];
  recentAttempts: { account: AccountId; text: string; fill: LeaderFillId; atMs: number }[];
};

/** @param keeps - what it is for: to be looked at, or to be judged at the end. */
export const emptyOverview = (keeps: Overview["keeps"] = "all"): Overview => ({
  keeps,
  untrimmed: 0,
  counts: { fills: 0, byLeader: new Map(), attempts: 0, traded: 0, executionFills: 0 },
  lastSeq: 0,
  firstProgress: null,
  progress: null,
  leaders: new Map(),
  accounts: new Map(),
  fills: new Map(),
  attempts: new Map(),
  orders: new Map(),
  executionFills: new Map(),
  duplicatedExecutionFills: 0,
  positions: new Map(),
  settlements: new Map(),
  purses: new Map(),
  leaderHoldings: new Map(),
  values: new Map(),
  risk: new Map(),
  heartbeats: new Map(),
  room: null,
  latencies: { seenToPublished: [], publishedToDecided: [], decidedToPlaced: [] },
  recentFills: [],
  recentAttempts: [],
});

/** @param storedMs - when the log stored the fact, in the world's time. */
export function applyFact(overview: Overview, recorded: Recorded, storedMs: number): void {
  foldFact(overview, recorded, storedMs);
  trimOverview(overview);
}

function foldFact(overview: Overview, { seq, fact }: Recorded, storedMs: number): void {
  overview.lastSeq = seq;
  switch (fact.type) {
    case "ChainProgress":
      if (fact.shard !== ALL_SHARDS) return;
      overview.firstProgress ??= fact;
      overview.progress = fact;
      return;
    case "ConfigChanged":
      return applyConfig(overview, fact);
    case "LeaderJoined":
      joinAt(overview.leaders.get(fact.leader)?.due ?? [], fact.fromBlock);
      return;
    case "LeaderFill":
      return applyLeaderFill(overview, fact, storedMs);
    case "LeaderFillReverted":
    case "LeaderFillRetracted": {
      const entry = overview.fills.get(fact.leaderFillId);
      if (entry !== undefined) entry.status = fact.type === "LeaderFillReverted" ? "REVERTED" : "RETRACTED";
      return;
    }
    case "ExecutionAttempt":
      return applySkip(overview, fact, storedMs);
    case "OrderIntent":
      return applyIntent(overview, fact, storedMs);
    case "OrderAccepted": {
      const order = overview.orders.get(fact.orderId);
      if (order === undefined || order.placedMs !== null) return;
      // Not when the log took it: on paper an order is told as placed before the venue's time of placement has come.
      order.placedMs = fact.tsPlacedMs;
      overview.latencies.decidedToPlaced.push(fact.tsPlacedMs - order.intent.tsDecidedMs);
      return;
    }
    case "ExecutionFill":
      return applyExecutionFill(overview, fact);
    case "AccountFunded": {
      const purse = purseOf(overview, fact.account);
      purse.ledgerMicro += fact.collateralMicro;
      return;
    }
    case "OrderDenied":
      return endOrder(overview, fact.orderId, `denied ${reasonText(fact.reason)}`);
    case "OrderAbandoned":
    case "OrderCanceled":
      return endOrder(
        overview,
        fact.orderId,
        `${fact.type === "OrderCanceled" ? "canceled" : "abandoned"} ${fact.reason}`,
      );
    case "OrderRejected":
      return endOrder(overview, fact.orderId, `rejected ${fact.code}`);
    case "OrderExpired":
      return endOrder(overview, fact.orderId, "expired");
    case "PositionChanged":
      // Last in the order of the map: the newest word on the account's collateral.
      overview.positions.delete(`${fact.account}|${fact.tokenId}`);
      overview.positions.set(`${fact.account}|${fact.tokenId}`, fact);
      Object.assign(purseOf(overview, fact.account), {
        collateralMicro: fact.collateralMicro,
        availableMicro: fact.availableCollateralMicro,
      });
      return;
    case "PositionSettled":
      if (overview.settlements.has(fact.id)) return;
      overview.settlements.set(fact.id, fact);
      // The cash of a wallet comes with its redemption, which is no fact of ours.
      if (overview.accounts.get(fact.account)?.mode !== "live") {
        purseOf(overview, fact.account).ledgerMicro += fact.payoutMicro;
      }
      return;
    case "BalanceSnapshot":
      return applyBalances(overview, fact);
    case "RiskDecision":
      overview.risk.set(`${fact.scope.kind}.${fact.scope.id}`, fact);
      return;
    default:
      return;
  }
}

export function applyHeartbeat(overview: Overview, heartbeat: Heartbeat, receivedMs: number): void {
  overview.heartbeats.set(`${heartbeat.service}/${heartbeat.instance}`, { ...heartbeat, receivedMs });
}

export function applyAccountValue(overview: Overview, value: AccountValue): void {
  overview.values.set(value.account, value);
}

function applyConfig(overview: Overview, fact: FactOf<"ConfigChanged">): void {
  const read = readConfig(fact.key, fact.value);
  if (!read.ok) return;
  const said = read.config;
  if (said.kind === "accounts") {
    if (said.policy !== null) overview.accounts.set(said.account, { mode: said.policy.mode });
    return;
  }
  const { leader, config } = said;
  const known = overview.leaders.get(leader);
  const label = config?.label ?? known?.label ?? "";
  const enabled = config?.enabled ?? false;
  const due = known?.due ?? [];
  if (!enabled) leaveAt(due, overview.progress?.cursor ?? null);
  overview.leaders.set(leader, { label, enabled, due });
}

function applyLeaderFill(overview: Overview, fill: FactOf<"LeaderFill">, storedMs: number): void {
  const entry = overview.fills.get(fill.leaderFillId);
  if (entry !== undefined) {
    if (fill.occurrence <= entry.fill.occurrence) entry.firstPublications += 1;
    entry.returned ||= entry.status === "REVERTED" || entry.status === "RETRACTED";
    entry.fill = toldFill(fill);
    entry.status = statusOf(fill);
    return;
  }
  const { counts } = overview;
  // One that returns after it was let go of was counted.
  if (fill.occurrence === 0 || overview.keeps === "all") {
    counts.fills += 1;
    counts.byLeader.set(fill.leader, (counts.byLeader.get(fill.leader) ?? 0) + 1);
  }
  const entryNow = { fill: toldFill(fill), storedMs, status: statusOf(fill), returned: false, firstPublications: 1 };
  overview.fills.set(fill.leaderFillId, entryNow);
  keepRecent(overview.recentFills, fill.leaderFillId);
  if (!fill.historical) overview.latencies.seenToPublished.push(storedMs - fill.tsSeenMs);
}

const statusOf = (fill: FactOf<"LeaderFill">): FillEntry["status"] => (fill.blockNumber === null ? "SEEN" : "ON_CHAIN");

function attemptOf(
  overview: Overview,
  fact: FactOf<"ExecutionAttempt"> | FactOf<"OrderIntent">,
  storedMs: number,
): AttemptEntry {
  const known = overview.attempts.get(fact.attemptId);
  if (known !== undefined) return known;
  const { account, leaderFillId } = fact;
  const entry: AttemptEntry = { account, leaderFillId, trades: [], doubled: 0, skips: [] };
  overview.attempts.set(fact.attemptId, entry);
  if (!isLetGo(fact)) overview.counts.attempts += 1;
  const fill = overview.fills.get(leaderFillId);
  // Both by the log's clock: the executor's own is another one.
  if (fill !== undefined && !fill.fill.historical && !isWaitedFor(fact))
    overview.latencies.publishedToDecided.push(storedMs - fill.storedMs);
  return entry;
}

/** A later order of an attempt that is not known: it was told long ago, and counted. */
const isLetGo = (fact: FactOf<"ExecutionAttempt"> | FactOf<"OrderIntent">): boolean =>
  fact.type === "OrderIntent" && fact.orderId !== clientOrderId(fact.attemptId, 0);

/** Sales that may come from a split wait for the act that says so: that time is the chain's finality, not ours. */
const isWaitedFor = (fact: FactOf<"ExecutionAttempt"> | FactOf<"OrderIntent">): boolean =>
  fact.derived === "splitSale" ||
  (fact.type === "ExecutionAttempt" &&
    fact.kind === "EXIT" &&
    fact.reasons.every(({ code }) => code === "NOTHING_TO_SELL" || code === "LEADER_HOLDING_UNKNOWN"));

function applySkip(overview: Overview, fact: FactOf<"ExecutionAttempt">, storedMs: number): void {
  attemptOf(overview, fact, storedMs).skips.push(...fact.reasons.map(({ code }) => code));
  const text = `skip ${fact.reasons.map(reasonText).join(", ")}`;
  keepRecent(overview.recentAttempts, { account: fact.account, text, fill: fact.leaderFillId, atMs: storedMs });
}

function applyIntent(overview: Overview, intent: FactOf<"OrderIntent">, storedMs: number): void {
  const isCounted = overview.attempts.has(intent.attemptId) || !isLetGo(intent);
  const attempt = attemptOf(overview, intent, storedMs);
  if (attempt.trades.includes(intent.orderId)) return;
  if (intent.kind === "ENTRY" && attempt.trades.length > 0) attempt.doubled += 1;
  if (attempt.trades.length === 0 && isCounted) overview.counts.traded += 1;
  attempt.trades.push(intent.orderId);
  overview.orders.set(intent.orderId, {
    intent: toldIntent(intent),
    placedMs: null,
    filledMicro: sharesMicro(0n),
    fills: 0,
    end: null,
  });
  const text = `order ${intent.orderId}`;
  keepRecent(overview.recentAttempts, {
    account: intent.account,
    text,
    fill: intent.leaderFillId,
    atMs: intent.tsDecidedMs,
  });
}

function keepRecent<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > RECENT) list.shift();
}
