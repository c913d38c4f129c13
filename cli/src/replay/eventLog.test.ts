import { expect, test } from "vitest";
import { countLines, eventLine } from "./eventLog.ts";
import { account, type Change, fill, marketTape, pulse, replayOf, START_MS } from "./replay.testing.ts";

/** Fills at once, waits in the bucket, rests and expires, is filled by a print, leaves what a FAK could not take. */
const bought = [fill(2_000, "BUY", "0.50", "300"), fill(3_000, "BUY", "0.50", "30")];
const run = (fills = bought, policy = account, changes: readonly Change[] = pulse) =>
  replayOf(marketTape(undefined, changes), fills, policy);
const told = (result: ReturnType<typeof run>): Record<string, unknown>[] =>
  result.events.map((event) => JSON.parse(eventLine(event)) as Record<string, unknown>);
const short = (result: ReturnType<typeof run>): string[] =>
  told(result).map(({ atMs, event, outcome, end, reason, liquiditySide, n }) =>
    [`+${Number(atMs) - START_MS}`, event, outcome, liquiditySide, n, end, reason]
      .filter((part) => part !== undefined && part !== null)
      .join(" "),
  );

test("each signal is told from the attempt to the end, in venue order", () => {
  const result = run();
  expect(short(result)).toEqual([
    "+2000 attempt TRADE",
    "+2100 placed",
    "+2100 fill taker 0",
    "+2100 fill taker 1",
    "+2100 end filled",
    "+3000 attempt SKIP",
  ]);
  const [attempt, placed, first, , end, skip] = told(result);
  expect(attempt).toMatchObject({
    ...{ outcome: "TRADE", kind: "ENTRY", side: "BUY", reasons: [] },
    ...{ targetMicro: "30000000", limitMicro: 510_000, sizeMicro: "30000000" },
  });
  for (const one of [attempt, skip]) expect(one).toHaveProperty("ratioMicro");
  expect(placed).toMatchObject({ side: "BUY", limitPriceMicro: 510_000, sizeMicro: "30000000", timeInForce: "GTD" });
  expect(placed?.["orderId"]).toBe(attempt?.["orderId"]);
  expect(first).toMatchObject({ priceMicro: 500_000, sizeMicro: "6000000", feeMicro: "0", leavesMicro: "24000000" });
  expect(end).toMatchObject({ end: "filled", filledMicro: "30000000", leavesMicro: "0", fills: 2 });
  expect(skip).toMatchObject({ outcome: "SKIP", reasons: [{ code: "BELOW_MINIMUM", sizeMicro: "3000000" }] });
});

test("what is left of an order is told with how it ended", () => {
  const rests = run([fill(2_000, "BUY", "0.50", "900")]);
  expect(short(rests).slice(-2)).toEqual(["+2100 fill taker 1", "+7100 end expired"]);
  expect(told(rests).at(-1)).toMatchObject({ filledMicro: "46000000", leavesMicro: "44000000" });
  expect(rests.counts).toMatchObject({
    orders: { decided: 1, placed: 1, filled: 0, partly: 1, expired: 1, canceled: {}, open: 0 },
    fills: { taker: 2, maker: 0 },
  });
  const fak = run([fill(2_000, "BUY", "0.50", "900")], { ...account, timeInForce: "FAK" });
  expect(short(fak).at(-1)).toBe("+2100 end canceled FAK_REMAINDER");
  expect(fak.counts.orders).toMatchObject({ partly: 1, expired: 0, canceled: { FAK_REMAINDER: 1 } });
});

test("what comes to a resting order fills it as maker, before the order's end", () => {
  const comes: Change = [4_050, "SELL", "0.50", "44"];
  const changes = [...pulse, comes].toSorted((a, b) => a[0] - b[0]);
  const result = run([fill(2_000, "BUY", "0.50", "900")], account, changes);
  expect(short(result).slice(-2)).toEqual(["+4050 fill maker 2", "+7100 end expired"]);
  expect(result.counts.fills).toEqual({ taker: 2, maker: 1 });
});

test("lines are in order of venue time, whole, and the same every time", () => {
  const fills = [
    fill(2_000, "BUY", "0.50", "900"),
    fill(4_000, "SELL", "0.48", "450"),
    fill(7_000, "BUY", "0.51", "60"),
  ];
  const [first, second] = [run(fills), run(fills)];
  expect(second.events.map(eventLine)).toEqual(first.events.map(eventLine));
  const times = first.events.map(({ atMs }) => atMs);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  const fillsTold = told(first).filter(({ event }) => event === "fill");
  expect(fillsTold.map(({ tradeId }) => tradeId).toSorted()).toEqual(
    first.fills.map(({ tradeId }) => tradeId).toSorted(),
  );
  const ends = told(first).filter(({ event }) => event === "end");
  expect(new Set(ends.map(({ orderId }) => orderId)).size).toBe(first.report.orders);
});

test("the counts in words", () => {
  const { counts } = run();
  expect(countLines(counts)).toEqual([
    "orders: 1 decided, 1 placed, 1 filled, 0 partly; 0 expired, 0 canceled, 0 denied, 0 abandoned, 0 rejected",
    "fills: 2 as taker, 0 as maker; 0 positions settled",
    "skips: 1 (BELOW_MINIMUM 1)",
  ]);
});
