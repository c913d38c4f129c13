/** Levels per scope from the causes that are active, and a fact whenever the decision of a scope changes. */
import { createHash } from "node:crypto";
import { type Decision, type FactMessage, nothing } from "@slipstream/actor/core";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import type { RiskLevel, RiskScope } from "@slipstream/contracts/facts/risk";
import { factId } from "@slipstream/contracts/ids";
import { type ChainSubject, subjects } from "@slipstream/contracts/subjects";
import { type Cause, NORMAL, operatorCauses, type Parameters } from "./causes.ts";
import { GLOBAL, keyOf, type RiskState } from "./state.ts";

export type RiskView = {
  /** Unix ms of the world's clock. */
  readonly nowMs: number;
  /** Causes that are active after hysteresis; operator halts need not be among them. */
  readonly active: readonly Cause[];
  /**
   * False right after a start, while it is open whether the services of the trading path live: what stood stays, so
   * that a restart of risk stops nobody. A person's halt counts all the same.
   */
  readonly settled: boolean;
};

/** A timer: the view has moved. */
export type RiskMessage = { readonly type: "Tick" };

type Wanted = {
  readonly scope: RiskScope;
  readonly level: RiskLevel;
  readonly causes: readonly Cause[];
  readonly parameters: Parameters;
};

export function route(state: RiskState, view: RiskView, message: RiskMessage | FactMessage): readonly ChainSubject[] {
  if (message.type === "Fact" && !concerns(message.recorded.fact)) return [];
  return [...new Set(changes(state, view).map(({ scope }) => subjects.risk(scope.kind)))];
}

export function decide(
  state: RiskState,
  view: RiskView,
  _message: RiskMessage | FactMessage,
  chain: ChainSubject,
): Decision<never> {
  const due = changes(state, view).filter(({ scope }) => subjects.risk(scope.kind) === chain);
  if (due.length === 0) return nothing;
  return { facts: due.map((wanted, index) => decision(state, view, wanted, index)), requests: [] };
}

/** Decisions follow their causes at the next tick; nothing is owed beyond that. */
export const owed = (): RiskMessage[] => [{ type: "Tick" }];

/** A person's word counts at once; all else waits for the next tick, by which hysteresis has looked at it. */
const concerns = (fact: Fact): boolean => fact.type === "OperatorCommand";

function changes(state: RiskState, view: RiskView): Wanted[] {
  const operator = operatorCauses(state);
  if (!view.settled && state.standing.has(keyOf(GLOBAL))) {
    return wantedLevels(state, operator).filter(
      (wanted) => wanted.causes.length > 0 && !isHaltedByPerson(state, wanted),
    );
  }
  const others = view.active.filter(({ reason }) => reason.code !== "OPERATOR_HALT");
  return wantedLevels(state, [...operator, ...others]).filter((wanted) => !stands(state, wanted));
}

const isHaltedByPerson = (state: RiskState, { scope }: Wanted): boolean =>
  state.standing.get(keyOf(scope))?.decision.reasons.some(({ code }) => code === "OPERATOR_HALT") ?? false;

/** The level of each scope that has a cause or a standing decision; the global scope always has one. */
function wantedLevels(state: RiskState, causes: readonly Cause[]): Wanted[] {
  const scopes = new Map<string, RiskScope>([[keyOf(GLOBAL), GLOBAL]]);
  for (const { decision } of state.standing.values()) scopes.set(keyOf(decision.scope), decision.scope);
  for (const { scope } of causes) scopes.set(keyOf(scope), scope);
  return [...scopes.values()].map((scope) => {
    const own = causes.filter((cause) => keyOf(cause.scope) === keyOf(scope)).toSorted(worstFirst);
    const level = own[0]?.level ?? "normal";
    return {
      scope,
      level,
      causes: own,
      parameters: own.reduce((all, { parameters }) => strictest(all, parameters), NORMAL),
    };
  });
}

const rank = { halt: 0, degrade: 1 } as const;
const worstFirst = (a: Cause, b: Cause): number => rank[a.level] - rank[b.level] || (a.key < b.key ? -1 : 1);

const strictest = (a: Parameters, b: Parameters): Parameters => ({
  sizeFactorMicro: Math.min(a.sizeFactorMicro, b.sizeFactorMicro),
  reduceOnly: a.reduceOnly || b.reduceOnly,
  limitTicks: Math.max(a.limitTicks, b.limitTicks),
});

/** The same decision again is no news: numbers inside a reason may have moved, its causes have not. */
function stands(state: RiskState, wanted: Wanted): boolean {
  const standing = state.standing.get(keyOf(wanted.scope))?.decision;
  return standing !== undefined && nameOf(standing) === contentOf(wanted);
}

/**
 * Names what a decision says without the numbers that move on their own, and without lesser causes beneath the level:
 * they come and go without changing anything.
 */
function contentOf({ level, parameters, causes }: Wanted): string {
  const { sizeFactorMicro, reduceOnly, limitTicks } = parameters;
  const keys = causes.filter((cause) => cause.level === level).map(({ key }) => key);
  const text = [level, sizeFactorMicro, reduceOnly, limitTicks, ...keys].join("|");
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The content's name is the part of the id before its number. */
const nameOf = ({ id }: FactOf<"RiskDecision">): string => /\.([0-9a-f]{16}):\d+$/.exec(id)?.[1] ?? "";

function decision(state: RiskState, view: RiskView, wanted: Wanted, index: number): FactOf<"RiskDecision"> {
  const { scope, level, parameters, causes } = wanted;
  const n = (state.decided.get(scope.kind) ?? 0) + index;
  return {
    type: "RiskDecision",
    v: 1,
    id: factId("RiskDecision", `${keyOf(scope)}.${contentOf(wanted)}`, n),
    tsEventMs: view.nowMs,
    tsInitMs: view.nowMs,
    scope,
    level,
    reasons: causes.map(({ reason }) => reason),
    parameters,
    untilMs: null,
  };
}
