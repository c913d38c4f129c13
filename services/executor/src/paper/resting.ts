/**
 * How much of a resting paper order the market would have filled (rules 6.2–6.7). It is not in the real book, so its place
 * in the queue is an estimate: behind everything displayed at its price when it came to rest.
 *
 * One trade is told twice, by a print and by a decrease of the level, in either order and with anything between. Both move
 * the queue, so what one of them has moved already the other must not move again.
 */
import type { PriceMicro, SharesMicro, Side } from "@slipstream/contracts/money";
import { minAmount, subtract, subtractToZero, ZERO_SHARES } from "@slipstream/contracts/money";

/** How far apart in venue time a print and a decrease of its level may be told; seen: 71 and 85 ms, disorder 620 ms. */
export const EXPLAIN_MS = 1_000;

type Untold = { readonly atMs: number; readonly sizeMicro: SharesMicro };

export type Queue = {
  /** Displayed size ahead of us, 1e-6 share. */
  aheadMicro: SharesMicro;
  /** What the level displays. */
  shownMicro: SharesMicro;
  /** Decreases that moved us and whose print has not come, oldest first. */
  moved: Untold[];
  /** Prints whose decrease has not come, oldest first. */
  early: Untold[];
};

export const backOf = (displayedMicro: SharesMicro): Queue => ({
  aheadMicro: displayedMicro,
  shownMicro: displayedMicro,
  moved: [],
  early: [],
});

/** The level at our price has a new total: what is gone beyond our place was ahead of us. */
export function onLevel(queue: Queue, sizeMicro: SharesMicro, atMs: number): void {
  const goneMicro = subtractToZero(queue.shownMicro, sizeMicro);
  queue.shownMicro = sizeMicro;
  if (goneMicro === 0n) return;
  const untoldMicro = subtract(goneMicro, explain(queue, "early", goneMicro, atMs));
  const movedMicro = subtractToZero(queue.aheadMicro, sizeMicro);
  queue.aheadMicro = subtract(queue.aheadMicro, movedMicro);
  remember(queue, "moved", minAmount(movedMicro, untoldMicro), atMs);
}

/**
 * A print at our price takes the queue first, then us.
 * @returns what of it reaches us.
 */
export function onPrintAtPrice(queue: Queue, sizeMicro: SharesMicro, atMs: number): SharesMicro {
  const freshMicro = subtract(sizeMicro, explain(queue, "moved", sizeMicro, atMs));
  remember(queue, "early", minAmount(freshMicro, queue.shownMicro), atMs);
  const reachingMicro = subtractToZero(freshMicro, queue.aheadMicro);
  queue.aheadMicro = subtractToZero(queue.aheadMicro, freshMicro);
  return reachingMicro;
}

/** A print beyond our price: nobody can be ahead of us. */
export function onPrintBeyond(queue: Queue): void {
  queue.aheadMicro = ZERO_SHARES;
}

function remember(queue: Queue, list: "moved" | "early", sizeMicro: SharesMicro, atMs: number): void {
  if (sizeMicro > 0n) queue[list].push({ atMs, sizeMicro });
}

/** Uses up what the list has of the last second, oldest first. @returns how much of `sizeMicro` it was. */
function explain(queue: Queue, list: "moved" | "early", sizeMicro: SharesMicro, atMs: number): SharesMicro {
  if (queue[list].length === 0) return ZERO_SHARES;
  let leftMicro = sizeMicro;
  const kept: Untold[] = [];
  for (const untold of queue[list]) {
    if (atMs - untold.atMs > EXPLAIN_MS) continue;
    const usedMicro = minAmount(leftMicro, untold.sizeMicro);
    leftMicro = subtract(leftMicro, usedMicro);
    if (usedMicro < untold.sizeMicro) kept.push({ ...untold, sizeMicro: subtract(untold.sizeMicro, usedMicro) });
  }
  queue[list] = kept;
  return subtract(sizeMicro, leftMicro);
}

/** True when a price of the other side would trade with a resting order of `side` at `limit`. */
export const crosses = (side: Side, limit: PriceMicro, price: PriceMicro): boolean =>
  side === "BUY" ? price <= limit : price >= limit;
/** True when a trade at `price` went past our level, so that the level must have been used up. */
export const isBeyond = (side: Side, limit: PriceMicro, price: PriceMicro): boolean =>
  side === "BUY" ? price < limit : price > limit;
