/** Facts of inventory: grants and denials, positions, differences. */
import { z } from "zod";
import { Block, Ms, Shares, SideSchema, SignedShares, SignedUsdc, Usdc } from "../codec.ts";
import { AccountId, ClientOrderId, ConditionId, TokenId, TradeId } from "../ids.ts";
import { fact } from "./common.ts";
import { CapReached, PositionsFull } from "./limits.ts";
import { Payout } from "./resolution.ts";

const order = { account: AccountId, orderId: ClientOrderId, tokenId: TokenId, side: SideSchema };

/** Shares and collateral are set aside until a terminal fact of the same order. */
export const ReservationGranted = fact("ReservationGranted", {
  ...order,
  /** May be smaller than asked, never larger. */
  sizeMicro: Shares,
  collateralMicro: Usdc,
  sharesMicro: Shares,
});
export type ReservationGranted = z.infer<typeof ReservationGranted>;

/** Why inventory refused. */
export const DenialReason = z.discriminatedUnion("code", [
  z.object({ code: z.literal("INSUFFICIENT_COLLATERAL"), neededMicro: Usdc, availableMicro: Usdc }),
  z.object({ code: z.literal("INSUFFICIENT_SHARES"), neededMicro: Shares, availableMicro: Shares }),
  z.object({ code: z.literal("BALANCE_UNKNOWN") }),
  z.object({ code: z.literal("ACCOUNT_UNKNOWN") }),
  CapReached,
  PositionsFull,
]);
export type DenialReason = z.infer<typeof DenialReason>;
export const OrderDenied = fact("OrderDenied", { ...order, reason: DenialReason });
export type OrderDenied = z.infer<typeof OrderDenied>;

/** The published view of one token of one account; the formulas are in inventory's README. */
export const PositionChanged = fact("PositionChanged", {
  account: AccountId,
  tokenId: TokenId,
  conditionId: ConditionId.nullable(),
  confirmedMicro: Shares,
  confirmedBlock: Block,
  pendingBuysMicro: Shares,
  pendingSellsMicro: Shares,
  reservedBuysMicro: Shares,
  reservedSellsMicro: Shares,
  effectiveMicro: SignedShares,
  conservativeExposureMicro: Shares,
  availableToSellMicro: Shares,
  /** Settled shares that balances still show: their market has paid, they have not been redeemed yet. */
  settledMicro: Shares,
  /** What redeeming them brings, which is no cash yet. */
  claimableMicro: Usdc,
  /** Bought minus sold minus paid out by our own fills: what the lots of the executor must add up to. */
  tradedMicro: SignedShares,
  /** Cost of what is held, without fees; average cost is the pair (cost, effective). */
  costMicro: Usdc,
  /** Proceeds and payouts minus cost minus fees: what this token has earned so far. */
  realizedPnlMicro: SignedUsdc,
  /** Part of the above: fees paid. */
  feesMicro: Usdc,
  collateralMicro: Usdc,
  availableCollateralMicro: Usdc,
});
export type PositionChanged = z.infer<typeof PositionChanged>;

/** Pending fills the chain did not confirm in time: no longer counted as held, still counted as exposure. */
export const PendingFillAged = fact("PendingFillAged", {
  account: AccountId,
  tokenId: TokenId,
  tradeIds: z.array(TradeId),
  netMicro: SignedShares,
});
export type PendingFillAged = z.infer<typeof PendingFillAged>;
export const ForceReconciled = fact("ForceReconciled", {
  account: AccountId,
  tokenId: TokenId,
  differenceMicro: SignedShares,
  reason: z.string(),
});
export type ForceReconciled = z.infer<typeof ForceReconciled>;

const discrepancy = { account: AccountId, tokenId: TokenId, differenceMicro: SignedShares, sinceMs: Ms };
export const DiscrepancyFound = fact("DiscrepancyFound", discrepancy);
export type DiscrepancyFound = z.infer<typeof DiscrepancyFound>;
export const DiscrepancyResolved = fact("DiscrepancyResolved", discrepancy);
export type DiscrepancyResolved = z.infer<typeof DiscrepancyResolved>;

/**
 * The purse of a paper account is not what funding, fills and payouts make it: our own books are wrong. Found by the
 * check that runs all the time; the account is halted until a person has looked.
 */
export const CashDisagreed = fact("CashDisagreed", {
  account: AccountId,
  /** Funding + realized profit - cost of what is held. */
  expectedMicro: SignedUsdc,
  /** The purse's last balance, and what it does not show yet. */
  actualMicro: SignedUsdc,
  /** Block of that balance. */
  blockNumber: Block,
});
export type CashDisagreed = z.infer<typeof CashDisagreed>;

export const AccountFunded = fact("AccountFunded", {
  account: AccountId,
  collateralMicro: Usdc,
  configRevision: z.int(),
});
export type AccountFunded = z.infer<typeof AccountFunded>;
/**
 * The market of a token paid out what an account held of it; its profit is realized now. A paper account has the money at
 * once; a wallet has a claim until it redeems.
 */
export const PositionSettled = fact("PositionSettled", {
  account: AccountId,
  tokenId: TokenId,
  conditionId: ConditionId,
  /** What was held and is gone. */
  sharesMicro: Shares,
  /** shares x numerator / denominator, rounded down as the contract does. */
  payoutMicro: Usdc,
  /** Cost that left the position with it. */
  costMicro: Usdc,
  /** Which numerator of the vector is the token's. */
  outcomeIndex: z.int().min(0).max(255),
  ...Payout,
});
export type PositionSettled = z.infer<typeof PositionSettled>;

/** One per account and day: what must outlive the retention of the log. */
export const Checkpoint = fact("Checkpoint", {
  account: AccountId,
  day: z.string().regex(/^\d{4}-\d{2}-\d{2}$/),
  collateralMicro: Usdc,
  positions: z.array(
    z.object({
      tokenId: TokenId,
      confirmedMicro: Shares,
      costMicro: Usdc,
      realizedPnlMicro: SignedUsdc,
      feesMicro: Usdc,
    }),
  ),
  openOrders: z.array(ClientOrderId),
});
export type Checkpoint = z.infer<typeof Checkpoint>;
