/** What a person sees of exits that are not done, of lots and of buckets. Derived from state and view, kept nowhere. */

import type { AccountId, TokenId } from "@slipstream/contracts/ids";
import type { HeldLot, Pending, PendingBucket, PendingExit } from "@slipstream/contracts/live";
import { sumOf, youngParts } from "./bucket.ts";
import { type ExitLimit, exitLimit, exitPrice } from "./exitLimit.ts";
import { isDue } from "./exitSize.ts";
import { exitGates, isTradable } from "./gates.ts";
import { type ExitClock, leavesOf, type OrderState } from "./orders.ts";
import {
  type ExecutorState,
  heldTokens,
  type KnownFill,
  lotRefOf,
  lotSize,
  openOrders,
  type UnfollowedExit,
} from "./state.ts";
import type { ExecutorView } from "./view.ts";

type By = { readonly state: ExecutorState; readonly view: ExecutorView };

/** @param account - null: of all accounts. */
export function pendingOf(by: By, account: AccountId | null): Pending {
  const { state } = by;
  const isAsked = (of: { readonly account: AccountId }): boolean => account === null || of.account === account;
  const orders = [...openOrders(state)].filter(isAsked).flatMap((order) => openExit(by, order));
  const waiting = [...state.unfollowed.values()].filter(isAsked).map((exit) => waitingExit(by, exit));
  const buckets = bucketsOf(by).filter(isAsked);
  return { exits: [...orders, ...waiting], lots: lotsOf(by).filter(isAsked), buckets };
}

function openExit(by: By, order: OrderState): PendingExit[] {
  if (order.clock === null) return [];
  const { account, leader, tokenId, conditionId, orderId, clock, limitPriceMicro } = order;
  const { nextStepMs, bestBidMicro } = limitNow(by, order, clock);
  return [
    {
      ...{ account, leader, tokenId, conditionId, orderId, bestBidMicro, nextStepMs },
      ...{ sharesMicro: leavesOf(order), sinceMs: clock.sinceMs, limitMicro: limitPriceMicro, reason: "RESTING" },
    },
  ];
}

function waitingExit(by: By, exit: UnfollowedExit): PendingExit {
  const { account, leader, tokenId, conditionId, remainingMicro: sharesMicro, sinceMs } = exit;
  const { limitMicro, nextStepMs, bestBidMicro } = limitNow(by, exit, exit);
  return {
    ...{ account, leader, tokenId, conditionId, sharesMicro, sinceMs, limitMicro, bestBidMicro, nextStepMs },
    ...{ orderId: null, reason: reasonOf(by, exit) },
  };
}

/** What stops an exit now. */
function reasonOf(by: By, exit: UnfollowedExit): string {
  const { state, view } = by;
  const fill = state.fills.get(exit.leaderFillId);
  const policy = state.accounts.get(exit.account)?.policy;
  if (fill === undefined || policy === undefined) return exit.reason;
  if (!isDue(state, exit)) return "FILL_REVERTED";
  if (exit.remainingMicro === null) return "FILL_NOT_ON_CHAIN";
  const gate = exitGates({ state, view, fill, policy, waitedMs: 0 });
  if (gate.kind !== "pass") return gate.reason.code;
  if (exit.priceMicro === null && exitPrice(fill, gate.value.quote) === null) return "NO_PRICE";
  const minimum = gate.value.market.minOrderSizeMicro;
  const left = lotSize(state, exit) - exit.remainingMicro;
  // A little more is taken along when the rest could not be sold on its own.
  return exit.remainingMicro < minimum && left >= minimum ? "BELOW_MINIMUM" : "WAITING";
}

type About = {
  readonly account: AccountId;
  readonly tokenId: TokenId;
  readonly leaderFillId: KnownFill["leaderFillId"];
};

function limitNow(
  { state, view }: By,
  { account, tokenId, leaderFillId }: About,
  clock: ExitClock,
): { readonly limitMicro: ExitLimit["limitMicro"] | null } & Pick<PendingExit, "nextStepMs" | "bestBidMicro"> {
  const policy = state.accounts.get(account)?.policy;
  const market = view.market(tokenId);
  const quote = view.quote(tokenId);
  const fill = state.fills.get(leaderFillId);
  const bestBidMicro = quote?.bestBidMicro ?? null;
  const ofBook = fill === undefined || quote === null ? null : exitPrice(fill, quote);
  const leaderPriceMicro = clock.priceMicro ?? ofBook;
  if (policy === undefined || market === null || leaderPriceMicro === null) {
    return { limitMicro: null, nextStepMs: null, bestBidMicro };
  }
  const { tickMicro } = market;
  const at = { tickMicro, bestBidMicro, sinceMs: clock.sinceMs, nowMs: view.nowMs };
  return { ...exitLimit({ policy, leaderPriceMicro, ...at }), bestBidMicro };
}

function lotsOf({ state, view }: By): HeldLot[] {
  const held = new Map<AccountId, ReadonlySet<TokenId>>();
  return [...state.lots.values()].map(({ account, leader, tokenId, sizeMicro: sharesMicro }) => {
    const tokens = held.get(account) ?? heldTokens(state, account);
    held.set(account, tokens);
    const whenRemoved = state.removed.get(leader) ?? null;
    const market = view.market(tokenId);
    const isUnpaid = market !== null && !isTradable(state, market);
    return { account, leader, tokenId, sharesMicro, isDust: !tokens.has(tokenId), isUnpaid, whenRemoved };
  });
}

/** What has aged out, or is of a closed market, is not shown: nobody buys it any more. */
const bucketsOf = ({ state, view }: By): PendingBucket[] =>
  [...state.buckets.keys()].flatMap((key) => {
    const ref = lotRefOf(key);
    const parts = youngParts(state, ref, view.nowMs);
    const market = view.market(ref.tokenId);
    if (parts.length === 0 || (market !== null && !isTradable(state, market))) return [];
    const shown = parts.map(({ sizeMicro: sharesMicro, limitMicro, tsSignalMs }) => ({
      ...{ sharesMicro, limitMicro, tsSignalMs },
    }));
    return [{ ...ref, sharesMicro: sumOf(parts), parts: shown }];
  });
