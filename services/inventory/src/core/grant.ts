/**
 * The answer to an intent: how much of it is granted, or why not. Caps and holdings only ever shrink.
 * A shrunk order keeps the venue's size step; one that became smaller than the market's minimum is for the executor
 * to abandon, who knows the market.
 */
import type { DenialReason } from "@slipstream/contracts/facts/position";
import {
  add,
  floorToStep,
  maxAmount,
  minAmount,
  notional,
  type SharesMicro,
  sharesFor,
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
  /** BUY: limit × size rounded up, plus the maximum fee. */
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
  const collateralMicro = add(notional(order.limitPriceMicro, capped, "ceil"), order.maxFeeMicro);
  if (collateralMicro > availableMicro) {
    return deny({ code: "INSUFFICIENT_COLLATERAL", neededMicro: collateralMicro, availableMicro });
  }
  return { kind: "grant", sizeMicro: capped, collateralMicro, sharesMicro: ZERO_SHARES };
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
  const open = openTokens(account, policy.dustMicro);
  if (!open.has(order.tokenId) && open.size >= caps.openPositionsMax) {
    return deny({ code: "POSITIONS_FULL", open: open.size, openMax: caps.openPositionsMax });
  }
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
