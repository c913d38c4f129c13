/** What inventory publishes: grants and denials in the order of the log, positions after each change. */
import { type Decision, type FactMessage, nothing } from "@slipstream/actor/core";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { maxAmount, ZERO_USDC } from "@slipstream/contracts/money";
import { type ChainSubject, subjects } from "@slipstream/contracts/subjects";
import { concernedBy } from "./evolve.ts";
import { availableCollateral, claimable, type PositionNumbers, positionNumbers } from "./formulas.ts";
import { answerIntent } from "./grant.ts";
import { dueShares, settlementFact } from "./settlement.ts";
import type { Account, InventoryState, Order, Position } from "./state.ts";
import { agedFills, cashDisagreements, discrepancies } from "./timed.ts";
import type { InventoryMessage, InventoryView } from "./view.ts";

/** One chain per account: grants of one purse are decided one after the other. */
export function route(
  state: InventoryState,
  view: InventoryView,
  message: InventoryMessage | FactMessage,
): readonly ChainSubject[] {
  switch (message.type) {
    case "Tick":
      return [...state.accounts.values()].filter((account) => isDue(account, view)).map(chainOf);
    case "Owed":
      return [subjects.position(message.account)];
    case "Fact": {
      const { fact } = message.recorded;
      if (fact.type === "ConditionResolved") return [...state.accounts.values()].filter(isOpen).map(chainOf);
      const id = concernedBy(fact);
      const account = id === null ? undefined : state.accounts.get(id);
      return account !== undefined && isOpen(account) ? [chainOf(account)] : [];
    }
  }
}

/**
 * Everything that is open in one account, from its state as it is now: whoever asks, the answer is the same, so a
 * message that comes twice or late adds nothing.
 */
export function decide(
  state: InventoryState,
  view: InventoryView,
  message: InventoryMessage | FactMessage,
  chain: ChainSubject,
): Decision<never> {
  const account = [...state.accounts.values()].find((known) => chainOf(known) === chain);
  if (account === undefined) return nothing;
  const settled = settlements(state, account, view);
  // What they free is there when they have been read back, and that brings us here again.
  if (settled.length > 0) return { facts: settled, requests: [] };
  const facts = [...funding(account, view), ...firstAnswer(account, view), ...positionFacts(account, view)];
  if (message.type !== "Fact") facts.push(...timed(account, view));
  return { facts, requests: [] };
}

/** Accounts where something waits for us. */
export const owed = (state: InventoryState): InventoryMessage[] =>
  [...state.accounts.values()].filter(isOpen).map(({ account }) => ({ type: "Owed", account }));

export const chainOf = (account: Account): ChainSubject => subjects.position(account.account);

const isOpen = (account: Account): boolean =>
  needsFunding(account) ||
  firstAsked(account) !== undefined ||
  account.unpublished.size > 0 ||
  account.settling.size > 0;
const isDue = (account: Account, view: InventoryView): boolean => isOpen(account) || timed(account, view).length > 0;

const timed = (account: Account, view: InventoryView): Fact[] => [
  ...agedFills(account, view),
  ...discrepancies(account, view),
  ...cashDisagreements(account, view),
];

/** What resolved markets owe the account now. */
function settlements(
  { payouts }: InventoryState,
  account: Account,
  { nowMs }: InventoryView,
): FactOf<"PositionSettled">[] {
  return [...account.settling].flatMap((tokenId) => {
    const position = account.positions.get(tokenId);
    const payout = payouts.get(tokenId);
    if (position === undefined || payout === undefined) return [];
    const sharesMicro = dueShares(account, position, payout);
    return sharesMicro === 0n ? [] : settlementFact(account, position, { payout, sharesMicro, nowMs });
  });
}

/** A paper purse is filled once in its life; a later revision of its policy does not fill it again. */
const needsFunding = (account: Account): boolean => account.fundingMicro === null && account.policy?.mode === "paper";

function funding(account: Account, view: InventoryView): Fact[] {
  if (!needsFunding(account) || account.policy === null) return [];
  return [
    {
      type: "AccountFunded",
      v: 1,
      id: factId("AccountFunded", account.account),
      tsEventMs: account.policyTsMs,
      tsInitMs: view.nowMs,
      account: account.account,
      collateralMicro: account.policy.initialCollateralMicro,
      configRevision: account.policyRevision,
    },
  ];
}

const firstAsked = (account: Account): Order | undefined => {
  for (const order of account.orders.values()) if (order.phase === "asked") return order;
  return undefined;
};

/**
 * The oldest intent without an answer. One at a time: the next one is answered when this answer has been read back,
 * so that it is counted.
 */
function firstAnswer(account: Account, view: InventoryView): Fact[] {
  const order = firstAsked(account);
  // An unfunded purse is funded first; the funding, read back, brings us here again.
  if (order === undefined || needsFunding(account)) return [];
  const head = { v: 1, tsEventMs: order.tsEventMs, tsInitMs: view.nowMs } as const;
  const { orderId, tokenId, side } = order;
  const ref = { account: account.account, orderId, tokenId, side };
  const answer = answerIntent(account, order);
  if (answer.kind === "denial") {
    return [{ type: "OrderDenied", id: factId("OrderDenied", orderId), ...head, ...ref, reason: answer.reason }];
  }
  const { sizeMicro, collateralMicro, sharesMicro } = answer;
  return [
    {
      type: "ReservationGranted",
      id: factId("ReservationGranted", orderId),
      ...head,
      ...ref,
      sizeMicro,
      collateralMicro,
      sharesMicro,
    },
  ];
}

function numbersOf(account: Account, position: Position): Omit<PositionNumbers, "agedSellsMicro"> {
  const { agedSellsMicro: _kept, ...told } = positionNumbers(account, position);
  return told;
}

function positionFacts(account: Account, view: InventoryView): Fact[] {
  const facts: Fact[] = [];
  for (const [tokenId, { seq, tsEventMs }] of account.unpublished) {
    const position = account.positions.get(tokenId);
    if (position === undefined) continue;
    facts.push({
      type: "PositionChanged",
      v: 1,
      id: factId("PositionChanged", `${account.account}.${tokenId}`, seq),
      tsEventMs,
      tsInitMs: view.nowMs,
      account: account.account,
      tokenId,
      conditionId: position.conditionId,
      confirmedMicro: position.confirmedMicro,
      confirmedBlock: position.confirmedBlock,
      ...numbersOf(account, position),
      claimableMicro: claimable(position),
      tradedMicro: position.tradedMicro,
      costMicro: position.costMicro,
      realizedPnlMicro: position.realizedPnlMicro,
      feesMicro: maxAmount(position.feesMicro, ZERO_USDC),
      collateralMicro: account.collateralMicro ?? ZERO_USDC,
      availableCollateralMicro: availableCollateral(account) ?? ZERO_USDC,
    });
  }
  return facts;
}
