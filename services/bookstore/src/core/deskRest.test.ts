import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import { beforeEach, describe, expect, test } from "vitest";
import { createDesk, type Desk, type DeskOutput, onEvents, onUnreadable, track } from "./desk.ts";
import { snap } from "./deskAnswers.ts";
import { onNoRestBook, onPolledBook, onRestBook } from "./deskRest.ts";
import { ask, bid, brief, createVenue, marketOf, NO, START_MS, type Venue, YES } from "./venue.testing.ts";

const C = "7-0";
let venue: Venue;
let desk: Desk;

const take = (tsMs: number, ...events: MarketEvent[]): DeskOutput[] => onEvents(desk, C, events, tsMs + 40);
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

describe("REST", () => {
  const lose = (): void => void onUnreadable(desk, C, [YES], START_MS + 5);

  test("joins by hash: what came after it is applied on top", () => {
    opened();
    lose();
    const before = venue.change(START_MS + 10, bid(410_000, 5));
    const rest = venue.rest(YES);
    const after = venue.change(START_MS + 20, bid(420_000, 6));
    expect(brief(take(START_MS + 10, before)).length).toBe(1);
    take(START_MS + 20, after);
    expect(brief(onRestBook(desk, YES, rest, START_MS + 90))).toEqual([
      "snapshot 111 7.3/0 healthy",
      "delta 111 7.3/1 b[420000,6000000] a[]",
    ]);
    expectTruth();
  });

  test("older than what the stream had told is refused, unless the venue insists", () => {
    opened();
    const rest = venue.rest(YES);
    take(START_MS + 10, venue.change(START_MS + 10, bid(410_000, 5)));
    lose();
    expect(onRestBook(desk, YES, rest, START_MS + 50)).toEqual([]);
    expect(onRestBook(desk, YES, rest, START_MS + 1_000)).toEqual([]);
    expect(brief(onRestBook(desk, YES, rest, START_MS + 1_600))).toEqual(["snapshot 111 7.3/0 healthy"]);
  });

  test("ahead of the stream: what it already has is not applied again", () => {
    opened();
    lose();
    const first = venue.change(START_MS + 10, bid(410_000, 5));
    const second = venue.change(START_MS + 20, bid(410_000, 0));
    onRestBook(desk, YES, venue.rest(YES), START_MS + 30);
    take(START_MS + 40, first);
    take(START_MS + 41, second);
    expectTruth();
  });

  test("first touch: REST's book, then the stream's equal one, are one epoch", () => {
    expect(brief(onRestBook(desk, YES, venue.rest(YES), START_MS + 200))).toEqual(["snapshot 111 7.1/0 healthy"]);
    expect(brief(take(START_MS + 300, venue.opening(YES)))).toEqual([]);
    venue.change(START_MS + 400, bid(410_000, 5));
    onRestBook(desk, NO, venue.rest(NO), START_MS + 450);
    venue.change(START_MS + 460, bid(420_000, 5));
    expect(brief(take(START_MS + 500, venue.opening(NO)))).toEqual(["snapshot 222 7.3/0 healthy"]);
  });

  test.each([
    ["equal", 0, 60_000, []],
    ["newer, but the stream may still bring it", 10, 5_000, []],
    [
      "newer for long: the stream has lost it",
      10,
      60_000,
      ["resyncing 111 7.1/1: stream behind REST", "snapshot 111 7.3/0 healthy"],
    ],
  ])("audit: %s", (_name, changedAfterMs, auditedAfterMs, expected) => {
    opened();
    if (changedAfterMs > 0) venue.change(START_MS + changedAfterMs, bid(410_000, 5));
    const rest = venue.rest(YES);
    expect(brief(onRestBook(desk, YES, rest, START_MS + auditedAfterMs, "audit"))).toEqual(expected);
  });

  test("a refresh takes what is newer at once", () => {
    opened();
    venue.change(START_MS + 10, bid(410_000, 5));
    expect(brief(onRestBook(desk, YES, venue.rest(YES), START_MS + 20, "refresh"))).toHaveLength(2);
    expect(levelsOf(YES)).toEqual(venue.levels(YES));
  });

  test("no book at the venue is a dead book", () => {
    opened();
    lose();
    expect(brief(onNoRestBook(desk, YES, START_MS + 50))).toEqual(["dead 111 7.1/2: no order book at the venue"]);
    expect(onNoRestBook(desk, YES, START_MS + 60)).toEqual([]);
  });

  test("by polling alone the differences are the changes", () => {
    onPolledBook(desk, YES, venue.rest(YES), START_MS + 100);
    venue.change(START_MS + 500, bid(410_000, 5));
    expect(brief(onPolledBook(desk, YES, venue.rest(YES), START_MS + 1_100))).toEqual([
      "delta 111 7.1/1 b[410000,5000000] a[]",
    ]);
  });
});
