/** The fold of the log into the executor's state. A fact that is known already changes nothing. */
import type { FactOf, FactType, Recorded } from "@slipstream/contracts/facts";
import { unlistedIsZero } from "@slipstream/contracts/facts/balance";
import { type AccountId, type AttemptId, leaderActId } from "@slipstream/contracts/ids";
import { negate, type SharesMicro, sharesMicro, subtract, ZERO_SHARES } from "@slipstream/contracts/money";
import { configOf, whenRemovedOf } from "@slipstream/contracts/policy";
import { ALL_SHARDS } from "@slipstream/contracts/subjects";
import { clearBuckets, clearMarket, dropAged, hasStake, savedSignals } from "./bucket.ts";
import { moveCopied, tidyCopied } from "./copied.ts";
import { evolveOrder, foldIntent, foldSettlement, foldShown, foldSkip } from "./evolveOrders.ts";
import { addMovement, addSnapshot, emptyHolding, type Holding, removeMovement } from "./holdings.ts";
import { learnOrder } from "./leaderOrder.ts";
import { compareLots, noteSum, noteTold } from "./lotCheck.ts";
import { isEnded } from "./orders.ts";
import { foldRetraction } from "./retraction.ts";
import { noteSale } from "./splitSale.ts";
import {
  type ExecutorState,
  followers,
  holdingKey,
  type KnownFill,
  type LotRef,
  lotRefOf,
  lotSize,
  openOrders,
  openOrdersOf,
  RESOLVED_MAX,
} from "./state.ts";
import { foldLeader } from "./waitingExits.ts";

export const folds: ReadonlySet<FactType> = new Set<FactType>([
  "ConfigChanged",
  "LeaderFill",
  "LeaderFillReverted",
  "LeaderFillRetracted",
  "LeaderAct",
  "ChainProgress",
  "BalanceSnapshot",
  "RiskDecision",
  "OperatorCommand",
  "ReservationGranted",
  "OrderDenied",
  "PositionSettled",
  "PositionChanged",
  "LotsDisagreed",
  "ConditionResolved",
  "ExecutionAttempt",
  "OrderIntent",
  "OrderAbandoned",
  "OrderAccepted",
  "OrderRejected",
  "OrderCancelRequested",
  "OrderCanceled",
  "OrderExpired",
  "OrderOutcomeUnknown",
  "ExecutionFill",
  "ExecutionFillReversed",
]);

export function evolve(state: ExecutorState, { fact, seq }: Recorded): ExecutorState {
  switch (fact.type) {
    case "ConfigChanged":
      foldConfig(state, fact);
      break;
    case "LeaderFill":
      foldFill(state, fact);
      break;
    case "LeaderFillReverted":
      foldLoss(state, fact, "REVERTED");
      break;
    case "LeaderFillRetracted":
      if (foldLoss(state, fact, "RETRACTED")) foldRetraction(state, fact);
      break;
    case "LeaderAct":
      foldAct(state, fact);
      break;
    case "ChainProgress":
      if (fact.shard !== ALL_SHARDS && fact.cursor > (state.actsUpTo.get(fact.shard) ?? -1)) {
        state.actsUpTo.set(fact.shard, fact.cursor);
      }
      break;
    case "BalanceSnapshot":
      foldBalances(state, fact);
      break;
    case "RiskDecision":
      foldRisk(state, fact, seq);
      break;
    case "OperatorCommand": {
      const scope = scopeKey(fact.scope);
      if (fact.command === "halt") state.operatorHalts.add(scope);
      else state.operatorHalts.delete(scope);
      break;
    }
    case "ExecutionAttempt":
      foldSkip(state, fact);
      break;
    case "OrderIntent":
      foldIntent(state, fact);
      break;
    case "PositionSettled":
      foldSettlement(state, fact);
      noteSum(state, fact, seq);
      break;
    case "ExecutionFill":
    case "ExecutionFillReversed":
      evolveOrder(state, fact);
      noteSum(state, fact, seq);
      break;
    case "PositionChanged":
      compareLots(state, fact);
      break;
    case "LotsDisagreed":
      noteTold(state, fact);
      break;
    case "ConditionResolved":
      foldResolution(state, fact);
      break;
    default:
      evolveOrder(state, fact);
  }
  return state;
}

/** A market that is resolved trades no more: nothing of it is saved up, bought or sold. */
function foldResolution(state: ExecutorState, { conditionId }: FactOf<"ConditionResolved">): void {
  clearMarket(state, conditionId);
  state.resolved.add(conditionId);
  const [oldest] = state.resolved;
  if (state.resolved.size > RESOLVED_MAX && oldest !== undefined) state.resolved.delete(oldest);
}

function foldConfig(state: ExecutorState, fact: FactOf<"ConfigChanged">): void {
  const said = configOf(fact);
  if (said.kind === "leaders") {
    if (said.config === null && !state.leaders.has(said.leader)) return;
    foldLeader(state, said.leader, { whenRemoved: whenRemovedOf(said.config), atMs: fact.tsInitMs });
    return;
  }
  const { account: id, policy } = said;
  if (policy !== null) {
    state.accounts.set(id, { policy, revision: fact.revision });
    return;
  }
  // Whoever is deleted is switched off: no entries, and what is held leaves with its leaders.
  const known = state.accounts.get(id);
  if (known === undefined) return;
  state.accounts.set(id, { policy: { ...known.policy, enabled: false }, revision: fact.revision });
  clearBuckets(state, ({ account }) => account === id);
  for (const fill of state.fills.values()) if (fill.side === "BUY") fill.undecided.delete(id);
}

const scopeKey = ({ kind, id }: FactOf<"RiskDecision">["scope"]): string => `${kind}:${id}`;

function foldRisk(state: ExecutorState, fact: FactOf<"RiskDecision">, seq: number): void {
  if (seq <= state.riskSeq) return;
  const { level, parameters } = fact;
  const reason = fact.reasons[0]?.code ?? "NONE";
  state.risk.set(scopeKey(fact.scope), { level, parameters, reason });
  state.riskSeq = seq;
}

function foldFill(state: ExecutorState, fact: FactOf<"LeaderFill">): void {
  const known = state.fills.get(fact.leaderFillId);
  if (known !== undefined && known.occurrence >= fact.occurrence) return;
  const fill: KnownFill = {
    leaderFillId: fact.leaderFillId,
    leader: fact.leader,
    tokenId: fact.tokenId,
    conditionId: fact.conditionId,
    side: fact.side,
    role: fact.role,
    sharesMicro: fact.sharesMicro,
    priceMicro: fact.priceMicro,
    act: null,
    blockNumber: fact.blockNumber,
    logIndex: fact.logIndex,
    txHash: fact.txHash,
    orderHash: fact.orderHash ?? known?.orderHash ?? null,
    historical: fact.historical,
    disputed: fact.disputed ?? false,
    occurrence: fact.occurrence,
    status: "ON_CHAIN",
    tsSignalMs: known?.tsSignalMs ?? fact.tsEventMs,
    tsSignalPublishedMs: known?.tsSignalPublishedMs ?? fact.tsInitMs,
    undecided: known?.undecided ?? new Set(fact.occurrence === 0 ? deciders(state, fact) : []),
  };
  state.fills.set(fact.leaderFillId, fill);
  learnOrder(state, known, fill);
  noteSale(state, fact.leaderFillId);
  const { blockNumber, logIndex } = fact;
  if (blockNumber !== null && logIndex !== null) {
    const deltaMicro = fact.side === "BUY" ? received(fact) : negate(fact.sharesMicro);
    addMovement(holdingOf(state, fact), { id: fact.leaderFillId, blockNumber, logIndex, deltaMicro });
  }
  moveCopied(state, fill);
  foldShown(state, fill);
  countFold(state, fact.tsInitMs);
}

function countFold(state: ExecutorState, nowMs: number): void {
  state.fillsFolded += 1;
  if (state.fillsFolded % FORGET_EVERY === 0) forget(state, nowMs);
}

/** The first generation of exchanges takes a buyer's fee in shares. */
const received = ({ sharesMicro: shares, feeUnit, feeMicro }: FactOf<"LeaderFill">): SharesMicro =>
  feeUnit === "SHARES" && feeMicro !== null ? subtract(shares, sharesMicro(feeMicro)) : shares;

/**
 * Who has to decide a fill. A sale also concerns accounts that are switched off but hold a lot of the leader: switched
 * off means no entries. A historical fill concerns only those whose lot it may close.
 */
function deciders(state: ExecutorState, fill: FactOf<"LeaderFill">): AccountId[] {
  const { side, historical, tokenId, leader } = fill;
  const enabled = followers(state);
  if (side === "BUY") return historical ? [] : enabled;
  if (state.removed.get(leader) === "keep") return [];
  const concerned = [...state.accounts.keys()].filter((account) => {
    const ref = { account, tokenId, leader };
    return lotSize(state, ref) > 0n || openOrdersOf(state, ref).length > 0;
  });
  return historical ? concerned : [...new Set([...enabled, ...concerned])];
}

/** @returns false when that is known, or the fill has returned since. */
function foldLoss(
  state: ExecutorState,
  fact: FactOf<"LeaderFillReverted"> | FactOf<"LeaderFillRetracted">,
  status: "REVERTED" | "RETRACTED",
): boolean {
  const fill = state.fills.get(fact.leaderFillId);
  if (fill === undefined || fact.occurrence < fill.occurrence || fill.status === "RETRACTED") return false;
  fill.status = status;
  removeMovement(holdingOf(state, fact), fact.leaderFillId, status === "REVERTED");
  moveCopied(state, fill);
  return true;
}

/** Ways to end a holding that an open market lets us follow; what is redeemed is paid out to us as well. */
const exitActs: ReadonlySet<FactOf<"LeaderAct">["act"]> = new Set(["merge", "convert", "transferOut"]);

/** Moves the leader's holding; an act that ends (part of) it is a sale without a price. */
function foldAct(state: ExecutorState, fact: FactOf<"LeaderAct">): void {
  const { act, direction, leader, tokenId, blockNumber, logIndex } = fact;
  const id = leaderActId(fact);
  const deltaMicro = direction === "in" ? fact.sharesMicro : negate(fact.sharesMicro);
  const origin = act === "split" ? { split: true as const } : act === "merge" ? { merge: true as const } : {};
  addMovement(holdingOf(state, fact), { id, blockNumber, logIndex, deltaMicro, ...origin });
  if (direction === "in" || !exitActs.has(act) || state.fills.has(id)) return;
  const exit: KnownFill = {
    ...{ leaderFillId: id, leader, tokenId, conditionId: null, side: "SELL", role: "UNKNOWN" },
    ...{ sharesMicro: fact.sharesMicro, priceMicro: null, act, blockNumber, logIndex, historical: false },
    ...{ txHash: fact.txHash, orderHash: null, disputed: false, occurrence: 0, status: "ON_CHAIN" },
    ...{ tsSignalMs: fact.tsEventMs, tsSignalPublishedMs: fact.tsInitMs },
    undecided: new Set(
      [...state.accounts.keys()].filter((account) => mayClose(state, { account, tokenId, leader }, fact.tsInitMs)),
    ),
  };
  state.fills.set(id, exit);
  countFold(state, fact.tsInitMs);
}

/** True when an account has, or is about to have, what an exit of the leader would close. */
const mayClose = (state: ExecutorState, ref: LotRef, nowMs: number): boolean =>
  state.removed.get(ref.leader) !== "keep" && hasStake(state, ref, nowMs);

function foldBalances(state: ExecutorState, fact: FactOf<"BalanceSnapshot">): void {
  if (fact.holder.kind !== "wallet" || !state.leaders.has(fact.holder.address)) return;
  const leader = fact.holder.address;
  const { blockNumber, afterReorg } = fact;
  const listed = new Set<string>();
  for (const { tokenId, sharesMicro: shares } of fact.balances) {
    listed.add(holdingKey(leader, tokenId));
    addSnapshot(holdingOf(state, { leader, tokenId }), { blockNumber, sharesMicro: shares }, afterReorg);
  }
  if (!unlistedIsZero(fact)) return;
  for (const [key, holding] of state.holdings) {
    if (key.startsWith(`${leader}|`) && !listed.has(key)) {
      addSnapshot(holding, { blockNumber, sharesMicro: ZERO_SHARES }, afterReorg);
    }
  }
}

function holdingOf(state: ExecutorState, of: Pick<FactOf<"LeaderAct">, "leader" | "tokenId">): Holding {
  const key = holdingKey(of.leader, of.tokenId);
  const known = state.holdings.get(key);
  if (known !== undefined) return known;
  const made = emptyHolding();
  state.holdings.set(key, made);
  return made;
}

const FORGET_EVERY = 256;
/** However short the accounts' signal age is: a fill that is reported twice is reported twice within minutes. */
const REMEMBER_MS_MIN = 600_000;

/** Forgets fills, and the orders they caused, that nothing refers to any more. */
function forget(state: ExecutorState, nowMs: number): void {
  dropAged(state, nowMs);
  let keepMs = REMEMBER_MS_MIN;
  for (const { policy } of state.accounts.values()) keepMs = Math.max(keepMs, 2 * policy.signalAgeMsMax);
  const tied = new Set<string>();
  for (const { leader, tokenId } of state.lots.values()) tied.add(holdingKey(leader, tokenId));
  for (const { leader, tokenId } of state.unfollowed.values()) tied.add(holdingKey(leader, tokenId));
  for (const order of state.orders.values()) {
    if (!isEnded(order)) tied.add(holdingKey(order.leader, order.tokenId));
  }
  // A sale that was copied as a purchase stands on the other token, so these are kept by name.
  const kept = savedSignals(state);
  for (const { parts } of state.lots.values()) for (const id of parts.keys()) kept.add(id);
  for (const { leaderFillId } of state.unfollowed.values()) kept.add(leaderFillId);
  for (const { leaderFillId } of openOrders(state)) kept.add(leaderFillId);
  for (const [id, fill] of state.fills) {
    if (kept.has(id)) continue;
    const isYoung = fill.tsSignalPublishedMs >= nowMs - keepMs;
    if (!isYoung && fill.undecided.size === 0 && !tied.has(holdingKey(fill.leader, fill.tokenId)))
      state.fills.delete(id);
  }
  for (const key of [...state.copied.keys()]) {
    tidyCopied(state, lotRefOf(key));
  }
  // The newest order of an attempt stays: the next one has the number after it.
  const newest = new Map<AttemptId, number>();
  for (const { attemptId, n } of state.orders.values()) newest.set(attemptId, Math.max(n, newest.get(attemptId) ?? 0));
  for (const [id, order] of state.orders) {
    // An exit that rests for days has many orders that did nothing, and the fill it follows stays known.
    const isOld = order.kind === "EXIT" && order.tsDecidedMs < nowMs - keepMs;
    const didNothing = isOld && order.filledMicro === 0n && order.n < (newest.get(order.attemptId) ?? 0);
    if (isEnded(order) && (didNothing || !state.fills.has(order.leaderFillId))) state.orders.delete(id);
  }
}
