import { describe, expect, it } from "vitest";
import { beat, quiet, type Row, tell, tellRows } from "./rows.testing.ts";
import { takerFeeOf, usdcOf } from "./rules.ts";
import * as s from "./story.testing.ts";

const { FIRST, SECOND } = s;

const sweeps: Row[] = [
  {
    rule: "4.2, 4.3, 4.4: asks up to the limit, lowest first, dust exactly",
    messages: [
      s.opening(
        0,
        [],
        [
          ["0.7", "9"],
          ["0.5", "0.000001"],
          ["0.52", "3.5"],
          ["0.51", "2"],
        ],
      ),
    ],
    orders: [s.order({ limit: "0.52", size: "5" })],
    is: ["0.5x0.000001 taker @1000; 0.51x2 taker @1000; 0.52x2.999999 taker @1000; FILLED @1000"],
  },
  {
    rule: "4.2: a SELL takes bids down to the limit, highest first",
    messages: [
      s.opening(
        0,
        [
          ["0.4", "3"],
          ["0.45", "2"],
          ["0.3", "50"],
        ],
        [],
      ),
    ],
    orders: [s.order({ side: "SELL", limit: "0.4", size: "10", timeInForce: "FAK" })],
    is: ["0.45x2 taker @1000; 0.4x3 taker @1000; FAK_REMAINDER @1000"],
  },
  {
    rule: "4.5: FOK takes nothing when it cannot have all, and 4.6: FAK that took nothing",
    messages: [s.opening(0, [], [["0.5", "5"]])],
    orders: [
      s.order({ limit: "0.5", size: "6", timeInForce: "FOK" }),
      s.order({ limit: "0.5", size: "5", timeInForce: "FOK" }),
      s.order({ limit: "0.5", size: "5", timeInForce: "FAK" }),
    ],
    is: ["FOK_KILLED @1000", "0.5x5 taker @1000; FILLED @1000", "FAK_REMAINDER @1000"],
  },
  {
    rule: "4.8, 4.10: BLIND before the first book and in a gap, not after it",
    messages: [
      s.opening(500, [], [["0.5", "500"]]),
      beat(700),
      { kind: "gap", atMs: 900, tokens: [FIRST] },
      beat(1_500),
      tell(1_900, s.book(FIRST, 1_900, [], [["0.5", "500"]])),
    ],
    orders: [
      s.order({ limit: "0.5", size: "10", placeAtMs: 499 }),
      s.order({ limit: "0.5", size: "10", placeAtMs: 699 }),
      s.order({ limit: "0.5", size: "10", placeAtMs: 700 }),
      s.order({ limit: "0.5", size: "10", placeAtMs: 1_899 }),
      s.order({ limit: "0.5", size: "10", placeAtMs: 1_900 }),
      s.order({ limit: "0.5", size: "10", placeAtMs: 1_000, tokenId: SECOND, side: "SELL" }),
    ],
    is: [
      "BLIND @499",
      "0.5x10 taker @699; FILLED @699",
      "BLIND @700",
      "BLIND @1899",
      "0.5x10 taker @1900; FILLED @1900",
      "0.5x10 taker @1000; FILLED @1000",
    ],
  },
  {
    rule: "3.4: the book at T has the changes of T; 3.5: a cancel at T; 3.6: expiry",
    messages: [quiet, tell(1_000, s.mirrored(1_000, "SELL", "0.5", "7")), beat(9_000)],
    orders: [
      s.order({ limit: "0.5", size: "10", cancelAtMs: 3_000 }),
      s.order({ limit: "0.5", size: "10", cancelAtMs: 1_000 }),
      s.order({ limit: "0.45", size: "10", ttlMs: 1 }),
    ],
    is: ["0.5x7 taker @1000; CANCELED @3000", "CANCELED @1000", "EXPIRED @1001"],
  },
];

const taken: Row[] = [
  {
    rule: "5.2, 2.1, 2.5: what is taken stays taken, on both tokens, by account",
    messages: [s.opening(0, [], [["0.5", "100"]]), beat(80_000)],
    orders: [
      s.order({ limit: "0.5", size: "70", timeInForce: "FAK" }),
      s.order({ limit: "0.5", size: "100", tokenId: SECOND, side: "SELL", timeInForce: "FAK", placeAtMs: 70_000 }),
      s.order({ limit: "0.5", size: "100", timeInForce: "FAK", account: "other" }),
    ],
    is: [
      "0.5x70 taker @1000; FILLED @1000",
      "0.5x30 taker @70000; FAK_REMAINDER @70000",
      "0.5x100 taker @1000; FILLED @1000",
    ],
  },
  {
    rule: "5.3: what disappears takes ours along first, what is added is new",
    messages: [
      s.opening(0, [], [["0.5", "100"]]),
      tell(2_000, s.mirrored(2_000, "SELL", "0.5", "60")),
      tell(2_100, s.mirrored(2_100, "SELL", "0.5", "90")),
      tell(4_000, s.mirrored(4_000, "SELL", "0.5", "0")),
      tell(4_100, s.mirrored(4_100, "SELL", "0.5", "20")),
    ],
    orders: [1_000, 3_000, 5_000].map((placeAtMs) =>
      s.order({ limit: "0.5", size: "80", timeInForce: "FAK", placeAtMs }),
    ),
    is: [
      "0.5x80 taker @1000; FILLED @1000",
      "0.5x30 taker @3000; FAK_REMAINDER @3000",
      "0.5x20 taker @5000; FAK_REMAINDER @5000",
    ],
  },
  {
    rule: "5.4: the first token tells; 5.5: the second one while the first is unknown",
    messages: [
      s.opening(0, [], [["0.5", "100"]]),
      tell(2_000, s.changes(2_000, [SECOND, "BUY", "0.5", "0"], [SECOND, "BUY", "0.5", "90"])),
      tell(3_000, s.changes(3_000, [SECOND, "BUY", "0.5", "70"])),
      { kind: "gap", atMs: 3_100, tokens: [FIRST] },
      tell(4_000, s.changes(4_000, [SECOND, "BUY", "0.5", "95"])),
      tell(6_000, s.book(FIRST, 6_000, [], [["0.5", "60"]])),
    ],
    orders: [
      s.order({ limit: "0.5", size: "80", timeInForce: "FAK" }),
      s.order({ limit: "0.5", size: "80", timeInForce: "FAK", tokenId: SECOND, side: "SELL", placeAtMs: 2_500 }),
      s.order({ limit: "0.5", size: "10", timeInForce: "FAK", tokenId: SECOND, side: "SELL", placeAtMs: 5_000 }),
      s.order({ limit: "0.5", size: "10", timeInForce: "FAK", placeAtMs: 7_000 }),
    ],
    is: [
      "0.5x80 taker @1000; FILLED @1000",
      "0.5x10 taker @2500; FAK_REMAINDER @2500",
      "0.5x10 taker @5000; FILLED @5000",
      "FAK_REMAINDER @7000",
    ],
  },
  {
    rule: "5.4, 5.5: what came and was taken in the millisecond of a gap is not there once more",
    messages: [
      s.opening(0, [["0.4", "500"]], []),
      tell(2_000, s.mirrored(2_000, "SELL", "0.5", "100")),
      { kind: "gap", atMs: 2_001, tokens: [FIRST] },
      beat(3_000),
      tell(4_000, s.book(FIRST, 4_000, [["0.4", "500"]], [["0.5", "130"]])),
      beat(9_000),
    ],
    orders: [
      s.order({ limit: "0.5", size: "100" }),
      s.order({ limit: "0.5", size: "100", timeInForce: "FAK", tokenId: SECOND, side: "SELL", placeAtMs: 2_500 }),
      s.order({ limit: "0.5", size: "100", timeInForce: "FAK", placeAtMs: 5_000 }),
    ],
    is: ["0.5x100 maker @2000; FILLED @2000", "FAK_REMAINDER @2500", "0.5x30 taker @5000; FAK_REMAINDER @5000"],
  },
  {
    rule: "5.2, 5.5: through a gap of both tokens",
    messages: [
      s.opening(0, [], [["0.5", "100"]]),
      beat(2_000),
      { kind: "gap", atMs: 2_100, tokens: null },
      s.opening(3_000, [], [["0.5", "100"]]),
      beat(3_100),
    ],
    orders: [1_000, 3_500].map((placeAtMs) => s.order({ limit: "0.5", size: "80", timeInForce: "FAK", placeAtMs })),
    is: ["0.5x80 taker @1000; FILLED @1000", "0.5x20 taker @3500; FAK_REMAINDER @3500"],
  },
];

const venue: Row[] = [
  {
    rule: "7.3, 7.4, 7.5 and their sequence",
    messages: [s.opening(0, [["0.4", "500"]], [["0.5", "500"]])],
    orders: [
      s.order({ limit: "0.4", size: "10.001" }),
      s.order({ limit: "0.58", size: "11.37", timeInForce: "FAK" }),
      s.order({ limit: "0.41", size: "11.37", timeInForce: "FAK", side: "SELL" }),
      s.order({ limit: "0.4", size: "4.99", minOrderSizeMicro: 5_000_000n }),
      s.order({ limit: "0.5", size: "1.99" }),
      s.order({ limit: "0.49", size: "1.99", cancelAtMs: 1_001 }),
      s.order({ limit: "0.5", size: "2" }),
    ],
    is: [
      "AMOUNT_PRECISION @1000",
      "AMOUNT_PRECISION @1000",
      "FAK_REMAINDER @1000",
      "SIZE_BELOW_MINIMUM @1000",
      "MARKETABLE_BELOW_MINIMUM @1000",
      "CANCELED @1001",
      "0.5x2 taker @1000; FILLED @1000",
    ],
  },
];

tellRows({ sweeps, taken, venue });

describe("reference, money", () => {
  it("8.1: rounds USDC up for a BUY, down for a SELL", () => {
    expect(usdcOf("BUY", 333_000n, 1n)).toBe(1n);
    expect(usdcOf("SELL", 333_000n, 4n)).toBe(1n);
  });
  it("8.2: rounds a fee half up to 0.00001, and takes at least that", () => {
    const fee = { rateMicro: 50_000n, exponent: 1 };
    expect(takerFeeOf(fee, 500_000n, 100_000_000n)).toBe(1_250_000n);
    expect(takerFeeOf(fee, 500_000n, 1n)).toBe(10n);
    // 0.0012 shares: 15 micro exactly.
    expect(takerFeeOf(fee, 500_000n, 1_200n)).toBe(20n);
    expect(takerFeeOf({ rateMicro: 0n, exponent: 2 }, 500_000n, 1n)).toBe(0n);
  });
});
