/** Markets as a world keeps them in its folder: what follows from the seed is not kept. */
import { z } from "zod";
import type { ChainMarket, ChainMarketSpec } from "../chain/types.ts";
import { successor, venueMarket, worldMarkets } from "../markets.ts";
import type { Listing } from "../venue/listings.ts";

const count = z.int().nonnegative();
const MarketRecord = z.object({
  slot: z
    .int()
    .min(0)
    .max(worldMarkets.length - 1),
  generation: count,
  createdMs: count,
  endMs: count,
  closedMs: count.nullable(),
  payouts: z.tuple([count, count]).nullable(),
  isSaid: z.boolean(),
  isShown: z.boolean(),
  reportedBlock: count.nullable(),
  lastTradeMicro: count.nullable(),
});
type MarketRecord = z.infer<typeof MarketRecord>;

export const MarketRecords = z.object({
  /** Scheduled ends so far, over all runs. */
  ends: count,
  /** In the order in which they were opened. */
  markets: z.array(MarketRecord).min(1),
});
export type MarketRecords = z.infer<typeof MarketRecords>;

/** What a world begins with. */
export const firstRecords = (nowMs: number): MarketRecords => ({
  ends: 0,
  markets: worldMarkets.map((_, slot) => ({
    ...{ slot, generation: 0, createdMs: nowMs, endMs: nowMs, closedMs: null, payouts: null },
    ...{ isSaid: false, isShown: false, reportedBlock: null, lastTradeMicro: null },
  })),
});

export const recordOf = ({ market, ...rest }: Listing): MarketRecord => ({
  ...rest,
  payouts: rest.payouts === null ? null : [...rest.payouts],
  createdMs: market.createdMs,
});

export const specOf = ({ slot, generation }: MarketRecord): ChainMarketSpec => successor(slot, generation).chain;

export const listingOf = ({ createdMs, ...record }: MarketRecord, onChain: ChainMarket): Listing => {
  const { slot, generation } = record;
  return { ...record, market: venueMarket(successor(slot, generation), onChain, slot, createdMs, generation) };
};
