import { describe, expect, test } from "vitest";
import { createMarketParser } from "./marketChannel.ts";
import { book, entry, hash, market, NO, priceChange, timestamp, YES } from "./marketFrames.testing.ts";

const bookEvent = {
  kind: "book",
  tokenId: YES,
  conditionId: market,
  tsEventMs: 1_788_786_330_404,
  hash,
  bids: [10_000, 26_680_000, 620_000, 7_555_554],
  asks: [990_000, 31_045_290_000_000],
  tickMicro: 10_000,
  lastTradePrice: "0.620",
};
const changeEvent = {
  kind: "priceChange",
  conditionId: market,
  tsEventMs: 1_788_786_330_404,
  changes: [
    {
      tokenId: NO,
      side: "BUY",
      priceMicro: 90_000,
      sizeMicro: 0,
      hash,
      bestBidMicro: 370_000,
      bestAskMicro: 380_000,
    },
  ],
};
const head = { market, asset_id: YES, timestamp };
const { tick_size: _tick, last_trade_price: _last, ...plainBook } = book;

/** The general way: white space is no part of the known form. */
const spaced = (value: unknown): string => JSON.stringify(value, null, 1);

describe("known frames", () => {
  test.each<[string, unknown, unknown[], boolean]>([
    ["a price change", priceChange, [changeEvent], true],
    ["the opening array of books", [book, book], [bookEvent, bookEvent], true],
    ["an array of price changes", [priceChange, priceChange], [changeEvent, changeEvent], true],
    ["a book after a trade", plainBook, [{ ...bookEvent, tickMicro: null, lastTradePrice: null }], true],
    ["an emptied book", { ...plainBook, bids: [], asks: [] }, [expect.objectContaining({ bids: [], asks: [] })], true],
    [
      "a book with fields nobody has announced",
      { ...book, min_order_size: "5", neg_risk: false, extra: { a: [1] } },
      [bookEvent],
      false,
    ],
    [
      "an empty best price",
      { ...priceChange, price_changes: [{ ...entry, best_bid: "" }] },
      [{ ...changeEvent, changes: [{ ...changeEvent.changes[0], bestBidMicro: null }] }],
      true,
    ],
    [
      "a print",
      {
        ...head,
        price: "0.62",
        size: "31.74",
        fee_rate_bps: "0",
        side: "SELL",
        event_type: "last_trade_price",
        transaction_hash: `0x${"9f".repeat(32)}`,
      },
      [
        {
          kind: "trade",
          tokenId: YES,
          conditionId: market,
          tsEventMs: Number(timestamp),
          side: "SELL",
          priceMicro: 620_000,
          sizeMicro: 31_740_000,
          txHash: `0x${"9f".repeat(32)}`,
        },
      ],
      false,
    ],
    [
      "a change of tick",
      { ...head, old_tick_size: "0.01", new_tick_size: "0.0025", event_type: "tick_size_change" },
      [
        {
          kind: "tickSizeChange",
          tokenId: YES,
          conditionId: market,
          tsEventMs: Number(timestamp),
          oldTickMicro: 10_000,
          newTickMicro: 2_500,
        },
      ],
      false,
    ],
    [
      "a resolution",
      {
        id: "5",
        market,
        assets_ids: [YES, NO],
        winning_asset_id: NO,
        winning_outcome: "Down",
        event_message: null,
        timestamp,
        event_type: "market_resolved",
      },
      [
        {
          kind: "marketResolved",
          conditionId: market,
          tokenIds: [YES, NO],
          winningTokenId: NO,
          winningOutcome: "Down",
          tsEventMs: Number(timestamp),
        },
      ],
      false,
    ],
    [
      "a resolution without a winner: the payout is shared",
      {
        ...{ market, assets_ids: [YES, NO], winning_asset_id: "", winning_outcome: "" },
        ...{ timestamp, event_type: "market_resolved" },
      },
      [
        {
          ...{ kind: "marketResolved", conditionId: market, tokenIds: [YES, NO], winningTokenId: null },
          ...{ winningOutcome: "", tsEventMs: Number(timestamp) },
        },
      ],
      false,
    ],
    [
      "a resolution of which only a token can be read",
      {
        ...{ market: 5, assets_ids: [YES, null, "x"], winning_asset_id: {}, winning_outcome: 1 },
        ...{ timestamp: "soon", event_type: "market_resolved" },
      },
      [
        {
          ...{ kind: "marketResolved", conditionId: null, tokenIds: [YES], winningTokenId: null },
          ...{ winningOutcome: "", tsEventMs: null },
        },
      ],
      false,
    ],
    [
      "a resolution of which only the market can be read",
      { market, timestamp, event_type: "market_resolved" },
      [
        {
          ...{ kind: "marketResolved", conditionId: market, tokenIds: [], winningTokenId: null },
          ...{ winningOutcome: "", tsEventMs: Number(timestamp) },
        },
      ],
      false,
    ],
    [
      "best prices",
      { ...head, best_bid: "0.1", best_ask: "", spread: "0.1", event_type: "best_bid_ask" },
      [
        {
          ...{ kind: "bestPrices", tokenId: YES, conditionId: market, tsEventMs: Number(timestamp) },
          ...{ bestBidMicro: 100_000, bestAskMicro: null },
        },
      ],
      false,
    ],
    [
      "a new market",
      { market, assets_ids: [YES, NO], slug: "nvda", timestamp, event_type: "new_market", question: '"q"' },
      [{ kind: "newMarket", conditionId: market, tokenIds: [YES, NO], slug: "nvda", tsEventMs: Number(timestamp) }],
      false,
    ],
  ])("%s", (_name, frame, events, scanned) => {
    const parser = createMarketParser();
    expect(parser.parse(JSON.stringify(frame))).toEqual({ events, refused: [], pong: false });
    expect(parser.counts.scanned).toBe(scanned ? 1 : 0);
    expect(parser.parse(spaced(frame))).toEqual({ events, refused: [], pong: false });
  });

  test("what carries nothing is counted by what it was", () => {
    const parser = createMarketParser();
    expect(parser.parse("PONG")).toEqual({ events: [], refused: [], pong: true });
    for (const text of ["", "[]\n", "\n"]) expect(parser.parse(text)).toEqual({ events: [], refused: [], pong: false });
    parser.parse(JSON.stringify({ event_type: "new_market", market: "0x", timestamp: null }));
    parser.parse(JSON.stringify({ event_type: "surprise" }));
    expect(parser.counts).toMatchObject({ frames: 6, pongs: 1, empty: 3, refused: 0, scanned: 0 });
    expect([...parser.counts.ignored]).toEqual([
      ["new_market", 1],
      ["surprise", 1],
    ]);
  });

  test("one unreadable message of an array, or entry of a message, does not take the others with it", () => {
    const parser = createMarketParser();
    const bad = { ...priceChange, price_changes: [entry, { ...entry, asset_id: YES, size: "-1" }] };
    expect(parser.parse(JSON.stringify([book, { ...book, bids: null }, bad]))).toMatchObject({
      events: [bookEvent, changeEvent],
      refused: [
        { code: "FIELD_INVALID", detail: "bids: null", tokenIds: [YES] },
        { code: "FIELD_INVALID", detail: 'size: "-1"', concerns: "named", tokenIds: [YES], conditionId: null },
      ],
    });
  });

  test("best prices that cannot be read are no part of a change, and a time may be a number", () => {
    const odd = {
      ...priceChange,
      timestamp: Number(timestamp),
      price_changes: [{ ...entry, best_bid: "-", best_ask: 7 }],
    };
    expect(createMarketParser().parse(JSON.stringify(odd))).toEqual({
      events: [{ ...changeEvent, changes: [{ ...changeEvent.changes[0], bestBidMicro: null, bestAskMicro: null }] }],
      ...{ refused: [], pong: false },
    });
  });
});

describe("what cannot be read is refused with its reason", () => {
  const withEntry = (change: object) => ({ ...priceChange, price_changes: [{ ...entry, ...change }] });
  test.each<[string, string, string, RegExp]>([
    ["half a frame", JSON.stringify(book).slice(0, -20), "NOT_JSON", /market/],
    ["a price_change of 2024", '{"event_type":"price_change","price":"0.1"}', "OLD_SHAPE", /price_changes/],
    ["a price_change of early 2025", '{"event_type":"price_change","changes":[]}', "OLD_SHAPE", /price_changes/],
    ["a number", "5", "NOT_AN_EVENT", /message/],
    ["an object without type", "{}", "NOT_AN_EVENT", /event_type/],
    ["a price above one", JSON.stringify(withEntry({ price: "1.01" })), "FIELD_INVALID", /price: "1.01"/],
    ["a seventh decimal", JSON.stringify(withEntry({ size: "0.1234567" })), "FIELD_INVALID", /size/],
    ["more than a double holds", JSON.stringify(withEntry({ size: "9999999999" })), "FIELD_INVALID", /size/],
    ["an exponent", JSON.stringify(withEntry({ size: "1e3" })), "FIELD_INVALID", /size/],
    ["an empty size", JSON.stringify(withEntry({ size: "" })), "FIELD_INVALID", /size/],
    ["another side", JSON.stringify(withEntry({ side: "HOLD" })), "FIELD_INVALID", /side/],
    ["a token that is no number", JSON.stringify(withEntry({ asset_id: "0x1" })), "FIELD_INVALID", /asset_id/],
    ["a time in seconds", JSON.stringify({ ...priceChange, timestamp: "1788786330" }), "FIELD_INVALID", /timestamp/],
    ["a tick of one dollar", JSON.stringify({ ...book, tick_size: "1" }), "FIELD_INVALID", /tick_size/],
    ["a tick beyond the venue's", JSON.stringify({ ...book, tick_size: "0.2" }), "FIELD_INVALID", /tick_size/],
    ["a tick that is no part of 1", JSON.stringify({ ...book, tick_size: "0.03" }), "FIELD_INVALID", /tick_size/],
    ["a tick of zero", JSON.stringify({ ...book, tick_size: "0" }), "FIELD_INVALID", /tick_size/],
    ["a market that is no condition", JSON.stringify({ ...book, market: "0xdd" }), "FIELD_INVALID", /market/],
    ["a book without asks", JSON.stringify({ ...book, asks: undefined }), "FIELD_INVALID", /asks/],
  ])("%s", (_name, text, code, detail) => {
    const parser = createMarketParser();
    expect(parser.parse(text)).toMatchObject({
      events: [],
      refused: [{ code, detail: expect.stringMatching(detail) }],
    });
    expect(parser.counts.refused).toBe(1);
  });
});

describe("whose books an unreadable message may have changed", () => {
  const print = { ...head, price: "2", size: "1", side: "BUY", event_type: "last_trade_price" };
  const nameless = { ...entry, asset_id: null };
  const whole = JSON.stringify(priceChange);
  test.each<[string, unknown, object]>([
    ["words of the venue", "INVALID OPERATION", { concerns: "noBook" }],
    ["words as JSON", '"INVALID OPERATION"', { concerns: "noBook" }],
    ["an error as an object", { error: "too many" }, { concerns: "noBook" }],
    ["an error cut off", '{"error":"too ma', { concerns: "noBook" }],
    ["a new market cut off", '{"id":"7","question":"Will it', { concerns: "noBook" }],
    ["another type cut off", `{"market":"${market}","event_type":"new_market","ass`, { concerns: "noBook" }],
    ["numbers", [1], { concerns: "noBook" }],
    ["a broken print", print, { concerns: "noBook" }],
    ["broken best prices", { ...print, event_type: "best_bid_ask", best_bid: "x" }, { concerns: "noBook" }],
    ["a resolution of nothing", { event_type: "market_resolved", timestamp }, { concerns: "noBook" }],
    ["a tick of nobody", { event_type: "tick_size_change", new_tick_size: "0.01" }, { concerns: "noBook" }],
    ["a tick that is none", { ...head, event_type: "tick_size_change", new_tick_size: "3" }, { tokenIds: [YES] }],
    ["a book", { ...book, bids: [[]] }, { concerns: "named", tokenIds: [YES], conditionId: null }],
    ["a book without a token", { ...book, asset_id: "" }, { concerns: "named", tokenIds: [], conditionId: market }],
    ["a book of nobody", { ...book, asset_id: "", market: "" }, { concerns: "anyBook" }],
    ["a change without a token", { ...priceChange, price_changes: [nameless] }, { conditionId: market }],
    ["changes, one without a token", { ...priceChange, price_changes: [entry, nameless] }, { conditionId: market }],
    ["a change of nobody", { ...priceChange, market: 1, price_changes: [nameless] }, { concerns: "anyBook" }],
    ["a change without a time", { ...priceChange, timestamp: "" }, { concerns: "named", tokenIds: [NO] }],
    ["a change that does not say so", { price_changes: [entry] }, { concerns: "named", tokenIds: [NO] }],
    ["a book of an unknown kind", { ...plainBook, event_type: "book_v2" }, { concerns: "named", tokenIds: [YES] }],
    ["a change cut off", whole.slice(0, -40), { concerns: "named", tokenIds: [], conditionId: market }],
    ["a change cut off early", whole.slice(0, 30), { concerns: "anyBook" }],
    ["a list cut off", `[${whole},${whole.slice(0, 30)}`, { concerns: "anyBook" }],
  ])("%s", (_name, frame, concern) => {
    const { refused } = createMarketParser().parse(typeof frame === "string" ? frame : JSON.stringify(frame));
    expect(refused).toEqual([expect.objectContaining(concern)]);
  });
});
