/** What may be traded now in every scope, by all that limits it: for people, who would else read risk's last decision. */
import type { RiskLevel } from "@slipstream/contracts/facts/risk";
import { clockGate } from "./gates.ts";
import { ownWatch } from "./riskGate.ts";
import type { ExecutorState } from "./state.ts";
import type { ExecutorView } from "./view.ts";

export type Effective = { readonly level: RiskLevel; readonly reasons: string[] };

const GLOBAL = "global:*";

/** The gates of an order that are of no market: a halt stops all of them, a degrade at least some entries. */
export function effectiveRisk(state: ExecutorState, view: ExecutorView): Effective {
  const own = ownWatch(state, view);
  const standing = state.risk.get(GLOBAL);
  const reasonOf = (reason: typeof own.halt): string[] =>
    reason !== null && "reason" in reason ? [reason.reason] : [];
  const halts = [
    ...(state.operatorHalts.has(GLOBAL) ? ["OPERATOR_HALT"] : []),
    ...reasonOf(own.halt),
    ...(standing?.level === "halt" ? [standing.reason] : []),
  ];
  if (halts.length > 0) return { level: "halt", reasons: [...new Set(halts)] };
  const { chainLagMs, limits } = view;
  const degrades = [
    ...reasonOf(own.reduceOnly),
    ...(standing?.level === "degrade" ? [standing.reason] : []),
    ...(clockGate(view) === null ? [] : ["CLOCK_UNCERTAIN"]),
    ...(chainLagMs === null || chainLagMs > limits.chainLagMsMax ? ["CHAIN_LAGGING"] : []),
  ];
  return { level: degrades.length === 0 ? "normal" : "degrade", reasons: [...new Set(degrades)] };
}
