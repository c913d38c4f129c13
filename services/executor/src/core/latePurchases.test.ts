/** Purchases that are decided on after what the leader did next has been told and answered. */
import type { FactOf } from "@slipstream/contracts/facts";
import { factId, type TokenId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import { balance, leaderFill, loss, only, sale, shares, tokenId } from "./facts.testing.ts";
import { leaderAct } from "./stories.testing.ts";
import { fillOrder, goodStory, type Story } from "./story.testing.ts";

const no = "8" as TokenId;
/** The same act on NO. */
const ofNo = (fact: FactOf<"LeaderAct">, n: number): FactOf<"LeaderAct"> => ({
  ...fact,
  ...{ id: factId("LeaderAct", `${n}.no`), tokenId: no },
});
const split = (n: number, amount: number) => {
  const yes = leaderAct(n, "split", amount);
  return [yes, ofNo(yes, n)];
};
const orders = (of: Story) =>
  only(of.own, "OrderIntent").map(({ kind, sizeMicro, copiedMicro }) => [kind, sizeMicro, copiedMicro ?? null]);
const skips = (of: Story) => only(of.own, "ExecutionAttempt").map(({ kind, reasons }) => [kind, reasons[0]?.code]);
/** He split, sells NO and then does `next`, which is told before the split is. */
function splitTold(next: readonly FactOf<"LeaderFill" | "LeaderAct" | "BalanceSnapshot">[], amount = 100): Story {
  const made = goodStory();
  made.tell(balance(100, 0), sale(2, 100, { tokenId: no }), ...next, ...split(1, amount));
  return made;
}

describe("the sale of NO out of a split, told when he has left YES as well", () => {
  test("is not copied: nothing would ever close it", () => {
    const made = splitTold([sale(3, 100)]);
    expect(orders(made)).toEqual([]);
    expect(skips(made).sort()).toEqual([
      ["ENTRY", "LEADER_EXITED"],
      ["EXIT", "NOTHING_TO_SELL"],
    ]);
  });

  test("is not copied when he sold more than what stood behind our lot", () => {
    const made = goodStory();
    made.tell(leaderFill(1, { sharesMicro: shares(50) }), sale(3, 75, { tokenId: no }), sale(4, 200), ...split(2, 50));
    expect(orders(made)).toEqual([["ENTRY", shares(5), null]]);
    expect(skips(made).at(-1)).toEqual(["ENTRY", "LEADER_EXITED"]);
  });

  test("is copied as far as he still holds YES, and his leaving the rest closes all of it", () => {
    const made = splitTold([sale(3, 60)]);
    expect(skips(made).at(-1)).toEqual(["ENTRY", "BELOW_MINIMUM"]);
    const larger = splitTold([sale(3, 20)]);
    expect(orders(larger)).toEqual([["ENTRY", shares(8), shares(80)]]);
    fillOrder(larger, 8);
    larger.tell(sale(4, 80));
    expect(orders(larger).at(-1)).toEqual(["EXIT", shares(8), null]);
  });

  test("is copied when he merged the rest, and not when that was all of it", () => {
    const merged = splitTold([leaderAct(4, "merge", 50), balance(105, 100)], 150);
    expect(orders(merged)).toEqual([["ENTRY", shares(10), null]]);
    const all = splitTold([leaderAct(4, "merge", 100), balance(105, 0)]);
    expect(orders(all)).toEqual([]);
  });
});

describe("the sale of NO out of a split that is known", () => {
  test("has bought the YES of the split: what he gave of it in between leaves the copy, told late", () => {
    const made = goodStory();
    made.tell(...split(1, 100), sale(3, 100, { tokenId: no }));
    fillOrder(made, 10);
    made.tell(sale(2, 100));
    expect(orders(made)).toEqual([
      ["ENTRY", shares(10), null],
      ["EXIT", shares(10), null],
    ]);
  });
});

describe("a purchase that is told after the sale that followed it", () => {
  test("is not copied", () => {
    const made = goodStory();
    made.tell(balance(100, 0), sale(3, 100), leaderFill(1));
    expect(orders(made)).toEqual([]);
    expect(skips(made).at(-1)).toEqual(["ENTRY", "LEADER_EXITED"]);
  });

  test("is not copied while a reorg has taken that sale back: it may return", () => {
    const made = goodStory();
    made.tell(sale(3, 100), loss("LeaderFillReverted", sale(3, 100)), leaderFill(1));
    expect(skips(made)).toEqual([["ENTRY", "LEADER_EXITED"]]);
    const other = goodStory();
    other.tell(sale(3, 100), loss("LeaderFillReverted", sale(3, 100)), loss("LeaderFillRetracted", sale(3, 100)));
    other.tell(leaderFill(1));
    expect(orders(other)).toEqual([["ENTRY", shares(10), null]]);
  });

  test("is copied in so far as the sale was smaller", () => {
    const made = goodStory();
    made.tell(balance(100, 0), sale(3, 20), leaderFill(1));
    expect(orders(made)).toEqual([["ENTRY", shares(8), shares(80)]]);
  });

  test("is copied whole when our lot has followed the sale already", () => {
    const made = goodStory();
    made.tell(balance(100, 0), leaderFill(1));
    fillOrder(made, 10);
    made.tell(sale(5, 50), leaderFill(3));
    expect(orders(made).map(([kind, size]) => [kind, size])).toEqual([
      ["ENTRY", shares(10)],
      ["EXIT", shares(5)],
      ["ENTRY", shares(10)],
    ]);
  });

  test("and a sale before it on the chain takes nothing from it", () => {
    const made = goodStory();
    made.tell(balance(100, 500), sale(1, 100), leaderFill(3));
    expect(orders(made)).toEqual([["ENTRY", shares(10), null]]);
    expect(only(made.own, "OrderIntent")[0]).toMatchObject({ tokenId });
  });
});
