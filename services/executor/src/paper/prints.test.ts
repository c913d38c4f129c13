/** What a print says to a resting order, beside the decrease of its level and on either token (docs/paper-engine.md, 6). */
import { describe, expect, test } from "vitest";
import { cents, id, NO, order, resting, shares, world } from "./engine.testing.ts";
import { cancelOrder } from "./engine.ts";

const atNo = (limit: number) => ({ tokenId: NO, limitPriceMicro: cents(limit) });

describe("a print and a decrease of its level count once (6.3–6.6, 6.11)", () => {
  /** Rests 30 at 48 behind 100, bids 48 × 100. */
  const behind100 = () => {
    const made = world([[48, 100]], [[60, 10]]);
    made.order({ limitPriceMicro: cents(48), ttlMs: 60_000 });
    return made;
  };

  test("M3: prints of 40, 30, 25 after their decreases and a change of another level, 100 ahead: nothing", () => {
    const made = behind100();
    let left = 100;
    for (const [atMs, size] of [
      [2_500, 40],
      [3_000, 30],
      [3_500, 25],
    ] as const) {
      left -= size;
      made.level(atMs, "BUY", 48, left);
      made.level(atMs + 50, "SELL", 60, atMs);
      made.print(atMs + 80, "SELL", 48, size);
    }
    made.until(5_000);
    expect(made.told()).toEqual([]);
    made.print(5_100, "SELL", 48, 12);
    made.until(6_000);
    expect(made.told()).toEqual(["a maker 7@48 t5100"]);
  });

  test.each<[string, (made: ReturnType<typeof behind100>) => void, string[]]>([
    [
      "prints before their decreases",
      (made) => {
        made.print(2_500, "SELL", 48, 40);
        made.level(2_580, "BUY", 48, 60);
        made.print(2_600, "SELL", 48, 60);
        made.level(2_650, "BUY", 48, 0);
      },
      [],
    ],
    [
      "two decreases, then their prints",
      (made) => {
        made.level(2_500, "BUY", 48, 60);
        made.level(2_510, "BUY", 48, 20);
        made.print(2_580, "SELL", 48, 40);
        made.print(2_590, "SELL", 48, 40);
      },
      [],
    ],
    [
      "two prints for one decrease",
      (made) => {
        made.level(2_500, "BUY", 48, 20);
        made.print(2_580, "SELL", 48, 50);
        made.print(2_590, "SELL", 48, 30);
      },
      [],
    ],
    [
      "print and decrease of one millisecond",
      (made) => {
        made.print(2_500, "SELL", 48, 40);
        made.level(2_500, "BUY", 48, 60);
      },
      [],
    ],
    [
      "a decrease behind us moves nothing, its print does",
      (made) => {
        made.level(2_100, "BUY", 48, 300);
        made.level(2_500, "BUY", 48, 260);
        made.print(2_580, "SELL", 48, 40);
        made.print(4_000, "SELL", 48, 61);
      },
      ["a maker 1@48 t4000"],
    ],
    [
      "the trade that uses the level up reaches us with the rest",
      (made) => {
        made.level(2_500, "BUY", 48, 0);
        made.print(2_580, "SELL", 48, 112);
      },
      ["a maker 12@48 t2580"],
    ],
    [
      "a decrease and a print more than a second apart are two things",
      (made) => {
        made.level(2_500, "BUY", 48, 20);
        made.print(3_501, "SELL", 48, 50);
      },
      ["a maker 30@48 t3501"],
    ],
    [
      "exactly a second apart they are one",
      (made) => {
        made.level(2_500, "BUY", 48, 20);
        made.print(3_500, "SELL", 48, 50);
      },
      [],
    ],
    [
      "the print of a trade from before the placement does not move us",
      (made) => {
        // Placed at 2,000 behind the 60 that were left.
        made.level(1_950, "BUY", 48, 60);
        made.print(2_030, "SELL", 48, 40);
        made.print(3_500, "SELL", 48, 61);
      },
      ["a maker 1@48 t3500"],
    ],
    [
      "the decrease of a trade printed before the placement is not waited for twice",
      (made) => {
        made.print(1_950, "SELL", 48, 40);
        made.level(2_030, "BUY", 48, 60);
        made.print(2_100, "SELL", 48, 61);
      },
      ["a maker 1@48 t2100"],
    ],
  ])("%s", (_name, tell, told) => {
    const made = behind100();
    tell(made);
    made.until(10_000);
    expect(made.told()).toEqual(told);
  });

  test("a print has its own time, though the changes around it are older (1.7)", () => {
    const made = behind100();
    made.level(2_500, "BUY", 48, 0);
    made.print(2_580, "SELL", 48, 130);
    cancelOrder(made.engine, order.orderId, 2_570);
    made.until(2_560);
    made.level(2_565, "SELL", 60, 9);
    made.until(3_000);
    expect(made.told()).toEqual(["a canceled t2570"]);
  });
});

describe("prints of either token (2.3, 6.6–6.8)", () => {
  test("M6: a print that names the sibling fills the resting order", () => {
    const made = resting();
    made.print(2_100, "BUY", 52, 60, 1);
    made.print(2_200, "SELL", 52, 600, 1);
    made.print(2_300, "BUY", 51, 600, 1);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 10@48 t2100"]);
  });

  test("M6: an order on the sibling too, beyond its price", () => {
    const made = resting({ ...atNo(52), side: "SELL" });
    made.print(2_100, "SELL", 47, 12);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 12@52 t2100"]);
  });

  test("orders of one account share what reaches them: better price first, then the older one", () => {
    const made = world([[40, 5]], [[60, 10]]);
    const terms = { limitPriceMicro: cents(47), sizeMicro: shares(10) };
    made.order({ ...terms, orderId: id("late"), placeAtMs: 2_002 });
    made.order({ ...terms, orderId: id("old") });
    made.order({ ...terms, ...atNo(52), side: "SELL", orderId: id("best"), placeAtMs: 2_003 });
    made.order({ ...terms, account: "other" as typeof order.account, orderId: id("other") });
    made.print(2_100, "SELL", 47, 23);
    made.until(3_000);
    expect(made.told()).toEqual([
      "best maker 10@52 t2100",
      "old maker 10@47 t2100",
      "other maker 10@47 t2100",
      "late maker 3@47 t2100",
    ]);
  });

  test("two at one price behind the same queue do not both get what reaches the first", () => {
    const made = world([[48, 20]], [[60, 10]]);
    made.order({ limitPriceMicro: cents(48), sizeMicro: shares(20) });
    made.order({ limitPriceMicro: cents(48), sizeMicro: shares(20), orderId: id("b"), placeAtMs: 2_001 });
    made.print(2_100, "SELL", 48, 50);
    made.until(3_000);
    expect(made.told()).toEqual(["a maker 20@48 t2100", "b maker 10@48 t2100"]);
  });
});
