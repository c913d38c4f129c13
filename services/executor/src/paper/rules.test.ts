/**
 * The rules of docs/paper-engine.md that are not in engine.test.ts (placement, depth), prints.test.ts or holes.test.ts
 * (gaps).
 */
import { describe, expect, test } from "vitest";
import { cents, id, NO, order, resting, shares, world } from "./engine.testing.ts";
import { cancelOrder } from "./engine.ts";

const atNo = (limit: number) => ({ tokenId: NO, limitPriceMicro: cents(limit) });

describe("ticks and gaps (1.10, 4.10, 5.2, 5.5)", () => {
  const tookAll = () => {
    const made = world([[40, 500]], [[50, 100]]);
    made.order({ limitPriceMicro: cents(50), sizeMicro: shares(250), ttlMs: 60_000 });
    made.until(2_000);
    return made;
  };

  test.each<[string, (made: ReturnType<typeof tookAll>) => void, string[]]>([
    ["an unannounced finer tick", (made) => made.level(3_000, "BUY", 3.5, 7), []],
    ["an announced finer one", (made) => made.tick(3_000, 1_000), []],
    [
      "a gap",
      (made) => {
        made.hole();
        made.epoch(3_000, [[40, 500]], [[50, 100]]);
      },
      [],
    ],
    [
      "a gap in which the level grew",
      (made) => {
        made.hole();
        made.epoch(3_000, [[40, 500]], [[50, 130]]);
      },
      ["a maker 30@50 t3000"],
    ],
    [
      "a gap in which it went and came",
      (made) => {
        made.hole();
        made.epoch(3_000, [[40, 500]], []);
        made.level(3_100, "SELL", 50, 20);
      },
      ["a maker 20@50 t3100"],
    ],
  ])("M4: what was taken is not filled again as maker after %s", (_name, tell, told) => {
    const made = tookAll();
    tell(made);
    made.until(10_000);
    expect(made.told().slice(1)).toEqual(told);
  });

  test("M8: a tick change right after the placement is no reason to be blind, and the queue stays", () => {
    const made = world();
    made.order({ limitPriceMicro: cents(48) });
    made.order({ orderId: id("b"), timeInForce: "FAK" });
    made.tick(2_001, 1_000);
    made.level(2_001, "SELL", 49.9, 1);
    made.until(3_000);
    made.print(3_100, "SELL", 48, 55);
    made.until(4_000);
    expect(made.told()).toEqual(["b taker 20@50 t2000", "b taker 10@51 t2000", "a maker 5@48 t3100"]);
  });

  test("a gap of one token leaves the orders of the other alone (6.9)", () => {
    const made = world();
    made.order({ limitPriceMicro: cents(48) });
    made.order({ ...atNo(52), side: "SELL", orderId: id("b") });
    made.until(2_000);
    made.hole([1]);
    made.print(2_100, "SELL", 47, 40);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 30@48 t2100"]);
  });

  test("a print before a gap whose time is in it counts for nobody (1.12)", () => {
    const made = resting();
    made.level(2_100, "BUY", 30, 1);
    made.print(2_180, "SELL", 47, 40);
    made.hole([0, 1], 2_099);
    made.epoch(2_150, [[48, 10]], [[50, 1]]);
    made.until(3_000);
    expect(made.told()).toEqual([]);
  });
});

describe("the venue's rules at T (7)", () => {
  test.each<[string, Partial<typeof order>, string]>([
    ["a limit off the tick", { limitPriceMicro: cents(48.5) }, "PRICE_OFF_TICK"],
    ["FAK of 11.37 at 0.51", { timeInForce: "FAK", sizeMicro: shares(11.37) }, "AMOUNT_PRECISION"],
    ["too small", { minOrderSizeMicro: shares(31) }, "SIZE_BELOW_MINIMUM"],
    ["below a dollar and marketable", { sizeMicro: shares(1.9) }, "MARKETABLE_BELOW_MINIMUM"],
  ])("%s is refused and takes nothing", (_name, over, code) => {
    const made = world();
    made.order(over);
    made.order({ orderId: id("b"), limitPriceMicro: cents(50), sizeMicro: shares(20) });
    made.until(3_000);
    expect(made.told()).toEqual([`a refused ${code} t2000`, "b taker 20@50 t2000"]);
  });

  test("a FAK that was granted more than the venue takes gives the rest back when it is filled", () => {
    const made = world();
    made.order({ timeInForce: "FAK", restMicro: shares(0.37) });
    made.until(3_000);
    expect(made.told()).toEqual(["a taker 20@50 t2000", "a taker 10@51 t2000", "a remainder t2000"]);
  });

  test("the tick is the one of that moment, whenever its change was told", () => {
    const made = world();
    for (const [n, placeAtMs] of [1_999, 2_000, 2_500].entries()) {
      made.order({ orderId: id(`o${n}`), limitPriceMicro: cents(48.5), placeAtMs, ttlMs: 60_000 });
    }
    made.tick(2_000, 5_000);
    made.tick(2_400, 10_000);
    made.until(3_000);
    expect(made.told()).toEqual(["o0 refused PRICE_OFF_TICK t1999", "o2 refused PRICE_OFF_TICK t2500"]);
  });
});

describe("closing (3.7, 7.1)", () => {
  test.each([["resolve"], ["close"]] as const)(
    "%s ends what is open at its time; a late print fills nothing",
    (how) => {
      const made = resting();
      made.order({ ...atNo(60), orderId: id("b"), placeAtMs: 2_500 });
      made.order({ orderId: id("c"), placeAtMs: 3_000, limitPriceMicro: cents(50) });
      made[how](3_000);
      made.print(3_000, "SELL", 40, 500);
      made.print(3_100, "SELL", 40, 500);
      made.until(9_000);
      expect(made.told()).toEqual([
        "b taker 30@52 t2500",
        "a closed t3000",
        "c refused MARKET_NOT_ACCEPTING_ORDERS t3000",
      ]);
    },
  );

  test("an order for a closed market is refused though nobody knows its book any more", () => {
    const made = world();
    made.order({ placeAtMs: 3_500 });
    made.order({ orderId: id("b"), placeAtMs: 2_999, timeInForce: "FAK" });
    made.resolve(3_000);
    made.hole([0, 1], 2_999);
    made.until(9_000);
    expect(made.told()).toEqual([
      "b taker 20@50 t2999",
      "b taker 10@51 t2999",
      "a refused MARKET_NOT_ACCEPTING_ORDERS t3500",
    ]);
  });

  test("told when later times are decided, it takes nothing back", () => {
    const made = resting();
    made.print(3_100, "SELL", 47, 5);
    made.until(4_000);
    made.close(3_000);
    made.print(4_100, "SELL", 47, 5);
    made.until(5_000);
    expect(made.told()).toEqual(["a maker 5@48 t3100", "a closed t4000"]);
  });

  test("comes before an expiry and a cancel of its millisecond", () => {
    const made = resting({ ttlMs: 1_000 });
    cancelOrder(made.engine, order.orderId, 3_000);
    made.close(3_000);
    made.until(5_000);
    expect(made.told()).toEqual(["a closed t3000"]);
  });
});

test("a cancel in the order's own millisecond comes first (3.5)", () => {
  const made = world();
  made.order();
  cancelOrder(made.engine, order.orderId, 2_000);
  made.until(3_000);
  expect(made.told()).toEqual(["a canceled t2000"]);
});
