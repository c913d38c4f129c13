/**
 * What an order really paid or got, from all logs of its transaction.
 *
 * An order's own log is exact with these exceptions: a V1 purchase that was the active order, and one of V2 in a match
 * that mints, is logged with the money it offered, although what was not needed went back; and a V1 fee is the signed
 * one, of which the fee module may give a part back at once. Both follow from the other logs: the resting orders of the
 * same match say what each pair cost, and the module says what it gave back.
 *
 * What the logs do not determine is said to be unknown, with the reason, never guessed.
 * @see docs/venue.md, Fills
 */
import type { TokenId } from "@slipstream/contracts/ids";
import {
  add,
  type SharesMicro,
  sharesMicro,
  subtract,
  type UsdcMicro,
  usdcMicro,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { TxLog } from "./acts.ts";
import { type FillStep, type MatchLog, type RefundStep, readMatchLogs } from "./matchLogs.ts";
import type { OrderFilled } from "./orderFilled.ts";
import type { ExchangeTable } from "./versions.ts";

export type ExactFill = {
  readonly kind: "exact";
  /** What the owner of the order paid (BUY) or got (SELL), before the fee. */
  readonly usdcMicro: UsdcMicro;
  /** Offered, logged and given back in the same transaction; only of an active BUY. */
  readonly leftoverMicro: UsdcMicro;
  /** What was charged less what was given back, in the unit of the fill. */
  readonly feeMicro: UsdcMicro | SharesMicro;
  readonly feeUnit: OrderFilled["feeUnit"];
  /** True when the fill's own log says another amount or another fee. */
  readonly difference: boolean;
};

export type CostUnknown = { readonly kind: "unknown"; readonly code: CostUnknownCode; readonly detail: string };
export type CostUnknownCode =
  /** The fill, or a log that would count, is not there or cannot be read. */
  | "LOGS_UNREADABLE"
  /** An active order's log that no OrdersMatched of the same order follows. */
  | "MATCH_NOT_CLOSED"
  /** A resting order that cannot have met the active one. */
  | "LEG_NOT_CROSSING"
  /** The resting orders do not have the shares of the active one. */
  | "SHARES_DO_NOT_ADD_UP"
  /** The resting orders cost more than the active one offered. */
  | "COST_ABOVE_OFFER"
  /** Refunds that may be of more than one fill. */
  | "REFUND_AMBIGUOUS"
  | "REFUND_ABOVE_FEE";

const unknown = (code: CostUnknownCode, detail: string): CostUnknown => ({ kind: "unknown", code, detail });

/** True when a fill's own log may say another amount or fee than was paid. */
export function needsExactCost(fill: Pick<OrderFilled, "generation" | "role" | "side" | "feeMicro">): boolean {
  if (fill.generation === "V3") return false;
  const mayHaveLeftovers = fill.role === "TAKER" && fill.side === "BUY";
  return mayHaveLeftovers || (fill.generation === "V1" && fill.feeMicro > 0n);
}

/**
 * Returns what the fill of `fillLog` really was.
 * @param logs - all logs of the transaction (of its receipt): those of the exchange, and those of the fee module.
 * @param fillLog - one of them, an OrderFilled.
 */
export function exactFill(
  logs: readonly TxLog[],
  fillLog: Pick<TxLog, "logIndex">,
  table: ExchangeTable,
): ExactFill | CostUnknown {
  const steps = readMatchLogs(logs, table);
  if ("kind" in steps) return unknown("LOGS_UNREADABLE", `${steps.code}: ${steps.detail}`);
  const found = steps.find((step) => step.kind === "fill" && step.logIndex === fillLog.logIndex);
  if (found?.kind !== "fill") return unknown("LOGS_UNREADABLE", `log ${fillLog.logIndex} is no fill of these logs`);
  const { fill } = found;
  const paid = fill.role === "TAKER" ? activeAmount(steps, found) : fill.usdcMicro;
  if (typeof paid === "object") return paid;
  const fee = realFee(steps, found);
  if (typeof fee === "object") return fee;
  return {
    kind: "exact",
    usdcMicro: paid,
    leftoverMicro: fill.side === "BUY" ? subtract(fill.usdcMicro, paid) : ZERO_USDC,
    feeMicro: fee,
    feeUnit: fill.feeUnit,
    difference: paid !== fill.usdcMicro || fee !== fill.feeMicro,
  };
}

/** What the resting orders of the match took from the active one, or gave to it. */
function activeAmount(steps: readonly MatchLog[], active: FillStep): UsdcMicro | CostUnknown {
  const legs = legsOf(steps, active);
  if ("kind" in legs) return legs;
  const { fill } = active;
  let usdc = ZERO_USDC;
  let shares = ZERO_SHARES;
  let complement: TokenId | undefined;
  for (const leg of legs) {
    const isOpposite = leg.side !== fill.side;
    complement ??= isOpposite ? undefined : leg.tokenId;
    const crosses = isOpposite === (leg.tokenId === fill.tokenId) && (isOpposite || leg.tokenId === complement);
    // A pair of both tokens is worth one USDC a share: what one order does not pay or get, the other one does.
    const share = isOpposite ? leg.usdcMicro : subtract(usdcMicro(leg.sharesMicro), leg.usdcMicro);
    if (!crosses || share < 0n) return unknown("LEG_NOT_CROSSING", `order ${leg.orderHash} beside ${fill.orderHash}`);
    usdc = add(usdc, share);
    shares = add(shares, leg.sharesMicro);
  }
  if (shares !== fill.sharesMicro) {
    return unknown("SHARES_DO_NOT_ADD_UP", `${shares} of resting orders, ${fill.sharesMicro} of ${fill.orderHash}`);
  }
  if (fill.side === "BUY" && usdc > fill.usdcMicro) {
    return unknown("COST_ABOVE_OFFER", `${usdc} for resting orders, ${fill.usdcMicro} offered by ${fill.orderHash}`);
  }
  return usdc;
}

/**
 * The resting orders of a match: what the exchange logged between the end of its match before and the active order,
 * with the active order's owner as counterparty. (V1 could also fill single orders against its operator.)
 */
function legsOf(steps: readonly MatchLog[], active: FillStep): readonly OrderFilled[] | CostUnknown {
  const { exchange, orderHash, maker } = active.fill;
  const legs: OrderFilled[] = [];
  let isPast = false;
  for (const step of steps) {
    if (step.kind === "fill") {
      if (step.fill.exchange !== exchange) continue;
      if (isPast) break;
      if (step === active) isPast = true;
      else if (step.fill.role === "MAKER" && step.fill.taker === maker) legs.push(step.fill);
    } else if (step.kind === "matched" && step.exchange === exchange) {
      if (isPast && step.orderHash === orderHash) return legs;
      if (isPast) break;
      legs.length = 0;
    }
  }
  return unknown("MATCH_NOT_CLOSED", `no OrdersMatched of ${orderHash} follows log ${active.logIndex}`);
}

/** The fee that was kept. Only whoever received fees in this transaction can give some back: others may write logs. */
function realFee(steps: readonly MatchLog[], found: FillStep): UsdcMicro | SharesMicro | CostUnknown {
  const { fill } = found;
  if (fill.generation !== "V1" || fill.feeMicro === 0n) return fill.feeMicro;
  const receivers = new Set(steps.flatMap((step) => (step.kind === "feeCharged" ? [step.receiver] : [])));
  const refunds = steps.filter((step): step is RefundStep => step.kind === "refund" && receivers.has(step.module));
  const assetId = assetOf(fill);
  const charged = steps.filter((step): step is FillStep => step.kind === "fill" && isCharged(step.fill));
  const named = refundOf(found, {
    fills: charged.filter((step) => step.fill.orderHash === fill.orderHash),
    refunds: refunds.filter((refund) => refund.orderHash === fill.orderHash),
  });
  const unnamed = refundOf(found, {
    fills: charged.filter((step) => step.fill.maker === fill.maker && assetOf(step.fill) === assetId),
    refunds: refunds.filter(
      (refund) => refund.orderHash === null && refund.to === fill.maker && refund.assetId === assetId,
    ),
  });
  if (named === "ambiguous" || unnamed === "ambiguous" || (named !== null && unnamed !== null)) {
    return unknown("REFUND_AMBIGUOUS", `refunds to ${fill.maker} may be of several fills`);
  }
  const refund = named ?? unnamed;
  if (refund === null) return fill.feeMicro;
  if (refund.to !== fill.maker || refund.assetId !== assetId) {
    return unknown("REFUND_AMBIGUOUS", `log ${refund.logIndex} names ${fill.orderHash} and another wallet or token`);
  }
  if (refund.amount > fill.feeMicro) return unknown("REFUND_ABOVE_FEE", `${refund.amount} of ${fill.feeMicro}`);
  return fill.feeUnit === "SHARES"
    ? subtract(sharesMicro(fill.feeMicro), sharesMicro(refund.amount))
    : subtract(usdcMicro(fill.feeMicro), usdcMicro(refund.amount));
}

const isCharged = (fill: OrderFilled): boolean => fill.generation === "V1" && fill.feeMicro > 0n;
/** In what the fee was taken, as the fee module names it. */
const assetOf = (fill: OrderFilled): string => (fill.side === "BUY" ? fill.tokenId : "0");

/**
 * The refund of one of several fills that share what a refund names. A module gives back after each match, before the
 * next one. Two refunds after one match, or one for two fills of it, may be of either.
 */
function refundOf(
  found: FillStep,
  { fills, refunds }: { readonly fills: readonly FillStep[]; readonly refunds: readonly RefundStep[] },
): RefundStep | null | "ambiguous" {
  const after = (match: number): RefundStep[] => {
    const from = fills.findLast((fill) => fill.match === match)?.logIndex ?? 0;
    const to = fills.find((fill) => fill.match > match)?.logIndex ?? Number.POSITIVE_INFINITY;
    return refunds.filter(({ logIndex }) => logIndex > from && logIndex < to);
  };
  if (fills.some(({ match }) => after(match).length > 1)) return "ambiguous";
  const [refund] = after(found.match);
  if (refund === undefined) return null;
  return fills.filter(({ match }) => match === found.match).length > 1 ? "ambiguous" : refund;
}
