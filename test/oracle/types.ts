/**
 * What the reference of the paper engine reads and tells. Amounts are bigint in 1e-6 units, times whole ms of the venue's
 * clock. Rule numbers are those of docs/paper-engine.md.
 */

export type Side = "BUY" | "SELL";
export type TimeInForce = "GTD" | "FAK" | "FOK";

export type Market = {
  /** First and second token, in the order of the definition (1.1). */
  readonly tokens: readonly [string, string];
  /** The definition's tick, for opening books that name none (1.9). */
  readonly tickMicro: bigint;
  /** The connection each token is followed on; left out: both are on one. */
  readonly connections?: readonly [string, string];
};

/** What reached us, in the venue's order. `atMs`: when it was received (1.3, 1.5). */
export type Message =
  | { readonly kind: "frame"; readonly atMs: number; readonly text: string; readonly connection?: string }
  /** Something was lost; null: of all tokens (1.11). */
  | { readonly kind: "gap"; readonly atMs: number; readonly tokens: readonly string[] | null }
  /** A PONG that proves that everything but prints up to `upToMs` has come (1.14). */
  | { readonly kind: "pong"; readonly atMs: number; readonly upToMs: number; readonly connection?: string }
  /** A definition that is closed or takes no orders (1.13). */
  | { readonly kind: "definition"; readonly atMs: number; readonly closedMs: number };

export type Fee = { readonly rateMicro: bigint; readonly exponent: number };

/** In the list of orders the log's acceptance comes first to last (3.3). */
export type Order = {
  readonly orderId: string;
  readonly account: string;
  readonly tokenId: string;
  readonly side: Side;
  readonly limitMicro: bigint;
  readonly sizeMicro: bigint;
  readonly timeInForce: TimeInForce;
  readonly placeAtMs: number;
  readonly ttlMs: number;
  readonly cancelAtMs?: number;
  readonly fee: Fee;
  readonly minOrderSizeMicro: bigint;
};

export type Fill = {
  readonly n: number;
  readonly atMs: number;
  readonly priceMicro: bigint;
  readonly sizeMicro: bigint;
  readonly usdcMicro: bigint;
  readonly feeMicro: bigint;
  readonly liquiditySide: "taker" | "maker";
};

export type RefusalCode =
  | "MARKET_NOT_ACCEPTING_ORDERS"
  | "PRICE_OFF_TICK"
  | "AMOUNT_PRECISION"
  | "SIZE_BELOW_MINIMUM"
  | "MARKETABLE_BELOW_MINIMUM";
export type EndKind =
  | "FILLED"
  | "EXPIRED"
  | "CANCELED"
  | "MARKET_CLOSED"
  | "BLIND"
  | "FAK_REMAINDER"
  | "FOK_KILLED"
  | RefusalCode;

/** `end` is null while nothing has ended the order by the last decided time. */
export type OrderResult = {
  readonly orderId: string;
  readonly fills: readonly Fill[];
  readonly end: { readonly kind: EndKind; readonly atMs: number } | null;
};
