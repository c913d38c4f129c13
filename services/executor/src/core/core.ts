/** The core of the executor: what it decides on the log, without the world. */
import type { Core } from "@slipstream/actor/core";
import { evolve, folds } from "./evolve.ts";
import type { ExecutorMessage, ExecutorRequest } from "./messages.ts";
import { decide, openChains, route } from "./route.ts";
import { type ExecutorState, execChain, initialState, openOrders, sortLiveFirst } from "./state.ts";
import type { ExecutorView } from "./view.ts";

export const executorCore: Core<ExecutorState, ExecutorView, ExecutorMessage, ExecutorRequest> = {
  service: "executor",
  stateVersion: 10,
  initial: initialState,
  folds,
  evolve,
  route,
  decide,
  owed,
  chains: (state) => [...new Set([...openOrders(state)].map((order) => execChain(order.account, order)))],
};

/** Fills that nobody has decided, orders that are open. Unfollowed exits are found by the next tick. */
function owed(state: ExecutorState, view: ExecutorView): ExecutorMessage[] {
  const messages: ExecutorMessage[] = [];
  for (const order of openOrders(state)) messages.push({ type: "OrderOwed", orderId: order.orderId });
  for (const { leaderFillId, undecided } of state.fills.values()) {
    for (const account of sortLiveFirst(state, undecided)) {
      messages.push({ type: "DecideFill", account, leaderFillId, sinceMs: view.nowMs });
    }
  }
  return openChains(state, view).length > 0 ? [...messages, { type: "Tick" }] : messages;
}
