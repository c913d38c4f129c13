/** Which chains a message concerns, and the one place that calls each decision. */
import { type Decision, type FactMessage, nothing } from "@slipstream/actor/core";
import type { Fact, FactOf, Recorded } from "@slipstream/contracts/facts";
import type { AttemptKind, SkipReason } from "@slipstream/contracts/facts/exec";
import { type AccountId, type ClientOrderId, type LeaderFillId, leaderActId } from "@slipstream/contracts/ids";
import type { ChainSubject } from "@slipstream/contracts/subjects";
import { type Deciding, skipFact } from "./attempt.ts";
import { awaitBook, decideEntry, mayWait } from "./entries.ts";
import { decideExit } from "./exits.ts";
import { untoldChains } from "./lotCheck.ts";
import type { ExecutorMessage, ExecutorRequest } from "./messages.ts";
import { decideGranted, decideNotPlaced, decideOwed, decideTick } from "./open.ts";
import type { OrderState } from "./orders.ts";
import { meaningOf, type SaleMeaning } from "./splitSale.ts";
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
      return decidersOf(state, view, fact.leaderFillId);
    }
    case "LeaderAct": {
      const id = leaderActId(fact);
      const fills = [id, ...openSalesOf(state, fact).map(({ leaderFillId }) => leaderFillId)];
      return chainsOf(fills.flatMap((fill) => decidersOf(state, view, fill)));
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

const chainsOf = (chains: readonly ChainSubject[]): ChainSubject[] => [...new Set(chains)];

/** The chains of all accounts that have not decided a fill. */
function decidersOf(state: ExecutorState, view: ExecutorView, leaderFillId: LeaderFillId): ChainSubject[] {
  const accounts = sortLiveFirst(state, state.fills.get(leaderFillId)?.undecided ?? []);
  return accounts.flatMap((account) => fillChain(state, view, account, leaderFillId));
}

/** Undecided sales that an act of the leader may explain. */
const openSalesOf = (state: ExecutorState, { leader, tokenId }: FactOf<"LeaderAct">): KnownFill[] =>
  [...state.openSales].flatMap((id) => {
    const fill = state.fills.get(id);
    return fill !== undefined && fill.leader === leader && fill.tokenId === tokenId ? [fill] : [];
  });

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

/** Chains with open orders, exits that are to be followed, or sales that wait for an explanation. */
export function openChains(state: ExecutorState, view: ExecutorView): ChainSubject[] {
  const chains = new Set<ChainSubject>();
  for (const order of openOrders(state)) chains.add(execChain(order.account, order));
  for (const exit of state.unfollowed.values()) {
    chains.add(execChain(exit.account, { tokenId: exit.tokenId, conditionId: conditionOf(view, exit) }));
  }
  for (const sale of state.openSales) for (const chain of decidersOf(state, view, sale)) chains.add(chain);
  for (const chain of untoldChains(state)) chains.add(chain);
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
      return decideTime(by, chain);
    case "Fact":
      return decideFact(by, message.recorded.fact, chain);
  }
}

type By = { readonly state: ExecutorState; readonly view: ExecutorView };

function decideFact(by: By, fact: Fact, chain: ChainSubject): Decision<ExecutorRequest> {
  switch (fact.type) {
    case "LeaderFill":
      return decideFill({ ...by, chain, leaderFillId: fact.leaderFillId, sinceMs: by.view.nowMs });
    case "LeaderAct": {
      const act = decideFill({ ...by, chain, leaderFillId: leaderActId(fact), sinceMs: by.view.nowMs });
      return joined([act, ...decideExplained(by, chain, fact, movesOrders(act))]);
    }
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

/** Sales of the chain that its account has not decided, with what they are for it. */
function salesOf(
  { state, view }: By,
  chain: ChainSubject,
): { readonly fill: KnownFill; readonly account: AccountId; readonly meaning: SaleMeaning }[] {
  const account = accountOf(chain);
  const policy = state.accounts.get(account)?.policy;
  return [...state.openSales].flatMap((id) => {
    const fill = state.fills.get(id);
    const isOpen = fill?.undecided.has(account) === true && fillChain(state, view, account, id).includes(chain);
    if (fill === undefined || policy === undefined || !isOpen) return [];
    return [{ fill, account, meaning: meaningOf({ state, view, fill, policy }) }];
  });
}

/** After such a decision another one of the same lot has to wait until this one is in the state. */
const movesOrders = ({ facts }: Decision<ExecutorRequest>): boolean =>
  facts.some(({ type }) => type === "OrderIntent" || type === "OrderCancelRequested");

/** Time has passed: what is open first, then sales that waited. What has to wait for a decision of now has the next tick. */
function decideTime(by: By, chain: ChainSubject): Decision<ExecutorRequest> {
  const decisions = [decideTick(by, chain)];
  for (const decideNext of waitedSales(by, chain)) {
    if (decisions.some(movesOrders)) break;
    decisions.push(decideNext());
  }
  return joined(decisions);
}

/**
 * What time tells of sales that were waiting for an explanation: it is too late for one, or they are exits by now. Those
 * that just came, and purchases, are in the hands of whoever waits for their book.
 */
function waitedSales(by: By, chain: ChainSubject): (() => Decision<ExecutorRequest>)[] {
  const { nowMs, limits } = by.view;
  return salesOf(by, chain).flatMap(({ fill: { leaderFillId, tsSignalPublishedMs: sinceMs }, meaning }) => {
    const isOver = meaning.kind === "exit" || meaning.kind === "unknown";
    if (!isOver || nowMs - sinceMs < limits.firstTouchMaxMs) return [];
    return [() => decideFill({ ...by, chain, leaderFillId, sinceMs })];
  });
}

/**
 * Decides the sales that an act of the leader may explain. One order at a time: the next is decided when the first is
 * known, so that it is counted.
 */
function decideExplained(
  by: By,
  chain: ChainSubject,
  act: FactOf<"LeaderAct">,
  isMoved: boolean,
): Decision<ExecutorRequest>[] {
  let mustWait = isMoved;
  return salesOf(by, chain).flatMap(({ fill, account, meaning }) => {
    if (fill.leader !== act.leader || fill.tokenId !== act.tokenId || meaning.kind === "wait") return [];
    if (mustWait) return [{ facts: [], requests: [decideSoon(by.view, fill, account)] }];
    const decision = decideFill({ ...by, chain, leaderFillId: fill.leaderFillId, sinceMs: by.view.nowMs });
    mustWait = movesOrders(decision);
    return [decision];
  });
}

const decideSoon = (view: ExecutorView, { leaderFillId, tokenId }: KnownFill, account: AccountId): ExecutorRequest => ({
  ...{ type: "AwaitBook", account, leaderFillId, tokenId, sinceMs: view.nowMs },
  untilMs: view.nowMs + view.limits.firstTouchMaxMs,
  secondSource: false,
});

/** A sale is an exit, or the purchase it amounts to. */
function decideSale(deciding: Deciding): Decision<ExecutorRequest> {
  const meaning = meaningOf(deciding);
  const unless = (kind: AttemptKind, reason: SkipReason): Decision<ExecutorRequest> => ({
    facts: [skipFact(deciding, kind, reason)],
    requests: [],
  });
  switch (meaning.kind) {
    case "exit":
      return decideExit(deciding);
    case "entry":
      return decideEntry({ ...deciding, fill: meaning.fill });
    case "wait":
      return nothing;
    case "unknown":
      return unless("EXIT", { code: "LEADER_HOLDING_UNKNOWN" });
    case "market":
      if (mayWait(deciding)) return { facts: [], requests: [awaitBook(deciding)] };
      return unless("ENTRY", { code: "MARKET_UNKNOWN", tokenId: deciding.fill.tokenId });
  }
}

const joined = (decisions: readonly Decision<ExecutorRequest>[]): Decision<ExecutorRequest> => ({
  facts: decisions.flatMap(({ facts }) => facts),
  requests: decisions.flatMap(({ requests }) => requests),
});

const accountOf = (chain: ChainSubject): AccountId => chain.slice(chain.lastIndexOf(".") + 1) as AccountId;

/** Decides a fill for the account of the chain, unless that account has decided it already. */
function decideFill(options: {
  readonly state: ExecutorState;
  readonly view: ExecutorView;
  readonly chain: ChainSubject;
  readonly leaderFillId: LeaderFillId;
  readonly sinceMs: number;
}): Decision<ExecutorRequest> {
  const { state, view, chain, leaderFillId, sinceMs } = options;
  const account = accountOf(chain);
  const fill = state.fills.get(leaderFillId);
  const settings = state.accounts.get(account);
  if (fill === undefined || settings === undefined || !fill.undecided.has(account)) return nothing;
  const { policy, revision } = settings;
  // Between routing and now the market may have become known; this decision still belongs to its chain.
  const candidates = [conditionOf(view, fill), fill.conditionId, null];
  const conditionId = candidates.find((id) => execChain(account, { ...fill, conditionId: id }) === chain) ?? null;
  const deciding = { state, view, fill, policy, revision, conditionId, sinceMs };
  return fill.side === "BUY" ? decideEntry(deciding) : decideSale(deciding);
}
