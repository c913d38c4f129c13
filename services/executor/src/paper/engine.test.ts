import type { AccountId, ConditionId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import { BIDS, cents, conditionId, id, NO, order, resting, shares, world } from "./engine.testing.ts";
import { activeMarkets, advance, cancelOrder, idleMarkets, placeOrder } from "./engine.ts";

const no = { tokenId: NO, timeInForce: "FAK" as const };

describe("placement", () => {
  test("nothing happens before the watermark has reached the time of placement", () => {
    const made = world();
    made.order();
    made.until(1_999);
    expect(made.told()).toEqual([]);
    made.until(2_000);
    expect(made.told()).toEqual(["a taker 20@50 t2000", "a taker 10@51 t2000"]);
    expect(activeMarkets(made.engine)).toEqual([]);
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

  test("dust is taken exactly, so that it strands nothing (4.3)", () => {
    const made = world(BIDS, [
      [50, 3.456789],
      [51, 0.001],
      [52, 7],
    ]);
    made.order({ timeInForce: "FAK", limitPriceMicro: cents(52), sizeMicro: shares(10) });
    made.until(2_000);
    expect(made.told()).toEqual(["a taker 3.456789@50 t2000", "a taker 0.001@51 t2000", "a taker 6.542211@52 t2000"]);
  });

  test("an order takes 64 levels at most (4.2)", () => {
    const asks = Array.from({ length: 70 }, (_, n) => [20 + n, 1] as const);
    const made = world([[10, 1]], asks);
    made.order({ timeInForce: "FAK", limitPriceMicro: cents(95), sizeMicro: shares(80) });
    made.until(2_000);
    expect(made.told()).toHaveLength(65);
    expect(made.told().at(-1)).toBe("a remainder t2000");
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
    made.order({ orderId: id("b"), placeAtMs: 2_001, timeInForce: "FAK" });
    made.order({ orderId: id("c"), placeAtMs: 2_002, account: "other" as AccountId });
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
    made.order({ orderId: id("b"), placeAtMs: 3_000, limitPriceMicro: cents(50), timeInForce: "FAK" });
    made.until(3_000);
    expect(made.told().slice(1)).toEqual(["b taker 15@50 t3000", "b remainder t3000"]);
  });

  test("stays taken while the level shows it: no order open, the history's minute long over (5.2)", () => {
    const made = world();
    made.order({ sizeMicro: shares(20) });
    for (let ms = 2_000; ms <= 200_000; ms += 500) {
      made.level(ms, "BUY", 40, ms % 1_000 === 0 ? 10 : 11);
      made.until(ms);
    }
    expect(idleMarkets(made.engine)).toMatchObject([{ conditionId }]);
    made.order({ orderId: id("b"), placeAtMs: 200_100, limitPriceMicro: cents(50), timeInForce: "FAK" });
    made.until(200_100);
    expect(made.told().slice(1)).toEqual(["b remainder t200100"]);
  });

  test("is forgotten when the level goes, and the market with it (5.3)", () => {
    const made = world();
    made.order({ sizeMicro: shares(20) });
    made.until(2_000);
    made.level(2_100, "SELL", 50, 0);
    made.level(2_200, "SELL", 50, 20);
    made.until(2_200);
    expect(idleMarkets(made.engine)).toEqual([]);
    made.order({ orderId: id("b"), placeAtMs: 2_300, limitPriceMicro: cents(50), sizeMicro: shares(20) });
    made.until(2_300);
    expect(made.told().slice(1)).toEqual(["b taker 20@50 t2300"]);
  });

  test("what one token shows is the other's: it is taken once (2.2)", () => {
    const made = world();
    made.order({ limitPriceMicro: cents(50), sizeMicro: shares(20) });
    made.order({ ...no, orderId: id("b"), side: "SELL", limitPriceMicro: cents(50), sizeMicro: shares(20) });
    made.order({ ...no, orderId: id("c"), side: "SELL", limitPriceMicro: cents(49), placeAtMs: 2_001 });
    made.until(3_000);
    expect(made.told()).toEqual(["a taker 20@50 t2000", "b remainder t2000", "c taker 30@49 t2001"]);
  });

  test("a double change of one millisecond frees the level once, whoever tells it (5.4)", () => {
    const made = world([[40, 1]], [[50, 100]]);
    made.order({ limitPriceMicro: cents(50), sizeMicro: shares(150) });
    made.order({ tokenId: NO, orderId: id("b"), side: "SELL", limitPriceMicro: cents(50), sizeMicro: shares(150) });
    for (const which of [0, 1] as const) {
      made.level(2_500, "SELL", 50, 50, [which]);
      made.level(2_500, "SELL", 50, 100, [which]);
    }
    made.until(3_000);
    expect(made.told()).toEqual(["a taker 100@50 t2000", "a maker 50@50 t2500"]);
  });

  test("without the first token's book the second tells what is left (5.4, 5.5)", () => {
    const made = world([[40, 1]], [[50, 100]]);
    made.order({ timeInForce: "FAK", limitPriceMicro: cents(50), sizeMicro: shares(100) });
    made.until(2_000);
    made.hole([0]);
    made.level(2_500, "SELL", 50, 30, [1]);
    made.level(2_600, "SELL", 50, 90, [1]);
    made.epoch(3_000, [[40, 1]], [[50, 95]], [0]);
    made.order({ ...no, orderId: id("b"), side: "SELL", limitPriceMicro: cents(50), placeAtMs: 2_700 });
    made.order({
      orderId: id("c"),
      timeInForce: "FAK",
      limitPriceMicro: cents(50),
      placeAtMs: 3_100,
      sizeMicro: shares(90),
    });
    made.until(4_000);
    // 30 of the 100 were left of ours; 60 are new, 30 of which b takes; 5 more come.
    expect(made.told().slice(1)).toEqual(["b taker 30@50 t2700", "c taker 35@50 t3100", "c remainder t3100"]);
  });

  test("only so many markets are remembered for it (5.7)", () => {
    const made = world();
    for (let n = 0; n < 1_030; n++) {
      const market = `0x${n.toString(16).padStart(64, "0")}` as ConditionId;
      placeOrder(made.engine, { ...order, conditionId: market, orderId: id(`m${n}`), timeInForce: "FAK" });
      advance(made.engine, market, made.known(2_000));
    }
    const idle = idleMarkets(made.engine);
    expect([idle.length, idle[0]?.conditionId]).toEqual([1_024, `0x${(6).toString(16).padStart(64, "0")}`]);
  });
});

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
    made.print(3_300, "SELL", 48, 25);
    made.until(4_000);
    expect(made.told()).toEqual(["a maker 5@48 t3300"]);
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
    made.order({ orderId: id("b"), limitPriceMicro: cents(48), placeAtMs: 2_050, sizeMicro: shares(30) });
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
