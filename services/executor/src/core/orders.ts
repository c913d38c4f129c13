/** The life of one of our orders: one exhaustive function of (status, event). */
import type { OrderIntent } from "@slipstream/contracts/facts/exec";
import type { ClientOrderId, LeaderFillId, TradeId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  type PriceMicro,
  type SharesMicro,
  subtract,
  subtractToZero,
  type UsdcMicro,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import type { UsedPart } from "./bucket.ts";

/**
 * `intent`: in the log, not granted. `granted`: handed to the venue or about to be. `accepted`: the venue has it.
 * `unknown`: it may have it. The others are ends.
 */
export type OrderStatus = "intent" | "granted" | "accepted" | "unknown" | OrderEnd;
export type OrderEnd = "filled" | "canceled" | "expired" | "abandoned" | "denied" | "rejected";
export type OrderEvent =
  | "grant"
  | "deny"
  | "accept"
  | "loseSight"
  | "fillPart"
  | "fillLast"
  | "cancel"
  | "expire"
  | "abandon"
  | "reject";

export type CancelReason = "FILL_REVERTED" | "RISK_HALT" | "OPERATOR" | "LEADER_EXITED" | "REPLACED" | "MARKET_CLOSED";

/**
 * The leader left, or a purchase turned out never to have happened, while this entry was open: what it fills from now on is
 * sold again in the same proportion.
 */
export type OwedExit = {
  readonly attemptId: OrderIntent["attemptId"];
  readonly leaderFillId: OrderIntent["leaderFillId"];
  readonly soldMicro: SharesMicro;
  readonly heldMicro: SharesMicro;
  readonly filledBeforeMicro: SharesMicro;
  /** As of the exit: see `ExitClock`. */
  readonly sinceMs: number;
  readonly priceMicro: PriceMicro | null;
};

/** What the limit of an exit is made of. It is kept from order to order until the exit is done. */
export type ExitClock = {
  /** Since when an order for it could be made (`waitsSinceMs`): the limit gives way with the time since. */
  readonly sinceMs: number;
  /** The price it is measured by; null: the leader had none and no book was known yet. */
  readonly priceMicro: PriceMicro | null;
  /** Orders for it that failed, one after the other: each waits longer. */
  readonly failures: number;
};

export type OrderState = Pick<
  OrderIntent,
  | "orderId"
  | "attemptId"
  | "account"
  | "leaderFillId"
  | "leader"
  | "kind"
  | "tokenId"
  | "conditionId"
  | "side"
  | "limitPriceMicro"
  | "timeInForce"
  | "ttlMs"
  | "tsSignalMs"
  | "tsDecidedMs"
  | "minOrderSizeMicro"
> & {
  /** Which order of its attempt, from 0: exits may need several. */
  readonly n: number;
  /** Of an exit; null: an entry. */
  readonly clock: ExitClock | null;
  /** As intended: what was not granted is still to be closed. */
  readonly askedMicro: SharesMicro;
  status: OrderStatus;
  /** As intended, then as granted. */
  sizeMicro: SharesMicro;
  filledMicro: SharesMicro;
  tsPlacedMs: number | null;
  trades: Map<TradeId, { readonly sizeMicro: SharesMicro; readonly usdcMicro: UsdcMicro }>;
  cancelReason: CancelReason | null;
  owedExits: OwedExit[];
  /** What it took out of the bucket, oldest signal first. */
  readonly bucketUsed: UsedPart[];
  /** It is (part of) a fixed size for a whole order of the leader. */
  readonly fixedSize: boolean;
};

export function newOrder(
  intent: OrderIntent,
  { n, clock, bucketUsed }: Pick<OrderState, "n" | "clock" | "bucketUsed">,
): OrderState {
  const { orderId, attemptId, account, leaderFillId, leader, kind, tokenId, conditionId, side, limitPriceMicro } =
    intent;
  const { sizeMicro, timeInForce, ttlMs, tsSignalMs, tsDecidedMs, minOrderSizeMicro } = intent;
  return {
    ...{ orderId, attemptId, account, leaderFillId, leader, kind, tokenId, conditionId, side, limitPriceMicro },
    ...{ sizeMicro, timeInForce, ttlMs, tsSignalMs, tsDecidedMs, minOrderSizeMicro, n, clock },
    askedMicro: sizeMicro,
    status: "intent",
    filledMicro: ZERO_SHARES,
    tsPlacedMs: null,
    trades: new Map(),
    cancelReason: null,
    owedExits: [],
    bucketUsed,
    fixedSize: kind === "ENTRY" && intent.ratioMicro === null,
  };
}

const ends: ReadonlySet<OrderStatus> = new Set(["filled", "canceled", "expired", "abandoned", "denied", "rejected"]);
export const isEnded = ({ status }: Pick<OrderState, "status">): boolean => ends.has(status);
export const leavesOf = (order: OrderState): SharesMicro => subtractToZero(order.sizeMicro, order.filledMicro);
export const isMayBeAtVenue = ({ status }: OrderState): boolean =>
  status === "granted" || status === "accepted" || status === "unknown";

/** Returns the status after an event; an event that no longer means anything leaves it. */
export function nextStatus(status: OrderStatus, event: OrderEvent): OrderStatus {
  switch (status) {
    case "intent":
      return fromIntent(event);
    case "granted":
    case "accepted":
    case "unknown":
      return fromOpen(status, event);
    case "filled":
    case "canceled":
    case "expired":
    case "abandoned":
    case "denied":
    case "rejected":
      // A trade that settles late still moves the lot, but an end is an end.
      return status;
  }
}

function fromIntent(event: OrderEvent): OrderStatus {
  switch (event) {
    case "grant":
      return "granted";
    case "deny":
      return "denied";
    case "abandon":
      return "abandoned";
    // Nothing reaches the venue before the grant.
    case "accept":
    case "loseSight":
    case "fillPart":
    case "fillLast":
    case "cancel":
    case "expire":
    case "reject":
      return "intent";
  }
}

function fromOpen(status: "granted" | "accepted" | "unknown", event: OrderEvent): OrderStatus {
  switch (event) {
    case "accept":
    // A fill proves that the venue has it.
    case "fillPart":
      return "accepted";
    case "loseSight":
      return "unknown";
    case "fillLast":
      return "filled";
    case "cancel":
      return "canceled";
    case "expire":
      return "expired";
    case "abandon":
      return "abandoned";
    case "reject":
      return "rejected";
    // Known already.
    case "grant":
    case "deny":
      return status;
  }
}

/** For which signals an order's first `filledMicro` were bought: what it took out of the bucket comes first. */
export function boughtFor(
  { bucketUsed, leaderFillId }: Pick<OrderState, "bucketUsed" | "leaderFillId">,
  filledMicro: SharesMicro,
): Map<LeaderFillId, SharesMicro> {
  const bought = new Map<LeaderFillId, SharesMicro>();
  let open = filledMicro;
  for (const part of bucketUsed) {
    const taken = minAmount(part.sizeMicro, open);
    open = subtract(open, taken);
    bought.set(part.leaderFillId, taken);
  }
  return bought.set(leaderFillId, add(bought.get(leaderFillId) ?? ZERO_SHARES, open));
}

/** Returns what of an order's fills is not yet covered by the exits that came while it was open, one by one. */
export function lateExits(order: OrderState): { readonly exit: OwedExit; readonly lateMicro: SharesMicro }[] {
  return order.owedExits.map((exit) => ({
    exit,
    lateMicro: subtractToZero(order.filledMicro, exit.filledBeforeMicro),
  }));
}

export type OrdersById = Map<ClientOrderId, OrderState>;
