/** A market of the sandbox as the venue trades it, and what is traded in it. Amounts in 1e-6 units. */
import type { Address, Hash } from "@slipstream/contracts/ids";
import {
  type PriceMicro,
  priceMicro,
  type SharesMicro,
  sharesMicro,
  type UsdcMicro,
} from "@slipstream/contracts/money";
import type { Match } from "../chain/types.ts";
import type { LevelChange, Outcome, TradeLeg } from "./engine.ts";
import type { MarketSheet } from "./gammaObject.ts";

export type VenueMarket = MarketSheet;

export const tickOf = (market: VenueMarket): PriceMicro => priceMicro(market.tickMicro);
export const minOrderSizeOf = (market: VenueMarket): SharesMicro => sharesMicro(BigInt(market.minOrderSizeMicro));

/** One matching of the engine: what the chain has to settle and what the channels print. */
export type VenueTrade = {
  /** Counts from 1 within a run. */
  readonly n: number;
  readonly market: VenueMarket;
  readonly match: Match;
  readonly legs: readonly TradeLeg[];
  readonly activeOutcome: Outcome;
  /** Price of the last pair in the active order's token: the worst one, on tick. */
  readonly printMicro: PriceMicro;
  readonly atMs: number;
};

/** What happened to one market since it was last asked. */
export type Burst = {
  readonly market: VenueMarket;
  readonly changes: readonly LevelChange[];
  readonly trades: readonly VenueTrade[];
};

/** What one wallet gives and gets by a trade; negative gives. */
export type Movement = {
  readonly owner: Address;
  readonly outcome: Outcome;
  readonly sharesMicro: SharesMicro;
  readonly usdcMicro: UsdcMicro;
};

export type OrderIds = () => Hash;
