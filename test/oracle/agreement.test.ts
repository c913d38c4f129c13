/** Small stories that were told differently once: here by the engine, the bookstore's core included, and the reference. */
import { expect, it } from "vitest";
import { runEngine } from "./engine.ts";
import { runReference } from "./reference.ts";
import * as s from "./story.testing.ts";
import type { Market, Message, Order } from "./types.ts";

const { FIRST, SECOND } = s;
const beat = (ts: number): Message => s.frame(ts, s.mirrored(ts, "BUY", "0.01", String(ts)));
const on = (connection: string, message: Message): Message => ({ ...message, connection }) as Message;
const two: Market = { ...s.market, connections: ["quick", "slow"] };
const bid = [["0.45", "30"]] as const;
const ask = [["0.5", "30"]] as const;
const fak = { limit: "0.5", size: "10", timeInForce: "FAK" } as const;

type Story = { name: string; market?: Market; messages: Message[]; orders: Order[]; is: string[] };
const stories: Story[] = [
  {
    name: "1.11: after a frame that cannot be read and names no token all books are unknown until a full one comes",
    messages: [
      s.opening(0, bid, ask),
      beat(1_000),
      { kind: "frame", atMs: 1_000, text: '{"event_type":"price_change","price_ch' },
      beat(1_005),
      beat(2_000),
      s.opening(3_000, bid, ask),
      beat(4_000),
    ],
    orders: [998, 1_004, 2_500, 3_001].map((placeAtMs) => s.order({ ...fak, placeAtMs })),
    is: ["0.5x10 taker @998; FILLED @998", "BLIND @1004", "BLIND @2500", "0.5x10 taker @3001; FILLED @3001"],
  },
  {
    name: "1.11: what cannot be read on one connection says nothing of a token on another",
    market: two,
    messages: [
      on("quick", s.frame(0, s.book(FIRST, 0, bid, ask, "0.01"))),
      on("slow", s.frame(0, s.book(SECOND, 0, [["0.5", "30"]], [["0.55", "30"]], "0.01"))),
      on("quick", s.frame(1_500, s.changes(1_500, [FIRST, "BUY", "0.01", "1"]))),
      on("quick", { kind: "frame", atMs: 1_500, text: "{" }),
      on("quick", s.frame(1_600, { event_type: "book", asset_id: SECOND, timestamp: "never" })),
      on("quick", s.frame(3_000, s.changes(3_000, [FIRST, "BUY", "0.01", "2"]))),
      on("slow", s.frame(3_000, s.changes(3_000, [SECOND, "BUY", "0.01", "2"]))),
    ],
    orders: [
      s.order({ ...fak, placeAtMs: 2_000 }),
      s.order({ ...fak, tokenId: SECOND, side: "SELL", placeAtMs: 2_000 }),
    ],
    is: ["BLIND @2000", "0.5x10 taker @2000; FILLED @2000"],
  },
  {
    name: "1.13: a closing that a quick connection tells takes nothing from what a slow one still brings",
    market: two,
    messages: [
      on("quick", s.frame(0, s.book(FIRST, 0, [], [["0.9", "5"]], "0.01"))),
      on("slow", s.frame(0, s.book(SECOND, 0, [], [["0.9", "5"]], "0.01"))),
      on("quick", s.frame(5_000, s.changes(5_000, [FIRST, "BUY", "0.01", "1"]))),
      on("quick", s.frame(5_000, s.resolved(5_000))),
      on("slow", s.frame(1_500, s.changes(1_500, [SECOND, "BUY", "0.45", "30"]))),
      on("slow", s.frame(3_000, s.changes(3_000, [SECOND, "BUY", "0.46", "20"]))),
      on("slow", s.frame(6_000, s.changes(6_000, [SECOND, "BUY", "0.47", "90"]))),
      on("slow", s.frame(6_000, s.resolved(5_000))),
    ],
    orders: [2_000, 4_999, 5_000].map((placeAtMs) =>
      s.order({ ...fak, limit: "0.45", size: "40", tokenId: SECOND, side: "SELL", placeAtMs }),
    ),
    is: [
      "0.45x30 taker @2000; FAK_REMAINDER @2000",
      "0.46x20 taker @4999; 0.45x20 taker @4999; FILLED @4999",
      "MARKET_NOT_ACCEPTING_ORDERS @5000",
    ],
  },
  {
    name: "1.9: without a tick the first book has the definition's, a later one the last; levels off it name a finer one",
    messages: [
      s.frame(0, s.book(FIRST, 0, bid, ask), s.book(SECOND, 0, [], [["0.485", "5"]])),
      beat(2_000),
      s.frame(2_000, s.tickChange(FIRST, 2_000, "0.01", "0.001")),
      { kind: "gap", atMs: 2_100, tokens: [FIRST, SECOND] },
      s.frame(2_500, s.tickChange(SECOND, 2_500, "0.005", "0.01")),
      s.frame(3_000, s.book(FIRST, 3_000, bid, ask), s.book(SECOND, 3_000, [], [["0.6", "5"]])),
      beat(5_000),
    ],
    orders: [
      s.order(fak),
      s.order({ ...fak, limit: "0.505" }),
      s.order({ ...fak, limit: "0.405", tokenId: SECOND }),
      s.order({ ...fak, limit: "0.501", placeAtMs: 4_000 }),
      s.order({ ...fak, limit: "0.405", tokenId: SECOND, placeAtMs: 4_000 }),
    ],
    is: [
      "0.5x10 taker @1000; FILLED @1000",
      "PRICE_OFF_TICK @1000",
      "FAK_REMAINDER @1000",
      "0.5x10 taker @4000; FILLED @4000",
      "PRICE_OFF_TICK @4000",
    ],
  },
  {
    name: "1.10: the ladder's grid is the tick on which all ticks lie: 0.001 and 0.0025 make 0.0001",
    messages: [
      s.opening(0, bid, ask, "0.001"),
      s.frame(1_000, s.tickChange(FIRST, 1_000, "0.001", "0.0025")),
      s.frame(1_100, s.changes(1_100, [FIRST, "SELL", "0.5001", "10"])),
      beat(5_000),
    ],
    orders: [s.order({ ...fak, limit: "0.5001", placeAtMs: 2_000 }), s.order({ ...fak, placeAtMs: 2_000 })],
    is: ["PRICE_OFF_TICK @2000", "0.5x10 taker @2000; FILLED @2000"],
  },
  {
    name: "1.11: a tick change ahead of the newest time proves nothing of the time before it",
    messages: [
      s.opening(0, bid, ask),
      beat(1_000),
      s.frame(2_000, s.tickChange(FIRST, 2_000, "0.01", "0.001")),
      { kind: "gap", atMs: 2_100, tokens: [FIRST] },
      beat(3_000),
      s.frame(4_000, s.book(FIRST, 4_000, bid, ask)),
      beat(5_000),
    ],
    orders: [999, 1_500, 2_500, 4_500].map((placeAtMs) => s.order({ ...fak, placeAtMs, size: "5" })),
    is: ["0.5x5 taker @999; FILLED @999", "BLIND @1500", "BLIND @2500", "0.5x5 taker @4500; FILLED @4500"],
  },
  {
    name: "1.4, 1.6: a tick told in a gap, if only the one there was, is a time before which the next book is none",
    messages: [
      s.opening(0, bid, ask),
      beat(1_000),
      { kind: "gap", atMs: 1_100, tokens: [FIRST] },
      s.frame(1_200, s.tickChange(FIRST, 2_200, "0.01", "0.01")),
      s.frame(1_300, s.book(FIRST, 1_300, bid, ask)),
      beat(5_000),
    ],
    orders: [999, 2_000, 2_199, 2_200].map((placeAtMs) => s.order({ ...fak, placeAtMs })),
    is: ["0.5x10 taker @999; FILLED @999", "BLIND @2000", "BLIND @2199", "0.5x10 taker @2200; FILLED @2200"],
  },
  {
    name: "1.5: after an opening book nothing is a repeat of what came before it, however late that was stamped",
    messages: [
      s.frame(0, s.book(FIRST, 0, bid, ask), s.book(SECOND, 0, [], [])),
      { kind: "gap", atMs: 100, tokens: [FIRST] },
      s.frame(200, s.book(FIRST, 3_000, bid, ask)),
      { kind: "gap", atMs: 300, tokens: [FIRST] },
      s.frame(400, s.book(FIRST, 400, bid, ask)),
      s.frame(2_000, s.changes(2_000, [FIRST, "SELL", "0.49", "5"])),
      beat(5_000),
    ],
    orders: [s.order({ ...fak, placeAtMs: 4_000 })],
    is: ["0.49x5 taker @4000; 0.5x5 taker @4000; FILLED @4000"],
  },
  {
    name: "1.4, 1.14: what comes after a PONG proved its time counts from after what it proved",
    messages: [
      s.opening(0, bid, ask),
      beat(1_000),
      { kind: "pong", atMs: 3_000, upToMs: 2_999 },
      s.frame(1_500, s.book(FIRST, 1_000, bid, [["0.49", "5"]])),
      beat(5_000),
    ],
    orders: [2_000, 2_999, 3_000].map((placeAtMs) => s.order({ ...fak, placeAtMs })),
    is: [
      "0.5x10 taker @2000; FILLED @2000",
      "0.5x10 taker @2999; FILLED @2999",
      "0.49x5 taker @3000; FAK_REMAINDER @3000",
    ],
  },
  {
    name: "1.13: of closings the earliest counts, whatever is stamped ahead of it",
    messages: [
      s.opening(0, bid, ask),
      beat(1_000),
      s.frame(1_100, s.tickChange(FIRST, 2_100, "0.01", "0.001")),
      s.frame(1_200, s.resolved(2_000)),
      s.frame(1_300, s.resolved(1_900)),
    ],
    orders: [s.order({ limit: "0.4", size: "10" }), s.order({ ...fak, placeAtMs: 1_899 })].concat(
      s.order({ ...fak, placeAtMs: 1_900 }),
    ),
    is: ["MARKET_CLOSED @1900", "0.5x10 taker @1899; FILLED @1899", "MARKET_NOT_ACCEPTING_ORDERS @1900"],
  },
  {
    name: "1.13: a connection that says that the market is resolved has told all before it",
    messages: [
      s.opening(0, bid, ask),
      beat(1_000),
      s.frame(3_000, s.resolved(3_000)),
      { kind: "gap", atMs: 3_000, tokens: null },
      s.frame(1_500, s.mirrored(1_500, "SELL", "0.5", "0")),
      s.frame(1_500, s.print(FIRST, 1_500, "SELL", "0.3", "50")),
    ],
    orders: [
      s.order({ ...fak, placeAtMs: 2_000 }),
      s.order({ limit: "0.4", size: "10" }),
      s.order({ ...fak, placeAtMs: 3_000 }),
    ],
    is: ["0.5x10 taker @2000; FILLED @2000", "MARKET_CLOSED @3000", "MARKET_NOT_ACCEPTING_ORDERS @3000"],
  },
  {
    name: "1.4, 1.5: a change counts when it comes, also one that is stamped 20 s before those that came",
    messages: [
      s.opening(0, bid, ask),
      beat(30_000),
      s.frame(30_100, s.mirrored(10_000, "SELL", "0.5", "0")),
      beat(40_000),
    ],
    orders: [29_999, 30_000, 31_000].map((placeAtMs) => s.order({ ...fak, placeAtMs })),
    is: ["0.5x10 taker @29999; FILLED @29999", "FAK_REMAINDER @30000", "FAK_REMAINDER @31000"],
  },
  {
    name: "1.3: a change with a time that is none is not believed: its book is unknown until a full one comes",
    messages: [
      s.opening(0, bid, ask),
      beat(1_000),
      s.frame(1_500, s.changes(86_400_000, [FIRST, "SELL", "0.5", "0"])),
      beat(2_000),
      s.frame(3_000, s.book(FIRST, 3_000, bid, ask)),
      beat(4_000),
    ],
    orders: [998, 1_800, 3_500].map((placeAtMs) => s.order({ ...fak, placeAtMs })),
    is: ["0.5x10 taker @998; FILLED @998", "BLIND @1800", "0.5x10 taker @3500; FILLED @3500"],
  },
  {
    name: "1.5: what comes twice counts once, and later than 2 s it is no repeat",
    messages: [
      s.opening(0, bid, ask),
      s.frame(1_500, s.changes(1_500, [FIRST, "SELL", "0.5", "0", "a"])),
      s.frame(1_600, s.changes(1_600, [FIRST, "SELL", "0.5", "20", "b"])),
      s.frame(1_700, s.changes(1_500, [FIRST, "SELL", "0.5", "0", "a"])),
      beat(2_500),
      s.frame(4_000, s.changes(1_500, [FIRST, "SELL", "0.5", "0", "a"])),
      beat(5_000),
    ],
    orders: [2_000, 4_500].map((placeAtMs) => s.order({ ...fak, placeAtMs })),
    is: ["0.5x10 taker @2000; FILLED @2000", "FAK_REMAINDER @4500"],
  },
  {
    name: "1.5: for a second the first book has what is stamped up to a second before it",
    messages: [
      s.frame(2_000, s.book(FIRST, 2_000, bid, ask, "0.01"), s.book(SECOND, 2_000, [], [], "0.01")),
      s.frame(2_010, s.changes(1_000, [FIRST, "SELL", "0.5", "0", "a"])),
      s.frame(3_100, s.changes(1_990, [FIRST, "SELL", "0.5", "5", "b"])),
      beat(5_000),
    ],
    orders: [2_000, 4_000].map((placeAtMs) => s.order({ ...fak, placeAtMs, size: "20" })),
    is: ["0.5x5 taker @2000; FAK_REMAINDER @2000", "0.5x5 taker @4000; FAK_REMAINDER @4000"],
  },
  {
    name: "1.11: a print that cannot be read, words and messages of strangers are no gap",
    messages: [
      s.opening(0, bid, ask),
      { kind: "frame", atMs: 500, text: "INVALID OPERATION" },
      s.frame(500, { error: "invalid" }),
      s.frame(500, { event_type: "new_market", market: null }),
      s.frame(500, { ...s.print(FIRST, 500, "BUY", "0.5", "1"), size: "much" }),
      beat(2_000),
    ],
    orders: [s.order({ ...fak, placeAtMs: 1_000 })],
    is: ["0.5x10 taker @1000; FILLED @1000"],
  },
  {
    name: "1.13: a book that comes after the market's end on its connection ends no gap before it",
    messages: [
      s.opening(0, bid, ask),
      beat(1_000),
      { kind: "gap", atMs: 1_100, tokens: [FIRST] },
      s.frame(1_200, s.resolved(3_000)),
      s.frame(1_300, s.book(FIRST, 1_300, bid, ask)),
    ],
    orders: [999, 2_000, 3_000].map((placeAtMs) => s.order({ ...fak, placeAtMs })),
    is: ["0.5x10 taker @999; FILLED @999", "BLIND @2000", "MARKET_NOT_ACCEPTING_ORDERS @3000"],
  },
  {
    name: "4.8, 7: without a book a closed market still refuses",
    messages: [{ kind: "definition", atMs: 0, closedMs: 900 }, s.opening(2_000, bid, ask), beat(5_000)],
    orders: [s.order({ ...fak, placeAtMs: 899 }), s.order(fak)],
    is: ["BLIND @899", "MARKET_NOT_ACCEPTING_ORDERS @1000"],
  },
];

/** The stories tell times from 0; the bookstore reads only times that can be. */
const ZERO_MS = 1_790_000_000_000;
function later(message: Message): Message {
  if (message.kind === "pong") return { ...message, upToMs: message.upToMs + ZERO_MS };
  if (message.kind === "definition") return { ...message, closedMs: message.closedMs + ZERO_MS };
  const atMs = message.atMs + ZERO_MS;
  if (message.kind === "gap") return { ...message, atMs };
  const text = message.text.replace(/"timestamp":"(\d+)"/g, (_, ms) => `"timestamp":"${Number(ms) + ZERO_MS}"`);
  return { ...message, atMs, text };
}
const sooner = (line: string): string => line.replace(/@(\d+)/g, (_, ms) => `@${Number(ms) - ZERO_MS}`);

it.each(stories)("$name", ({ market = s.market, messages, orders, is }) => {
  const moved = messages.map(later);
  const named = orders.map((order, n) => {
    return { ...order, placeAtMs: order.placeAtMs + ZERO_MS, orderId: String(n), account: String(n) };
  });
  expect(s.told(runReference(market, moved, named)).map(sooner), "the reference").toEqual(is);
  expect(s.told(runEngine(market, moved, named)).map(sooner), "the engine").toEqual(is);
});
