/** What the shell of the executor tells its core, and what the core asks of it. */
import type { AccountId, Address, ClientOrderId, ConditionId, LeaderFillId, TokenId } from "@slipstream/contracts/ids";
import type { FeeSchedule, PriceMicro, SharesMicro, Side } from "@slipstream/contracts/money";
import type { PaperEvent } from "../paper/events.ts";

/** Decide a fill that has waited for its book or market since `sinceMs`, or was left undecided by a restart. */
export type DecideFill = {
  readonly type: "DecideFill";
  readonly account: AccountId;
  readonly leaderFillId: LeaderFillId;
  readonly sinceMs: number;
};
/** The venue has taken the order; `placeAtMs` is venue time. */
export type Placed = { readonly type: "Placed"; readonly orderId: ClientOrderId; readonly placeAtMs: number };
/** The venue never heard of the order that was to be cancelled. */
export type NotPlaced = { readonly type: "NotPlaced"; readonly orderId: ClientOrderId };
/** The venue, or what stands in for it, takes the order under no circumstances. */
export type VenueRefused = {
  readonly type: "VenueRefused";
  readonly orderId: ClientOrderId;
  readonly code: string;
  readonly text: string;
};
/** What happened to an order, in its order. */
export type VenueReport = {
  readonly type: "VenueReport";
  readonly orderId: ClientOrderId;
  readonly events: readonly PaperEvent[];
};
/** An order that a restart or a take-over found open. */
export type OrderOwed = { readonly type: "OrderOwed"; readonly orderId: ClientOrderId };
/** Time has passed, or the local latch or the risk heartbeat has changed: look at what is open. */
export type Tick = { readonly type: "Tick" };
export type ExecutorMessage = DecideFill | Placed | NotPlaced | VenueRefused | VenueReport | OrderOwed | Tick;

/** An order as it goes to the venue. Size and price are on the venue's grid. */
export type OrderToPlace = {
  readonly orderId: ClientOrderId;
  readonly account: AccountId;
  readonly mode: "paper" | "live";
  readonly leader: Address;
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId;
  /** Both tokens of the market, in the order of its definition. */
  readonly tokens: readonly [TokenId, TokenId];
  readonly minOrderSizeMicro: SharesMicro;
  readonly side: Side;
  readonly limitPriceMicro: PriceMicro;
  readonly sizeMicro: SharesMicro;
  /** What was granted beyond the size that the venue takes; it is given back when the order is filled. 0 as a rule. */
  readonly restMicro: SharesMicro;
  readonly timeInForce: "GTD" | "FAK" | "FOK";
  readonly ttlMs: number;
  /** Venue time at which it can trade: the later of decided + latency and now, + the market's taker delay. */
  readonly placeAtMs: number;
  readonly fee: FeeSchedule;
};

/** Hands a granted order to the venue. Repeating it is harmless. */
export type PlaceOrder = { readonly type: "PlaceOrder"; readonly order: OrderToPlace };
/** Gives an accepted order back to a paper engine that was restarted, with the fills that are in the log. */
export type ResumeOrder = {
  readonly type: "ResumeOrder";
  readonly order: OrderToPlace;
  readonly knownFills: number;
  readonly filledMicro: SharesMicro;
};
/** `atMs`: venue time at which the cancel arrives. Repeating it is harmless. */
export type CancelOrder = {
  readonly type: "CancelOrder";
  readonly orderId: ClientOrderId;
  readonly tokenId: TokenId;
  readonly atMs: number;
};
/** Answer with `DecideFill` as soon as market and fresh book are there, at the latest at `untilMs`. */
export type AwaitBook = {
  readonly type: "AwaitBook";
  readonly account: AccountId;
  readonly leaderFillId: LeaderFillId;
  readonly tokenId: TokenId;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** The book is there; REST is to be read for it as well. */
  readonly secondSource: boolean;
};
export type ExecutorRequest = PlaceOrder | ResumeOrder | CancelOrder | AwaitBook;
