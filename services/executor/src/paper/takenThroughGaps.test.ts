import { describe, expect, test } from "vitest";
import { cents, id, NO, shares, world } from "./engine.testing.ts";

/** A buyer of 100 at 50 rests; 100 come to it at 2,500 on both tokens, and are taken (6.10). */
const met = () => {
  const made = world([[40, 500]], []);
  made.order({ limitPriceMicro: cents(50), sizeMicro: shares(100) });
  made.until(2_000);
  made.level(2_500, "SELL", 50, 100);
  return made;
};
const sellSecond = (made: ReturnType<typeof met>, placeAtMs: number): void =>
  void made.order({
    ...{ orderId: id("b"), tokenId: NO, side: "SELL", timeInForce: "FAK", placeAtMs },
    ...{ limitPriceMicro: cents(50), sizeMicro: shares(100) },
  });
const FILLED = "a maker 100@50 t2500";
type World = ReturnType<typeof met>;

describe("what is taken in the millisecond in which a gap begins (5.2, 5.4, 5.5)", () => {
  test.each<[string, (made: World) => void, string[]]>([
    ["a gap of the first token", (made) => made.hole([0], 2_499), ["b remainder t4000"]],
    [
      "a gap of the first token, and its book again",
      (made) => {
        made.hole([0], 2_499);
        made.epoch(3_000, [[40, 500]], [[50, 100]], [0]);
      },
      ["b remainder t4000"],
    ],
    [
      "a gap of both tokens, and equal books",
      (made) => {
        made.hole([0, 1], 2_499);
        made.epoch(3_000, [[40, 500]], [[50, 100]]);
      },
      ["b remainder t4000"],
    ],
    [
      "a gap of both tokens, and a book with more",
      (made) => {
        made.hole([0, 1], 2_499);
        made.epoch(3_000, [[40, 500]], [[50, 130]]);
      },
      ["b taker 30@50 t4000", "b remainder t4000"],
    ],
    [
      "a gap of the first token, in whose millisecond the second tells more",
      (made) => {
        made.hole([0], 2_499);
        made.level(2_500, "SELL", 50, 60, [1]);
        made.level(2_600, "SELL", 50, 75, [1]);
      },
      ["b taker 15@50 t4000", "b remainder t4000"],
    ],
    [
      "a book and changes of the second token in the millisecond of the first's gap",
      (made) => {
        made.hole([0, 1], 2_499);
        made.epoch(2_500, [[40, 500]], [], [1]);
        made.level(2_500, "SELL", 50, 100, [1]);
      },
      ["b remainder t4000"],
    ],
  ])("%s", (_name, tell, told) => {
    for (const step of ["at once", "step by step"]) {
      const made = met();
      tell(made);
      if (step === "step by step") for (const atMs of [2_499, 2_500, 2_501, 3_000]) made.until(atMs);
      sellSecond(made, 4_000);
      made.until(5_000);
      expect(made.told(), step).toEqual([FILLED, ...told]);
    }
  });

  test("a second token that is behind when it takes over does not offer again what it shows late", () => {
    const made = world([[40, 500]], []);
    made.order({ limitPriceMicro: cents(50), sizeMicro: shares(100) });
    made.level(2_500, "SELL", 50, 100, [0]);
    made.hole([0], 2_600);
    made.level(2_700, "SELL", 50, 100, [1]);
    made.level(2_800, "SELL", 50, 110, [1]);
    sellSecond(made, 4_000);
    made.until(5_000);
    expect(made.told()).toEqual([FILLED, "b taker 10@50 t4000", "b remainder t4000"]);
  });
});
