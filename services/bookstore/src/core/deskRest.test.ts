import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import { beforeEach, describe, expect, test } from "vitest";
import { createDesk, type Desk, type DeskOutput, onAskedAgain, onEvents, onTick, onUnreadable, track } from "./desk.ts";
import { snap, tokensToAskAgain } from "./deskAnswers.ts";
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

  test("that the stream has not named is refused, however often the venue says it: the stream is asked again", () => {
    opened();
    const rest = venue.rest(YES);
    take(START_MS + 10, venue.change(START_MS + 10, bid(410_000, 5)));
    lose();
    for (const afterMs of [50, 1_000, 1_600, 20_000]) {
      expect(onRestBook(desk, YES, rest, START_MS + afterMs)).toEqual([]);
      expect(tokensToAskAgain(desk)).toEqual([YES]);
    }
    onAskedAgain(desk, YES, START_MS + 20_100);
    expect(tokensToAskAgain(desk)).toEqual([]);
    expect(brief(take(START_MS + 20_200, venue.opening(YES)))).toEqual(["snapshot 111 7.3/0 healthy"]);
    expectTruth();
  });

  test("after a book was found wrong, what the stream told last can be joined; after something is missing it cannot", () => {
    opened();
    venue.change(START_MS + 10, bid(410_000, 5));
    take(START_MS + 1_000, venue.change(START_MS + 1_000, bid(300_000, 1)));
    onTick(desk, START_MS + 2_100);
    onTick(desk, START_MS + 4_200);
    expect(desk.resyncs.get("hash differs")).toBe(2);
    expect(brief(onRestBook(desk, YES, venue.rest(YES), START_MS + 4_300))).toEqual(["snapshot 111 7.3/0 healthy"]);
    onUnreadable(desk, C, [YES], START_MS + 5_000);
    expect(onRestBook(desk, YES, venue.rest(YES), START_MS + 9_000)).toEqual([]);
    expect(levelsOf(YES)).toEqual(venue.levels(YES));
  });

  test("opens no first book, but teaches what the hash covers beside the levels", () => {
    desk = createDesk(7, () => undefined);
    track(desk, YES, C);
    expect(onRestBook(desk, YES, venue.rest(YES), START_MS + 200)).toEqual([]);
    expect(brief(take(START_MS + 300, venue.opening(YES)))).toEqual(["snapshot 111 7.1/0 healthy"]);
    onTick(desk, START_MS + 2_000);
    expect(desk.books.get(YES)?.proofs.passed).toBe(1);
  });

  test("gives the book of a token that the stream does not open, when the stream names its hash", () => {
    const change = venue.change(START_MS + 10, bid(410_000, 5));
    take(START_MS + 10, change);
    expect(brief(onRestBook(desk, YES, venue.rest(YES), START_MS + 700))).toEqual(["snapshot 111 7.1/0 healthy"]);
  });

  test.each([
    ["equal", 0, 60_000, []],
    ["newer, but the stream may still bring it", 10, 5_000, []],
    ["newer for long: the stream has lost it", 10, 60_000, ["resyncing 111 7.1/1: stream behind REST"]],
  ])("audit: %s", (_name, changedAfterMs, auditedAfterMs, expected) => {
    opened();
    if (changedAfterMs > 0) venue.change(START_MS + changedAfterMs, bid(410_000, 5));
    const rest = venue.rest(YES);
    expect(brief(onRestBook(desk, YES, rest, START_MS + auditedAfterMs, "audit"))).toEqual(expected);
  });

  test("a refresh that is newer than the stream is a doubt, until the stream tells it", () => {
    opened();
    const late = venue.change(START_MS + 10, bid(410_000, 5));
    expect(brief(onRestBook(desk, YES, venue.rest(YES), START_MS + 20, "refresh"))).toEqual([
      "suspect 111 7.1/1: stream behind REST",
    ]);
    expect(tokensToAskAgain(desk)).toEqual([YES]);
    take(START_MS + 30, late);
    expect(brief(onTick(desk, START_MS + 1_100))).toEqual(["healthy 111 7.1/3: proved"]);
    expectTruth();
  });

  test("no book at REST ends no book that the stream tells of", () => {
    opened();
    expect(onNoRestBook(desk, YES, START_MS + 10)).toEqual([]);
    onUnreadable(desk, C, [YES], START_MS + 20);
    take(START_MS + 30, venue.change(START_MS + 30, bid(410_000, 5)));
    expect(onNoRestBook(desk, YES, START_MS + 50)).toEqual([]);
    expect([snap(desk, YES, 0)?.health, tokensToAskAgain(desk)]).toEqual(["resyncing", [YES]]);
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
