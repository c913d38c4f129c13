/**
 * Every cause that limits trading: what is true now, before any hysteresis. One function per cause, each a table row
 * of code, level, parameters and the numbers that made it so.
 */

import type { FactOf } from "@slipstream/contracts/facts";
import type { RiskLevel, RiskReason, RiskScope } from "@slipstream/contracts/facts/risk";
import { shardOf } from "@slipstream/contracts/ids";
import type { StoreRoom } from "@slipstream/contracts/live";
import { formatMicro } from "@slipstream/contracts/money";
import type { ServiceName } from "@slipstream/contracts/subjects";
import type { HeartbeatBoard } from "./heartbeats.ts";
import { GLOBAL, type RiskState } from "./state.ts";

export type Parameters = FactOf<"RiskDecision">["parameters"];
export type Cause = {
  /** Names the cause without its numbers: the same cause later has the same key. */
  readonly key: string;
  readonly scope: RiskScope;
  readonly level: Exclude<RiskLevel, "normal">;
  readonly parameters: Parameters;
  readonly reason: RiskReason;
};

export type RiskLimits = {
  /** Silence of a service of the trading path. */
  readonly silentDegradeMs: number;
  readonly silentHaltMs: number;
  /** Balances unread for longer than this: AQ_ONCHAIN_HARD_HALT_SECONDS. */
  readonly chainSyncLostMs: number;
  /** Age of the newest block that the watcher reported. */
  readonly watcherLagMs: number;
  /** Age of the newest proof that books are alive. */
  readonly booksStaleMs: number;
  /** By how much the world's time of a service may be off. */
  readonly clockUncertaintyMsMax: number;
  /** Used part of the stream's bytes, in percent. */
  readonly streamDegradePercent: number;
  readonly streamHaltPercent: number;
};

/** What risk sees outside the log at one moment. */
export type Surroundings = {
  /** World's clock: blocks and facts. */
  readonly nowMs: number;
  /** Real, steady time: silence of services. */
  readonly steadyMs: number;
  readonly board: HeartbeatBoard;
  /** null: not known. */
  readonly streamUsedPercent: number | null;
  /** Of the log's disk; null: nobody tells. */
  readonly room: Pick<StoreRoom, "freeMb" | "haltBelowMb"> | null;
};

/** The services without which nothing may be bought. */
export const TRADING_PATH: readonly ServiceName[] = [
  "chain-watcher",
  "balance-sync",
  "bookstore",
  "executor",
  "inventory",
];

export const NORMAL: Parameters = { sizeFactorMicro: 1_000_000, reduceOnly: false, limitTicks: 0 };
/** Under a halt nothing is sent; the parameters say what would hold if it were read as a degrade. */
const STOP: Parameters = { sizeFactorMicro: 0, reduceOnly: true, limitTicks: 0 };
/** We see too little to enter, enough to leave. */
const EXITS_ONLY: Parameters = { sizeFactorMicro: 0, reduceOnly: true, limitTicks: 0 };
/** Smaller and at a better price, as the numbers we act on may be off. */
const CAREFUL: Parameters = { sizeFactorMicro: 500_000, reduceOnly: false, limitTicks: 1 };

export function causesNow(state: RiskState, seen: Surroundings, limits: RiskLimits): Cause[] {
  return [
    ...factCauses(state),
    ...silences(seen, limits),
    ...lags(state, seen, limits),
    ...clocks(seen, limits),
    ...streamFilling(seen, limits),
    ...diskFull(seen),
  ];
}

/** Causes that facts alone state: they hold at once, and as long as no fact ends them. */
function factCauses(state: RiskState): Cause[] {
  const causes: Cause[] = operatorCauses(state);
  for (const { account, tokenId } of state.impossible.values()) {
    const scope = { kind: "account", id: account } as const;
    causes.push(halt(scope, { code: "BALANCE_IMPOSSIBLE", account, tokenId }, tokenId));
  }
  for (const { account, tokenId, expectedMicro, actualMicro } of state.broken.values()) {
    const numbers = { expectedMicro: `${expectedMicro}`, actualMicro: `${actualMicro}` };
    const reason = { code: "BOOKS_BROKEN", account, tokenId, ...numbers } as const;
    causes.push(halt({ kind: "account", id: account }, reason, tokenId ?? "purse"));
  }
  for (const { account, tokenId, differenceMicro } of state.discrepancies.values()) {
    const reason = { code: "DISCREPANCY", account, tokenId, differenceMicro: formatMicro(differenceMicro) } as const;
    causes.push(degrade({ kind: "account", id: account }, reason, tokenId, CAREFUL));
  }
  for (const account of state.degraded) {
    causes.push(degrade({ kind: "account", id: account }, { code: "API_FALLBACK", account }, "", CAREFUL));
  }
  for (const [gapId, scope] of state.gaps) {
    for (const touched of touchedBy(state, scope)) {
      causes.push(degrade(touched, { code: "GAP_OPEN", gapId }, gapId, EXITS_ONLY));
    }
  }
  return causes;
}

/** More leaders than this at once, and the gap is everybody's. */
const TOUCHED_MAX = 20;

/** Whom a gap concerns: the leaders of its shard, or everybody when that is not known. */
function touchedBy({ leaders }: RiskState, scope: string): RiskScope[] {
  if (!/^\d\d$/.test(scope)) return [GLOBAL];
  const touched = [...leaders].filter((leader) => shardOf(leader) === scope);
  return touched.length > TOUCHED_MAX ? [GLOBAL] : touched.map((id) => ({ kind: "leader", id }) as const);
}

export const operatorCauses = (state: RiskState): Cause[] =>
  [...state.operatorHalts.values()].map(({ scope, who, why }) => halt(scope, { code: "OPERATOR_HALT", who, why }, ""));

function silences({ steadyMs, board }: Surroundings, limits: RiskLimits): Cause[] {
  const causes: Cause[] = [];
  const unheard = TRADING_PATH.filter((service) => board.seen(service) === null);
  if (unheard.length > 0) causes.push(halt(GLOBAL, { code: "STARTING" }, ""));
  for (const service of TRADING_PATH) {
    const seq = board.stuckAt(service);
    if (seq !== null) causes.push(halt(GLOBAL, { code: "UNREADABLE_FACT", service, seq }, service));
    const heard = board.seen(service);
    if (heard === null) continue;
    const silentMs = Math.floor(steadyMs - heard.steadyMs);
    const say = (silentMsMax: number): RiskReason => ({ code: "SERVICE_SILENT", service, silentMs, silentMsMax });
    if (silentMs > limits.silentHaltMs) causes.push(halt(GLOBAL, say(limits.silentHaltMs), service));
    else if (silentMs > limits.silentDegradeMs) {
      causes.push(degrade(GLOBAL, say(limits.silentDegradeMs), service, EXITS_ONLY));
    }
  }
  return causes;
}

function lags(state: RiskState, { nowMs, board }: Surroundings, limits: RiskLimits): Cause[] {
  const causes: Cause[] = [];
  const balancesLag = board.seen("balance-sync")?.lagMs ?? null;
  if (balancesLag !== null && balancesLag > limits.chainSyncLostMs) {
    const reason = { code: "CHAIN_SYNC_LOST", silentMs: balancesLag, silentMsMax: limits.chainSyncLostMs } as const;
    causes.push(halt(GLOBAL, reason, ""));
  }
  const headAge = state.head === null ? null : nowMs - state.head.tsMs;
  if (headAge !== null && headAge > limits.watcherLagMs) {
    const reason = { code: "WATCHER_LAGGING", lagMs: Math.floor(headAge), lagMsMax: limits.watcherLagMs } as const;
    causes.push(degrade(GLOBAL, reason, "", EXITS_ONLY));
  }
  const booksLag = board.seen("bookstore")?.lagMs ?? null;
  if (booksLag !== null && booksLag > limits.booksStaleMs) {
    const reason = { code: "BOOKS_STALE", tokens: 0, reason: `no proof of life for ${booksLag} ms` } as const;
    causes.push(degrade(GLOBAL, reason, "", EXITS_ONLY));
  }
  return causes;
}

/** Who stamps facts, or weighs their age, by a clock that may be far off: risk's own heartbeat is among them. */
function clocks({ board }: Surroundings, { clockUncertaintyMsMax: uncertaintyMsMax }: RiskLimits): Cause[] {
  return [...TRADING_PATH, "risk" as const].flatMap((service) => {
    const heard = board.seen(service);
    if (heard === null) return [];
    const { clockUncertaintyMs: uncertaintyMs } = heard;
    if (uncertaintyMs !== null && uncertaintyMs <= uncertaintyMsMax) return [];
    const reason = { code: "CLOCK_UNCERTAIN", service, uncertaintyMs, uncertaintyMsMax } as const;
    return [degrade(GLOBAL, reason, service, EXITS_ONLY)];
  });
}

function streamFilling({ streamUsedPercent }: Surroundings, limits: RiskLimits): Cause[] {
  if (streamUsedPercent === null || streamUsedPercent < limits.streamDegradePercent) return [];
  const reason = { code: "STREAM_FILLING", usedPercent: Math.floor(streamUsedPercent) } as const;
  return [
    streamUsedPercent >= limits.streamHaltPercent
      ? halt(GLOBAL, reason, "full")
      : degrade(GLOBAL, reason, "filling", EXITS_ONLY),
  ];
}

/** Exits need room as well, so they are allowed as long as there is twice what a halt leaves. */
function diskFull({ room }: Surroundings): Cause[] {
  if (room === null || room.freeMb >= 2 * room.haltBelowMb) return [];
  const reason = { code: "DISK_FULL", freeMb: room.freeMb, neededMb: room.haltBelowMb } as const;
  return [
    room.freeMb < room.haltBelowMb ? halt(GLOBAL, reason, "full") : degrade(GLOBAL, reason, "filling", EXITS_ONLY),
  ];
}

const halt = (scope: RiskScope, reason: RiskReason, name: string): Cause => ({
  key: `halt.${scope.kind}.${scope.id}.${reason.code}.${name}`,
  scope,
  level: "halt",
  parameters: STOP,
  reason,
});
const degrade = (scope: RiskScope, reason: RiskReason, name: string, parameters: Parameters): Cause => ({
  key: `degrade.${scope.kind}.${scope.id}.${reason.code}.${name}`,
  scope,
  level: "degrade",
  parameters,
  reason,
});
