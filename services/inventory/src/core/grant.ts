/**
 * The answer to an intent: how much of it is granted, or why not. Caps, holdings and the purse only ever shrink.
 * A shrunk order keeps the venue's size step; one that became smaller than the market's minimum is for the executor
 * to abandon, who knows the market.
 */
import { positionsFull } from "@slipstream/contracts/facts/limits";
import type { DenialReason } from "@slipstream/contracts/facts/position";
import {
  add,
  floorToStep,
  maxAmount,
  minAmount,
  notional,
  type SharesMicro,
  SIZE_STEP_MICRO,
  scaleMaxFee,
  sharesFor,
  sharesMicro,
  subtractToZero,
  type UsdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { availableCollateral, exposureUsdc, openTokens, positionNumbers } from "./formulas.ts";
import { type Account, emptyPosition, type Order } from "./state.ts";

export type Grant = {
  readonly kind: "grant";
  readonly sizeMicro: SharesMicro;
  /** BUY: limit × size rounded up, plus the most its fee can be. Never more than is available. */
  readonly collateralMicro: UsdcMicro;
  readonly sharesMicro: SharesMicro;
};
export type Denial = { readonly kind: "denial"; readonly reason: DenialReason };
type Cap = Extract<DenialReason, { code: "CAP_REACHED" }>["cap"];

const deny = (reason: DenialReason): Denial => ({ kind: "denial", reason });

/** Decides on an asked order from the account as it stands, with everything granted before it counted. */
export function answerIntent(account: Account, order: Order): Grant | Denial {
  const { policy } = account;
  if (policy === null) return deny({ code: "ACCOUNT_UNKNOWN" });
  return order.side === "BUY" ? answerBuy(account, policy, order) : answerSell(account, policy, order);
}

function answerBuy(account: Account, policy: AccountPolicy, order: Order): Grant | Denial {
  if (!policy.enabled) return deny({ code: "ACCOUNT_UNKNOWN" });
  const availableMicro = availableCollateral(account);
  if (availableMicro === null) return deny({ code: "BALANCE_UNKNOWN" });
  const capped = applyCaps(account, policy, order);
  if (typeof capped !== "bigint") return capped;
  const sizeMicro = affordable(order, capped, availableMicro);
  if (sizeMicro === 0n) {
    return deny({ code: "INSUFFICIENT_COLLATERAL", neededMicro: collateralFor(order, capped), availableMicro });
  }
  return { kind: "grant", sizeMicro, collateralMicro: collateralFor(order, sizeMicro), sharesMicro: ZERO_SHARES };
}

/** What a purchase of `size`, at most what was asked, sets aside: limit × size rounded up, and its part of the fee bound. */
const collateralFor = ({ limitPriceMicro, askedMicro, maxFeeMicro }: Order, size: SharesMicro): UsdcMicro =>
  add(notional(limitPriceMicro, size, "ceil"), scaleMaxFee(maxFeeMicro, size, askedMicro));

/** The largest size, at most `wanted`, whose collateral is there; in whole steps of the venue when it is less. */
function affordable(order: Order, wanted: SharesMicro, availableMicro: UsdcMicro): SharesMicro {
  const fits = (size: SharesMicro): boolean => collateralFor(order, size) <= availableMicro;
  if (fits(wanted)) return wanted;
  // What is set aside never falls as the size grows, so the largest that fits is found by halving.
  let [least, beyond] = [0n, wanted / SIZE_STEP_MICRO + 1n];
  while (beyond - least > 1n) {
    const middle = (least + beyond) / 2n;
    if (fits(sharesMicro(middle * SIZE_STEP_MICRO))) least = middle;
    else beyond = middle;
  }
  return sharesMicro(least * SIZE_STEP_MICRO);
}

function answerSell(account: Account, policy: AccountPolicy, order: Order): Grant | Denial {
  const known = account.positions.get(order.tokenId);
  // A purse of paper is known from its first credit on; a wallet only once a balance of the token was read.
  const unread = policy.mode === "live" ? (known?.confirmedBlock ?? 0) === 0 : account.fundingMicro === null;
  if (unread) return deny({ code: "BALANCE_UNKNOWN" });
  const { availableToSellMicro } = positionNumbers(account, known ?? emptyPosition(order.tokenId));
  const sizeMicro = shrink(order.askedMicro, availableToSellMicro);
  if (sizeMicro === 0n) {
    return deny({ code: "INSUFFICIENT_SHARES", neededMicro: order.askedMicro, availableMicro: availableToSellMicro });
  }
  return { kind: "grant", sizeMicro, collateralMicro: ZERO_USDC, sharesMicro: sizeMicro };
}

/** The size that all caps allow, or the cap that allows none. */
function applyCaps(account: Account, policy: AccountPolicy, order: Order): SharesMicro | Denial {
  const { caps } = policy;
  const tooMany = positionsFull(openTokens(account, policy.dustMicro), order.tokenId, caps.openPositionsMax);
  if (tooMany !== null) return deny(tooMany);
  const room: readonly (readonly [Cap, UsdcMicro, UsdcMicro])[] = [
    ["order", caps.orderUsdcMicro, caps.orderUsdcMicro],
    ["token", caps.tokenUsdcMicro, subtractToZero(caps.tokenUsdcMicro, exposureUsdc(account, order.tokenId))],
    ["gross", caps.grossUsdcMicro, subtractToZero(caps.grossUsdcMicro, grossExposure(account))],
  ];
  let size = order.askedMicro;
  for (const [cap, limitMicro, leftMicro] of room) {
    size = shrink(size, sharesFor(leftMicro, order.limitPriceMicro, "floor"));
    if (size === 0n) return capReached(cap, limitMicro);
  }
  return size;
}

const capReached = (cap: Cap, capMicro: UsdcMicro): Denial => deny({ code: "CAP_REACHED", cap, capMicro });

function grossExposure(account: Account): UsdcMicro {
  const tokens = new Set([...account.positions.keys(), ...[...account.orders.values()].map((order) => order.tokenId)]);
  return add(ZERO_USDC, ...[...tokens].map((tokenId) => exposureUsdc(account, tokenId)));
}

/** The smaller of both; rounded down to the venue's step only when it had to shrink. */
function shrink(asked: SharesMicro, allowed: SharesMicro): SharesMicro {
  if (allowed >= asked) return asked;
  return floorToStep(minAmount(asked, maxAmount(allowed, ZERO_SHARES)));
}
