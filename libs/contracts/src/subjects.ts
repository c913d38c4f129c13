/** Every subject, stream, bucket and service name. Tokens of stored subjects are bounded; other ids are in bodies. */
import { ContractError } from "./errors.ts";
import type { Fact } from "./facts.ts";
import { type AccountId, type Address, type ConditionId, partitionOf, shardOf, type TokenId } from "./ids.ts";

export const streams = { facts: "FACTS", markets: "MARKETS", books: "BOOKS", dlq: "DLQ" } as const;
export const buckets = {
  leases: "leases",
  leasesFast: "leases_fast",
  config: "config",
  state: (service: ServiceName) => `state_${service.replaceAll("-", "_")}`,
} as const;

export const serviceNames = [
  "chain-watcher",
  "balance-sync",
  "bookstore",
  "executor",
  "risk",
  "inventory",
  "registry",
] as const;
export type ServiceName = (typeof serviceNames)[number];

/** The shard of `ChainProgress` that speaks of the newest block and of all leaders. */
export const ALL_SHARDS = "all";

/** The subject of a chain of facts: the unit of ordering, fencing and expected-last-sequence. */
export type ChainSubject = string & { readonly __chain?: never };

const token = (value: string): string => {
  if (!/^[0-9a-z_*>-]+$/.test(value)) {
    throw new ContractError("ID_INVALID", `a subject token holds only 0-9 a-z _ -, got ${JSON.stringify(value)}`);
  }
  return value;
};

export const subjects = {
  leaderFill: (partition: string, leader: Address): ChainSubject =>
    `evt.leaderfill.v1.${token(partition)}.${token(leader)}`,
  chain: (shard: string): ChainSubject => `evt.chain.v1.${token(shard)}`,
  /** `holder` is a wallet address or a paper account's id. */
  balance: (holder: Address | AccountId): ChainSubject => `evt.balance.v1.${token(holder)}`,
  /** Resolutions, by the partition of the condition. */
  resolution: (partition: string): ChainSubject => `evt.resolution.v1.${token(partition)}`,
  exec: (partition: string, account: AccountId): ChainSubject => `evt.exec.v1.${token(partition)}.${token(account)}`,
  position: (account: AccountId): ChainSubject => `evt.position.v1.${token(account)}`,
  risk: (scopeKind: string): ChainSubject => `evt.risk.v1.${token(scopeKind)}`,
  control: (kind: "config" | "operator" | "skip"): ChainSubject => `evt.control.v1.${kind}`,
  allFacts: "evt.>",
  riskFacts: "evt.risk.v1.>",
  liveRisk: "live.risk.v1.>",
  market: (condition: ConditionId): string => `mkt.v1.${token(condition)}`,
  allMarkets: "mkt.v1.>",
  book: (tokenId: TokenId): string => `md.book.v1.${token(tokenId)}`,
  allBooks: "md.book.v1.*",
  trade: (tokenId: TokenId): string => `md.trade.v1.${token(tokenId)}`,
  allTrades: "md.trade.v1.*",
  bookClock: "md.clock.v1",
  /** Conflated last value per token for outside subscribers, on the stream BOOKS. */
  bookLast: (tokenId: TokenId): string => `book.last.v1.${token(tokenId)}`,
  allBookLast: "book.last.v1.>",
  heartbeat: (service: ServiceName, instance: string): string => `hb.${token(service)}.${token(instance)}`,
  allHeartbeats: "hb.>",
  accountValue: (account: AccountId): string => `live.account.v1.${token(account)}`,
  allAccountValues: "live.account.v1.*",
  storeRoom: "live.store.v1",
  service: <S extends ServiceName>(service: S, operation: string): string => `svc.${service}.v1.${operation}`,
  deadLetter: (service: ServiceName): string => `dlq.v1.${token(service)}`,
  /** Facts that every reader refuses for their fence: once refused, always refused. */
  refusedFacts: "dlq.v1.refused",
  allDeadLetters: "dlq.v1.>",
} as const;

/** Partition of a token's market: by condition when known, so YES and NO meet. */
export const partitionFor = (conditionId: ConditionId | null, tokenId: TokenId): string =>
  partitionOf(conditionId ?? tokenId);

/**
 * The chain a fact belongs to. Facts of a kind have one producer and one rule, so the subject follows from the content.
 */
export function subjectOf(fact: Fact): ChainSubject {
  switch (fact.type) {
    case "OwnerChanged":
      return fact.chain;
    case "LeaderFill":
    case "LeaderFillReverted":
    case "LeaderFillRetracted":
      return subjects.leaderFill(partitionFor(fact.conditionId, fact.tokenId), fact.leader);
    case "LeaderFillSighted":
    case "LeaderFillCosted":
    case "LeaderAct":
    case "LeaderJoined":
    case "BackfillProgress":
      return subjects.chain(shardOf(fact.leader));
    case "ChainProgress":
      return subjects.chain(fact.shard);
    case "GapDetected":
    case "GapResolved":
      return subjects.chain(fact.scope);
    case "BalanceSnapshot":
      return subjects.balance(fact.holder.kind === "wallet" ? fact.holder.address : fact.holder.account);
    case "ExecutionFillSettled":
      return subjects.balance(fact.account);
    case "ConditionResolved":
      return subjects.resolution(partitionOf(fact.conditionId));
    case "ExecutionAttempt":
    case "OrderIntent":
    case "OrderAbandoned":
    case "OrderAccepted":
    case "OrderRejected":
    case "OrderCancelRequested":
    case "OrderCanceled":
    case "OrderExpired":
    case "OrderOutcomeUnknown":
    case "ExecutionFill":
    case "ExecutionFillReversed":
    case "LotsDisagreed":
      return subjects.exec(partitionFor(fact.conditionId, fact.tokenId), fact.account);
    case "ReservationGranted":
    case "OrderDenied":
    case "PositionChanged":
    case "PendingFillAged":
    case "ForceReconciled":
    case "DiscrepancyFound":
    case "DiscrepancyResolved":
    case "CashDisagreed":
    case "AccountFunded":
    case "PositionSettled":
    case "Checkpoint":
      return subjects.position(fact.account);
    case "RiskDecision":
      return subjects.risk(fact.scope.kind);
    case "ConfigChanged":
      return subjects.control("config");
    case "OperatorCommand":
      return subjects.control("operator");
    case "SkipFact":
      return subjects.control("skip");
  }
}
