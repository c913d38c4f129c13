/** Stamps of the venue that are no time, or go back: what they must not do to order, books, watermark and closing. */
import { bookAt } from "@slipstream/book/historyAnswers";
import type { TokenId } from "@slipstream/contracts/ids";
import type { MarketEvent } from "@slipstream/polymarket/marketChannel";
import { beforeEach, describe, expect, test } from "vitest";
import { CLOCK_AHEAD_MS_MAX, STAMP_FAR_MS } from "./connection.ts";
import { createDesk, type Desk, type DeskOutput, onClock, onEvents, onPong, onTick, track } from "./desk.ts";
import { snap } from "./deskAnswers.ts";
import { onRestBook } from "./deskRest.ts";
import { ask, bid, conditionId, createVenue, marketOf, NO, START_MS, type Venue, YES } from "./venue.testing.ts";

const C = "7-0";
const DAY_MS = 86_400_000;
let venue: Venue;
let desk: Desk;

/** @param atMs - when it comes, from the start on. */
const come = (atMs: number, ...events: MarketEvent[]): DeskOutput[] => onEvents(desk, C, events, START_MS + atMs);
const watermarkMs = (): number => (desk.connections.get(C)?.watermarkMs ?? 0) - START_MS;
const isTruth = (tokenId: TokenId): boolean => {
  const { bids, asks } = snap(desk, tokenId, 0) ?? {};
  return JSON.stringify({ bids, asks }) === JSON.stringify(venue.levels(tokenId));
};
const healthOf = (tokenId: TokenId): string | undefined => snap(desk, tokenId, 0)?.health;

beforeEach(() => {
  venue = createVenue();
  desk = createDesk(7, marketOf);
  for (const tokenId of [YES, NO]) track(desk, tokenId, C);
  venue.change(START_MS, bid(400_000, 10), ask(600_000, 20));
  come(40, venue.opening(YES), venue.opening(NO));
});

describe("a change stamped far from its receipt", () => {
  test.each([
    ["a day ahead", DAY_MS],
    ["a day back", -DAY_MS],
    ["just too far ahead", STAMP_FAR_MS + 1_000],
    ["just too far back", -STAMP_FAR_MS - 1_000],
  ])("%s is not believed: its book is in doubt, and those that follow count", (_name, offMs) => {
    const before = watermarkMs();
    const odd = venue.change(START_MS + 2_000, bid(450_000, 3));
    come(2_040, { ...odd, tsEventMs: START_MS + 2_000 + offMs });
    expect([healthOf(YES), healthOf(NO), watermarkMs(), desk.farStamps]).toEqual(["suspect", "suspect", before, 2]);
    // The level is gone again: what is proved is the book without it.
    for (let n = 0; n < 298; n += 1) {
      const tsMs = 2_100 + n * 10;
      const changes = n === 0 ? [bid(450_000, 0)] : [bid(300_000 + (n % 40) * 1_000, 1 + (n % 7))];
      come(tsMs + 40, venue.change(START_MS + tsMs, ...changes));
    }
    onTick(desk, START_MS + 9_000);
    expect([isTruth(YES), isTruth(NO), healthOf(YES), healthOf(NO)]).toEqual([true, true, "healthy", "healthy"]);
    expect(watermarkMs()).toBe(2_100 + 297 * 10 - 1);
  });

  test("that was right leaves a book wrong, which the next hash tells and never calls healthy", () => {
    const odd = venue.change(START_MS + 2_000, bid(450_000, 3));
    come(2_040, { ...odd, tsEventMs: START_MS + DAY_MS });
    const healths = new Set<string | undefined>();
    for (let n = 1; n <= 6; n += 1) {
      come(2_000 + n * 700, venue.change(START_MS + 2_000 + n * 700, bid(300_000, n)));
      healths.add(healthOf(YES));
    }
    expect([...healths]).toEqual(["suspect", "resyncing"]);
    onRestBook(desk, YES, venue.rest(YES), START_MS + 7_000);
    expect([isTruth(YES), healthOf(YES)]).toEqual([true, "healthy"]);
  });

  test.each(["afterTrade", "tick"] as const)("is as little believed as a full book, or a tick: %s", (kind) => {
    const tsEventMs = START_MS + DAY_MS;
    const tick = {
      kind: "tickSizeChange",
      tokenId: YES,
      conditionId,
      oldTickMicro: 10_000,
      newTickMicro: 1_000,
    } as const;
    come(2_000, kind === "tick" ? { ...tick, tsEventMs } : { ...venue.afterTrade(YES, START_MS + 2_000), tsEventMs });
    expect([healthOf(YES), healthOf(NO), snap(desk, YES, 0)?.tickMicro]).toEqual(["suspect", "healthy", 10_000]);
    come(2_100, venue.change(START_MS + 2_050, bid(410_000, 1)));
    onTick(desk, START_MS + 4_000);
    expect([healthOf(YES), isTruth(YES), watermarkMs()]).toEqual(["healthy", true, 2_049]);
  });

  test("is nothing as a print", () => {
    const print = venue.trade(YES, START_MS + DAY_MS, { side: "BUY", priceMicro: 600_000, sizeMicro: 5 });
    expect(come(2_000, print)).toEqual([]);
    expect(healthOf(YES)).toBe("healthy");
  });
});

test("an opening book from the future is not believed, one of long ago is", () => {
  desk = createDesk(7, marketOf);
  for (const tokenId of [YES, NO]) track(desk, tokenId, C);
  come(DAY_MS, { ...venue.opening(YES), tsEventMs: START_MS + 2 * DAY_MS }, venue.opening(NO));
  expect([snap(desk, YES, 0), desk.books.get(YES)?.asksStream, healthOf(NO)]).toEqual([null, true, "healthy"]);
});

test("a stranger's market moves nothing of ours, whatever its stamp", () => {
  const stranger = "999" as TokenId;
  const odd = venue.change(START_MS + 2_000, bid(450_000, 3));
  const [entry] = odd.changes;
  if (entry === undefined) throw new Error("a change has entries");
  const before = { ...desk.connections.get(C) };
  for (const tsEventMs of [START_MS + DAY_MS, START_MS + 900, START_MS - DAY_MS]) {
    expect(come(100, { ...odd, tsEventMs, changes: [{ ...entry, tokenId: stranger }] })).toEqual([]);
    expect(come(100, { ...venue.opening(YES), tokenId: stranger, tsEventMs })).toEqual([]);
  }
  expect({ ...desk.connections.get(C) }).toEqual(before);
});

describe.each([3_000, 20_000])("a venue clock that goes back by %i ms", (backMs) => {
  test("leaves every look at the best bid right, and no book in doubt", () => {
    let looks = 0;
    for (let n = 1; n <= 400; n += 1) {
      const atMs = 100 + n * 100;
      const stampMs = START_MS + atMs - (n > 200 ? backMs : 0);
      const outputs = come(
        atMs + 40,
        venue.change(stampMs, bid(400_000 + (n % 9) * 10_000, n % 4), ask(600_000, 1 + n)),
      );
      const ticked = onTick(desk, START_MS + atMs + 90);
      expect([...outputs, ...ticked].filter(({ type }) => type === "BookStatus" || type === "BookSnapshot")).toEqual(
        [],
      );
      expect([isTruth(YES), isTruth(NO), healthOf(YES)]).toEqual([true, true, "healthy"]);
      looks += 1;
    }
    expect(looks).toBe(400);
  });

  test("takes nothing of the past back, and lets the watermark stand until PONGs or stamps pass it", () => {
    come(5_040, venue.change(START_MS + 5_000, bid(410_000, 5)));
    onPong(desk, C, START_MS + 8_000, START_MS + 8_010);
    const before = watermarkMs();
    const { history } = desk.books.get(YES) ?? expect.fail("the book is tracked");
    const past = (): string => JSON.stringify(bookAt(history, START_MS + before));
    const was = past();
    come(8_100, venue.change(START_MS + 8_060 - backMs, bid(420_000, 5)));
    expect([past() === was, watermarkMs(), isTruth(YES)]).toEqual([true, before, true]);
  });

  test("is not taken for the time before an opening book, which comes right after it", () => {
    come(30_040, venue.change(START_MS + 30_000, bid(410_000, 5)));
    come(30_100, venue.opening(YES));
    desk.connections.get(C)?.opening.add(NO);
    come(30_110, venue.opening(NO));
    come(30_200, venue.change(START_MS + 30_160 - backMs, bid(430_000, 5)));
    expect([isTruth(YES), isTruth(NO)]).toEqual([true, true]);
  });
});

describe("a stamp ahead of its receipt, and not far", () => {
  test("counts as what our clock may be wrong by at most, and teaches nothing of it", () => {
    come(2_000, venue.change(START_MS + 32_000, bid(410_000, 5)));
    expect([isTruth(YES), healthOf(YES), watermarkMs()]).toEqual([true, "healthy", 2_000 + CLOCK_AHEAD_MS_MAX - 1]);
    expect(desk.connections.get(C)?.offsetMs).toBe(Number.POSITIVE_INFINITY);
    come(2_050, venue.change(START_MS + 2_010, bid(420_000, 5)));
    expect([isTruth(YES), watermarkMs()]).toEqual([true, 2_000 + CLOCK_AHEAD_MS_MAX - 1]);
  });

  test("may be as far ahead as our clock is known to be wrong, and no further while nobody knows", () => {
    onClock(desk, 0, 5_000);
    come(2_000, venue.change(START_MS + 5_000, bid(410_000, 5)));
    expect(watermarkMs()).toBe(4_999);
    onClock(desk, 0, Number.POSITIVE_INFINITY);
    come(5_000, venue.change(START_MS + 30_000, bid(420_000, 5)));
    expect(watermarkMs()).toBe(5_000 + CLOCK_AHEAD_MS_MAX - 1);
  });
});

test.each([
  ["a day ahead", START_MS + DAY_MS, 5_000],
  ["without a time", null, 5_000],
  ["a second after the last change", START_MS + 6_000, 6_000],
])("a market that is resolved %s is closed, not later than is told", (_name, tsEventMs, closedAfterMs) => {
  come(5_040, venue.change(START_MS + 5_000, bid(410_000, 5)));
  const event = { kind: "marketResolved", winningTokenId: null, winningOutcome: "", tsEventMs } as const;
  come(6_040, { ...event, conditionId, tokenIds: [] });
  expect([healthOf(YES), healthOf(NO)]).toEqual(["dead", "dead"]);
  expect(desk.books.get(YES)?.history.closedTsMs).toBe(START_MS + closedAfterMs);
});
