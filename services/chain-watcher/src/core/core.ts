/** The core of chain-watcher. */
import type { Core } from "@slipstream/actor/core";
import { LEADER_SHARDS } from "@slipstream/contracts/ids";
import { ALL_SHARDS, subjects } from "@slipstream/contracts/subjects";
import { decide, route } from "./decide.ts";
import type { WatcherMessage, WatcherView } from "./messages.ts";
import { evolve, initialState, type WatcherState } from "./state.ts";

/** What replicas share: the shards of leaders, and the reading of heads for all. */
export const watcherShards: readonly string[] = [
  ALL_SHARDS,
  ...Array.from({ length: LEADER_SHARDS }, (_, shard) => String(shard).padStart(2, "0")),
];

export const watcherCore: Core<WatcherState, WatcherView, WatcherMessage, never> = {
  service: "chain-watcher",
  stateVersion: 3,
  initial: initialState,
  folds: new Set([
    "ConfigChanged",
    "LeaderJoined",
    "BackfillProgress",
    "LeaderFill",
    "LeaderFillReverted",
    "LeaderFillRetracted",
    "LeaderFillSighted",
    "LeaderFillCosted",
    "LeaderAct",
    "ChainProgress",
    "GapDetected",
    "GapResolved",
  ]),
  evolve,
  route,
  decide,
  // What is owed is read again from the chain: the shell starts with the range behind the cursor.
  owed: () => [],
  chains: () => watcherShards.map(subjects.chain),
};
