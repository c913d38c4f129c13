/** A world of heartbeats and facts for the tests of risk, moved by hand. */
import { createLocalLog } from "@slipstream/actor/local";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { RiskScope } from "@slipstream/contracts/facts/risk";
import { AccountId, Address, factId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { Heartbeat } from "@slipstream/contracts/live";
import { parseShares, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import type { ServiceName } from "@slipstream/contracts/subjects";
import { type RiskLimits, TRADING_PATH } from "./causes.ts";
import { riskCore } from "./core.ts";
import { createRiskWatch } from "./watch.ts";

const limits: RiskLimits = {
  silentDegradeMs: 3_000,
  silentHaltMs: 10_000,
  chainSyncLostMs: 30_000,
  watcherLagMs: 30_000,
  booksStaleMs: 10_000,
  clockUncertaintyMsMax: 1_000,
  streamDegradePercent: 70,
  streamHaltPercent: 90,
};
export const account = AccountId.parse("paper");
const tokenId = TokenId.parse("7");
const global: RiskScope = { kind: "global", id: "*" };
let facts = 0;
const head = (type: string) => ({ v: 1, id: factId(type, "x", facts++), tsEventMs: 1, tsInitMs: 1 }) as const;

export const command = (what: "halt" | "resume", scope: RiskScope = global): Fact => ({
  type: "OperatorCommand",
  ...head("OperatorCommand"),
  command: what,
  scope,
  who: "ann",
  why: "maintenance",
});
export const discrepancy = (type: "DiscrepancyFound" | "DiscrepancyResolved"): Fact => ({
  type,
  ...head(type),
  account,
  tokenId,
  differenceMicro: parseShares("12"),
  sinceMs: 1,
});
export const balances = (degraded: boolean): Fact => ({
  type: "BalanceSnapshot",
  ...head("BalanceSnapshot"),
  holder: { kind: "wallet", address: Address.parse(`0x${"b1".repeat(20)}`) },
  account,
  blockNumber: 5,
  blockHash: null,
  source: degraded ? "api" : "chain",
  complete: false,
  balances: [],
  collateralMicro: null,
  afterReorg: false,
  degraded,
});
export const followed = (leader: Address): Fact => ({
  type: "ConfigChanged",
  ...head("ConfigChanged"),
  key: `leaders.${leader}`,
  revision: 1,
  value: { leader, enabled: true },
});
export const gap = (type: "GapDetected" | "GapResolved", scope: string): Fact => ({
  ...head(type),
  gapId: "g1",
  scope,
  fromBlock: 1,
  toBlock: 2,
  ...(type === "GapDetected" ? { type, reason: "socket" } : { type }),
});
export const progress = (atMs: number): Fact => ({
  type: "ChainProgress",
  ...head("ChainProgress"),
  shard: "00",
  head: Math.floor(atMs / 1000),
  headHash: Hash.parse(`0x${"0".repeat(64)}`),
  headTsMs: atMs,
  finalized: 0,
  finalizedHash: Hash.parse(`0x${"0".repeat(64)}`),
  cursor: 0,
  openGaps: 0,
});
export const position = (effective: bigint): Fact => ({
  type: "PositionChanged",
  ...head("PositionChanged"),
  account,
  tokenId,
  conditionId: null,
  confirmedMicro: sharesMicro(0n),
  confirmedBlock: 1,
  pendingBuysMicro: sharesMicro(0n),
  pendingSellsMicro: sharesMicro(0n),
  reservedBuysMicro: sharesMicro(0n),
  reservedSellsMicro: sharesMicro(0n),
  effectiveMicro: sharesMicro(effective),
  conservativeExposureMicro: sharesMicro(0n),
  availableToSellMicro: sharesMicro(0n),
  settledMicro: sharesMicro(0n),
  claimableMicro: usdcMicro(0n),
  tradedMicro: sharesMicro(effective),
  costMicro: usdcMicro(0n),
  realizedPnlMicro: usdcMicro(0n),
  feesMicro: usdcMicro(0n),
  collateralMicro: usdcMicro(0n),
  availableCollateralMicro: usdcMicro(0n),
});

/** The purse of the account is one micro short. */
export const cashDisagreed: Fact = {
  type: "CashDisagreed",
  ...head("CashDisagreed"),
  account,
  expectedMicro: usdcMicro(10n),
  actualMicro: usdcMicro(9n),
  blockNumber: 1,
};

/** What a service says once a second when it is well. */
export const heartbeatOf = (service: ServiceName, change: Partial<Heartbeat> = {}): Heartbeat => ({
  type: "Heartbeat",
  v: 1,
  service,
  instance: "0",
  role: "owner",
  ready: true,
  factSeq: 0,
  decisionSeq: null,
  lagMs: null,
  problems: [],
  gauges: { clockOffsetMs: 0, clockUncertaintyMs: 20 },
  tsInitMs: 1,
  ...change,
});

/** A world of heartbeats that is moved by hand, four looks a second as the service takes them. */
export function run() {
  const published: FactOf<"RiskDecision">[] = [];
  let nowMs = 0;
  let watch = createRiskWatch(limits, nowMs);
  const alive = new Map<ServiceName, Partial<Heartbeat>>();
  let streamUsedPercent: number | null = null;
  let room: { readonly freeMb: number; readonly haltBelowMb: number } | null = null;
  const log = createLocalLog({
    throughWire: true,
    onFact: ({ fact }) => {
      if (fact.type === "RiskDecision") published.push(fact);
    },
  });
  const actor = log.add({ core: riskCore, view: () => watch.view(nowMs), perform: () => null });
  const look = (): void => {
    for (const [service, change] of alive) {
      watch.board.hear(heartbeatOf(service, { tsInitMs: nowMs, ...change }), nowMs);
    }
    watch.look(actor.state(), { nowMs, steadyMs: nowMs, streamUsedPercent, room });
    actor.post({ type: "Tick" });
  };
  return {
    append: (fact: Fact): void => log.append(fact),
    lives: (change: Partial<Heartbeat> = {}, ...services: readonly ServiceName[]): void => {
      for (const service of services.length === 0 ? TRADING_PATH : services) alive.set(service, change);
    },
    dies: (service: ServiceName): void => void alive.delete(service),
    streamIs: (percent: number): void => {
      streamUsedPercent = percent;
    },
    roomIs: (freeMb: number, haltBelowMb: number): void => {
      room = { freeMb, haltBelowMb };
    },
    /** As a new owner does, whatever he has seen so far. */
    decideNow: (): void => actor.post({ type: "Tick" }),
    restart: (): void => {
      watch = createRiskWatch(limits, nowMs);
    },
    pass: (ms: number): void => {
      for (const until = nowMs + ms; nowMs < until; ) {
        nowMs += 250;
        look();
      }
    },
    published,
    said: (): string[] =>
      published.map(({ scope, level, reasons }) =>
        `${scope.kind} ${level} ${reasons.map(({ code }) => code).join("+")}`.trim(),
      ),
  };
}

export type Risk = ReturnType<typeof run>;
export const started = (): Risk => {
  const risk = run();
  risk.lives();
  risk.pass(500);
  return risk;
};
