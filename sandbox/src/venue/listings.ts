/**
 * All markets the venue answers for: those that are traded, and those that have ended, for some hours. What each says of
 * its end is said by the CLOB, by Gamma and by the chain at different times.
 */
import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { Payouts } from "../churn/schedule.ts";
import type { VenueMarket } from "./market.ts";

export type Listing = {
  readonly market: VenueMarket;
  /** Place in the world's list of markets, and how many stood there before. */
  readonly slot: number;
  readonly generation: number;
  /** When its trading is to end; it may be sooner or later. */
  endMs: number;
  /** When its trading ended; null: it is traded. */
  closedMs: number | null;
  /** What a share of each outcome is paid; null: not known yet. */
  payouts: Payouts | null;
  /** The CLOB says who has won, and has no books any more. */
  isSaid: boolean;
  /** Gamma shows it closed. */
  isShown: boolean;
  /** The block in which the oracle has reported; null: not yet. */
  reportedBlock: number | null;
  /** The last price of outcome 0; null: never traded, or a book still tells. */
  lastTradeMicro: number | null;
};

export type Listings = {
  add(listing: Listing): void;
  /** Removes a market: from now on the venue does not know it. */
  forget(conditionId: ConditionId): void;
  get(conditionId: string): Listing | undefined;
  /** In the order in which they were added. */
  all(): Iterable<Listing>;
  conditionOf(tokenId: TokenId): ConditionId | undefined;
  /** Descriptions only. */
  readonly markets: ReadonlyMap<ConditionId, VenueMarket>;
};

export function createListings(): Listings {
  const byCondition = new Map<string, Listing>();
  const byToken = new Map<TokenId, ConditionId>();
  const markets = new Map<ConditionId, VenueMarket>();
  return {
    add: (listing) => {
      const { conditionId, tokenIds } = listing.market;
      byCondition.set(conditionId, listing);
      markets.set(conditionId, listing.market);
      for (const tokenId of tokenIds) byToken.set(tokenId, conditionId);
    },
    forget: (conditionId) => {
      for (const tokenId of markets.get(conditionId)?.tokenIds ?? []) byToken.delete(tokenId);
      byCondition.delete(conditionId);
      markets.delete(conditionId);
    },
    get: (conditionId) => byCondition.get(conditionId),
    all: () => byCondition.values(),
    conditionOf: (tokenId) => byToken.get(tokenId),
    markets,
  };
}

export const isTraded = ({ closedMs }: Listing): boolean => closedMs === null;

/** A listing of a market whose trading begins. */
export const newListing = (
  market: VenueMarket,
  at: { readonly slot: number; readonly generation: number; readonly endMs: number },
): Listing => ({
  ...{ market, ...at, closedMs: null, payouts: null },
  ...{ isSaid: false, isShown: false, reportedBlock: null, lastTradeMicro: null },
});

/** What outcome 0 is paid in millionths of a pUSD, rounded to the nearest, as prices are shown. */
export const shownPayout = ([first, second]: Payouts): number => Math.round((first * 1_000_000) / (first + second));

/** The outcome that takes all; null: the payout is shared. */
export function winnerOf([first, second]: Payouts): 0 | 1 | null {
  if (first > 0 && second > 0) return null;
  return first > 0 ? 0 : 1;
}
