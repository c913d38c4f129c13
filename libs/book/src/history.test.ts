import { describe, expect, test } from "vitest";
import {
  createHistory,
  historyBytes,
  isLive,
  lastPosition,
  openEpoch,
  openHole,
  recordClosing,
  recordLevel,
  recordSnapshot,
  recordTick,
  recordTrade,
  tickInHole,
} from "./history.ts";
import { bookAt, deltasAfter } from "./historyAnswers.ts";
import { flatLevels, sizeAt } from "./ladder.ts";

const TICK = 10_000;

test.each<[string, number[], number[], string]>([
  ["a level twice, in order", [400_000, 1, 400_000, 2], [], "LEVEL_TWICE"],
  ["a level twice, without order", [400_000, 1, 300_000, 1, 400_000, 2], [], "LEVEL_TWICE"],
  ["half a level", [400_000], [], "LEVELS_ODD"],
  ["a price off tick", [400_001, 1], [], "PRICE_OFF_TICK"],
  ["a negative size among the asks", [400_000, 1], [600_000, -1], "SIZE_INVALID"],
])("a full book with %s is refused and changes nothing", (_name, bids, asks, refusal) => {
  const history = createHistory({ tokenId: "1" });
  openEpoch(history, { epoch: "1.0", seq: 0, tsEventMs: 1_000, tickMicro: TICK, bids: [200_000, 7], asks: [] });
  expect(recordSnapshot(history, { seq: 1, tsEventMs: 1_001 }, bids, asks)).toBe(refusal);
  expect(history.book === null ? [] : flatLevels(history.book, "BUY")).toEqual([200_000, 7]);
  expect(lastPosition(history)).toBe(0);
});

describe("book history", () => {
  const opening = { epoch: "1.0", seq: 0, tsEventMs: 1_000, tickMicro: TICK, bids: [400_000, 5], asks: [600_000, 7] };

  test("before the first book every time is too old", () => {
    const history = createHistory({ tokenId: "1" });
    expect(bookAt(history, 5)).toEqual({ kind: "tooOld", oldestTsMs: Number.POSITIVE_INFINITY });
    expect(deltasAfter(history, -1)).toEqual({ kind: "entries", entries: [] });
    openHole(history);
    expect(lastPosition(history)).toBe(-1);
  });

  test("a time past the watermark is not answered yet", () => {
    const history = createHistory({ tokenId: "1" });
    openEpoch(history, opening);
    expect(bookAt(history, 2_000, 1_999)).toEqual({ kind: "notYet", watermarkMs: 1_999 });
    expect(bookAt(history, 1_999, 1_999).kind).toBe("book");
  });

  test("entries stop at the time asked for and name side, price, sizes and prints", () => {
    const history = createHistory({ tokenId: "1" });
    openEpoch(history, opening);
    recordLevel(history, { seq: 1, tsEventMs: 1_010 }, "SELL", 600_000, 4);
    recordTrade(history, { seq: 1, tsEventMs: 1_010 }, "BUY", 600_000, 3);
    recordLevel(history, { seq: 2, tsEventMs: 1_011 }, "BUY", 990_000, 1);
    expect(deltasAfter(history, 0, 1_010)).toEqual({
      kind: "entries",
      entries: [
        {
          kind: "level",
          position: 1,
          seq: 1,
          tsEventMs: 1_010,
          side: "SELL",
          priceMicro: 600_000,
          sizeMicro: 4,
          beforeMicro: 7,
        },
        { kind: "trade", position: 2, seq: 1, tsEventMs: 1_010, side: "BUY", priceMicro: 600_000, sizeMicro: 3 },
      ],
    });
  });

  test("a tick change is no hole: told or shown by a level, coarser too, and each moment has its own", () => {
    const history = createHistory({ tokenId: "1" });
    openEpoch(history, opening);
    recordTick(history, { seq: 1, tsEventMs: 1_100 }, 5_000);
    recordLevel(history, { seq: 2, tsEventMs: 1_200 }, "BUY", 401_000, 3);
    recordTick(history, { seq: 3, tsEventMs: 1_300 }, TICK);
    recordLevel(history, { seq: 4, tsEventMs: 1_400 }, "BUY", 402_000, 4);
    const answers = (): unknown[] =>
      [1_000, 1_100, 1_200, 1_300, 1_400].map((ms) => {
        const answer = bookAt(history, ms);
        if (answer.kind !== "book") return answer.kind;
        return [answer.tickMicro, sizeAt(answer.book, "BUY", 401_000), sizeAt(answer.book, "BUY", 402_000)];
      });
    const right = [
      [TICK, 0, 0],
      [5_000, 0, 0],
      [1_000, 3, 0],
      [TICK, 3, 0],
      [TICK, 3, 4],
    ];
    expect(answers()).toEqual(right);
    openHole(history, 1_500);
    openEpoch(history, { ...opening, epoch: "1.1", tsEventMs: 2_000 });
    expect(answers()).toEqual(right);
  });

  test("a full book of the epoch may be finer too, and one that fits no tick changes nothing", () => {
    const history = createHistory({ tokenId: "1" });
    openEpoch(history, opening);
    expect(recordSnapshot(history, { seq: 1, tsEventMs: 1_100 }, [401_000, 1], [])).toBe("changed");
    expect(history).toMatchObject({ tickMicro: 1_000, lastTsMs: 1_100 });
    expect(recordSnapshot(history, { seq: 2, tsEventMs: 1_200 }, [401_001, 1], [])).toBe("PRICE_OFF_TICK");
    expect(recordLevel(history, { seq: 2, tsEventMs: 1_200 }, "BUY", 401_001, 1)).toBe("PRICE_OFF_TICK");
    expect(recordLevel(history, { seq: 2, tsEventMs: 1_200 }, "BUY", 400_100, -1)).not.toBe("changed");
    expect(history).toMatchObject({ tickMicro: 1_000, lastTsMs: 1_100 });
  });

  test("of closings the earliest counts, and no entry that is stamped ahead moves it", () => {
    const history = createHistory({ tokenId: "1" });
    openEpoch(history, opening);
    recordTick(history, { seq: 1, tsEventMs: 5_000 }, 1_000);
    expect([4_000, 3_000, 3_500].map((ms) => recordClosing(history, ms))).toEqual([true, true, false]);
    expect(history.closedTsMs).toBe(3_000);
  });

  test("a tick told in a hole is a time before which the next book is none; outside of one it is none of its own", () => {
    const history = createHistory({ tokenId: "1" });
    openEpoch(history, opening);
    tickInHole(history, 9_000);
    openHole(history, 1_100);
    tickInHole(history, 2_000);
    openEpoch(history, { ...opening, epoch: "1.1", tsEventMs: 1_500 });
    expect([1_100, 1_101, 1_999, 2_000].map((ms) => bookAt(history, ms).kind)).toEqual([
      "book",
      "hole",
      "hole",
      "book",
    ]);
  });

  test("a print keeps its own time and moves none", () => {
    const history = createHistory({ tokenId: "1" });
    openEpoch(history, opening);
    recordTrade(history, { seq: 1, tsEventMs: 1_080 }, "BUY", 600_000, 3);
    recordLevel(history, { seq: 2, tsEventMs: 1_050 }, "BUY", 400_000, 9);
    const answer = deltasAfter(history, 0);
    expect(answer.kind === "entries" ? answer.entries.map((entry) => [entry.kind, entry.tsEventMs]) : []).toEqual([
      ["trade", 1_080],
      ["level", 1_050],
    ]);
    expect(bookAt(history, 1_049)).toMatchObject({ kind: "book" });
  });

  test("a refused book opens nothing", () => {
    const history = createHistory({ tokenId: "1" });
    openEpoch(history, opening);
    expect(openEpoch(history, { ...opening, epoch: "1.1", bids: [400_001, 1] })).toBe("PRICE_OFF_TICK");
    expect([isLive(history), lastPosition(history)]).toEqual([true, 0]);
  });

  test("many resyncs stay bounded and leave no entry whose book cannot be told", () => {
    const history = createHistory({ tokenId: "1" });
    for (let n = 0; n < 100; n++) openEpoch(history, { ...opening, epoch: `1.${n}`, tsEventMs: 1_000 + n });
    expect(history.segments.length).toBe(16);
    expect(deltasAfter(history, -1)).toEqual({ kind: "tooOld", oldestPosition: history.segments[0]?.startPosition });
  });

  test.each([10_000, 1_000, 100])(
    "60 levels and 60 s at 20 updates a second of two levels take at most 200 KB (tick %i)",
    (tickMicro) => {
      const history = createHistory({ tokenId: "1" });
      const bids = Array.from({ length: 30 }, (_, n) => [500_000 - n * tickMicro, 1e6]).flat();
      const asks = Array.from({ length: 30 }, (_, n) => [500_000 + (n + 1) * tickMicro, 1e6]).flat();
      openEpoch(history, { ...opening, tickMicro, bids, asks });
      for (let n = 1; n <= 20 * 180; n++) {
        const at = { seq: n, tsEventMs: 1_000 + n * 50 };
        recordLevel(history, at, "BUY", 500_000 - (n % 30) * tickMicro, n * 1e6);
        recordLevel(history, at, "SELL", 500_000 + ((n % 30) + 1) * tickMicro, n * 1e6);
      }
      expect(bookAt(history, history.lastTsMs - 60_000).kind).toBe("book");
      expect(historyBytes(history)).toBeLessThanOrEqual(200_000);
    },
  );

  test("memory of a burst is given back when it is over", () => {
    const history = createHistory({ tokenId: "1" });
    openEpoch(history, opening);
    for (let n = 1; n <= 70_000; n++) recordLevel(history, { seq: n, tsEventMs: 1_000 }, "BUY", 400_000, n);
    const peak = historyBytes(history);
    expect(peak).toBeLessThan(2_200_000);
    for (let n = 1; n <= 100; n++) recordLevel(history, { seq: n, tsEventMs: 100_000 + n }, "BUY", 400_000, n);
    expect(historyBytes(history)).toBeLessThan(peak / 20);
  });
});
