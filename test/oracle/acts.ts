/** What a generated history is made of. */
import type { Order, Side } from "./types.ts";

export type Which = "first" | "second" | "all";
export type Told = "both" | "swapped" | "first" | "second";
export type Act = { readonly dtMs: number } & (
  | {
      readonly kind: "level";
      readonly side: Side;
      readonly price: bigint;
      readonly size: string;
      readonly told: Told;
      readonly lateMs: number;
    }
  /** A level loses up to `size`. */
  | {
      readonly kind: "shrink";
      readonly side: Side;
      readonly price: bigint;
      readonly size: string;
      readonly told: Told;
    }
  /** A taker of `side` on the first token takes from the best level; the print comes `printMs` after the change, or before it. */
  | {
      readonly kind: "trade";
      readonly side: Side;
      readonly size: string;
      readonly printMs: number;
      readonly names: 0 | 1;
      readonly told: Told;
    }
  | {
      readonly kind: "print";
      readonly side: Side;
      readonly price: bigint;
      readonly size: string;
      readonly names: 0 | 1;
      readonly lateMs: number;
      readonly twice: boolean;
    }
  | {
      readonly kind: "book";
      readonly token: 0 | 1;
      readonly edits: readonly (readonly [Side, bigint, string])[];
      readonly lateMs: number;
      readonly tick: boolean;
    }
  /** A message that cannot be read; "all": it names no token. */
  | { readonly kind: "unreadable"; readonly tokens: Which }
  | { readonly kind: "gap"; readonly tokens: Which }
  | { readonly kind: "tick"; readonly tick: bigint; readonly tokens: Which; readonly lateMs: number }
  | { readonly kind: "finer"; readonly price: bigint; readonly side: Side; readonly size: string; readonly told: Told }
  /** A gap that full books end after a while. */
  | {
      readonly kind: "outage";
      readonly tokens: Which;
      readonly waitMs: number;
      readonly lateMs: number;
      readonly edits: readonly (readonly [Side, bigint, string])[];
    }
  /** A level changes twice in a millisecond, then one of the frames comes again. */
  | {
      readonly kind: "flicker";
      readonly side: Side;
      readonly price: bigint;
      readonly sizes: readonly [string, string];
      readonly told: Told;
      readonly again: 0 | 1;
    }
  | { readonly kind: "repeat"; readonly back: number }
  | { readonly kind: "pong" }
  | { readonly kind: "resolved"; readonly lateMs: number }
  | { readonly kind: "definition"; readonly lateMs: number }
);

/**
 * An order's times hang on acts: `at` and a cancel's `at` are numbers of acts, modulo their count. Side and price are those
 * of the market's first token.
 */
export type OrderPlan = {
  readonly at: number;
  readonly offsetMs: number;
  readonly cancel: { readonly afterMs: number } | { readonly at: number } | null;
  readonly token: 0 | 1;
  readonly side: Side;
  readonly price: bigint;
  readonly rest: Omit<Order, "orderId" | "placeAtMs" | "cancelAtMs" | "tokenId" | "side" | "limitMicro">;
};
/**
 * `flip`: the definition names the tokens the other way round. `beats`: a change far from the touch comes before everything
 * that is no change, so that nothing is stamped ahead of the newest time. `behind`: each token is read on a connection of its
 * own, the second one's is so many messages behind; null: both are read on one.
 */
export type Case = {
  readonly acts: readonly Act[];
  readonly plans: readonly OrderPlan[];
  readonly flip: boolean;
  readonly beats: boolean;
  readonly behind: number | null;
};
