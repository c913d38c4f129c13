import { applySnapshot, createBook } from "@slipstream/book/ladder";
import type { AccountId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import type { OrderToPlace } from "../core/messages.ts";
import { ASKS, BIDS, cents, flat, id, order, resting, shares, short, world, YES } from "./engine.testing.ts";
import { activeMarkets, answerBook, endOverdue, openQuestions, resumeOrder } from "./engine.ts";

describe("holes", () => {
  test("nothing fills in one, afterwards the order is at the back of its level", () => {
    const made = resting();
    made.print(2_100, "SELL", 48, 50);
    made.until(2_200);
    made.hole();
    made.print(2_300, "SELL", 47, 500);
    made.epoch(3_000, [[48, 70]], [[50, 10]]);
    made.print(3_100, "SELL", 48, 75);
    made.until(4_000);
    expect(made.told()).toEqual(["a maker 5@48 t3100"]);
  });

  test("what crosses the order in the book after a hole has met it", () => {
    const made = resting();
    made.epoch(3_000, [[46, 70]], [[47, 10]]);
    made.until(4_000);
    expect(made.told()).toEqual(["a maker 10@48 t3000"]);
  });

  test("a time of placement inside one is asked for, and without an answer the order is blind", () => {
    const made = world();
    made.level(1_500, "SELL", 50, 19);
    made.hole();
    made.epoch(3_000, BIDS, ASKS);
    made.order();
    made.until(3_500);
    expect(openQuestions(made.engine)).toEqual([{ orderId: "a", tokenId: YES, tsMs: 2_000 }]);
    expect(answerBook(made.engine, order.orderId, null, made.known(3_500)).map(short)).toEqual(["a blind t2000"]);
    expect(openQuestions(made.engine)).toEqual([]);
  });

  test("with an answer it is swept against that book and rests at the back of the present one", () => {
    const made = world();
    made.hole();
    made.epoch(3_000, [[51, 40]], [[53, 1]]);
    made.order({ sizeMicro: shares(30) });
    made.until(3_500);
    const book = createBook({ tokenId: YES, tickMicro: 10_000 });
    applySnapshot(book, flat(BIDS), flat([[50, 12]]));
    expect(answerBook(made.engine, order.orderId, { book, tickMicro: cents(1) }, made.known(3_500)).map(short)).toEqual(
      ["a taker 12@50 t2000"],
    );
    made.print(3_600, "SELL", 51, 45);
    made.until(4_000);
    expect(made.told()).toEqual(["a maker 5@51 t3600"]);
  });

  test("books that died end what is long overdue, without fills", () => {
    const made = resting();
    made.order({ orderId: id("b"), placeAtMs: 4_000 });
    expect(endOverdue(made.engine, 3_999)).toEqual([]);
    expect(endOverdue(made.engine, 7_000).map(short)).toEqual(["a expired t7000", "b blind t4000"]);
    expect(activeMarkets(made.engine)).toEqual([]);
  });
});

describe("taken up again after a restart", () => {
  const resume = (made: ReturnType<typeof world>, fills: number, filled: number, over: Partial<OrderToPlace> = {}) =>
    resumeOrder(made.engine, { ...order, ...over }, { fills, filledMicro: shares(filled) });

  test.each<[string, number, number, string[]]>([
    ["nothing was told: all is told", 0, 0, ["0 20@50", "1 10@51"]],
    ["the first fill was told: the second is", 1, 20, ["1 10@51"]],
    ["all was told: nothing is", 2, 30, []],
  ])("the same book gives the same fills: %s", (_name, fills, filled, expected) => {
    const made = world();
    resume(made, fills, filled);
    made.until(2_000);
    const told = made.events.map((event) =>
      event.kind === "fill" ? `${event.n} ${Number(event.sizeMicro) / 1e6}@${event.priceMicro / 1e4}` : event.kind,
    );
    expect(told).toEqual(expected);
  });

  test("an order that ended here, but not in the log, ends again", () => {
    const made = world();
    made.order({ timeInForce: "FAK", sizeMicro: shares(60) });
    made.until(3_000);
    const before = made.told();
    made.events.length = 0;
    made.level(3_500, "SELL", 50, 0);
    made.level(3_500, "SELL", 51, 0);
    resume(made, 0, 0, { timeInForce: "FAK", sizeMicro: shares(60), account: "again" as AccountId });
    made.until(4_000);
    expect(made.told()).toEqual(before);
  });

  test("fills as a maker are not made again, and the next has the next number", () => {
    const made = world();
    resume(made, 3, 45, { sizeMicro: shares(60) });
    made.level(2_100, "SELL", 51, 100);
    made.until(3_000);
    expect(made.events).toMatchObject([{ n: 3, sizeMicro: shares(15), liquiditySide: "maker" }]);
  });

  test("with the past unknown it rests with what is left; if nothing was told it is blind", () => {
    for (const [fills, filled, expected] of [
      [1, 20, ["a maker 10@51 t4100"]],
      [0, 0, ["a blind t2000"]],
    ] as const) {
      const made = world();
      made.hole();
      made.epoch(4_000, BIDS, [[52, 1]]);
      resume(made, fills, filled);
      made.until(4_050);
      made.events.push(...answerBook(made.engine, order.orderId, null, made.known(4_050)));
      made.print(4_100, "SELL", 50, 100);
      made.until(5_000);
      expect(made.told()).toEqual(expected);
    }
  });
});
