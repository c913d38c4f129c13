/** Balance-sync: what the chain says followed wallets hold, and the ledger of paper purses. */
import type { Core } from "@slipstream/actor/core";
import { subjects } from "@slipstream/contracts/subjects";
import { decide, owed, route } from "./decide.ts";
import { evolve, folds } from "./evolve.ts";
import type { BalanceSyncMessage, BalanceSyncRequest, BalanceSyncView } from "./messages.ts";
import { type BalanceSyncState, initialState } from "./state.ts";

export const balanceSyncCore: Core<BalanceSyncState, BalanceSyncView, BalanceSyncMessage, BalanceSyncRequest> = {
  service: "balance-sync",
  stateVersion: 4,
  initial: initialState,
  folds,
  evolve,
  route,
  decide,
  owed,
  // Wallets are fenced at their first write: there may be thousands, and two truths about a balance do no harm.
  chains: (state) => [...[...state.purses.keys()].map(subjects.balance)],
};
