/** Facts of executor: attempts, orders and fills of our own. */
import { z } from "zod";
import { Ms, OrderPrice, Price, Shares, SideSchema, SignedShares, Usdc } from "../codec.ts";
import {
  AccountId,
  Address,
  AttemptId,
  ClientOrderId,
  ConditionId,
  LeaderFillId,
  TokenId,
  TradeId,
  VenueOrderId,
} from "../ids.ts";
import { fact } from "./common.ts";
import { CapReached, PositionsFull } from "./limits.ts";

/** Why nothing was traded. Closed union; each with the numbers that made it so. */
export const SkipReason = z.discriminatedUnion("code", [
  z.object({ code: z.literal("MARKET_UNKNOWN"), tokenId: TokenId }),
  z.object({ code: z.literal("MARKET_NOT_ACCEPTING_ORDERS") }),
  z.object({ code: z.literal("SIGNAL_TOO_OLD"), ageMs: z.int(), ageMsMax: z.int() }),
  /** The signal is of a moment that has not come, by more than clock and chain may be off. */
  z.object({ code: z.literal("SIGNAL_FROM_FUTURE"), aheadMs: z.int(), aheadMsMax: z.int() }),
  /** null: the clock is not measured, or has just jumped. */
  z.object({ code: z.literal("CLOCK_UNCERTAIN"), uncertaintyMs: z.int().nullable(), uncertaintyMsMax: z.int() }),
  z.object({ code: z.literal("HISTORICAL_FILL") }),
  z.object({ code: z.literal("FILL_REVERTED") }),
  /** Two sources tell of the same transaction differently: which of the two was copied is not known. */
  z.object({ code: z.literal("FILL_DISPUTED") }),
  z.object({ code: z.literal("LEADER_NOT_FOLLOWED") }),
  z.object({ code: z.literal("MAKER_FILLS_SKIPPED") }),
  z.object({ code: z.literal("RISK_HALT"), scope: z.string(), reason: z.string() }),
  z.object({ code: z.literal("RISK_REDUCE_ONLY"), scope: z.string(), reason: z.string() }),
  /** null: the watcher has not said how far behind the chain it is. */
  z.object({ code: z.literal("CHAIN_LAGGING"), lagMs: z.int().nullable(), lagMsMax: z.int() }),
  z.object({ code: z.literal("BOOK_UNKNOWN"), waitedMs: z.int() }),
  z.object({ code: z.literal("BOOK_UNHEALTHY"), health: z.string() }),
  z.object({ code: z.literal("BOOK_STALE"), ageMs: z.int() }),
  z.object({ code: z.literal("PRICE_GUARD"), bestMicro: Price.nullable(), limitMicro: Price }),
  z.object({ code: z.literal("PRICE_OUT_OF_RANGE"), priceMicro: Price }),
  CapReached,
  PositionsFull,
  /** Counted into the visible bucket of (account, leader, token). */
  z.object({ code: z.literal("BELOW_MINIMUM"), sizeMicro: Shares, minimumMicro: Shares, bucketMicro: Shares }),
  /**
   * What the leader's order is worth to us is ordered or held already, for earlier fills of it: wanted for the whole order,
   * and what of that is covered.
   */
  z.object({ code: z.literal("ORDER_COVERED"), wantedMicro: Shares, coveredMicro: Shares }),
  /** He has given away again what he bought, before the purchase was decided on. */
  z.object({ code: z.literal("LEADER_EXITED") }),
  z.object({ code: z.literal("NOTHING_TO_SELL") }),
  z.object({ code: z.literal("LEADER_HOLDING_UNKNOWN") }),
  /** A source that is ahead of the chain told of the exit: how much it takes is known when the chain shows it. */
  z.object({ code: z.literal("FILL_NOT_ON_CHAIN") }),
  /** The leader left without a price, and the book that would give one is empty. */
  z.object({ code: z.literal("NO_PRICE") }),
]);
export type SkipReason = z.infer<typeof SkipReason>;

/** ENTRY follows a leader's purchase, EXIT closes (part of) his lot. */
export const AttemptKind = z.enum(["ENTRY", "EXIT"]);
export type AttemptKind = z.infer<typeof AttemptKind>;

/** What a decision took from outside the log. */
export const DecisionView = z.object({
  riskLevel: z.enum(["normal", "degrade", "halt"]),
  bookEpoch: z.string().nullable(),
  bookSeq: z.int().nullable(),
  bookAgeMs: z.int().nullable(),
  bestBidMicro: Price.nullable(),
  bestAskMicro: Price.nullable(),
  /** Revision of the account's policy. */
  configRevision: z.int(),
  /** What was added to our clock to get the world's time, and how far off that may be; null: not measured. */
  clockOffsetMs: z.int().nullable(),
  clockUncertaintyMs: z.int().nonnegative().nullable(),
});
export type DecisionView = z.infer<typeof DecisionView>;

/**
 * Leader's exit: the part of our lot that it closes. `heldMicro`: what he still held, just before, of the purchases that
 * we copied; selling as much or more closes the whole lot. Null on entries or while it is not known.
 */
export const ExitShare = z.object({ soldMicro: Shares, heldMicro: Shares });
export type ExitShare = z.infer<typeof ExitShare>;

const attempt = {
  attemptId: AttemptId,
  account: AccountId,
  leaderFillId: LeaderFillId,
  leader: Address,
  kind: AttemptKind,
  tokenId: TokenId,
  conditionId: ConditionId.nullable(),
  used: DecisionView,
  /**
   * What the decision was made of; null where an earlier gate refused before it was known.
   * Ratio, 1e-6, rounded down. ENTRY: of ours to the leader's size, his role and risk's factor included; a fixed size has
   * none. EXIT: of our lot that is to be closed, as the leader closed his.
   */
  ratioMicro: z.int().nonnegative().nullable(),
  /**
   * Size wanted before buckets, caps and minimum. ENTRY: our share of the fill; of a fixed size what the leader's whole
   * order is worth, earlier fills of it included. EXIT: with what earlier exits of the lot left to sell.
   */
  targetMicro: Shares.nullable(),
  limitMicro: Price.nullable(),
  /**
   * `tokenId`, side and price are not those of the leader's fill. splitSale: he sold a token that came from a split, which
   * leaves him with the other token of the market, as if he had bought it at one minus his price.
   */
  derived: z.enum(["splitSale"]).optional(),
  /**
   * ENTRY: what of the leader's fill is copied, where that is not all of it: of a sale what came from a split, of a
   * purchase that is decided on late what he still holds.
   */
  copiedMicro: Shares.optional(),
  /** Of the signal: block time and the moment the watcher published it. */
  tsSignalMs: Ms,
  tsSignalPublishedMs: Ms,
};

/** The answer to a fill was no. `unfollowed` exits are kept and retried when the reason ends. */
export const ExecutionAttempt = fact("ExecutionAttempt", {
  ...attempt,
  outcome: z.literal("SKIP"),
  reasons: z.array(SkipReason).min(1),
  unfollowed: z.boolean(),
  /** What a bucketed skip adds to the bucket of (account, leader, token); it is bought at `limitMicro` or better. */
  bucketAddMicro: Shares,
  exitShare: ExitShare.nullable(),
});
export type ExecutionAttempt = z.infer<typeof ExecutionAttempt>;

/** What was saved up for one fill of the leader. */
export const BucketPart = z.object({
  leaderFillId: LeaderFillId,
  sizeMicro: Shares,
  /** Limit of the decision that saved it: it is not bought at a worse price. */
  limitMicro: Price,
  /** Of its signal: its age counts from here. */
  tsSignalMs: Ms,
});
export type BucketPart = z.infer<typeof BucketPart>;

/** An attempt that is TRADE: the durable intent, before any grant or request. */
export const OrderIntent = fact("OrderIntent", {
  ...attempt,
  conditionId: ConditionId,
  outcome: z.literal("TRADE"),
  orderId: ClientOrderId,
  side: SideSchema,
  limitPriceMicro: OrderPrice,
  sizeMicro: Shares,
  timeInForce: z.enum(["GTD", "FAK", "FOK"]),
  ttlMs: z.int().positive(),
  /** Upper bound of the fee: what a purchase reserves beside limit × size; 0 for a sale. */
  maxFeeMicro: Usdc,
  /** What this order takes out of the bucket, oldest signal first. Its fills count for this before anything else. */
  bucketUsed: z.array(BucketPart),
  exitShare: ExitShare.nullable(),
  /** The market's minimum order size: less of a token than this cannot be sold, so it is no open position. */
  minOrderSizeMicro: Shares,
  tsDecidedMs: Ms,
});
export type OrderIntent = z.infer<typeof OrderIntent>;

const order = {
  orderId: ClientOrderId,
  account: AccountId,
  tokenId: TokenId,
  conditionId: ConditionId,
  leaderFillId: LeaderFillId,
};
const leaves = { leavesMicro: Shares };

/** Granted or not, it was never handed to the venue. Terminal. */
export const OrderAbandoned = fact("OrderAbandoned", {
  ...order,
  reason: z.enum([
    "FILL_REVERTED",
    "RISK_HALT",
    "RISK_REDUCE_ONLY",
    "DENIED",
    "OPERATOR",
    "LEASE_LOST",
    "TOO_LATE",
    "LEADER_EXITED",
    "REPLACED",
    "MARKET_CLOSED",
  ]),
});
export type OrderAbandoned = z.infer<typeof OrderAbandoned>;
/** The venue has it. `tsPlacedMs` is venue time: decided + submit latency + taker delay on paper. */
export const OrderAccepted = fact("OrderAccepted", { ...order, venueOrderId: VenueOrderId, tsPlacedMs: Ms });
export type OrderAccepted = z.infer<typeof OrderAccepted>;
/** Refused by the venue. Terminal. */
export const OrderRejected = fact("OrderRejected", { ...order, code: z.string(), text: z.string() });
export type OrderRejected = z.infer<typeof OrderRejected>;
export const OrderCancelRequested = fact("OrderCancelRequested", {
  ...order,
  /** REPLACED: an exit gives way, its next order has a lower limit. */
  reason: z.enum(["FILL_REVERTED", "RISK_HALT", "OPERATOR", "LEADER_EXITED", "REPLACED", "MARKET_CLOSED"]),
});
export type OrderCancelRequested = z.infer<typeof OrderCancelRequested>;
/** Terminal. BLIND: nobody can say what the book was at the time of placement. */
export const OrderCanceled = fact("OrderCanceled", {
  ...order,
  ...leaves,
  reason: z.enum([
    "FAK_REMAINDER",
    "FOK_KILLED",
    "BLIND",
    "FILL_REVERTED",
    "RISK_HALT",
    "OPERATOR",
    "LEADER_EXITED",
    "REPLACED",
    "MARKET_CLOSED",
  ]),
});
export type OrderCanceled = z.infer<typeof OrderCanceled>;
/** Its time to live ended. Terminal. */
export const OrderExpired = fact("OrderExpired", { ...order, ...leaves });
export type OrderExpired = z.infer<typeof OrderExpired>;
/** The venue may or may not have it: looked up until known, the reservation stays. */
export const OrderOutcomeUnknown = fact("OrderOutcomeUnknown", {
  ...order,
  venueOrderId: VenueOrderId,
  text: z.string(),
});
export type OrderOutcomeUnknown = z.infer<typeof OrderOutcomeUnknown>;

/** One of our fills. With `leavesMicro` 0 it is terminal for its order. `tsEventMs` is venue time. */
export const ExecutionFill = fact("ExecutionFill", {
  ...order,
  ...leaves,
  tradeId: TradeId,
  leader: Address,
  kind: AttemptKind,
  side: SideSchema,
  priceMicro: OrderPrice,
  sizeMicro: Shares,
  /** Exact cost (BUY, rounded up) or proceeds (SELL, rounded down) before the fee. */
  usdcMicro: Usdc,
  feeMicro: Usdc,
  liquiditySide: z.enum(["maker", "taker"]),
});
export type ExecutionFill = z.infer<typeof ExecutionFill>;
/**
 * The lots of a token are not what inventory says our own fills hold of it: our own books are wrong. Found by the check
 * that runs all the time; the account is halted until a person has looked.
 */
export const LotsDisagreed = fact("LotsDisagreed", {
  account: AccountId,
  tokenId: TokenId,
  conditionId: ConditionId,
  lotsMicro: Shares,
  heldMicro: SignedShares,
  /** Log position up to which both were counted. */
  atSeq: z.int().nonnegative(),
});
export type LotsDisagreed = z.infer<typeof LotsDisagreed>;
/** Settlement failed for good. */
export const ExecutionFillReversed = fact("ExecutionFillReversed", { ...order, tradeId: TradeId, reason: z.string() });
export type ExecutionFillReversed = z.infer<typeof ExecutionFillReversed>;
