/** Fills for a recording that has none: somebody who now and then takes what the recorded book offers. For tests. */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { parsePrice, parseShares, type Side } from "@slipstream/contracts/money";
import type { AddedFill } from "./addFills.ts";
import type { TapeRecord } from "./format.ts";

const leader = `0x${"aa".repeat(20)}` as Address;
/** Nearer to the ends nobody can be copied: the price range of the default account. */
const PRICE_MICRO_MIN = 50_000;
const PRICE_MICRO_MAX = 950_000;

/** Buys at the best ask every `everyMs` and sells at the best bid every third time, 100 to 700 shares. */
export function fillsAtTheTouch(tape: readonly TapeRecord[], everyMs: number): AddedFill[] {
  const fills: AddedFill[] = [];
  let nextMs = (tape[0]?.t ?? 0) + everyMs;
  for (const { t, d } of tape) {
    if (t < nextMs || typeof d !== "string" || !d.includes("price_changes")) continue;
    const { price_changes } = JSON.parse(d) as {
      price_changes: { asset_id: string; best_bid?: string; best_ask?: string }[];
    };
    const [change] = price_changes;
    const side: Side = fills.length % 3 === 2 ? "SELL" : "BUY";
    const price = side === "BUY" ? change?.best_ask : change?.best_bid;
    if (change === undefined || price === undefined || price === "") continue;
    const priceMicro = parsePrice(price);
    if (priceMicro <= PRICE_MICRO_MIN || priceMicro >= PRICE_MICRO_MAX) continue;
    const sizeMicro = parseShares(String(100 * (1 + (fills.length % 7))));
    fills.push({ leader, tokenId: change.asset_id as TokenId, side, priceMicro, sizeMicro, t, role: "TAKER" });
    nextMs = t + everyMs;
  }
  return fills;
}
