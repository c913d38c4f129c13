import type { TapeRecord } from "@slipstream/sandbox/tape/format";
import { expect, test } from "vitest";
import { readFrameTimes } from "./frameTimes.ts";
import { account, fill, lines, marketTape, pulse, replayOf, START_MS } from "./replay.testing.ts";

test("an order waits for a frame that is stamped before a ping's answer and comes after it", () => {
  // The channel is quiet from 3,000 on: pings are answered from 4,500 on. The best ask went at 3,500, told at 6,000.
  const quiet = pulse.filter(([afterMs]) => afterMs <= 3_000 || afterMs >= 7_000);
  const tape = marketTape(undefined, [...quiet, [3_500, "SELL", "0.50", "0"]]).map((record) =>
    record.t === START_MS + 3_505 ? { ...record, t: START_MS + 6_000 } : record,
  );
  const result = replayOf(
    tape.toSorted((a, b) => a.t - b.t),
    [fill(3_900, "BUY", "0.50", "100")],
  );
  expect(lines(result)).toEqual(["BUY 510000 10000000 +4000"]);
  expect(result.lateFrames).toBe(0);
});

test("the fills are the same however late the frames came, as long as their order is", () => {
  const fills = [fill(2_000, "BUY", "0.50", "300"), fill(6_000, "SELL", "0.48", "150")];
  const tape = marketTape(undefined, pulse);
  const late = tape.map((record, index) => ({ ...record, t: record.t + (index % 5) * 97 }));
  const ordered = late.map((record, index) => ({
    ...record,
    t: Math.max(...late.slice(0, index + 1).map(({ t }) => t)),
  }));
  const [direct, delayed] = [replayOf(tape, fills), replayOf(ordered, fills)];
  expect(lines(delayed).length).toBeGreaterThan(2);
  expect(lines(delayed)).toEqual(lines(direct));
  expect([direct.lateFrames, delayed.lateFrames]).toEqual([0, 0]);
});

const change = (tsEventMs: number): string =>
  `{"market":"0x1","price_changes":[],"timestamp":"${tsEventMs}","event_type":"price_change"}`;
const frame = (t: number, d: string, c?: string): TapeRecord => ({
  t,
  ch: "clob.market.ws",
  d,
  ...(c === undefined ? {} : { c }),
});

test("each connection has its own time, and only what is still to come counts", () => {
  const times = readFrameTimes([
    frame(1_010, change(1_000), "m0"),
    frame(1_400, change(1_350), "m1"),
    frame(1_500, change(1_200), "m0"),
    frame(1_510, change(1_300), "m0"),
  ]);
  expect([times.provenMs("m0"), times.provenMs("m1"), times.provenMs("m2")]).toEqual([999, 1_349, Infinity]);
  times.next("m0");
  times.next("m1");
  expect([times.provenMs("m0"), times.provenMs("m1")]).toEqual([1_199, Infinity]);
});

test("a frame whose time is none holds nothing up, and is counted as late", () => {
  const tape = marketTape(undefined, pulse);
  const odd = tape.with(10, {
    ...(tape[10] as TapeRecord),
    d: String(tape[10]?.d).replaceAll(/"timestamp":"\d+"/g, `"timestamp":"${START_MS - 120_000}"`),
  });
  const result = replayOf(odd, [fill(2_000, "BUY", "0.50", "300")], account);
  expect(lines(result)[0]).toBe("BUY 500000 6000000 +2100");
  expect(result.lateFrames).toBe(1);
  expect(result.report.errors).toEqual([
    "1 frame told of a time that had been taken as over: what was decided meanwhile may be wrong",
  ]);
});

test("an opening book is as old as its last change: it holds nothing up", () => {
  const opening = JSON.stringify([
    { event_type: "book", timestamp: "5", tick_size: "0.01", asset_id: "1", market: `0x${"c1".repeat(32)}` },
  ]);
  const times = readFrameTimes([frame(1_000, opening), frame(1_010, change(1_000))]);
  expect(times.provenMs("tape")).toBe(999);
});
