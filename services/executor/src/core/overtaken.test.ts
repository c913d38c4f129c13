/** Exits that are told after others that lie behind them on the chain were followed. */
import { add } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import { saved } from "./bucket.testing.ts";
import { leaderFill, loss, only, price, riskFact, sale, shares, usdc } from "./facts.testing.ts";
import { bidAt, exits, leaderAct, lotOf, tick } from "./stories.testing.ts";
import { fillOrder, goodStory, type Story } from "./story.testing.ts";

const buy = (n: number, size: number) => leaderFill(n, { sharesMicro: shares(size) });
const sold = (of: Story) => exits(of).map(({ sizeMicro }) => sizeMicro);
function bidding(): Story {
  const made = goodStory();
  bidAt(made, 0.5);
  return made;
}

describe("he buys 90, sends them away, buys 120 and sells; the transfer is told last", () => {
  test("all of it: nothing is left", () => {
    const made = bidding();
    made.tell(buy(1, 90));
    fillOrder(made, 9);
    made.tell(buy(3, 120));
    fillOrder(made, 12);
    made.tell(sale(4, 120));
    fillOrder(made, 12);
    made.tell(leaderAct(2, "transferOut", 90));
    expect(sold(made)).toEqual([shares(12), shares(9)]);
    fillOrder(made, 9);
    expect(lotOf(made)).toEqual([]);
  });

  test("half of it: a tenth of the other half is left, and the next sale closes it", () => {
    const made = bidding();
    made.tell(buy(1, 90));
    fillOrder(made, 9);
    made.tell(buy(3, 120));
    fillOrder(made, 12);
    made.tell(sale(4, 60));
    fillOrder(made, 6);
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
    for (const { orderId, tokenId } of bought.slice(1)) {
      const event = { kind: "fill" as const, orderId, tokenId, atMs: made.view.nowMs, n: 0, priceMicro: price(0.5) };
      const money = { usdcMicro: usdc(6), feeMicro: usdc(0), liquiditySide: "taker" as const };
      made.say({ type: "VenueReport", orderId, events: [{ ...event, ...money, sizeMicro: shares(12) }] });
    }
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
