/** Inventory: what each account holds, has pending, has set aside, and what it may still do. */
import type { Core } from "@slipstream/actor/core";
import { chainOf, decide, owed, route } from "./decide.ts";
import { evolve, folds } from "./evolve.ts";
import { type InventoryState, initialState } from "./state.ts";
import type { InventoryMessage, InventoryView } from "./view.ts";

export const inventoryCore: Core<InventoryState, InventoryView, InventoryMessage, never> = {
  service: "inventory",
  stateVersion: 5,
  initial: initialState,
  folds,
  evolve,
  route,
  decide,
  owed,
  chains: (state) => [...state.accounts.values()].map(chainOf),
};
