import { expect, test } from "vitest";
import { quoteTier } from "./quoteAge.ts";

test.each([
  [2_000, "FRESH"],
  [2_001, "SOFT_STALE"],
  [5_000, "SOFT_STALE"],
  [5_001, "HARD_STALE"],
])("a quote of %i ms is %s", (ageMs, tier) => expect(quoteTier(ageMs)).toBe(tier));
