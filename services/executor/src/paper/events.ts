/** What the paper engine reports of an order. Times are venue time. */
import type { ClientOrderId, TokenId } from "@slipstream/contracts/ids";
import type { PriceMicro, SharesMicro, UsdcMicro } from "@slipstream/contracts/money";

type About = { readonly orderId: ClientOrderId; readonly tokenId: TokenId; readonly atMs: number };

/** `n` counts the fills of the order from 0. `usdcMicro`: cost rounded up (BUY) or proceeds rounded down (SELL). */
export type PaperFill = About & {
  readonly kind: "fill";
  readonly n: number;
  readonly priceMicro: PriceMicro;
  readonly sizeMicro: SharesMicro;
  readonly usdcMicro: UsdcMicro;
  readonly feeMicro: UsdcMicro;
  readonly liquiditySide: "maker" | "taker";
};

/**
 * How an order ended without being filled in full. `remainder`: what a FAK could not take; `killed`: a FOK that could not
 * be filled at once; `blind`: nobody can say what the book was when it was placed; `closed`: its market was.
 */
export type PaperEnd = About & {
  readonly kind: "expired" | "canceled" | "remainder" | "killed" | "blind" | "closed";
};

/** The venue refused the order when it arrived. `text`: in the venue's words. */
export type PaperRefusal = About & { readonly kind: "refused"; readonly code: string; readonly text: string };

export type PaperEvent = PaperFill | PaperEnd | PaperRefusal;
