/** How old a quote may be. */
import type { QuoteTier } from "@slipstream/contracts/book";

/** Up to which age a quote is fresh, and up to which it is worth being asked for again; older ones are not known. */
export type QuoteAges = { readonly freshMsMax: number; readonly softStaleMsMax: number };
export const defaultQuoteAges: QuoteAges = { freshMsMax: 2_000, softStaleMsMax: 5_000 };

/** @param ageMs - since the last proof of life of the book's connection, or since REST said the same. */
export function quoteTier(ageMs: number, ages: QuoteAges = defaultQuoteAges): QuoteTier {
  if (ageMs <= ages.freshMsMax) return "FRESH";
  return ageMs <= ages.softStaleMsMax ? "SOFT_STALE" : "HARD_STALE";
}
