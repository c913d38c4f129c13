/**
 * The core of registry: each accepted revision of the `config` bucket becomes one fact.
 *
 * Invariants
 * 1. A revision is told once; an older revision of a key is never told after a newer one.
 * 2. Only values that match the key's schema are told; the shell refuses the others.
 */
import { type Core, type Decision, type FactMessage, nothing } from "@slipstream/actor/core";
import type { Recorded } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { type ChainSubject, subjects } from "@slipstream/contracts/subjects";

export type RegistryState = { revisions: Map<string, number> };
export type RegistryView = { readonly nowMs: number };
/** One value of the bucket as it stands; null: deleted. Already checked against its schema. */
export type ConfigSeen = {
  readonly type: "ConfigSeen";
  readonly key: string;
  readonly revision: number;
  readonly value: unknown;
  readonly changedMs: number;
};

const chain = subjects.control("config");

export const registryCore: Core<RegistryState, RegistryView, ConfigSeen, never> = {
  service: "registry",
  stateVersion: 1,
  initial: () => ({ revisions: new Map() }),
  folds: new Set(["ConfigChanged"]),
  evolve,
  route: (_state, _view, message): readonly ChainSubject[] => (message.type === "ConfigSeen" ? [chain] : []),
  decide,
  // What was edited meanwhile is owed by the bucket itself: the shell watches it from its last values on.
  owed: () => [],
  chains: () => [chain],
};

function evolve(state: RegistryState, { fact }: Recorded): RegistryState {
  if (fact.type === "ConfigChanged" && fact.revision > (state.revisions.get(fact.key) ?? 0)) {
    state.revisions.set(fact.key, fact.revision);
  }
  return state;
}

function decide(state: RegistryState, view: RegistryView, message: ConfigSeen | FactMessage): Decision<never> {
  if (message.type !== "ConfigSeen") return nothing;
  const { key, revision, value, changedMs } = message;
  if (revision <= (state.revisions.get(key) ?? 0)) return nothing;
  const fact = {
    type: "ConfigChanged" as const,
    v: 1 as const,
    id: factId("ConfigChanged", key, revision),
    key,
    revision,
    value,
    tsEventMs: changedMs,
    tsInitMs: view.nowMs,
  };
  return { facts: [fact], requests: [] };
}
