import { beat, quiet, type Row, tell, tellRows } from "./rows.testing.ts";
import * as s from "./story.testing.ts";

const { FIRST, SECOND } = s;

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

tellRows({ rests, times });
