/** Risk: the level of each scope, from heartbeats and facts. */
import type { Core } from "@slipstream/actor/core";
import { type ChainSubject, subjects } from "@slipstream/contracts/subjects";
import { decide, owed, type RiskMessage, type RiskView, route } from "./decide.ts";
import { evolve, folds } from "./evolve.ts";
import { initialState, type RiskState } from "./state.ts";

const kinds = ["global", "account", "leader", "market", "event", "token"] as const;

export const riskCore: Core<RiskState, RiskView, RiskMessage, never> = {
  service: "risk",
  stateVersion: 4,
  initial: initialState,
  folds,
  evolve,
  route,
  decide,
  owed,
  chains: (): readonly ChainSubject[] => kinds.map((kind) => subjects.risk(kind)),
};

/** A view in which everything lives: replay, where nothing can fall silent. */
export const quietView = (nowMs: number): RiskView => ({ nowMs, active: [], settled: true });
