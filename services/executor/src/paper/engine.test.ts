import type { AccountId, ClientOrderId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import { BIDS, cents, order, resting, shares, world } from "./engine.testing.ts";
import { activeTokens, cancelOrder, placeOrder } from "./engine.ts";

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
