import { bookAt } from "@slipstream/book/historyAnswers";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import { beforeEach, describe, expect, test } from "vitest";
import { CLOCK_AHEAD_MS_MAX } from "./connection.ts";
import {
  createDesk,
  type Desk,
  type DeskOutput,
  onClock,
  onDisconnected,
  onEvents,
  onPong,
  onTick,
  onUnreadable,
  track,
} from "./desk.ts";
import { snap, snapAt, tokensWithoutBook } from "./deskAnswers.ts";
import { onRestBook } from "./deskRest.ts";
import { ask, bid, brief, conditionId, createVenue, marketOf, NO, START_MS, type Venue, YES } from "./venue.testing.ts";

const C = "7-0";
const LATENCY_MS = 40;
let venue: Venue;
let desk: Desk;

const take = (tsMs: number, ...events: MarketEvent[]): DeskOutput[] => onEvents(desk, C, events, tsMs + LATENCY_MS);
const clocks = (outputs: readonly DeskOutput[]): number[] =>
  outputs.flatMap((output) => (output.type === "BookClock" ? [output.watermarkMs - START_MS] : []));
const levelsOf = (tokenId: TokenId): { bids: number[]; asks: number[] } => {
  const { bids = [], asks = [] } = snap(desk, tokenId, 0) ?? {};
  return { bids, asks };
};
const expectTruth = (): void => {
  for (const tokenId of [YES, NO]) expect(levelsOf(tokenId)).toEqual(venue.levels(tokenId));
};

beforeEach(() => {
  venue = createVenue();
  desk = createDesk(7, marketOf);
  for (const tokenId of [YES, NO]) track(desk, tokenId, C);
  venue.change(START_MS, bid(400_000, 10), ask(600_000, 20));
});
const opened = (): void => void take(START_MS, venue.opening(YES), venue.opening(NO));

describe("the stream alone", () => {
  test("opening books open the first epochs and tell no time", () => {
    const outputs = take(START_MS + 9_000, venue.opening(YES), venue.opening(NO));
    expect(brief(outputs)).toEqual(["snapshot 111 7.1/0 healthy", "snapshot 222 7.2/0 healthy"]);
    expect(clocks(outputs)).toEqual([]);
    expectTruth();
  });

  test("a frame with both tokens is one delta each, and moves the watermark to just below it", () => {
    opened();
    const outputs = take(START_MS + 50, venue.change(START_MS + 50, bid(410_000, 5), ask(600_000, 0)));
    expect(brief(outputs)).toEqual([
      "delta 111 7.1/1 b[410000,5000000] a[600000,0]",
      "delta 222 7.2/1 b[400000,0] a[590000,5000000]",
    ]);
    expect(clocks(outputs)).toEqual([49]);
    expectTruth();
  });

  test("the book after a trade comes as the levels that differ; the print follows", () => {
    opened();
    venue.change(START_MS + 70, ask(600_000, 15));
    const outputs = take(
      START_MS + 80,
      venue.afterTrade(YES, START_MS + 70),
      venue.trade(YES, START_MS + 60, { side: "BUY", priceMicro: 600_000, sizeMicro: 5_000_000 }),
    );
    expect(brief(outputs)).toEqual(["delta 111 7.1/1 b[] a[600000,15000000]", "print 111 7.1/1 BUY 600000"]);
  });

  test("repeats of a frame, also late ones, change and count nothing", () => {
    opened();
    const first = venue.change(START_MS + 10, bid(410_000, 5));
    const print = venue.trade(YES, START_MS + 11, { side: "BUY", priceMicro: 600_000, sizeMicro: 1 });
    const second = venue.change(START_MS + 20, bid(410_000, 0));
    take(START_MS + 10, first, print);
    expect(take(START_MS + 15, print)).toEqual([]);
    take(START_MS + 20, second);
    expect(take(START_MS + 30, first)).toEqual([]);
    expectTruth();
  });

  test("a price off the ladder makes it and the tick finer, and the proof goes on with the stated tick", () => {
    opened();
    const outputs = take(START_MS + 10, venue.change(START_MS + 10, bid(410_000, 5), bid(415_000, 5)));
    expect(brief(outputs)).toEqual([
      "delta 111 7.1/1 b[410000,5000000,415000,5000000] a[]",
      "delta 222 7.2/1 b[] a[590000,5000000,585000,5000000]",
    ]);
    expect(snap(desk, YES, 0)?.tickMicro).toBe(5_000);
    expectTruth();
    onTick(desk, START_MS + 2_000);
    expect(desk.books.get(YES)?.proofs).toEqual({ passed: 2, failed: 0, entries: 3 });
  });

  test("an announced tick change loses nothing: it is told, and a coarser one leaves the levels between its steps", () => {
    opened();
    const event = {
      kind: "tickSizeChange",
      tokenId: YES,
      conditionId,
      tsEventMs: START_MS + 5,
      oldTickMicro: 10_000,
      newTickMicro: 1_000,
    } as const;
    const told = take(START_MS + 5, event);
    expect(brief(told)).toEqual(["delta 111 7.1/1 b[] a[]"]);
    expect(told).toMatchObject([{ tickMicro: 1_000 }]);
    expect(tokensWithoutBook(desk)).toEqual([]);
    take(START_MS + 6, venue.change(START_MS + 6, bid(411_000, 5)));
    take(START_MS + 7, { ...event, tsEventMs: START_MS + 7, oldTickMicro: 1_000, newTickMicro: 10_000 });
    expect(snap(desk, YES, 0)).toMatchObject({ tickMicro: 10_000, health: "healthy" });
    expectTruth();
  });

  test("a resolution closes the market at its own time, and up to there its book is known", () => {
    opened();
    const event = { kind: "marketResolved", conditionId, tsEventMs: START_MS + 50, tokenIds: [YES, NO] } as const;
    const told = take(START_MS + 60, { ...event, winningTokenId: YES, winningOutcome: "Yes" });
    expect(told.filter((output) => output.type === "BookStatus")).toMatchObject([
      { health: "resyncing", closedMs: START_MS + 50 },
      { health: "dead", closedMs: START_MS + 50 },
      { health: "resyncing", closedMs: START_MS + 50 },
      { health: "dead", closedMs: START_MS + 50 },
    ]);
    const { history } = desk.books.get(YES) ?? expect.fail("the book is tracked");
    expect([bookAt(history, START_MS + 49).kind, bookAt(history, START_MS + 50).kind]).toEqual(["book", "hole"]);
  });

  test("what is lost in the middle of a connection does not make unknown what was proved before", () => {
    opened();
    take(START_MS + 10, venue.change(START_MS + 10, bid(410_000, 5)));
    onPong(desk, C, START_MS + 500, START_MS + 500);
    const { watermarkMs } = desk.connections.get(C) ?? expect.fail("the connection is known");
    onUnreadable(desk, C, [YES], START_MS + 600);
    const { history } = desk.books.get(YES) ?? expect.fail("the book is tracked");
    expect([bookAt(history, watermarkMs).kind, bookAt(history, watermarkMs + 1).kind]).toEqual(["book", "hole"]);
  });

  test("the end of the market ends its books", () => {
    opened();
    const event = {
      kind: "marketResolved",
      conditionId,
      tokenIds: [YES, NO],
      winningTokenId: YES,
      winningOutcome: "Yes",
      tsEventMs: START_MS,
    } as const;
    expect(brief(take(START_MS + 5, event)).at(-1)).toBe("dead 222 7.2/2: market resolved");
  });
});

describe("proof", () => {
  test("one failed proof is a doubt, a later passed one ends it", () => {
    opened();
    const lost = venue.change(START_MS + 10, bid(410_000, 5));
    const back = take(START_MS + 400, venue.change(START_MS + 400, bid(420_000, 5)));
    expect(lost.changes.length).toBe(2);
    expect(brief(back)).toEqual(["delta 111 7.1/1 b[420000,5000000] a[]", "delta 222 7.2/1 b[] a[580000,5000000]"]);
    const doubt = take(START_MS + 800, venue.change(START_MS + 800, bid(410_000, 0)));
    expect(brief(doubt)[0]).toBe("suspect 111 7.1/2: hash differs");
    // The level that was missed is gone at the venue too: equal again.
    expect(brief(onTick(desk, START_MS + 3_000))).toEqual(["healthy 111 7.1/3: proved", "healthy 222 7.2/3: proved"]);
    expectTruth();
  });

  test("two failures 2 s apart lose the book; REST brings it back", () => {
    opened();
    venue.change(START_MS + 10, bid(410_000, 5));
    for (const afterMs of [1_000, 2_000, 3_000]) {
      take(START_MS + afterMs, venue.change(START_MS + afterMs, bid(300_000, afterMs)));
    }
    expect(desk.resyncs.get("hash differs")).toBeUndefined();
    take(START_MS + 4_100, venue.change(START_MS + 4_100, bid(300_000, 7)));
    expect(desk.resyncs.get("hash differs")).toBe(2);
    expect(tokensWithoutBook(desk)).toEqual([YES, NO]);
    for (const tokenId of [YES, NO]) onRestBook(desk, tokenId, venue.rest(tokenId), START_MS + 4_200);
    expect(tokensWithoutBook(desk)).toEqual([]);
    expectTruth();
  });
});

test("a frame over another connection, which names the token by the way, is nothing", () => {
  opened();
  const frame = venue.change(START_MS + 10, bid(410_000, 5));
  expect(brief(onEvents(desk, "7-1", [frame], START_MS + 50))).toEqual([]);
  expect(brief(take(START_MS + 10, frame))).toHaveLength(2);
});

test("a lost connection voids all its books; its opening books open new epochs", () => {
  opened();
  expect(brief(onDisconnected(desk, C, START_MS + 100))).toEqual([
    "resyncing 111 7.1/1: connection lost",
    "resyncing 222 7.2/1: connection lost",
  ]);
  venue.change(START_MS + 200, bid(410_000, 5));
  expect(brief(take(START_MS + 900, venue.opening(YES), venue.opening(NO)))).toEqual([
    "snapshot 111 7.3/0 healthy",
    "snapshot 222 7.4/0 healthy",
  ]);
  expectTruth();
});

describe("time", () => {
  test("a pong proves what the venue had sent, less the most our clock can be ahead", () => {
    opened();
    expect(clocks(onPong(desk, C, START_MS + 5_000, START_MS + 5_050))).toEqual([4_000]);
    // Once a frame has shown that we are 40 ms apart at most, the proof is that sharp.
    take(START_MS + 6_000, venue.change(START_MS + 6_000, bid(410_000, 5)));
    expect(clocks(onPong(desk, C, START_MS + 8_000, START_MS + 8_050))).toEqual([8_000 - LATENCY_MS]);
  });

  test("a correction of our clock moves what was learned of it, and a clock nobody measured proves nothing", () => {
    opened();
    // Our clock was 20 s fast when this frame came, and is right since.
    take(START_MS + 6_000 + 20_000, venue.change(START_MS + 6_000, bid(410_000, 5)));
    onClock(desk, -20_000, CLOCK_AHEAD_MS_MAX);
    expect(clocks(onPong(desk, C, START_MS + 8_000, START_MS + 8_050))).toEqual([8_000 - LATENCY_MS]);
    const other = "other";
    onClock(desk, 0, Number.POSITIVE_INFINITY);
    expect(onPong(desk, other, START_MS + 8_000, START_MS + 8_050)).toEqual([]);
    onClock(desk, 0, 1_400);
    expect(clocks(onPong(desk, other, START_MS + 8_000, START_MS + 8_050))).toEqual([6_600]);
  });

  test("a stamp from the far future does not move the watermark there", () => {
    opened();
    const print = { side: "BUY", priceMicro: 600_000, sizeMicro: 5_000_000 } as const;
    take(START_MS + 6_000, venue.trade(YES, START_MS + 60_000, print));
    expect(clocks(onPong(desk, C, START_MS + 8_000, START_MS + 8_050))).toEqual([8_000 - CLOCK_AHEAD_MS_MAX]);
  });

  test("a past book is answered up to the watermark, and not across a hole", () => {
    opened();
    take(START_MS + 100, venue.change(START_MS + 100, bid(410_000, 5)));
    take(START_MS + 200, venue.change(START_MS + 200, bid(420_000, 5)));
    const past = (ms: number) => {
      const answer = snapAt(desk, YES, START_MS + ms, 0);
      return "refused" in answer ? answer.refused : `${answer.epoch}/${answer.seq} ${answer.bids[0]}`;
    };
    expect([past(-1), past(99), past(100), past(199), past(200)]).toEqual([
      "TOO_OLD",
      "7.1/0 400000",
      "7.1/1 410000",
      "7.1/1 410000",
      "NOT_YET",
    ]);
    onUnreadable(desk, C, [YES], START_MS + 250);
    onPong(desk, C, START_MS + 900, START_MS + 950);
    expect(past(400)).toBe("HOLE");
    expect(snapAt(desk, "5" as TokenId, START_MS, 0)).toEqual({ refused: "UNKNOWN_TOKEN" });
  });
});
