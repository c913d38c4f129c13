/** Purchases that were told ahead of the chain and never happened. */
import { describe, expect, test } from "vitest";
import { leaderFill, loss, only, price, sale, shares, usdc } from "./facts.testing.ts";
import { bidAt, exits, leaderAct, lotOf, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

const ghost = (n: number) => leaderFill(n, { blockNumber: null, blockHash: null, logIndex: null });
const retraction = (n: number) => loss("LeaderFillRetracted", ghost(n));
const sold = (of: Story) => exits(of).map(({ sizeMicro }) => sizeMicro);
/** We hold 10 of his 100, and 10 of what he never bought. */
function holdingBoth(onRetract: "exit" | "keep" = "exit"): Story {
  const made = goodStory({ onRetract });
  bidAt(made, 0.5);
  for (const fill of [leaderFill(1), ghost(2)]) {
    made.tell(fill);
    fillOrder(made, 10);
  }
  return made;
}

describe("a purchase that never happened", () => {
  test("is sold as well when it fills after that was told", () => {
    const made = goodStory({ onRetract: "exit" });
    bidAt(made, 0.5);
    made.tell(ghost(1), retraction(1));
    fillOrder(made, 10);
    tick(made);
    expect(sold(made)).toEqual([shares(10)]);
  });

  test("had a part in his sale: what is sold in the end is what he sold of the others, and all of it", () => {
    const made = holdingBoth();
    made.tell(sale(3, 50));
    fillOrder(made, 5);
    made.tell(retraction(2));
    fillOrder(made, 10);
    expect([sold(made), lotOf(made)]).toEqual([[shares(5), shares(10)], [shares(5)]]);
  });

  test("had a part in his sale that is still open: the same", () => {
    const made = holdingBoth();
    made.tell(sale(3, 50), retraction(2));
    tick(made);
    expect(sold(made)).toEqual([shares(5), shares(10)]);
  });

  test("had no part in an act of his that is being followed: all of both is sold", () => {
    const made = holdingBoth();
    made.tell(leaderAct(5, "transferOut", 100), retraction(2), retraction(2));
    expect(sold(made)).toEqual([shares(10), shares(10)]);
  });

  test("was bought when all else was on sale already: it is sold as well", () => {
    const made = goodStory({ onRetract: "exit" });
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    fillOrder(made, 10);
    made.tell(sale(2, 100), ghost(3));
    fillOrder(made, 10);
    made.tell(retraction(3));
    expect(sold(made)).toEqual([shares(10), shares(10)]);
  });

  test("had a part in his sale, and what fills of the others is sold", () => {
    const made = goodStory({ onRetract: "keep" });
    bidAt(made, 0.5);
    made.tell(leaderFill(1), ghost(2), sale(3, 100), retraction(2));
    const [entry] = only(made.own, "OrderIntent");
    if (entry === undefined) throw new Error("nothing was ordered");
    const { orderId, tokenId } = entry;
    const event = { kind: "fill" as const, orderId, tokenId, atMs: made.view.nowMs, n: 0, priceMicro: price(0.5) };
    const money = { usdcMicro: usdc(5), feeMicro: usdc(0), liquiditySide: "taker" as const };
    made.say({ type: "VenueReport", orderId, events: [{ ...event, ...money, sizeMicro: shares(10) }] });
    tick(made);
    expect(sold(made)).toEqual([shares(10)]);
  });

  test("and is kept: of the others is sold what he sold of them", () => {
    const made = holdingBoth("keep");
    made.tell(sale(3, 100));
    fillOrder(made, 10);
    made.tell(retraction(2));
    expect(sold(made)).toEqual([shares(10), shares(5)]);
  });

  test("and is kept goes with what he leaves next, by an act as well", () => {
    const made = holdingBoth("keep");
    made.tell(retraction(2), leaderAct(5, "merge", 100));
    expect(sold(made)).toEqual([shares(20)]);
  });

  test("is sold out of its own part: what he bought otherwise stays behind the next exit", () => {
    const made = holdingBoth();
    made.tell(retraction(2));
    fillOrder(made, 10);
    expect([...made.state().lots.values()].map(({ parts }) => [...parts.values()])).toEqual([[shares(10)]]);
    made.tell(retraction(2));
    expect(sold(made)).toEqual([shares(10)]);
    expect([...made.state().lots.values()].map(({ parts }) => [...parts.keys()])).toEqual([
      [leaderFill(1).leaderFillId],
    ]);
  });

  test("and another one are both sold", () => {
    const made = holdingBoth();
    made.tell(ghost(4));
    fillOrder(made, 10);
    made.tell(retraction(2), retraction(4));
    expect(sold(made)).toEqual([shares(10), shares(10)]);
    fillOrder(made, 10);
    endOrder(made, "expired");
    expect(lotOf(made)).toEqual([shares(20)]);
  });
});
