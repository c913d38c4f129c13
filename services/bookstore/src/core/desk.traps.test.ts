/** What the market channel is known to do to a reader, and what a book is doubted for beside its hash. */
import type { PriceMicro } from "@slipstream/contracts/money";
import type { PriceChangeEvent } from "@slipstream/polymarket/marketChannel";
import { beforeEach, describe, expect, test } from "vitest";
import {
  createDesk,
  type Desk,
  type DeskOutput,
  letGo,
  onAskedAgain,
  onEvents,
  onTick,
  onUnreadableFrame,
  track,
} from "./desk.ts";
import { countsOf, doubtedTokens, snap, tokensToAskAgain, tokensWithoutBook } from "./deskAnswers.ts";
import { onRestBook } from "./deskRest.ts";
import { ask, bid, createVenue, marketOf, NO, START_MS, type Venue, YES } from "./venue.testing.ts";

const C = "7-0";
let venue: Venue;
let desk: Desk;

const take = (tsMs: number, ...events: Parameters<typeof onEvents>[2]): DeskOutput[] =>
  onEvents(desk, C, events, tsMs + 40);
const statuses = (outputs: readonly DeskOutput[]): string[] =>
  outputs.flatMap((output) =>
    output.type === "BookStatus" ? [`${output.tokenId} ${output.health}: ${output.reason}`] : [],
  );
const isTruth = (): boolean =>
  [YES, NO].every((tokenId) => {
    const { bids, asks } = snap(desk, tokenId, 0) ?? {};
    return JSON.stringify({ bids, asks }) === JSON.stringify(venue.levels(tokenId));
  });
/** With best prices as the venue would name them; `off` moves those of YES. */
function withBest(event: PriceChangeEvent, off = 0): PriceChangeEvent {
  const changes = event.changes.map((change) => {
    const { bids, asks } = venue.levels(change.tokenId);
    const shift = change.tokenId === YES ? off : 0;
    return {
      ...change,
      bestBidMicro: ((bids[0] ?? 0) + shift) as PriceMicro,
      bestAskMicro: (asks[0] ?? 1_000_000) as PriceMicro,
    };
  });
  return { ...event, changes };
}

beforeEach(() => {
  venue = createVenue();
  desk = createDesk(7, marketOf);
  for (const tokenId of [YES, NO]) track(desk, tokenId, C);
  venue.change(START_MS, bid(400_000, 10), ask(600_000, 20));
});
const open = (): void => void take(START_MS, venue.opening(YES), venue.opening(NO));

describe("order", () => {
  test("a change from before the opening book is in it already", () => {
    const early = venue.change(START_MS + 10, bid(410_000, 5));
    venue.change(START_MS + 11, bid(410_000, 9));
    open();
    expect(take(START_MS + 30, early).filter(({ type }) => type !== "BookClock")).toEqual([]);
    expect(isTruth()).toBe(true);
  });

  test("changes of the opening book's own millisecond are inside it when one has its hash, and after it otherwise", () => {
    const inside = venue.change(START_MS + 11, bid(410_000, 5));
    const last = venue.change(START_MS + 11, ask(590_000, 3));
    open();
    const after = venue.change(START_MS + 11, bid(420_000, 7));
    const told = [inside, last, after].flatMap((event) => {
      const outputs = take(START_MS + 20, event);
      expect(isTruth()).toBe(event === after);
      return outputs;
    });
    told.push(
      ...onTick(desk, START_MS + 2_000),
      ...take(START_MS + 3_000, venue.change(START_MS + 2_990, bid(10_000, 1))),
    );
    expect(statuses([...told, ...onTick(desk, START_MS + 5_000)])).toEqual([]);
    expect([isTruth(), desk.books.get(YES)?.proofs.failed]).toEqual([true, 0]);
  });

  test("a burst of the opening book's own millisecond counts when its last frame has come, by its hash", () => {
    open();
    const first = venue.change(START_MS, bid(410_000, 5));
    const last = venue.change(START_MS, ask(590_000, 3));
    const hashes = new Map(last.changes.map(({ tokenId, hash }) => [tokenId, hash]));
    const changes = first.changes.map((change) => ({ ...change, hash: hashes.get(change.tokenId) ?? "" }));
    const told = [...take(START_MS + 1, { ...first, changes }), ...take(START_MS + 2, last)];
    expect([statuses([...told, ...onTick(desk, START_MS + 3_000)]), isTruth()]).toEqual([[], true]);
  });

  test("a full book that is sent again after later changes is a repeat", () => {
    open();
    venue.change(START_MS + 500, ask(600_000, 15));
    const book = venue.afterTrade(YES, START_MS + 500);
    take(START_MS + 510, book);
    take(START_MS + 560, venue.change(START_MS + 550, bid(420_000, 3)));
    take(START_MS + 600, book);
    expect(snap(desk, YES, 0)?.bids).toEqual(venue.levels(YES).bids);
  });

  test("an old time in an opening book says nothing of its freshness; what follows counts", () => {
    take(START_MS + 60_000, venue.opening(YES), venue.opening(NO));
    take(START_MS + 60_100, venue.change(START_MS + 60_090, bid(410_000, 5)));
    expect([isTruth(), snap(desk, YES, 0)?.health]).toEqual([true, "healthy"]);
  });

  test("types overtake one another: they count as they arrive, whatever their times", () => {
    open();
    venue.change(START_MS + 500, ask(600_000, 15));
    const book = venue.afterTrade(YES, START_MS + 500);
    take(START_MS + 510, book);
    // The print, and then a change, are stamped before the book that came first.
    take(START_MS + 520, venue.trade(YES, START_MS + 100, { side: "BUY", priceMicro: 600_000, sizeMicro: 5_000_000 }));
    take(START_MS + 530, venue.change(START_MS + 450, bid(420_000, 3)));
    expect(snap(desk, YES, 0)?.bids).toEqual(venue.levels(YES).bids);
    expect(snap(desk, YES, 0)?.tsEventMs).toBe(START_MS + 500);
  });

  test("a frame that is sent again with its entries swapped changes nothing", () => {
    open();
    const event = venue.change(START_MS + 10, bid(410_000, 5), ask(600_000, 0), ask(590_000, 2));
    take(START_MS + 10, event);
    const again = take(START_MS + 90, { ...event, changes: [...event.changes].reverse() });
    expect(again.filter(({ type }) => type === "BookDelta" || type === "BookStatus")).toEqual([]);
    expect(isTruth()).toBe(true);
  });
});

describe("best prices", () => {
  test("are those of the burst's end in each of its frames: no frame before the last is held against them", () => {
    open();
    const first = venue.change(START_MS + 20, bid(410_000, 5));
    const last = withBest(venue.change(START_MS + 20, bid(420_000, 5)));
    const hashes = new Map(last.changes.map(({ tokenId, hash }) => [tokenId, hash]));
    const changes = first.changes.map((change) => ({ ...change, hash: hashes.get(change.tokenId) ?? "" }));
    const told = [...take(START_MS + 20, withBest({ ...first, changes })), ...take(START_MS + 21, last)];
    expect(statuses([...told, ...onTick(desk, START_MS + 2_000)])).toEqual([]);
    expect([isTruth(), desk.books.get(YES)?.proofs.failed]).toEqual([true, 0]);
  });

  test("that differ at the burst's end are a doubt, and lose the book in 2 s, where no hash can be reckoned", () => {
    desk = createDesk(7, () => undefined);
    for (const tokenId of [YES, NO]) track(desk, tokenId, C);
    open();
    venue.change(START_MS + 10, bid(420_000, 5));
    take(START_MS + 20, withBest(venue.change(START_MS + 20, bid(300_000, 5))));
    expect(statuses(onTick(desk, START_MS + 1_100))).toEqual([
      "111 suspect: best prices differ",
      "222 suspect: best prices differ",
    ]);
    expect(doubtedTokens(desk)).toEqual([YES, NO]);
    take(START_MS + 2_100, withBest(venue.change(START_MS + 2_100, bid(300_000, 6))));
    onTick(desk, START_MS + 3_200);
    expect(tokensWithoutBook(desk)).toEqual([YES, NO]);
    expect(desk.resyncs.get("best prices differ")).toBe(2);
  });

  test("of another kind than the book's are not believed against the hash", () => {
    open();
    for (let n = 1; n <= 5; n += 1) {
      take(START_MS + n * 1_000, withBest(venue.change(START_MS + n * 1_000, bid(300_000, n)), 10_000));
    }
    onTick(desk, START_MS + 8_000);
    expect([doubtedTokens(desk), tokensWithoutBook(desk)]).toEqual([[], []]);
    expect(countsOf(desk)).toMatchObject({ resyncs: 0 });
  });
});

describe("a crossed book", () => {
  const cross = (tsMs: number, hash?: string): DeskOutput[] => {
    const event = venue.change(tsMs, bid(650_000, 1));
    return take(
      tsMs,
      hash === undefined ? event : { ...event, changes: event.changes.map((each) => ({ ...each, hash })) },
    );
  };

  test("for a moment is nothing", () => {
    open();
    cross(START_MS + 100);
    onTick(desk, START_MS + 200);
    take(START_MS + 600, venue.change(START_MS + 600, bid(650_000, 0)));
    expect(statuses(onTick(desk, START_MS + 5_000))).toEqual([]);
    expect(countsOf(desk).crossings).toBe(0);
  });

  test("that stays so and is not proved is a doubt, and is counted once", () => {
    open();
    cross(START_MS + 100, "");
    onTick(desk, START_MS + 200);
    expect(statuses(onTick(desk, START_MS + 1_300))).toEqual([
      "111 suspect: crossed book",
      "222 suspect: crossed book",
    ]);
    onTick(desk, START_MS + 2_300);
    expect(countsOf(desk).crossings).toBe(2);
  });

  test("that the hash proves is the venue's own: counted, not doubted", () => {
    open();
    cross(START_MS + 100);
    onTick(desk, START_MS + 200);
    expect(statuses(onTick(desk, START_MS + 1_300))).toEqual([]);
    expect(countsOf(desk).crossings).toBe(2);
  });
});

describe("REST", () => {
  test("with the same change and other levels means that the book is wrong: replaced at once", () => {
    open();
    const lost = venue.change(START_MS + 10, bid(410_000, 5));
    // The hash of what was lost arrives with a change that was not.
    take(START_MS + 10, {
      ...lost,
      changes: lost.changes.map((each) => ({
        ...each,
        priceMicro: 300_000 as PriceMicro,
      })),
    });
    onTick(desk, START_MS + 1_500);
    const outputs = onRestBook(desk, YES, venue.rest(YES), START_MS + 1_600, "audit");
    expect(statuses(outputs)).toEqual(["111 resyncing: levels differ from REST"]);
    expect(outputs.at(-1)).toMatchObject({ type: "BookSnapshot", epoch: "7.3", bids: venue.levels(YES).bids });
  });

  test("with the same book ends a doubt, and tells whoever asked how fresh the book is", () => {
    open();
    // One change is lost and undone again: one failed proof.
    venue.change(START_MS + 10, bid(410_000, 5));
    take(START_MS + 20, venue.change(START_MS + 20, bid(300_000, 5)));
    expect(statuses(onTick(desk, START_MS + 1_500))).toEqual([
      "111 suspect: hash differs",
      "222 suspect: hash differs",
    ]);
    take(START_MS + 1_600, venue.change(START_MS + 1_600, bid(410_000, 0)));
    expect(onRestBook(desk, YES, venue.rest(YES), START_MS + 1_700, "refresh")).toEqual([]);
    onTick(desk, START_MS + 3_000);
    expect(onRestBook(desk, YES, venue.rest(YES), START_MS + 3_100, "audit")).toEqual([]);
    expect(onRestBook(desk, YES, venue.rest(YES), START_MS + 3_200, "refresh", START_MS + 2_000)).toEqual([
      expect.objectContaining({ type: "BookStatus", health: "healthy", tsInitMs: START_MS + 2_000 }),
    ]);
  });

  test("cannot say what an unread frame was, however late it is: the stream's own book does", () => {
    open();
    expect(statuses(onUnreadableFrame(desk, C, START_MS + 50))).toEqual([
      "111 suspect: unreadable frame",
      "222 suspect: unreadable frame",
    ]);
    for (const tokenId of doubtedTokens(desk)) {
      expect(onRestBook(desk, tokenId, venue.rest(tokenId), START_MS + 9_000, "refresh")).toEqual([]);
    }
    expect(tokensToAskAgain(desk)).toEqual([YES, NO]);
    for (const tokenId of tokensToAskAgain(desk)) onAskedAgain(desk, tokenId, START_MS + 9_100);
    expect(statuses(take(START_MS + 9_300, venue.opening(YES), venue.opening(NO)))).toEqual([
      "111 healthy: opened as it was",
      "222 healthy: opened as it was",
    ]);
  });
});

test("each token's epochs begin with the fence it was taken with", () => {
  track(desk, NO, C, 12);
  expect(take(START_MS, venue.opening(YES), venue.opening(NO))).toMatchObject([{ epoch: "7.1" }, { epoch: "12.2" }]);
  track(desk, NO, C, 3);
  expect(take(START_MS + 9, { ...venue.opening(NO), hash: "" })).toMatchObject([{ epoch: "12.3" }]);
});

test("a token that is let go is said to be lost, once", () => {
  open();
  expect(statuses(letGo(desk, YES, START_MS + 5))).toEqual(["111 resyncing: not read here any more"]);
  expect(statuses(letGo(desk, YES, START_MS + 6))).toEqual([]);
});
