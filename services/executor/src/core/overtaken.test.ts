/** Exits that are told after others that lie behind them on the chain were followed. */
import { add } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import { saved } from "./bucket.testing.ts";
import { leaderFill, loss, only, riskFact, sale, shares } from "./facts.testing.ts";
import { bidding, leaderAct, lotOf, owedExits, sold, tick } from "./stories.testing.ts";
import { fillOne, fillOrder, type Story } from "./story.testing.ts";

const buy = (n: number, size: number) => leaderFill(n, { sharesMicro: shares(size) });

/** We have copied both purchases, and the sale. */
function sells(size: number): Story {
  const made = bidding();
  made.tell(buy(1, 90));
  fillOrder(made, 9);
  made.tell(buy(3, 120));
  fillOrder(made, 12);
  made.tell(sale(4, size));
  fillOrder(made, size / 10);
  return made;
}

describe("he buys 90, sends them away, buys 120 and sells; the transfer is told last", () => {
  test("all of it: nothing is left", () => {
    const made = sells(120);
    made.tell(leaderAct(2, "transferOut", 90));
    expect(sold(made)).toEqual([shares(12), shares(9)]);
    fillOrder(made, 9);
    expect(lotOf(made)).toEqual([]);
  });

  test("half of it: a tenth of the other half is left, and the next sale closes it", () => {
    const made = sells(60);
    made.tell(leaderAct(2, "transferOut", 90));
    fillOrder(made, 9);
    expect(sold(made)).toEqual([shares(6), shares(9)]);
    expect(lotOf(made)).toEqual([shares(6)]);
    made.tell(sale(5, 60));
    expect(sold(made).at(-1)).toBe(shares(6));
  });

  test("all of it, while our own purchase is open: what still fills is sold", () => {
    const made = bidding();
    made.tell(buy(1, 90));
    fillOrder(made, 9);
    made.tell(buy(3, 120), sale(4, 120), leaderAct(2, "transferOut", 90));
    const bought = only(made.own, "OrderIntent").filter(({ kind }) => kind === "ENTRY");
    for (const order of bought.slice(1)) fillOne(made, order, 12);
    tick(made, 1_000);
    expect(lotOf(made)).toEqual([shares(21)]);
    expect(add(...sold(made))).toBe(shares(21));
  });

  test("all of it, while a reorg has taken the sale back: nothing is left when it returns", () => {
    const made = bidding();
    made.tell(buy(1, 90));
    fillOrder(made, 9);
    made.tell(buy(3, 210));
    fillOrder(made, 21);
    made.tell(riskFact("halt", 2), sale(4, 210), loss("LeaderFillReverted", sale(4, 210)));
    made.tell(leaderAct(2, "transferOut", 90), sale(4, 210, { occurrence: 1 }), riskFact("normal", 3));
    expect(sold(made)).toEqual([shares(30)]);
  });

  test("all of it, before anything was bought: nothing stays saved up", () => {
    const made = bidding();
    made.tell(buy(1, 20), buy(3, 20), sale(4, 20), leaderAct(2, "transferOut", 20));
    expect(saved(made)).toBe(shares(0));
  });
});

test("what he buys after both is no part of either: his sale that is told last closes all of what stood before it", () => {
  const made = bidding();
  for (const n of [1, 3]) {
    made.tell(buy(n, 60));
    fillOrder(made, 6);
  }
  made.tell(sale(4, 60));
  fillOrder(made, 6);
  made.tell(buy(5, 60));
  fillOrder(made, 6);
  made.tell(sale(2, 60));
  expect(sold(made)).toEqual([shares(6), shares(6)]);
  fillOrder(made, 6);
  expect(lotOf(made)).toEqual([shares(6)]);
  expect([...made.state().lots.values()].flatMap(({ parts }) => [...parts.keys()])).toEqual([buy(5, 60).leaderFillId]);
});

test("a sale that was followed counts while a reorg has taken it back: nothing is left when he sells the rest and it returns", () => {
  const made = bidding();
  made.tell(buy(1, 200));
  fillOrder(made, 20);
  made.tell(sale(2, 100));
  fillOrder(made, 10);
  made.tell(loss("LeaderFillReverted", sale(2, 100)), sale(3, 100), sale(2, 100, { occurrence: 1 }));
  expect(sold(made)).toEqual([shares(10), shares(10)]);
});

test("what was saved up for a purchase before the exit, and bought with a later one, is closed by it", () => {
  const made = bidding();
  made.tell(buy(1, 40), buy(3, 100));
  fillOrder(made, 14);
  made.tell(leaderAct(2, "transferOut", 40));
  expect(owedExits(made)).toEqual([shares(4)]);
  made.tell(sale(4, 50));
  expect(sold(made)).toEqual([shares(9)]);
});

test("a purchase that was copied counts while a reorg has taken it back: a sale meanwhile takes its part of both", () => {
  const made = bidding();
  for (const n of [1, 2]) {
    made.tell(buy(n, 100));
    fillOrder(made, 10);
  }
  made.tell(loss("LeaderFillReverted", buy(2, 100)), sale(3, 50), leaderFill(2, { occurrence: 1 }));
  expect(sold(made)).toEqual([shares(5)]);
});
