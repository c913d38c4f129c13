/** Which chains a message concerns, and the one place that calls each decision. */
import { type Decision, type FactMessage, nothing } from "@slipstream/actor/core";
import type { Fact, Recorded } from "@slipstream/contracts/facts";
import { type AccountId, type ClientOrderId, type LeaderFillId, leaderActId } from "@slipstream/contracts/ids";
import type { ChainSubject } from "@slipstream/contracts/subjects";
import { decideEntry } from "./entries.ts";
import { decideExit } from "./exits.ts";
import type { ExecutorMessage, ExecutorRequest } from "./messages.ts";
import { decideGranted, decideNotPlaced, decideOwed, decideTick } from "./open.ts";
import type { OrderState } from "./orders.ts";
import { type ExecutorState, execChain, type KnownFill, openOrders, sortLiveFirst } from "./state.ts";
import { decidePlaced, decideRefused, decideReport } from "./venue.ts";
import type { ExecutorView } from "./view.ts";

export function route(
  state: ExecutorState,
  view: ExecutorView,
  message: ExecutorMessage | FactMessage,
): readonly ChainSubject[] {
  switch (message.type) {
    case "DecideFill":
      return fillChain(state, view, message.account, message.leaderFillId);
    case "Placed":
    case "NotPlaced":
    case "VenueRefused":
    case "VenueReport":
    case "OrderOwed":
      return orderChain(state, message.orderId);
    case "Tick":
      return openChains(state, view);
    case "Fact":
      return routeFact(state, view, message.recorded);
  }
}

function routeFact(state: ExecutorState, view: ExecutorView, { fact }: Recorded): readonly ChainSubject[] {
  switch (fact.type) {
    case "LeaderFill": {
      const accounts = sortLiveFirst(state, state.fills.get(fact.leaderFillId)?.undecided ?? []);
      return accounts.flatMap((account) => fillChain(state, view, account, fact.leaderFillId));
    }
    case "LeaderAct": {
      const id = leaderActId(fact);
      const accounts = sortLiveFirst(state, state.fills.get(id)?.undecided ?? []);
      return accounts.flatMap((account) => fillChain(state, view, account, id));
    }
    case "ReservationGranted":
      return orderChain(state, fact.orderId);
    // What they change about open orders and waiting exits is what time would find a moment later.
    case "RiskDecision":
    case "OperatorCommand":
    case "LeaderFillReverted":
    case "LeaderFillRetracted":
      return openChains(state, view);
    case "BalanceSnapshot":
      return fact.holder.kind === "wallet" && state.unfollowed.size > 0 ? openChains(state, view) : [];
    default:
      return [];
  }
}

function fillChain(
  state: ExecutorState,
  view: ExecutorView,
  account: AccountId,
  leaderFillId: LeaderFillId,
): ChainSubject[] {
  const fill = state.fills.get(leaderFillId);
  return fill === undefined ? [] : [execChain(account, { ...fill, conditionId: conditionOf(view, fill) })];
}

const conditionOf = (view: ExecutorView, fill: Pick<KnownFill, "tokenId" | "conditionId">) =>
  view.market(fill.tokenId)?.conditionId ?? fill.conditionId;

function orderChain(state: ExecutorState, orderId: ClientOrderId): ChainSubject[] {
  const order = state.orders.get(orderId);
  return order === undefined ? [] : [execChain(order.account, order)];
}

/** Chains with open orders or exits that are to be followed. */
export function openChains(state: ExecutorState, view: ExecutorView): ChainSubject[] {
  const chains = new Set<ChainSubject>();
  for (const order of openOrders(state)) chains.add(execChain(order.account, order));
  for (const exit of state.unfollowed.values()) {
    chains.add(execChain(exit.account, { tokenId: exit.tokenId, conditionId: conditionOf(view, exit) }));
  }
  return [...chains];
}

export function decide(
  state: ExecutorState,
  view: ExecutorView,
  message: ExecutorMessage | FactMessage,
  chain: ChainSubject,
): Decision<ExecutorRequest> {
  const by = { state, view };
  const about = (orderId: ClientOrderId, call: (order: OrderState) => Decision<ExecutorRequest>) => {
    const order = state.orders.get(orderId);
    return order === undefined ? nothing : call(order);
  };
  switch (message.type) {
    case "DecideFill":
      return decideFill({ ...by, chain, leaderFillId: message.leaderFillId, sinceMs: message.sinceMs });
    case "Placed":
      return about(message.orderId, (order) => decidePlaced(view, order, message));
    case "NotPlaced":
      return about(message.orderId, (order) => decideNotPlaced(by, order));
    case "VenueRefused":
      return about(message.orderId, (order) => decideRefused(view, order, message));
    case "VenueReport":
      return about(message.orderId, (order) => decideReport(view, order, message.events));
    case "OrderOwed":
      return about(message.orderId, (order) => decideOwed(by, order));
    case "Tick":
      return decideTick(by, chain);
    case "Fact":
      return decideFact(by, message.recorded.fact, chain);
  }
}

function decideFact(
  by: { readonly state: ExecutorState; readonly view: ExecutorView },
  fact: Fact,
  chain: ChainSubject,
): Decision<ExecutorRequest> {
  switch (fact.type) {
    case "LeaderFill":
      return decideFill({ ...by, chain, leaderFillId: fact.leaderFillId, sinceMs: by.view.nowMs });
    case "LeaderAct":
      return decideFill({ ...by, chain, leaderFillId: leaderActId(fact), sinceMs: by.view.nowMs });
    case "ReservationGranted": {
      const order = by.state.orders.get(fact.orderId);
      return order === undefined ? nothing : decideGranted(by, order);
    }
    case "RiskDecision":
    case "OperatorCommand":
    case "LeaderFillReverted":
    case "LeaderFillRetracted":
    case "BalanceSnapshot":
      return decideTick(by, chain);
    default:
      return nothing;
  }
}

/** Decides a fill for the account of the chain, unless that account has decided it already. */
function decideFill(options: {
  readonly state: ExecutorState;
  readonly view: ExecutorView;
  readonly chain: ChainSubject;
  readonly leaderFillId: LeaderFillId;
  readonly sinceMs: number;
}): Decision<ExecutorRequest> {
  const { state, view, chain, leaderFillId, sinceMs } = options;
  const account = chain.slice(chain.lastIndexOf(".") + 1) as AccountId;
  const fill = state.fills.get(leaderFillId);
  const settings = state.accounts.get(account);
  if (fill === undefined || settings === undefined || !fill.undecided.has(account)) return nothing;
  const { policy, revision } = settings;
  // Between routing and now the market may have become known; this decision still belongs to its chain.
  const candidates = [conditionOf(view, fill), fill.conditionId, null];
  const conditionId = candidates.find((id) => execChain(account, { ...fill, conditionId: id }) === chain) ?? null;
  const deciding = { state, view, fill, policy, revision, conditionId, sinceMs };
  return fill.side === "BUY" ? decideEntry(deciding) : decideExit(deciding);
}
