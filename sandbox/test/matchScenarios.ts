/** What is settled on the exchange of every generation: each type of match, alone, mixed, with oneself, several at once. */
import type { Matched, Order, Who } from "./matchKit.ts";

const [YES, NO] = [0, 1] as const;
const order = (n: number, who: Who, rest: Omit<Order, "n" | "who">): Order => ({ n, who, ...rest });
const named = (amount: bigint) => ({ amount, named: true });
const unnamed = (amount: bigint) => ({ amount, named: false });

/** Matches by name, with the fees of taker and makers; an active BUY offers more than it needs. */
export const scenarios: Readonly<Record<string, readonly Matched[]>> = {
  "COMPLEMENTARY, active buy": [
    {
      active: order(1, "active", {
        side: "BUY",
        outcome: YES,
        shares: 10_000_000n,
        usdc: 5_000_000n,
        paid: 4_060_000n,
        fee: 70_000n,
        refund: named(30_000n),
      }),
      resting: [
        order(2, "first", { side: "SELL", outcome: YES, shares: 4_000_000n, usdc: 1_600_000n }),
        order(3, "second", { side: "SELL", outcome: YES, shares: 6_000_000n, usdc: 2_460_000n }),
      ],
    },
  ],
  "COMPLEMENTARY, active sell": [
    {
      active: order(4, "active", {
        side: "SELL",
        outcome: NO,
        shares: 10_000_000n,
        usdc: 3_000_000n,
        paid: 4_500_000n,
        fee: 50_000n,
        refund: unnamed(50_000n),
      }),
      resting: [order(5, "first", { side: "BUY", outcome: NO, shares: 10_000_000n, usdc: 4_500_000n })],
    },
  ],
  MINT: [
    {
      active: order(6, "active", {
        side: "BUY",
        outcome: YES,
        shares: 10_000_000n,
        usdc: 4_600_000n,
        paid: 4_300_000n,
        fee: 90_000n,
        refund: unnamed(20_000n),
      }),
      resting: [order(7, "first", { side: "BUY", outcome: NO, shares: 10_000_000n, usdc: 5_700_000n })],
    },
  ],
  MERGE: [
    {
      active: order(8, "active", {
        side: "SELL",
        outcome: YES,
        shares: 8_000_000n,
        usdc: 3_000_000n,
        paid: 3_200_000n,
        fee: 60_000n,
        refund: named(1n),
      }),
      resting: [order(9, "first", { side: "SELL", outcome: NO, shares: 8_000_000n, usdc: 4_800_000n })],
    },
  ],
  "COMPLEMENTARY and MINT, makers pay fees too": [
    {
      active: order(10, "active", {
        side: "BUY",
        outcome: NO,
        shares: 10_000_000n,
        usdc: 5_000_000n,
        paid: 4_200_000n,
      }),
      resting: [
        order(11, "first", {
          side: "SELL",
          outcome: NO,
          shares: 6_000_000n,
          usdc: 2_400_000n,
          fee: 40_000n,
          refund: named(40_000n),
        }),
        order(12, "second", {
          side: "BUY",
          outcome: YES,
          shares: 4_000_000n,
          usdc: 2_200_000n,
          fee: 30_000n,
          refund: unnamed(10_000n),
        }),
      ],
    },
  ],
  "COMPLEMENTARY and MERGE": [
    {
      active: order(13, "active", {
        side: "SELL",
        outcome: YES,
        shares: 10_000_000n,
        usdc: 4_000_000n,
        paid: 4_300_000n,
        fee: 20_000n,
      }),
      resting: [
        order(14, "first", { side: "BUY", outcome: YES, shares: 6_000_000n, usdc: 2_700_000n }),
        order(15, "second", { side: "SELL", outcome: NO, shares: 4_000_000n, usdc: 2_400_000n }),
      ],
    },
  ],
  "amounts of odd micros": [
    {
      active: order(16, "active", {
        side: "BUY",
        outcome: YES,
        shares: 4_444_444n,
        usdc: 2_000_001n,
        paid: 1_592_593n,
        fee: 13n,
        refund: named(6n),
      }),
      resting: [
        order(17, "first", { side: "BUY", outcome: NO, shares: 3_333_333n, usdc: 2_222_221n }),
        order(18, "second", { side: "SELL", outcome: YES, shares: 1_111_111n, usdc: 481_481n }),
      ],
    },
  ],
  "self-match, COMPLEMENTARY": [
    {
      active: order(19, "active", {
        side: "BUY",
        outcome: YES,
        shares: 5_000_000n,
        usdc: 2_500_000n,
        paid: 2_000_000n,
        fee: 30_000n,
        refund: unnamed(10_000n),
      }),
      resting: [
        order(20, "active", {
          side: "SELL",
          outcome: YES,
          shares: 5_000_000n,
          usdc: 2_000_000n,
          fee: 7_000n,
          refund: unnamed(7_000n),
        }),
      ],
    },
  ],
  "self-match, MINT": [
    {
      active: order(21, "active", {
        side: "BUY",
        outcome: YES,
        shares: 5_000_000n,
        usdc: 2_200_000n,
        paid: 2_000_000n,
        fee: 30_000n,
      }),
      resting: [order(22, "active", { side: "BUY", outcome: NO, shares: 5_000_000n, usdc: 3_000_000n })],
    },
  ],
  "self-match, MERGE": [
    {
      active: order(23, "active", {
        side: "SELL",
        outcome: NO,
        shares: 5_000_000n,
        usdc: 2_000_000n,
        paid: 2_100_000n,
      }),
      resting: [order(24, "active", { side: "SELL", outcome: YES, shares: 5_000_000n, usdc: 2_900_000n })],
    },
  ],
  // One wallet takes, rests and takes again with the same order; two legs are equal to the byte.
  "several matches in one transaction": [
    {
      active: order(25, "active", {
        side: "BUY",
        outcome: YES,
        shares: 4_000_000n,
        usdc: 2_000_000n,
        paid: 1_600_000n,
        fee: 10_000n,
        refund: named(4_000n),
      }),
      resting: [
        order(26, "first", { side: "SELL", outcome: YES, shares: 2_000_000n, usdc: 800_000n }),
        order(26, "first", { side: "SELL", outcome: YES, shares: 2_000_000n, usdc: 800_000n }),
      ],
    },
    {
      active: order(27, "second", {
        side: "SELL",
        outcome: YES,
        shares: 3_000_000n,
        usdc: 1_000_000n,
        paid: 1_170_000n,
        fee: 5_000n,
        refund: unnamed(2_000n),
      }),
      resting: [order(28, "active", { side: "BUY", outcome: YES, shares: 3_000_000n, usdc: 1_170_000n })],
    },
    {
      active: order(25, "active", {
        side: "BUY",
        outcome: YES,
        shares: 2_000_000n,
        usdc: 1_000_000n,
        paid: 900_000n,
        fee: 6_000n,
        refund: named(1_000n),
      }),
      resting: [order(29, "second", { side: "BUY", outcome: NO, shares: 2_000_000n, usdc: 1_100_000n })],
    },
  ],
};
