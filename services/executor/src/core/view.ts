/** What the executor's decisions take from outside the log. What a decision used of it is written into its fact. */
import type { ClockQuality } from "@slipstream/actor/clock";
import { defaultQuoteAges, type QuoteAges } from "@slipstream/book/quoteAge";
import type { BookHealth } from "@slipstream/contracts/book";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import type { PriceMicro } from "@slipstream/contracts/money";

export type Quote = {
  readonly bestBidMicro: PriceMicro | null;
  readonly bestAskMicro: PriceMicro | null;
  /** The market's tick as the book tells it; null: it does not, and the definition's counts. */
  readonly tickMicro: PriceMicro | null;
  /** Since the last proof of life of the book's connection. */
  readonly ageMs: number;
  readonly epoch: string;
  readonly seq: number;
  /** "gap": our own copy has a hole and waits for a snapshot. */
  readonly health: BookHealth | "gap";
  /** What the bookstore answered last when it was told to read the venue's REST for this token; null: not within memory. */
  readonly second: { readonly bestAskMicro: PriceMicro | null; readonly ageMs: number } | null;
};

export type ExecutorLimits = {
  /** A decision waits this long for the first book and definition of a token. */
  readonly firstTouchMaxMs: number;
  /** A chain head older than this stops entries. */
  readonly chainLagMsMax: number;
  /** Silence of risk after which only exits are allowed. */
  readonly riskDegradeAfterMs: number;
  /** Silence of risk after which nothing is allowed and open orders are cancelled. */
  readonly riskHaltAfterMs: number;
  /** A clock that may be off by more than this stops entries. */
  readonly clockUncertaintyMsMax: number;
  /** How far a block's time may be ahead of the world's, beyond what our own clock may be off. */
  readonly signalAheadMsMax: number;
  /** Only a fresh quote is traded on. */
  readonly quoteAges: QuoteAges;
  /** An offer cheaper than the leader's price by more than this part of it needs a second source. */
  readonly unconfirmedBpsMax: number;
};

export const defaultLimits: ExecutorLimits = {
  firstTouchMaxMs: 400,
  chainLagMsMax: 30_000,
  riskDegradeAfterMs: 3_000,
  riskHaltAfterMs: 10_000,
  clockUncertaintyMsMax: 1_000,
  signalAheadMsMax: 2_000,
  quoteAges: defaultQuoteAges,
  unconfirmedBpsMax: 1_000,
};

export type ExecutorView = {
  /** The world's time, as well as this process knows it. */
  readonly nowMs: number;
  /** null: not measured, or it has just jumped. */
  readonly clock: ClockQuality | null;
  market(tokenId: TokenId): MarketDefinition | null;
  /** null: no book of this token has been read. */
  quote(tokenId: TokenId): Quote | null;
  /** null: risk has not been heard yet. */
  readonly riskHeartbeatAgeMs: number | null;
  /** Log position of the newest decision that risk says it made; null: it does not say, so it may be any. */
  readonly riskDecisionSeq: number | null;
  /** Age of the chain head as the watcher tells it; null: not told, so it may be any. Its silence later is risk's business. */
  readonly chainLagMs: number | null;
  /** The local latch, which works with risk and bus dead. */
  readonly localHalt: boolean;
  readonly limits: ExecutorLimits;
};
