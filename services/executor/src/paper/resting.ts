/**
 * How much of a resting paper order the market would have filled. It is not in the real book, so its place in the queue
 * is an estimate: behind everything displayed at its price when it came to rest.
 */
import type { PriceMicro, SharesMicro, Side } from "@slipstream/contracts/money";
import { maxAmount, minAmount, subtractToZero, ZERO_SHARES } from "@slipstream/contracts/money";

export type Queue = {
  /** Displayed size ahead of us, 1e-6 share. */
  aheadMicro: SharesMicro;
  /**
   * What level updates at `shrunkAtMs` already moved us up: the print of the same trade, when it comes after the update,
   * must not count again.
   */
  shrunkMicro: SharesMicro;
  shrunkAtMs: number;
};

export const backOf = (displayedMicro: SharesMicro): Queue => ({
  aheadMicro: displayedMicro,
  shrunkMicro: ZERO_SHARES,
  shrunkAtMs: -1,
});

/** The level at our price has a new size: what is gone beyond our place was ahead of us. */
export function onLevel(queue: Queue, sizeMicro: SharesMicro, atMs: number): void {
  if (sizeMicro >= queue.aheadMicro) return;
  const moved = subtractToZero(queue.aheadMicro, sizeMicro);
  queue.shrunkMicro = queue.shrunkAtMs === atMs ? maxAmount(queue.shrunkMicro, moved) : moved;
  queue.shrunkAtMs = atMs;
  queue.aheadMicro = sizeMicro;
}

/**
 * A print at our price takes the queue first, then us.
 * @returns what of it reaches us.
 */
export function onPrintAtPrice(queue: Queue, sizeMicro: SharesMicro, atMs: number): SharesMicro {
  const counted = queue.shrunkAtMs === atMs ? minAmount(queue.shrunkMicro, sizeMicro) : ZERO_SHARES;
  queue.shrunkMicro = subtractToZero(queue.shrunkMicro, counted);
  const fresh = subtractToZero(sizeMicro, counted);
  const reaching = subtractToZero(fresh, queue.aheadMicro);
  queue.aheadMicro = subtractToZero(queue.aheadMicro, fresh);
  return reaching;
}

/** True when a price of the other side would trade with a resting order of `side` at `limit`. */
export const crosses = (side: Side, limit: PriceMicro, price: PriceMicro): boolean =>
  side === "BUY" ? price <= limit : price >= limit;
/** True when a trade at `price` went past our level, so that the level must have been used up. */
export const isBeyond = (side: Side, limit: PriceMicro, price: PriceMicro): boolean =>
  side === "BUY" ? price < limit : price > limit;
