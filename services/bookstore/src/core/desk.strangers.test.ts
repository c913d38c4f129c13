/** What comes over the line and is no book or change of ours: it must leave our books as they are. */
import type { PriceMicro } from "@slipstream/contracts/money";
import { createMarketParser } from "@slipstream/polymarket/marketChannel";
import { beforeEach, describe, expect, test } from "vitest";
import { createDesk, type Desk, type DeskOutput, onEvents, onTick, track } from "./desk.ts";
import { snap, tokensWithoutBook } from "./deskAnswers.ts";
import { onRestBook } from "./deskRest.ts";
import { onRefused } from "./refusals.ts";
import { ask, bid, conditionId, createVenue, marketOf, NO, START_MS, type Venue, YES } from "./venue.testing.ts";

const C = "7-0";
let venue: Venue;
let desk: Desk;

/** Takes a frame as the shell does. */
function say(frame: unknown, atMs = START_MS + 500): DeskOutput[] {
  const { events, refused } = createMarketParser().parse(typeof frame === "string" ? frame : JSON.stringify(frame));
  return [...onEvents(desk, C, events, atMs), ...refused.flatMap((refusal) => onRefused(desk, C, refusal, atMs))];
}
const statuses = (outputs: readonly DeskOutput[]): string[] =>
  outputs.flatMap((output) =>
    output.type === "BookStatus" ? [`${output.tokenId} ${output.health}: ${output.reason}`] : [],
  );

beforeEach(() => {
  venue = createVenue();
  desk = createDesk(7, marketOf);
  for (const tokenId of [YES, NO]) track(desk, tokenId, C);
  venue.change(START_MS, bid(400_000, 10), ask(600_000, 20));
  onEvents(desk, C, [venue.opening(YES), venue.opening(NO)], START_MS + 40);
});

const foreign = `0x${"77".repeat(32)}`;
const timestamp = String(START_MS + 400);
const newMarket = { event_type: "new_market", id: "1", market: foreign, assets_ids: ["5", "6"], timestamp };
const resolvedAt = { event_type: "market_resolved", market: foreign, assets_ids: ["5", "6"], timestamp };
const entry = { asset_id: "5", price: "0.5", size: "1", side: "BUY", hash: "", best_bid: "", best_ask: "" };
const change = { event_type: "price_change", market: foreign, timestamp, price_changes: [entry] };
const print = {
  event_type: "last_trade_price",
  market: conditionId,
  asset_id: YES,
  timestamp,
  price: "0.6",
  side: "BUY",
};

test.each<[string, unknown]>([
  ["the venue's words", "INVALID OPERATION"],
  ["other words", "NO NEW ASSETS"],
  ["words as JSON", '"INVALID OPERATION"'],
  ["an error as an object", { error: "invalid" }],
  ["an error in a list", [{ error: "invalid" }]],
  ["a message as an object", { message: "slow down", code: 7 }],
  ["nothing", null],
  ["a number", 7],
  ["a new market", newMarket],
  ["a new market without tokens", { ...newMarket, assets_ids: null }],
  ["a new market with a condition that is none", { ...newMarket, market: "0x" }],
  ["a new market with a time that is none", { ...newMarket, timestamp: "2026-10-04 14:25:00+00" }],
  ["a new market of no time", { ...newMarket, timestamp: undefined }],
  ["a new market with tokens as text", { ...newMarket, assets_ids: '["5","6"]' }],
  ["another market resolved", resolvedAt],
  ["another market resolved, by a winner that is none", { ...resolvedAt, winning_asset_id: {}, timestamp: 0 }],
  ["nothing resolved", { event_type: "market_resolved" }],
  ["an event nobody knows", { event_type: "moon_phase", market: null }],
  ["another market's change that cannot be read", { ...change, price_changes: [{ ...entry, size: "-1" }] }],
  ["another market's change of no token", { ...change, price_changes: [{ ...entry, asset_id: null }] }],
  ["another market's change of no time", { ...change, timestamp: "" }],
  ["another market's book that cannot be read", { event_type: "book", market: foreign, asset_id: "5", bids: null }],
  ["another market's book of no token", { event_type: "book", market: foreign, bids: [], asks: [] }],
  ["another market's change cut off", JSON.stringify(change).slice(0, -30)],
  ["a print of ours that cannot be read", { ...print, size: "much" }],
  ["a print of ours of no time", { ...print, size: "1", timestamp: null }],
  ["best prices of ours that cannot be read", { ...print, event_type: "best_bid_ask", best_bid: "high" }],
])("%s, told 566 times, leaves our books alone", (_name, frame) => {
  const outputs = Array.from({ length: 566 }, (_, n) => say(frame, START_MS + 500 + n)).flat();
  expect(statuses([...outputs, ...onTick(desk, START_MS + 4_000)])).toEqual([]);
  expect([YES, NO].map((tokenId) => snap(desk, tokenId, 0)?.health)).toEqual(["healthy", "healthy"]);
  expect(desk.connections.get(C)?.lastEventMs).toBe(0);
});

const ours = { ...entry, asset_id: YES };
const sibling = { ...entry, asset_id: NO, side: "SELL" };
test.each<[string, unknown, string[]]>([
  [
    "a change of ours with a size that is none",
    { ...change, market: conditionId, price_changes: [{ ...ours, size: "x" }] },
    ["111 resyncing: unreadable message"],
  ],
  [
    "a change of both, of which one cannot be read: the other counts",
    { ...change, market: conditionId, price_changes: [sibling, { ...ours, price: "2" }] },
    ["111 resyncing: unreadable message"],
  ],
  [
    "a change of our market of no token",
    { ...change, market: conditionId, price_changes: [{ ...ours, asset_id: "" }] },
    ["111 resyncing: unreadable message", "222 resyncing: unreadable message"],
  ],
  [
    "a change of our market, cut off",
    JSON.stringify({ ...change, market: conditionId }).slice(0, -30),
    ["111 resyncing: unreadable message", "222 resyncing: unreadable message"],
  ],
  [
    "a change of nobody: it may have been ours",
    { ...change, market: null, price_changes: [{ ...ours, asset_id: null }] },
    ["111 suspect: unreadable frame", "222 suspect: unreadable frame"],
  ],
  [
    "a frame cut off before it says whose it is",
    '{"market":"0x',
    ["111 suspect: unreadable frame", "222 suspect: unreadable frame"],
  ],
])("%s", (_name, frame, told) => {
  expect(statuses(say(frame))).toEqual(told);
});

test.each<[string, object]>([
  ["without a winner", {}],
  ["with a winner that is none", { winning_asset_id: 5 }],
  ["without its market", { market: undefined }],
  ["without a time", { timestamp: undefined }],
  ["of which only the market is named", { assets_ids: null }],
])("our own market, resolved %s, is closed", (_name, more) => {
  say({ event_type: "market_resolved", market: conditionId, assets_ids: [YES, NO], timestamp, ...more });
  expect([YES, NO].map((tokenId) => desk.books.get(tokenId)?.health)).toEqual(["dead", "dead"]);
});

describe("best prices that come by themselves", () => {
  const claim = (bidMicro: number, askMicro: number, atMs: number): DeskOutput[] =>
    onEvents(
      desk,
      C,
      [
        {
          ...{ kind: "bestPrices", tokenId: YES, conditionId, tsEventMs: atMs - 40 },
          ...{ bestBidMicro: bidMicro as PriceMicro, bestAskMicro: askMicro as PriceMicro },
        },
      ],
      atMs,
    );

  test("are no level, and agree with a right book without a word", () => {
    expect(claim(400_000, 600_000, START_MS + 2_000)).toEqual([]);
    expect(statuses(onTick(desk, START_MS + 5_000))).toEqual([]);
    claim(450_000, 600_000, START_MS + 6_000);
    expect(snap(desk, YES, 0)?.bids).toEqual(venue.levels(YES).bids);
  });

  test("that come before their changes are no doubt", () => {
    onTick(desk, START_MS + 1_500);
    expect(claim(450_000, 600_000, START_MS + 2_000)).toEqual([]);
    const change = venue.change(START_MS + 1_960, bid(450_000, 1));
    expect(statuses(onEvents(desk, C, [change], START_MS + 2_400))).toEqual([]);
    expect(statuses(onTick(desk, START_MS + 5_000))).toEqual([]);
  });

  test("that no change makes true are a doubt after a second; REST cannot end it, the stream's own book does", () => {
    onTick(desk, START_MS + 1_500);
    const stale = venue.rest(YES);
    venue.change(START_MS + 1_900, bid(450_000, 1));
    claim(450_000, 600_000, START_MS + 2_000);
    expect(statuses(onTick(desk, START_MS + 2_900))).toEqual([]);
    expect(statuses(onTick(desk, START_MS + 3_100))).toEqual(["111 suspect: best prices without their change"]);
    expect(tokensWithoutBook(desk)).toEqual([]);
    expect(statuses(onRestBook(desk, YES, { ...stale, hash: "00" }, START_MS + 3_200, "refresh"))).toEqual([]);
    expect(desk.books.get(YES)?.asksStream).toBe(true);
  });
});
