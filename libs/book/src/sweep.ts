/** What an order would take from a book, exactly. */
import {
  minAmount,
  otherSide,
  type PriceMicro,
  type SharesMicro,
  type Side,
  sharesMicro,
  subtract,
  subtractToZero,
} from "@slipstream/contracts/money";
import { type Book, bestPrice, nextWorsePrice, sizeAt } from "./ladder.ts";

export type SweepOrder = {
  readonly side: Side;
  /** A buy takes asks at or below it, a sell bids at or above it; need not be on tick. */
  readonly limitPriceMicro: PriceMicro;
  readonly sizeMicro: SharesMicro;
};
export type SweepFill = { readonly priceMicro: PriceMicro; readonly sizeMicro: SharesMicro };
export type Sweep = {
  /** Best first, one per level, none of size 0. */
  readonly fills: readonly SweepFill[];
  readonly remainingMicro: SharesMicro;
};

/**
 * Displayed size that own earlier fills already took and the venue has not refreshed since.
 * @param side - side of the level in the book: SELL for asks.
 * @returns 1e-6 share.
 */
export type Consumed = (side: Side, priceMicro: PriceMicro) => SharesMicro;

/**
 * Returns the fills of an order against the displayed sizes, best price first. The book is not changed.
 * A size that is not positive takes nothing and remains as it is.
 */
export function sweep(book: Book, order: SweepOrder, consumed?: Consumed): Sweep {
  const levelSide: Side = otherSide(order.side);
  const fills: SweepFill[] = [];
  let remaining = order.sizeMicro;
  let price = bestPrice(book, levelSide);
  while (remaining > 0n && price !== null && isWithin(order, price)) {
    const displayed = sharesMicro(BigInt(sizeAt(book, levelSide, price)));
    const available = consumed === undefined ? displayed : subtractToZero(displayed, consumed(levelSide, price));
    const taken = minAmount(available, remaining);
    if (taken > 0n) {
      fills.push({ priceMicro: price, sizeMicro: taken });
      remaining = subtract(remaining, taken);
    }
    price = nextWorsePrice(book, levelSide, price);
  }
  return { fills, remainingMicro: remaining };
}

const isWithin = (order: SweepOrder, price: PriceMicro): boolean =>
  order.side === "BUY" ? price <= order.limitPriceMicro : price >= order.limitPriceMicro;
