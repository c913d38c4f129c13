import { describe, expect, test } from "vitest";
import { afterPage, nextWindow, type Position, startPosition } from "./paging.ts";

const options = { nowMs: 2_000_000, overlapMs: 120_000 };
const fresh = startPosition(1_000_000, 120_000);
const read = (listed: readonly number[], limit = 3, position: Position = fresh) =>
  afterPage(
    position,
    nextWindow(position, options.nowMs, limit),
    { listed: listed.length, listedSeconds: listed },
    options,
  );

test("a full page goes on below its oldest row although a row of it has no time", () => {
  const page = { listed: 3, listedSeconds: [1_500, 1_400] };
  const { position } = afterPage(fresh, nextWindow(fresh, options.nowMs, 3), page, options);
  expect(position.endSeconds).toBe(1_400);
});

test.each([
  ["1970", 5],
  ["the far future", 90_000_000_000],
])("nor does a row of a full page that is of %s end the window: what lies below is asked for", (_name, second) => {
  expect(read([1_500, 1_400, second])).toEqual({
    position: { fromSeconds: 880, newestSeconds: 1_500, endSeconds: 1_400 },
    countedFromSeconds: 1_401,
    cutSecond: null,
  });
});

test("a window begins the overlap before the start and is open at its end", () => {
  expect(fresh).toEqual({ fromSeconds: 880, newestSeconds: null, endSeconds: null });
  const [now, later] = [1_000_000, 1_001_000].map((nowMs) => nextWindow(fresh, nowMs, 3));
  expect(now).toEqual({ startSeconds: 880, endSeconds: 4_600, limit: 3 });
  expect(later).not.toEqual(now);
});

describe("a page that is not full ends the window", () => {
  test.each([
    ["nothing there", [], { fromSeconds: 880, newestSeconds: null }],
    ["within the overlap", [950, 940], { fromSeconds: 880, newestSeconds: 950 }],
    ["beyond it", [1_500, 1_400], { fromSeconds: 1_380, newestSeconds: 1_500 }],
    ["in any order", [1_400, 1_500], { fromSeconds: 1_380, newestSeconds: 1_500 }],
    ["a row from the future moves nothing past now", [9_999, 1_500], { fromSeconds: 1_880, newestSeconds: 2_000 }],
  ])("%s", (_name, listed, position) => {
    expect(read(listed)).toEqual({
      position: { ...position, endSeconds: null },
      countedFromSeconds: 880,
      cutSecond: null,
    });
  });
  test("the begin never goes back", () => {
    const ahead = { fromSeconds: 1_900, newestSeconds: 1_950, endSeconds: null };
    expect(read([1_900], 3, ahead).position).toEqual(ahead);
  });
});

describe("a full page leaves its oldest second to the next one", () => {
  test.each([
    ["newest first", [1_500, 1_400, 1_300]],
    ["in any order", [1_300, 1_500, 1_400]],
  ])("%s", (_name, listed) => {
    expect(read(listed)).toEqual({
      position: { fromSeconds: 880, newestSeconds: 1_500, endSeconds: 1_300 },
      countedFromSeconds: 1_301,
      cutSecond: null,
    });
  });
  test("which ends with it, and then the window is read", () => {
    const { position } = read([1_500, 1_400, 1_300]);
    expect(nextWindow(position, options.nowMs, 3)).toEqual({ startSeconds: 880, endSeconds: 1_300, limit: 3 });
    expect(read([1_300, 1_300], 3, position)).toEqual({
      position: { fromSeconds: 1_380, newestSeconds: 1_500, endSeconds: null },
      countedFromSeconds: 880,
      cutSecond: null,
    });
  });
  test("a second that fills a page is counted as far as it is seen, told, and left behind", () => {
    expect(read([1_300, 1_300, 1_300])).toEqual({
      position: { fromSeconds: 880, newestSeconds: 1_300, endSeconds: 1_299 },
      countedFromSeconds: 1_300,
      cutSecond: 1_300,
    });
  });
  test("at the begin of the window nothing is left behind it", () => {
    expect(read([880, 880, 880]).position).toEqual({ fromSeconds: 880, newestSeconds: 880, endSeconds: null });
  });
  test("an end that is not kept to does not make it read the head for ever", () => {
    const position = { fromSeconds: 880, newestSeconds: 1_500, endSeconds: 1_300 };
    expect(read([1_500, 1_499, 1_498], 3, position)).toEqual({
      position: { fromSeconds: 1_380, newestSeconds: 1_500, endSeconds: null },
      countedFromSeconds: 1_498,
      cutSecond: 1_498,
    });
  });
});
