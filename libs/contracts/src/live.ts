/** Messages that are not facts: heartbeats and request/reply. Losing one costs nothing that is not asked again. */
import { z } from "zod";
import { BookSnapshot } from "./book.ts";
import { Block, Ms, Price, Shares, SignedUsdc, Usdc } from "./codec.ts";
import { RiskLevel } from "./facts/risk.ts";
import { AccountId, Address, ClientOrderId, ConditionId, TokenId } from "./ids.ts";
import { MarketDefinition } from "./market.ts";
import { serviceNames } from "./subjects.ts";

/** `hb.<service>.<instance>`, 1 Hz. `lagMs`: age of the newest thing it should know about; null when it has none. */
export const Heartbeat = z.object({
  type: z.literal("Heartbeat"),
  v: z.literal(1),
  service: z.enum(serviceNames),
  instance: z.string(),
  /** One owner acts, standbys follow. */
  role: z.enum(["owner", "standby", "draining"]),
  ready: z.boolean(),
  /** Last fact it has applied. */
  factSeq: z.int().nonnegative(),
  /** Only risk: the fact sequence of its newest decision, which the executor must have applied. */
  decisionSeq: z.int().nonnegative().nullable(),
  lagMs: z.int().nullable(),
  /** What limits it now, in words for `status`; empty when nothing does. */
  problems: z.array(z.string()),
  /** Small numbers for the live view. */
  gauges: z.record(z.string(), z.number()),
  /**
   * Only executor: what may be traded now, everywhere, by all that stops it and not by risk's last decision alone: codes of
   * reasons, the gravest first.
   */
  effective: z.object({ level: RiskLevel, reasons: z.array(z.string()) }).optional(),
  tsInitMs: Ms,
});
export type Heartbeat = z.infer<typeof Heartbeat>;

/**
 * Price of a valuation: the `mid` of a book, or of one whose sides lie far apart the `bid`. `tsMs`: when the bookstore told
 * that book, as one in which nothing moves is no older for it.
 */
export const Mark = z.object({ priceMicro: Price, source: z.enum(["mid", "bid"]), tsMs: Ms });
export type Mark = z.infer<typeof Mark>;

/**
 * `live.account.v1.<account>`, from inventory every second: what the account is worth. realized + unrealized is the change
 * of equity since it was funded, for an account that nothing but its own fills moves.
 */
export const AccountValue = z.object({
  type: z.literal("AccountValue"),
  v: z.literal(1),
  account: AccountId,
  cashMicro: SignedUsdc,
  /** What resolved markets owe and have not paid yet: no cash before it is redeemed. */
  claimableMicro: Usdc,
  /** Credited at the start; null for a wallet. */
  fundingMicro: Usdc.nullable(),
  /** Proceeds and payouts minus cost minus fees. */
  realizedMicro: SignedUsdc,
  feesMicro: SignedUsdc,
  unrealizedMicro: SignedUsdc,
  equityMicro: SignedUsdc,
  /** Positions that nobody has priced yet; they count at their cost. */
  unmarked: z.int().nonnegative(),
  positions: z.array(
    z.object({
      tokenId: TokenId,
      conditionId: ConditionId.nullable(),
      sharesMicro: Shares,
      costMicro: Usdc,
      /** null: nobody has priced it yet, and its value is its cost. */
      mark: Mark.nullable(),
      /** shares × mark, rounded down. */
      valueMicro: Usdc,
      unrealizedMicro: SignedUsdc,
    }),
  ),
  tsInitMs: Ms,
});
export type AccountValue = z.infer<typeof AccountValue>;

/**
 * `live.store.v1`, from whoever looks after the disk of the bus, every two seconds: how much room there is, in MB. Below
 * `haltBelowMb` nothing is traded, and with `stuck` the log takes no fact at all.
 */
export const StoreRoom = z.object({
  type: z.literal("StoreRoom"),
  v: z.literal(1),
  freeMb: z.int().nonnegative(),
  haltBelowMb: z.int().positive(),
  stuck: z.boolean(),
  tsInitMs: Ms,
});
export type StoreRoom = z.infer<typeof StoreRoom>;

/** Every reply: the answer or a reason. */
const replyOf = <T extends z.ZodType>(value: T) =>
  z.discriminatedUnion("ok", [
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), code: z.string(), text: z.string() }),
  ]);

/** An exit that is not done: `status` and programs show where it stands. */
export const PendingExit = z.object({
  account: AccountId,
  leader: Address,
  tokenId: TokenId,
  conditionId: ConditionId.nullable(),
  /** Still to be sold; null: what part of the lot is not known yet. */
  sharesMicro: Shares.nullable(),
  sinceMs: Ms,
  /** The limit as it is now; null: nothing gives a price. */
  limitMicro: Price.nullable(),
  /** null: nobody bids, or no book is known. */
  bestBidMicro: Price.nullable(),
  /** When the limit gives way next; null: it does not any more, or follows the book. */
  nextStepMs: Ms.nullable(),
  /** The order that is open for it; null: none. */
  orderId: ClientOrderId.nullable(),
  /**
   * RESTING: its order is open. WAITING: the next order is about to be made, or its time has not come. Else the code of
   * what stops it: RISK_HALT, BOOK_STALE, BELOW_MINIMUM, …
   */
  reason: z.string(),
});
export type PendingExit = z.infer<typeof PendingExit>;

/** What is held after one leader. */
export const HeldLot = z.object({
  account: AccountId,
  leader: Address,
  tokenId: TokenId,
  sharesMicro: Shares,
  /** It is less than the venue takes in an order, and lots are sold one by one: what others hold of the token does not help. */
  isDust: z.boolean(),
  /** Its market is closed and has not paid yet. */
  isUnpaid: z.boolean(),
  /** What becomes of it; null: its leader is followed. */
  whenRemoved: z.enum(["follow", "close", "keep"]).nullable(),
});
export type HeldLot = z.infer<typeof HeldLot>;

/** A copy that is too small for the venue and waits for more. */
export const PendingBucket = z.object({
  account: AccountId,
  leader: Address,
  tokenId: TokenId,
  sharesMicro: Shares,
  /** What was saved up, oldest signal first: bought at this limit or better, until it is too old. */
  parts: z.array(z.object({ sharesMicro: Shares, limitMicro: Price, tsSignalMs: Ms })),
});
export type PendingBucket = z.infer<typeof PendingBucket>;

export const Pending = z.object({
  exits: z.array(PendingExit),
  lots: z.array(HeldLot),
  buckets: z.array(PendingBucket),
});
export type Pending = z.infer<typeof Pending>;

const tokens = z.object({ tokenIds: z.array(TokenId).min(1).max(500) });
const operation = <Q extends z.ZodType, R extends z.ZodType>(request: Q, reply: R) => ({
  request,
  reply: replyOf(reply),
});

/** `svc.<service>.v1.<op>`: request and reply of every operation. */
export const operations = {
  bookstore: {
    /** The book now, in its epoch at its sequence. */
    snap: operation(z.object({ tokenId: TokenId }), BookSnapshot),
    /** The book as it was at a venue time. */
    bookAt: operation(z.object({ tokenId: TokenId, tsMs: Ms }), BookSnapshot),
    /** Keep these tokens read; `ttlMs` after the last request they are dropped. */
    track: operation(tokens, z.object({ tracked: z.int() })),
    /** Read the book from REST now and answer it. */
    refresh: operation(z.object({ tokenId: TokenId }), BookSnapshot),
  },
  registry: {
    resolve: operation(z.object({ tokenId: TokenId }), MarketDefinition),
    /** The market channel said that this market is resolved: it is closed from now on, `known` if registry knows it. */
    ended: operation(z.object({ conditionId: ConditionId }), z.object({ known: z.boolean() })),
    /** The market of this token seems to have ended: read it again now, and until its definition says so. */
    doubt: operation(z.object({ tokenId: TokenId }), z.object({ known: z.boolean() })),
  },
  "balance-sync": {
    /** Read a holder's tokens from the chain now; the snapshot comes as a fact. */
    now: operation(
      z.object({ address: Address, tokenIds: z.array(TokenId).max(500) }),
      z.object({ blockNumber: Block }),
    ),
  },
  executor: {
    /** A local latch that needs neither log nor risk: no order leaves, open ones are cancelled. */
    halt: operation(z.object({ halted: z.boolean(), who: z.string() }), z.object({ halted: z.boolean() })),
    /** Exits that are not done, what is held after whom, and visible buckets, for `status` and `leaders list`. */
    pending: operation(z.object({ account: AccountId.optional() }), Pending),
  },
} as const;
