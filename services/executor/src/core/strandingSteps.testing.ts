/** What happens in the world of `stranding.testing.ts`, and random histories of it. */
import fc from "fast-check";

export type Move = "buy" | "sell" | "split" | "merge" | "transferIn" | "transferOut" | "convert";
export type Did = {
  readonly do: Move;
  readonly who: 0 | 1;
  readonly token: 0 | 1;
  /** What comes in, in tens of shares; what goes out, in quarters of what he has. */
  readonly size: number;
  /** As the move just before it. */
  readonly sameBlock: boolean;
  /** So many steps later it is told; an act not before all up to its block is told and final. */
  readonly late: number;
  /** A source that is ahead of the chain tells of a fill first. */
  readonly early: boolean;
  /** Of the acts of one transaction the second token's is told first. */
  readonly swapped: boolean;
};
export type Step =
  | Did
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "read"; readonly who: 0 | 1; readonly back: number }
  | { readonly do: "risk"; readonly level: "normal" | "degrade" | "halt" }
  | { readonly do: "book"; readonly isThere: boolean }
  | { readonly do: "venue"; readonly pick: number; readonly how: "fill" | "part" | "expired" | "canceled" }
  | { readonly do: "answer"; readonly how: "grant" | "part" | "deny" }
  /** A source tells of what never happens: it is retracted so many steps later. */
  | {
      readonly do: "ghost";
      readonly who: 0 | 1;
      readonly token: 0 | 1;
      readonly isSale: boolean;
      readonly late: number;
    }
  | { readonly do: "reorg"; readonly pick: number; readonly late: number }
  | { readonly do: "remove"; readonly who: 0 | 1; readonly when: "follow" | "close" | "keep" };
export type Run = {
  readonly steps: readonly Step[];
  /** Inventory grants, the venue fills, at once. */
  readonly grants: boolean;
  readonly fills: boolean;
  /** What rests at the end is filled, not expired. */
  readonly fillsLate: boolean;
  /** Blocks until one is final. Each step but one of the same block makes one. */
  readonly finality: number;
  /** Held before we followed him, in tens of shares. */
  readonly before: number;
  /** His balances are read at the start. */
  readonly read: boolean;
};

const one = fc.constantFrom<0 | 1>(0, 0, 0, 1);
const token = fc.constantFrom<0 | 1>(0, 1);
const did: fc.Arbitrary<Did> = fc.record({
  do: fc.constantFrom<Move>("buy", "buy", "sell", "sell", "split", "merge", "transferIn", "transferOut", "convert"),
  ...{ who: one, token, size: fc.integer({ min: 1, max: 20 }), sameBlock: fc.boolean() },
  ...{ late: fc.constantFrom(0, 0, 0, 1, 2, 4), early: fc.boolean(), swapped: fc.boolean() },
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: did },
  fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(400, 3_000, 11_000, 60_000) }),
  fc.record({ do: fc.constant("read" as const), who: one, back: fc.nat(4) }),
  fc.record({ do: fc.constant("book" as const), isThere: fc.constantFrom(true, false) }),
  fc.record({ do: fc.constant("risk" as const), level: fc.constantFrom("normal", "normal", "degrade", "halt") }),
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ do: fc.constant("venue" as const), pick: fc.nat(3) },
      how: fc.constantFrom("fill", "fill", "part", "expired", "canceled"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("answer" as const),
      how: fc.constantFrom("grant", "grant", "part", "deny"),
    }),
  },
  fc.record({ do: fc.constant("ghost" as const), who: one, token, isSale: fc.boolean(), late: fc.nat(4) }),
  fc.record({ do: fc.constant("reorg" as const), pick: fc.nat(3), late: fc.nat(3) }),
);
const removal: fc.Arbitrary<Step> = fc.record({
  ...{ do: fc.constant("remove" as const), who: one, when: fc.constantFrom("follow", "close", "keep") },
});
export const run: fc.Arbitrary<Run> = fc.record({
  steps: fc.array(fc.oneof({ weight: 30, arbitrary: step }, removal), { minLength: 2, maxLength: 24, size: "max" }),
  ...{ grants: fc.boolean(), fills: fc.boolean(), fillsLate: fc.boolean(), finality: fc.integer({ min: 1, max: 6 }) },
  ...{ before: fc.constantFrom(0, 0, 10), read: fc.boolean() },
});
