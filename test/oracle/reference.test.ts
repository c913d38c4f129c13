import { describe, expect, it } from "vitest";
import { runReference } from "./reference.ts";
import { takerFeeOf, usdcOf } from "./rules.ts";
import * as s from "./story.testing.ts";
import type { Message, Order } from "./types.ts";

const { FIRST, SECOND } = s;
const run = (messages: readonly Message[], ...orders: readonly Order[]): string[] =>
  s.told(runReference(s.market, messages, orders));
const tell = (ts: number, ...messages: Parameters<typeof s.frame>[1][]): Message => s.frame(ts, ...messages);
/** A harmless change that moves the time on. */
const beat = (ts: number): Message => tell(ts, s.mirrored(ts, "BUY", "0.01", String(ts)));
const quiet = s.opening(0, [["0.4", "500"]], [["0.6", "500"]]);

type Row = { rule: string; messages: Message[]; orders: Order[]; is: string[] };

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

const rests: Row[] = [
  {
    rule: "6.2, 6.6: prints reach it beyond what is ahead; 2.3: of the sibling too; 3.4: not at T",
    messages: [
      quiet,
      tell(1_000, s.print(FIRST, 1_000, "SELL", "0.4", "499", "x")),
      tell(3_000, s.print(FIRST, 3_000, "SELL", "0.4", "490", "y")),
      tell(4_000, s.print(SECOND, 4_000, "BUY", "0.6", "13", "z"), s.print(SECOND, 4_000, "BUY", "0.6", "13", "z")),
      tell(4_500, s.print(FIRST, 4_500, "BUY", "0.4", "100", "w")),
    ],
    orders: [s.order({ limit: "0.4", size: "10" })],
    is: ["0.4x3 maker @4000; EXPIRED @6000"],
  },
  {
    rule: "6.7: a print beyond the limit",
    messages: [quiet, tell(3_000, s.print(FIRST, 3_000, "SELL", "0.39", "4", "x"))],
    orders: [s.order({ limit: "0.4", size: "10" }), s.order({ limit: "0.38", size: "10" })],
    is: ["0.4x4 maker @3000; EXPIRED @6000", "EXPIRED @6000"],
  },
  {
    rule: "6.4 to 6.6: print and decrease explain each other once, other changes between them",
    messages: [
      s.opening(0, [["0.4", "100"]], [["0.6", "500"]]),
      tell(2_000, s.mirrored(2_000, "BUY", "0.4", "60")),
      tell(2_100, s.mirrored(2_100, "BUY", "0.4", "75")),
      tell(2_200, s.print(FIRST, 2_200, "SELL", "0.4", "40", "x")),
      tell(3_000, s.print(FIRST, 3_000, "SELL", "0.4", "30", "y")),
      tell(3_100, s.mirrored(3_100, "BUY", "0.4", "45")),
      tell(3_200, s.print(FIRST, 3_200, "SELL", "0.4", "35", "z")),
    ],
    orders: [s.order({ limit: "0.4", size: "10" })],
    is: ["0.4x5 maker @3200; EXPIRED @6000"],
  },
  {
    rule: "6.4: not when they are more than 1,000 ms apart",
    messages: [
      s.opening(0, [["0.4", "100"]], [["0.6", "500"]]),
      tell(2_000, s.mirrored(2_000, "BUY", "0.4", "60")),
      tell(3_001, s.print(FIRST, 3_001, "SELL", "0.4", "64", "x")),
    ],
    orders: [s.order({ limit: "0.4", size: "10" })],
    is: ["0.4x4 maker @3001; EXPIRED @6000"],
  },
  {
    rule: "6.8: orders of both tokens share a print, best price first; 2.5: another account has its own share",
    messages: [
      s.opening(0, [["0.3", "1"]], [["0.6", "500"]]),
      tell(3_000, s.print(FIRST, 3_000, "SELL", "0.35", "12", "x")),
    ],
    orders: [
      s.order({ limit: "0.4", size: "10" }),
      s.order({ limit: "0.59", size: "5", tokenId: SECOND, side: "SELL" }),
      s.order({ limit: "0.4", size: "20", account: "other" }),
    ],
    is: ["0.4x7 maker @3000; EXPIRED @6000", "0.59x5 maker @3000; FILLED @3000", "0.4x12 maker @3000; EXPIRED @6000"],
  },
  {
    rule: "6.9: nothing in a gap, at the back after it, what crosses meets it",
    messages: [
      quiet,
      beat(2_000),
      { kind: "gap", atMs: 2_100, tokens: null },
      tell(2_500, s.print(FIRST, 2_500, "SELL", "0.3", "100", "x")),
      tell(
        3_000,
        s.book(
          FIRST,
          3_000,
          [["0.4", "20"]],
          [
            ["0.38", "3"],
            ["0.39", "1"],
          ],
          "0.01",
        ),
      ),
      tell(3_500, s.print(FIRST, 3_500, "SELL", "0.4", "22", "y")),
    ],
    orders: [s.order({ limit: "0.4", size: "10" }), s.order({ limit: "0.4", size: "10", ttlMs: 1_500 })],
    is: ["0.4x3 maker @3000; 0.4x1 maker @3000; 0.4x2 maker @3500; EXPIRED @6000", "EXPIRED @2500"],
  },
  {
    rule: "6.10: liquidity that comes to its price, in the sequence of 6.8, and is taken there",
    messages: [quiet, tell(3_000, s.mirrored(3_000, "SELL", "0.45", "14"))],
    orders: [
      s.order({ limit: "0.46", size: "10" }),
      s.order({ limit: "0.47", size: "10", placeAtMs: 1_500 }),
      s.order({ limit: "0.45", size: "5", timeInForce: "FAK", placeAtMs: 3_000 }),
    ],
    is: ["0.46x4 maker @3000; EXPIRED @6000", "0.47x10 maker @3000; FILLED @3000", "FAK_REMAINDER @3000"],
  },
  {
    rule: "6.11: a decrease from before T explains its print from after T",
    messages: [
      s.opening(0, [["0.4", "100"]], []),
      tell(5_900, s.mirrored(5_900, "BUY", "0.4", "50")),
      tell(6_100, s.print(FIRST, 6_100, "SELL", "0.4", "50", "x"), s.print(FIRST, 6_101, "SELL", "0.4", "52", "y")),
    ],
    orders: [s.order({ limit: "0.4", size: "10", placeAtMs: 6_000 })],
    is: ["0.4x2 maker @6101; EXPIRED @11000"],
  },
  {
    rule: "6.11: the past begins after T − 1,000; 6.5: a print explains one decrease only",
    messages: [
      s.opening(0, [["0.4", "150"]], []),
      tell(5_000, s.mirrored(5_000, "BUY", "0.4", "100")),
      tell(5_500, s.print(FIRST, 5_500, "SELL", "0.4", "50", "v")),
      tell(6_200, s.mirrored(6_200, "BUY", "0.4", "70")),
      tell(6_300, s.print(FIRST, 6_300, "SELL", "0.4", "30", "x")),
      tell(6_400, s.print(FIRST, 6_400, "SELL", "0.4", "45", "y")),
    ],
    orders: [
      s.order({ limit: "0.4", size: "10", placeAtMs: 6_000 }),
      s.order({ limit: "0.4", size: "10", placeAtMs: 5_999, account: "other" }),
    ],
    is: ["0.4x5 maker @6400; EXPIRED @11000", "EXPIRED @10999"],
  },
];

const times: Row[] = [
  {
    rule: "1.4, 1.5: late stamps count from the newest time, repeats not at all",
    messages: [
      quiet,
      beat(2_000),
      tell(1_500, s.changes(1_500, [FIRST, "SELL", "0.5", "10"])),
      tell(2_000, s.changes(2_000, [FIRST, "SELL", "0.51", "10"])),
      tell(1_000, s.book(FIRST, 1_000, [], [["0.52", "10"]])),
    ],
    orders: [1_999, 2_000].map((placeAtMs) => s.order({ limit: "0.59", size: "10", timeInForce: "FAK", placeAtMs })),
    is: ["FAK_REMAINDER @1999", "0.52x10 taker @2000; FILLED @2000"],
  },
  {
    rule: "1.5: what comes again with an older hash of its own millisecond is a repeat",
    messages: [
      quiet,
      tell(2_000, s.changes(2_000, [FIRST, "SELL", "0.5", "10", "x"], [FIRST, "SELL", "0.51", "4", "x"])),
      tell(2_000, s.changes(2_000, [FIRST, "SELL", "0.5", "3", "y"])),
      tell(2_000, s.changes(2_000, [FIRST, "SELL", "0.5", "10", "x"], [FIRST, "SELL", "0.51", "4", "x"])),
      tell(2_000, s.changes(2_000, [FIRST, "SELL", "0.5", "2", "y"])),
    ],
    orders: [s.order({ limit: "0.5", size: "10", timeInForce: "FAK", placeAtMs: 2_000 })],
    is: ["0.5x2 taker @2000; FAK_REMAINDER @2000"],
  },
  {
    rule: "1.11, 1.12: what came before a gap counts up to its beginning, prints from there on do not",
    messages: [
      quiet,
      tell(1_900, s.mirrored(1_900, "SELL", "0.5", "2")),
      tell(2_000, s.mirrored(2_000, "SELL", "0.49", "3"), s.print(FIRST, 2_000, "SELL", "0.3", "5", "x")),
      { kind: "gap", atMs: 2_100, tokens: [FIRST] },
      tell(3_000, s.changes(3_000, [FIRST, "SELL", "0.5", "8"])),
      tell(2_500, s.book(FIRST, 2_500, [["0.4", "1"]], [["0.5", "4"]])),
    ],
    orders: [
      s.order({ limit: "0.5", size: "10" }),
      s.order({ limit: "0.5", size: "10", placeAtMs: 2_999 }),
      s.order({ limit: "0.5", size: "10", placeAtMs: 3_000, timeInForce: "FAK", account: "other" }),
      s.order({ limit: "0.65", size: "10", tokenId: SECOND, side: "SELL" }),
    ],
    is: [
      "0.5x2 maker @1900; 0.5x3 maker @2000; 0.5x2 maker @3000; EXPIRED @6000",
      "BLIND @2999",
      "0.5x4 taker @3000; FAK_REMAINDER @3000",
      "EXPIRED @6000",
    ],
  },
  {
    rule: "1.7: a print is never before what is decided",
    messages: [
      quiet,
      beat(2_000),
      { kind: "pong", atMs: 0, upToMs: 3_000 },
      tell(1, s.print(FIRST, 1, "SELL", "0.3", "4")),
    ],
    orders: [s.order({ limit: "0.4", size: "10" })],
    is: ["0.4x4 maker @3001; EXPIRED @6000"],
  },
  {
    rule: "1.9, 1.10, 7.2: ticks that are announced, ones that are not, and coarser ones",
    messages: [
      quiet,
      tell(2_000, s.changes(2_000, [FIRST, "BUY", "0.035", "10"])),
      tell(3_000, s.tickChange(FIRST, 3_000, "0.005", "0.001")),
      tell(4_000, s.tickChange(FIRST, 4_000, "0.001", "0.01")),
      tell(4_500, s.changes(4_500, [FIRST, "BUY", "0.041", "10"])),
    ],
    orders: [
      s.order({ limit: "0.455", size: "10", placeAtMs: 1_999 }),
      s.order({ limit: "0.455", size: "10", placeAtMs: 2_000, timeInForce: "FAK" }),
      s.order({ limit: "0.453", size: "10", placeAtMs: 2_999 }),
      s.order({ limit: "0.453", size: "10", placeAtMs: 3_000, timeInForce: "FAK" }),
      s.order({ limit: "0.453", size: "10", placeAtMs: 4_600 }),
      s.order({ limit: "0.995", size: "10", placeAtMs: 4_600 }),
    ],
    is: [
      "PRICE_OFF_TICK @1999",
      "FAK_REMAINDER @2000",
      "PRICE_OFF_TICK @2999",
      "FAK_REMAINDER @3000",
      "PRICE_OFF_TICK @4600",
      "PRICE_OFF_TICK @4600",
    ],
  },
  {
    rule: "1.13, 3.7, 7.1: a closing ends what is open and refuses the rest, late prints fill nothing",
    messages: [quiet, tell(2_000, s.resolved(2_000)), tell(2_000, s.print(FIRST, 2_000, "SELL", "0.3", "50"))],
    orders: [s.order({ limit: "0.4", size: "10" }), s.order({ limit: "0.6", size: "10", placeAtMs: 2_000 })],
    is: ["MARKET_CLOSED @2000", "MARKET_NOT_ACCEPTING_ORDERS @2000"],
  },
  {
    rule: "3.7: a closing that is told too late ends at the last decided time",
    messages: [quiet, beat(2_001), { kind: "definition", atMs: 2_100, closedMs: 500 }, beat(9_000)],
    orders: [s.order({ limit: "0.6", size: "10" }), s.order({ limit: "0.4", size: "10", placeAtMs: 2_001 })].concat(
      s.order({ limit: "0.4", size: "10", placeAtMs: 2_000 }),
    ),
    is: ["0.6x10 taker @1000; FILLED @1000", "MARKET_NOT_ACCEPTING_ORDERS @2001", "MARKET_CLOSED @2000"],
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

for (const [name, rows] of Object.entries({ sweeps, taken, rests, times, venue })) {
  describe(`reference, ${name}`, () => {
    it.each(rows)("$rule", ({ messages, orders, is }) => {
      const named = orders.map((one, n) => ({ ...one, orderId: String(n) }));
      expect(run(messages, ...named)).toEqual(is);
    });
  });
}

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
