import {
  type BookHistory,
  createHistory,
  openEpoch,
  openHole,
  recordLevel,
  recordTrade,
} from "@slipstream/book/history";
import { applySnapshot, createBook } from "@slipstream/book/ladder";
import type { AccountId, Address, ClientOrderId, ConditionId, TokenId } from "@slipstream/contracts/ids";
import { type PriceMicro, priceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import type { OrderToPlace } from "../core/messages.ts";
import {
  activeTokens,
  advance,
  answerBook,
  cancelOrder,
  createPaperEngine,
  endOverdue,
  openQuestions,
  placeOrder,
  resumeOrder,
} from "./engine.ts";
import type { PaperEvent } from "./events.ts";

const tokenId = "7" as TokenId;
const shares = (n: number) => sharesMicro(BigInt(Math.round(n * 1e6)));
const cents = (n: number): PriceMicro => priceMicro(n * 10_000);
const flat = (levels: readonly (readonly [number, number])[]): number[] =>
  levels.flatMap(([at, size]) => [at * 10_000, size * 1e6]);
type Levels = readonly (readonly [number, number])[];

/** A book from 1,000 ms on: bids 48 × 50, 47 × 100; asks 50 × 20, 51 × 30, 52 × 100. Prices in cents. */
const BIDS: Levels = [
  [48, 50],
  [47, 100],
];
const ASKS: Levels = [
  [50, 20],
  [51, 30],
  [52, 100],
];

function world(bids: Levels = BIDS, asks: Levels = ASKS) {
  const history: BookHistory = createHistory({ tokenId });
  let seq = 0;
  let epochs = 1;
  const epoch = (atMs: number, b: Levels, a: Levels): void => {
    const tickMicro = 10_000;
    openEpoch(history, { epoch: `1.${epochs++}`, seq: 0, tsEventMs: atMs, tickMicro, bids: flat(b), asks: flat(a) });
  };
  epoch(1_000, bids, asks);
  const engine = createPaperEngine();
  const events: PaperEvent[] = [];
  return {
    engine,
    history,
    events,
    epoch,
    hole: () => openHole(history),
    level: (atMs: number, side: Side, at: number, size: number): void => {
      seq += 1;
      recordLevel(history, { seq, tsEventMs: atMs }, side, at * 10_000, size * 1e6);
    },
    print: (atMs: number, taker: Side, at: number, size: number): void =>
      recordTrade(history, { seq, tsEventMs: atMs }, taker, at * 10_000, size * 1e6),
    order: (over: Partial<OrderToPlace> = {}): ClientOrderId => {
      const placed = { ...order, ...over };
      placeOrder(engine, placed);
      return placed.orderId;
    },
    until: (watermarkMs: number): void => {
      events.push(...advance(engine, tokenId, history, watermarkMs));
    },
    /** What happened, in short. */
    told: () => events.map(short),
  };
}

const order: OrderToPlace = {
  orderId: "a" as ClientOrderId,
  account: "paper" as AccountId,
  mode: "paper",
  leader: `0x${"11".repeat(20)}` as Address,
  tokenId,
  conditionId: `0x${"c".repeat(64)}` as ConditionId,
  side: "BUY",
  limitPriceMicro: cents(51),
  sizeMicro: shares(30),
  timeInForce: "GTD",
  ttlMs: 5_000,
  placeAtMs: 2_000,
  fee: { rateMicro: 0, exponent: 1, takerOnly: true },
};
const short = (event: PaperEvent): string =>
  event.kind === "fill"
    ? `${event.orderId} ${event.liquiditySide} ${Number(event.sizeMicro) / 1e6}@${event.priceMicro / 1e4} t${event.atMs}`
    : `${event.orderId} ${event.kind} t${event.atMs}`;

describe("placement", () => {
  test("nothing happens before the watermark has reached the time of placement", () => {
    const made = world();
    made.order();
    made.until(1_999);
    expect(made.told()).toEqual([]);
    made.until(2_000);
    expect(made.told()).toEqual(["a taker 20@50 t2000", "a taker 10@51 t2000"]);
    expect(activeTokens(made.engine)).toEqual([]);
  });

  test("the book is the one after all changes up to that time, not a later one", () => {
    const made = world();
    made.order();
    made.level(2_000, "SELL", 50, 5);
    made.level(2_001, "SELL", 51, 0);
    made.until(2_000);
    expect(made.told()).toEqual(["a taker 5@50 t2000", "a taker 25@51 t2000"]);
  });

  test.each([
    ["FAK", 70, ["a taker 20@50 t2000", "a taker 30@51 t2000", "a remainder t2000"]],
    ["FAK", 50, ["a taker 20@50 t2000", "a taker 30@51 t2000"]],
    ["FOK", 70, ["a killed t2000"]],
    ["FOK", 50, ["a taker 20@50 t2000", "a taker 30@51 t2000"]],
    ["GTD", 70, ["a taker 20@50 t2000", "a taker 30@51 t2000", "a expired t7000"]],
  ] as const)("%s of %d", (timeInForce, size, told) => {
    const made = world();
    made.order({ timeInForce, sizeMicro: shares(size) });
    made.until(10_000);
    expect(made.told()).toEqual(told);
  });

  test("a sale takes bids, best first; money is exact, takers pay the fee", () => {
    const made = world();
    const fee = { rateMicro: 72_000, exponent: 1, takerOnly: true };
    made.order({ side: "SELL", limitPriceMicro: cents(47), sizeMicro: shares(60.01), fee });
    made.until(2_000);
    expect(made.events).toMatchObject([
      { n: 0, priceMicro: cents(48), sizeMicro: shares(50), usdcMicro: 24_000_000n, feeMicro: 898_560n },
      { n: 1, priceMicro: cents(47), sizeMicro: shares(10.01), usdcMicro: 4_704_700n, feeMicro: 179_530n },
    ]);
  });

  test("the venue fills in hundredths of a share", () => {
    const made = world(BIDS, [
      [50, 3.456789],
      [51, 0.001],
    ]);
    made.order({ timeInForce: "FAK" });
    made.until(2_000);
    expect(made.told()).toEqual(["a taker 3.45@50 t2000", "a remainder t2000"]);
  });

  test("a repeated order is one order, also when it is over", () => {
    const made = world();
    made.order();
    made.order();
    made.until(2_000);
    made.order();
    made.until(3_000);
    expect(made.events).toHaveLength(2);
  });
});

describe("depth we took", () => {
  test("is not taken again by the same account, another account has its own world", () => {
    const made = world();
    made.order();
    made.order({ orderId: "b" as ClientOrderId, placeAtMs: 2_001, timeInForce: "FAK" });
    made.order({ orderId: "c" as ClientOrderId, placeAtMs: 2_002, account: "other" as AccountId });
    made.until(3_000);
    expect(made.told().slice(2)).toEqual([
      "b taker 20@51 t2001",
      "b remainder t2001",
      "c taker 20@50 t2002",
      "c taker 10@51 t2002",
    ]);
  });

  test("comes back as far as the venue refills the level", () => {
    const made = world();
    made.order({ sizeMicro: shares(20) });
    made.level(2_500, "SELL", 50, 10);
    made.level(2_600, "SELL", 50, 25);
    made.order({ orderId: "b" as ClientOrderId, placeAtMs: 3_000, limitPriceMicro: cents(50), timeInForce: "FAK" });
    made.until(3_000);
    expect(made.told().slice(1)).toEqual(["b taker 15@50 t3000", "b remainder t3000"]);
  });

  test("is remembered while no order is open", () => {
    const made = world();
    made.order({ sizeMicro: shares(20) });
    made.until(2_000);
    made.order({ orderId: "b" as ClientOrderId, placeAtMs: 9_000, limitPriceMicro: cents(50), timeInForce: "FAK" });
    made.until(9_000);
    expect(made.told().slice(1)).toEqual(["b remainder t9000"]);
  });
});

/** Rests 30 at 48 behind 50. */
const resting = (over: Partial<OrderToPlace> = {}) => {
  const made = world();
  made.order({ limitPriceMicro: cents(48), ...over });
  made.until(2_000);
  return made;
};

describe("a resting order", () => {
  test("is filled by prints at its price after the queue", () => {
    const made = resting();
    made.print(2_100, "SELL", 48, 45);
    made.print(2_200, "SELL", 48, 15);
    made.print(2_300, "SELL", 48, 50);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 10@48 t2200", "a maker 20@48 t2300"]);
  });

  test("moves up when the level shrinks below its place", () => {
    const made = resting();
    made.level(2_100, "BUY", 48, 200);
    made.level(2_200, "BUY", 48, 20);
    made.print(2_300, "SELL", 48, 25);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 5@48 t2300"]);
  });

  test.each([
    ["print first", true],
    ["level first", false],
  ])("counts one trade once: %s", (_name, printFirst) => {
    const made = resting();
    if (printFirst) made.print(2_100, "SELL", 48, 30);
    made.level(2_100, "BUY", 48, 20);
    if (!printFirst) made.print(2_100, "SELL", 48, 30);
    made.print(2_200, "SELL", 48, 25);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 5@48 t2200"]);
  });

  test("is filled at its own price by a print beyond it", () => {
    const made = resting();
    made.print(2_100, "SELL", 47, 12);
    made.print(2_200, "BUY", 47, 12);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 12@48 t2100"]);
  });

  test("is filled at its own price by asks that come down to it", () => {
    const made = resting();
    made.level(2_100, "SELL", 48, 4);
    made.level(2_200, "SELL", 47, 50);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 4@48 t2100", "a maker 26@48 t2200"]);
  });

  test("prints of the other side and at worse prices do not concern it", () => {
    const made = resting();
    made.print(2_100, "SELL", 49, 500);
    made.print(2_100, "BUY", 48, 500);
    made.until(3_000);
    expect(made.told()).toEqual([]);
  });

  test("ends at its time to live, before the changes of that moment", () => {
    const made = resting();
    made.print(7_000, "SELL", 47, 100);
    made.until(8_000);
    expect(made.told()).toEqual(["a expired t7000"]);
  });

  test("is filled until a cancel arrives", () => {
    const made = resting();
    expect(cancelOrder(made.engine, order.orderId, 2_500)).toBe(true);
    made.print(2_400, "SELL", 47, 10);
    made.print(2_500, "SELL", 47, 10);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 10@48 t2400", "a canceled t2500"]);
  });

  test("two of one account share a print, the older one first", () => {
    const made = resting();
    made.order({ orderId: "b" as ClientOrderId, limitPriceMicro: cents(48), placeAtMs: 2_050, sizeMicro: shares(30) });
    made.print(2_100, "SELL", 47, 40);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 30@48 t2100", "b maker 10@48 t2100"]);
  });
});

describe("cancelled before it is placed", () => {
  test("an order that is on its way is never placed", () => {
    const made = world();
    made.order();
    cancelOrder(made.engine, order.orderId, 1_900);
    made.until(3_000);
    expect(made.told()).toEqual(["a canceled t1900"]);
  });

  test("an order that has not come is refused when it comes", () => {
    const made = world();
    expect(cancelOrder(made.engine, order.orderId, 1_900)).toBe(false);
    expect(placeOrder(made.engine, order)).toBeNull();
  });
});

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
    expect(openQuestions(made.engine)).toEqual([{ orderId: "a", tokenId, tsMs: 2_000 }]);
    expect(answerBook(made.engine, order.orderId, null, made.history).map(short)).toEqual(["a blind t2000"]);
    expect(openQuestions(made.engine)).toEqual([]);
  });

  test("with an answer it is swept against that book and rests at the back of the present one", () => {
    const made = world();
    made.hole();
    made.epoch(3_000, [[51, 40]], [[53, 1]]);
    made.order({ sizeMicro: shares(30) });
    made.until(3_500);
    const book = createBook({ tokenId, tickMicro: 10_000 });
    applySnapshot(book, flat(BIDS), flat([[50, 12]]));
    expect(answerBook(made.engine, order.orderId, book, made.history).map(short)).toEqual(["a taker 12@50 t2000"]);
    made.print(3_600, "SELL", 51, 45);
    made.until(4_000);
    expect(made.told()).toEqual(["a maker 5@51 t3600"]);
  });

  test("books that died end what is long overdue, without fills", () => {
    const made = resting();
    made.order({ orderId: "b" as ClientOrderId, placeAtMs: 4_000 });
    expect(endOverdue(made.engine, 3_999)).toEqual([]);
    expect(endOverdue(made.engine, 7_000).map(short)).toEqual(["a expired t7000", "b blind t4000"]);
    expect(activeTokens(made.engine)).toEqual([]);
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
      made.events.push(...answerBook(made.engine, order.orderId, null, made.history));
      made.print(4_100, "SELL", 50, 100);
      made.until(5_000);
      expect(made.told()).toEqual(expected);
    }
  });
});
