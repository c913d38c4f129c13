/** The core of chain-watcher. */
import type { Core } from "@slipstream/actor/core";
import { decide, progressChain, route } from "./decide.ts";
import type { WatcherMessage, WatcherView } from "./messages.ts";
import { evolve, initialState, type WatcherState } from "./state.ts";

export const watcherCore: Core<WatcherState, WatcherView, WatcherMessage, never> = {
  service: "chain-watcher",
  stateVersion: 1,
  initial: initialState,
  folds: new Set([
    "ConfigChanged",
    "LeaderFill",
    "LeaderFillReverted",
    "LeaderFillRetracted",
    "ChainProgress",
    "GapDetected",
    "GapResolved",
  ]),
  evolve,
  route,
  decide,
  // What is owed is read again from the chain: the shell starts with the range behind the cursor.
  owed: () => [],
  chains: () => [progressChain],
};
