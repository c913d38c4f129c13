/** What risk allows now. Fails closed: without a decision, a live heartbeat and the newest decision applied, no entries. */
import type { SkipReason } from "@slipstream/contracts/facts/exec";
import type { RiskLevel } from "@slipstream/contracts/facts/risk";
import type { AccountId, Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { ExecutorState } from "./state.ts";
import type { ExecutorView } from "./view.ts";

export type RiskSubject = {
  readonly account: AccountId;
  readonly leader: Address;
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId | null;
  readonly eventId: string | null;
};

export type RiskAnswer = {
  readonly level: RiskLevel;
  /** 1e-6 of the usual size. */
  readonly sizeFactorMicro: number;
  /** Ticks off the limit in our favour. */
  readonly limitTicks: number;
  /** What stops an entry, and what stops anything. */
  readonly entry: SkipReason | null;
  readonly exit: SkipReason | null;
  /** The newest decision is on its way: a moment may help. */
  readonly pending: boolean;
};

const FULL_SIZE_MICRO = 1_000_000;

/** Scopes that concern a subject, widest first. */
const scopesOf = (of: RiskSubject): string[] => [
  "global:*",
  `account:${of.account}`,
  `leader:${of.leader}`,
  ...(of.conditionId === null ? [] : [`market:${of.conditionId}`]),
  ...(of.eventId === null ? [] : [`event:${of.eventId}`]),
  `token:${of.tokenId}`,
];

/** Returns the strictest of what all scopes and the executor's own watch over risk say. */
export function riskFor(state: ExecutorState, view: ExecutorView, of: RiskSubject): RiskAnswer {
  const own = ownWatch(state, view);
  let halt = own.halt;
  let reduceOnly = own.reduceOnly;
  let level: RiskLevel = halt !== null ? "halt" : reduceOnly !== null ? "degrade" : "normal";
  let sizeFactorMicro = FULL_SIZE_MICRO;
  let limitTicks = 0;
  for (const scope of scopesOf(of)) {
    if (state.operatorHalts.has(scope)) {
      level = "halt";
      halt ??= { code: "RISK_HALT", scope, reason: "OPERATOR_HALT" };
    }
    const standing = state.risk.get(scope);
    if (standing === undefined || standing.level === "normal") continue;
    const { parameters, reason } = standing;
    if (standing.level === "halt") {
      level = "halt";
      halt ??= { code: "RISK_HALT", scope, reason };
      continue;
    }
    if (level === "normal") level = "degrade";
    sizeFactorMicro = Math.min(sizeFactorMicro, parameters.sizeFactorMicro);
    limitTicks = Math.max(limitTicks, parameters.limitTicks);
    if (parameters.reduceOnly) reduceOnly ??= { code: "RISK_REDUCE_ONLY", scope, reason };
  }
  return { level, sizeFactorMicro, limitTicks, entry: halt ?? reduceOnly, exit: halt, pending: own.pending };
}

/** What the executor sees without any decision of risk. */
export function ownWatch(
  state: ExecutorState,
  view: ExecutorView,
): { halt: SkipReason | null; reduceOnly: SkipReason | null; pending: boolean } {
  const halted = (reason: string): SkipReason => ({ code: "RISK_HALT", scope: "global:*", reason });
  const { riskHeartbeatAgeMs: ageMs, limits } = view;
  if (view.localHalt) return { halt: halted("LOCAL_HALT"), reduceOnly: null, pending: false };
  if (!state.risk.has("global:*")) return { halt: halted("STARTING"), reduceOnly: null, pending: false };
  if (ageMs === null || ageMs > limits.riskHaltAfterMs) {
    return { halt: halted("RISK_SILENT"), reduceOnly: null, pending: ageMs === null };
  }
  const reduce = (reason: string): SkipReason => ({ code: "RISK_REDUCE_ONLY", scope: "global:*", reason });
  if (ageMs > limits.riskDegradeAfterMs) return { halt: null, reduceOnly: reduce("RISK_SILENT"), pending: false };
  if (view.riskDecisionSeq === null || view.riskDecisionSeq > state.riskSeq) {
    return { halt: null, reduceOnly: reduce("DECISION_NOT_APPLIED"), pending: true };
  }
  return { halt: null, reduceOnly: null, pending: false };
}
