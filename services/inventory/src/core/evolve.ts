/** How facts change inventory. A known fact changes nothing. */
import type { Fact, FactOf, FactType, Recorded } from "@slipstream/contracts/facts";
import { unlistedIsZero } from "@slipstream/contracts/facts/balance";
import type { AccountId, ClientOrderId, TokenId } from "@slipstream/contracts/ids";
import { add, scaleMaxFee, subtract, subtractToZero, ZERO_SHARES, ZERO_USDC } from "@slipstream/contracts/money";
import { readConfig } from "@slipstream/contracts/policy";
import { applyBalance, applySettlement, forgetAbsorbed } from "./absorption.ts";
import { differenceOf } from "./formulas.ts";
import { bookExecution, unbookExecution } from "./pnl.ts";
import { bookSettlement, dueShares, payoutsOf } from "./settlement.ts";
import {
  type Account,
  accountOf,
  CLOSED_ORDERS_MAX,
  type InventoryState,
  PAYOUTS_MAX,
  type Position,
  positionOf,
  remember,
  SEEN_TRADES_MAX,
} from "./state.ts";

export const folds: ReadonlySet<FactType> = new Set<FactType>([
  "ConfigChanged",
  "AccountFunded",
  "OrderIntent",
  "ReservationGranted",
  "OrderDenied",
  "OrderAbandoned",
  "OrderRejected",
  "OrderCanceled",
  "OrderExpired",
  "ExecutionFill",
  "ExecutionFillReversed",
  "BalanceSnapshot",
  "ExecutionFillSettled",
  "PendingFillAged",
  "PositionChanged",
  "ConditionResolved",
  "PositionSettled",
  "DiscrepancyFound",
  "DiscrepancyResolved",
  "CashDisagreed",
]);

export function evolve(state: InventoryState, recorded: Recorded): InventoryState {
  const { fact, seq } = recorded;
  switch (fact.type) {
    case "ConfigChanged":
      configure(state, fact);
      break;
    case "AccountFunded":
      fund(accountOf(state, fact.account), fact);
      break;
    case "OrderIntent":
      open(accountOf(state, fact.account), fact, seq);
      break;
    case "ReservationGranted":
      reserve(accountOf(state, fact.account), fact, seq);
      break;
    case "OrderDenied":
    case "OrderAbandoned":
    case "OrderRejected":
    case "OrderCanceled":
    case "OrderExpired":
      close(accountOf(state, fact.account), fact.orderId, fact, seq);
      break;
    case "ExecutionFill":
      countFill(accountOf(state, fact.account), fact, seq);
      break;
    case "ExecutionFillReversed":
      reverseFill(accountOf(state, fact.account), fact, seq);
      break;
    case "BalanceSnapshot": {
      const id = accountOfSnapshot(fact);
      if (id === null) break;
      const account = accountOf(state, id);
      // A paper account has its ledger, whatever wallet is configured for it.
      if (fact.holder.kind === "paper" || account.fundingMicro === null) readBalances(account, fact, seq);
      break;
    }
    case "ExecutionFillSettled":
      settleFill(accountOf(state, fact.account), fact, seq);
      break;
    case "PendingFillAged":
      age(accountOf(state, fact.account), fact, seq);
      break;
    case "PositionChanged":
      published(accountOf(state, fact.account), fact);
      break;
    case "ConditionResolved":
      resolve(state, fact, seq);
      return state;
    case "PositionSettled": {
      const account = accountOf(state, fact.account);
      const position = positionOf(account, fact.tokenId);
      if (bookSettlement(position, fact, state.payouts.get(fact.tokenId))) touch(account, position, fact, seq);
      break;
    }
    case "DiscrepancyFound":
      positionOf(accountOf(state, fact.account), fact.tokenId).discrepancyMicro = fact.differenceMicro;
      break;
    case "DiscrepancyResolved":
      positionOf(accountOf(state, fact.account), fact.tokenId).discrepancyMicro = null;
      break;
    case "CashDisagreed":
      accountOf(state, fact.account).purseOffMicro = subtract(fact.actualMicro, fact.expectedMicro);
      break;
    default:
      break;
  }
  const concerned = concernedBy(fact);
  const account = concerned === null ? undefined : state.accounts.get(concerned);
  if (account !== undefined) lookForDue(state, account);
  return state;
}

/** The account that a fact is about; null: none, or all. */
export function concernedBy(fact: Fact): AccountId | null {
  if (fact.type === "ConfigChanged") return configuredAccount(fact);
  if (fact.type === "BalanceSnapshot") return accountOfSnapshot(fact);
  return "account" in fact ? fact.account : null;
}

/** The market of these tokens is decided for ever. Told twice, it is told the same. */
function resolve(state: InventoryState, fact: FactOf<"ConditionResolved">, seq: number): void {
  for (const [tokenId, payout] of payoutsOf(fact)) {
    if (state.payouts.has(tokenId)) continue;
    state.payouts.set(tokenId, payout);
    for (const account of state.accounts.values()) {
      if (account.positions.has(tokenId)) changed(account, tokenId, fact, seq);
    }
  }
  for (const oldest of state.payouts.keys()) {
    if (state.payouts.size <= PAYOUTS_MAX) break;
    state.payouts.delete(oldest);
  }
  for (const account of state.accounts.values()) lookForDue(state, account);
}

/** What is due changes with a position only, and each change of a position is to be published. */
function lookForDue(state: InventoryState, account: Account): void {
  for (const tokenId of account.unpublished.keys()) {
    const payout = state.payouts.get(tokenId);
    const position = account.positions.get(tokenId);
    if (payout === undefined || position === undefined) continue;
    if (dueShares(account, position, payout) > 0n) account.settling.add(tokenId);
    else account.settling.delete(tokenId);
  }
}

/** The account whose purse or wallet a snapshot is about; null: a leader's. */
const accountOfSnapshot = ({ holder, account }: FactOf<"BalanceSnapshot">): AccountId | null =>
  holder.kind === "paper" ? holder.account : (account ?? null);

/** The account a revision of the configuration is about; null for other keys. */
function configuredAccount(fact: FactOf<"ConfigChanged">): AccountId | null {
  const named = readConfig(fact.key, null);
  return named.ok && named.config.kind === "accounts" ? named.config.account : null;
}

function configure(state: InventoryState, fact: FactOf<"ConfigChanged">): void {
  const id = configuredAccount(fact);
  if (id === null) return;
  const account = accountOf(state, id);
  if (fact.revision <= account.policyRevision) return;
  // Whoever writes the bucket validates; a policy that we cannot read is no policy, so nothing is granted under it.
  const read = readConfig(fact.key, fact.value);
  // Who is deleted is switched off: what he holds can still be sold.
  if (fact.value === null) account.policy = account.policy === null ? null : { ...account.policy, enabled: false };
  else account.policy = read.ok && read.config.kind === "accounts" ? read.config.policy : null;
  account.policyRevision = fact.revision;
  account.policyTsMs = fact.tsEventMs;
}

function fund(account: Account, fact: FactOf<"AccountFunded">): void {
  if (account.fundingMicro !== null) return;
  account.fundingMicro = fact.collateralMicro;
  account.collateralMicro = add(account.collateralMicro ?? ZERO_USDC, fact.collateralMicro);
}

function open(account: Account, fact: FactOf<"OrderIntent">, seq: number): void {
  const { orderId } = fact;
  if (account.orders.has(orderId) || account.closedOrders.has(orderId)) return;
  account.orders.set(orderId, {
    orderId,
    tokenId: fact.tokenId,
    conditionId: fact.conditionId,
    side: fact.side,
    limitPriceMicro: fact.limitPriceMicro,
    askedMicro: fact.sizeMicro,
    maxFeeMicro: fact.maxFeeMicro,
    minimumMicro: fact.minOrderSizeMicro,
    seq,
    tsEventMs: fact.tsEventMs,
    phase: "asked",
    leavesMicro: ZERO_SHARES,
    feeLeftMicro: ZERO_USDC,
  });
}

function reserve(account: Account, fact: FactOf<"ReservationGranted">, seq: number): void {
  const order = account.orders.get(fact.orderId);
  if (order === undefined || order.phase !== "asked") return;
  account.orders.set(order.orderId, {
    ...order,
    phase: "granted",
    leavesMicro: fact.sizeMicro,
    feeLeftMicro: order.side === "BUY" ? scaleMaxFee(order.maxFeeMicro, fact.sizeMicro, order.askedMicro) : ZERO_USDC,
  });
  const { conditionId, minimumMicro } = order;
  Object.assign(positionOf(account, order.tokenId), { conditionId, minimumMicro });
  changed(account, order.tokenId, fact, seq);
}

/** Ends an order of ours: whatever is still reserved is free, once. */
function close(account: Account, orderId: ClientOrderId, fact: Fact, seq: number): void {
  remember(account.closedOrders, orderId, CLOSED_ORDERS_MAX);
  const order = account.orders.get(orderId);
  if (order === undefined) return;
  account.orders.delete(orderId);
  if (order.phase === "granted") changed(account, order.tokenId, fact, seq);
}

function countFill(account: Account, fact: FactOf<"ExecutionFill">, seq: number): void {
  if (account.seenTrades.has(fact.tradeId)) return;
  remember(account.seenTrades, fact.tradeId, SEEN_TRADES_MAX);
  const { side, sizeMicro, usdcMicro, feeMicro } = fact;
  const position = positionOf(account, fact.tokenId);
  position.conditionId = fact.conditionId;
  const costRemovedMicro = bookExecution(position, { side, sizeMicro, usdcMicro, feeMicro });
  position.fills.push({
    kind: "fill",
    tradeId: fact.tradeId,
    side,
    sizeMicro,
    spentMicro: side === "BUY" ? add(usdcMicro, feeMicro) : ZERO_USDC,
    usdcMicro,
    feeMicro,
    costRemovedMicro,
    tsInitMs: fact.tsInitMs,
    absorbedMicro: ZERO_SHARES,
    absorbedBlock: 0,
    settledBlock: null,
    aged: false,
  });
  const order = account.orders.get(fact.orderId);
  if (order !== undefined && order.phase === "granted") {
    account.orders.set(order.orderId, {
      ...order,
      leavesMicro: subtractToZero(order.leavesMicro, sizeMicro),
      feeLeftMicro: subtractToZero(order.feeLeftMicro, feeMicro),
    });
  }
  if (fact.leavesMicro === 0n) close(account, fact.orderId, fact, seq);
  touch(account, position, fact, seq);
}

function reverseFill(account: Account, fact: FactOf<"ExecutionFillReversed">, seq: number): void {
  const position = account.positions.get(fact.tokenId);
  const index = position?.fills.findIndex((fill) => fill.tradeId === fact.tradeId) ?? -1;
  const fill = position?.fills[index];
  if (position === undefined || fill === undefined) return;
  unbookExecution(position, fill);
  position.fills.splice(index, 1);
  touch(account, position, fact, seq);
}

function readBalances(account: Account, fact: FactOf<"BalanceSnapshot">, seq: number): void {
  const { blockNumber, afterReorg } = fact;
  account.degraded = fact.degraded === true;
  if (fact.collateralMicro !== null && (blockNumber >= account.collateralBlock || afterReorg)) {
    account.collateralMicro = fact.collateralMicro;
    account.collateralBlock = blockNumber;
  }
  const read = new Map(fact.balances.map((balance) => [balance.tokenId, balance.sharesMicro]));
  if (unlistedIsZero(fact)) {
    for (const tokenId of account.positions.keys()) if (!read.has(tokenId)) read.set(tokenId, ZERO_SHARES);
  }
  for (const [tokenId, sharesMicro] of read) {
    const position = positionOf(account, tokenId);
    if (!applyBalance(position, { sharesMicro, blockNumber, afterReorg })) continue;
    forgetAbsorbed(position, account.collateralBlock);
    touch(account, position, fact, seq);
  }
}

function settleFill(account: Account, fact: FactOf<"ExecutionFillSettled">, seq: number): void {
  const position = account.positions.get(fact.tokenId);
  if (position === undefined || !applySettlement(position, fact.tradeId, fact.blockNumber)) return;
  // Ahead of the balance it changes no number; the balance of its block publishes the position.
  if (fact.blockNumber <= position.confirmedBlock) touch(account, position, fact, seq);
}

function age(account: Account, fact: FactOf<"PendingFillAged">, seq: number): void {
  const position = account.positions.get(fact.tokenId);
  if (position === undefined) return;
  for (const fill of position.fills) if (fact.tradeIds.includes(fill.tradeId)) fill.aged = true;
  touch(account, position, fact, seq);
}

/** The number at the end of a position's fact id is the sequence of the last change it tells of. */
function published(account: Account, fact: FactOf<"PositionChanged">): void {
  const told = Number(fact.id.slice(fact.id.lastIndexOf(":") + 1));
  const last = account.unpublished.get(fact.tokenId);
  if (last !== undefined && last.seq <= told) account.unpublished.delete(fact.tokenId);
}

function changed(account: Account, tokenId: TokenId, fact: Fact, seq: number): void {
  account.unpublished.set(tokenId, { seq, tsEventMs: fact.tsEventMs });
}

/** After any change of balances or fills: publish, and note since when they disagree. */
function touch(account: Account, position: Position, fact: Fact, seq: number): void {
  changed(account, position.tokenId, fact, seq);
  if (differenceOf(account, position) === 0n) position.differsSinceMs = null;
  else position.differsSinceMs ??= fact.tsInitMs;
}
