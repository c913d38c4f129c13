/**
 * Which trade price the venue's hash may carry that no print has announced: the trade is in the book before its print,
 * and on busy markets some prints never come. A trade takes from a level at its own price, so the levels that changed last
 * and those around the best prices are the first to try, each as either token of the market sees it.
 */
import { readEntry } from "@slipstream/book/entryRing";
import { lastTradeText } from "@slipstream/book/hash";
import { bestAsk, bestBid } from "@slipstream/book/ladder";
import { MICRO_NUMBER } from "@slipstream/contracts/money";
import type { TokenBook } from "./tokenBook.ts";

const CHANGES_LOOKED_AT = 16;
const TICKS_AROUND_BEST = 3;

/** Returns texts of last trade prices, likeliest first: some 60 at most, 0.1 ms to try. */
export function likelyPrices(book: TokenBook): string[] {
  const texts = new Set(book.lastTradePrices);
  const take = (priceMicro: number): void => {
    if (!(priceMicro > 0 && priceMicro < MICRO_NUMBER)) return;
    texts.add(lastTradeText(priceMicro));
    texts.add(lastTradeText(MICRO_NUMBER - priceMicro));
  };
  const { ring, book: live } = book.history;
  const from = Math.max(ring.first, ring.end - CHANGES_LOOKED_AT);
  for (let at = ring.end - 1; at >= from; at--) {
    const entry = readEntry(ring, at);
    if (entry.kind === "level" || entry.kind === "trade") take(entry.priceMicro);
  }
  if (live === null) return [...texts];
  for (const best of [bestBid(live), bestAsk(live)]) {
    if (best === null) continue;
    for (let ticks = -TICKS_AROUND_BEST; ticks <= TICKS_AROUND_BEST; ticks++) take(best + ticks * live.tickMicro);
  }
  return [...texts];
}
