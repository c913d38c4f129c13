import { describe, expect, test } from "vitest";
import {
  attemptOf,
  balance,
  denial,
  grant,
  leaderFill,
  loss,
  only,
  price,
  riskFact,
  START_MS,
  sale,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import { bidAt, exits, holdingTen, lotOf, owedExits, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory } from "./story.testing.ts";

describe("an exit", () => {
  test("closes the leader's lot in proportion", () => {
    const made = holdingTen();
    made.tell(sale(2, 40), sale(3, 10));
    expect(exits(made).map(({ sizeMicro, limitPriceMicro }) => [sizeMicro, limitPriceMicro])).toEqual([
      [shares(5), price(0.48)],
    ]);
    fillOrder(made, 5);
    expect(lotOf(made)).toEqual([shares(5)]);
  });

  test("of a leader whose lot we do not hold is nothing to sell", () => {
    const made = goodStory();
    made.tell(sale(1, 50));
    // A split that is told late might explain it, until an entry would be too old anyway.
    expect(made.own).toEqual([]);
    made.fold(balance(100, 80));
    tick(made, 9_001);
    expect(only(made.own, "ExecutionAttempt").map(({ reasons, unfollowed }) => [reasons[0]?.code, unfollowed])).toEqual(
      [["NOTHING_TO_SELL", false]],
    );
  });

  test("needs no balance of the leader: what he bought behind our lot is known", () => {
    const made = goodStory();
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    fillOrder(made, 10);
    made.tell(sale(2, 50));
    expect(exits(made).map(({ sizeMicro, attemptId }) => [sizeMicro, attemptId])).toEqual([[shares(5), attemptOf(2)]]);
  });

  test("that another source saw waits for its place on the chain", () => {
    const made = holdingTen();
    made.tell(sale(2, 50, { blockNumber: null, logIndex: null }));
    expect(only(made.own, "ExecutionAttempt")[0]?.reasons).toEqual([{ code: "FILL_NOT_ON_CHAIN" }]);
    made.tell(sale(2, 50, { occurrence: 1 }));
    tick(made);
    expect(exits(made).map(({ sizeMicro, attemptId }) => [sizeMicro, attemptId])).toEqual([[shares(5), attemptOf(2)]]);
    expect(made.state().unfollowed.size).toBe(0);
  });

  test("that a halt stopped is followed when the halt ends, at the size of its time", () => {
    const made = holdingTen();
    made.tell(riskFact("halt", 2), sale(2, 50), sale(3, 50));
    expect(owedExits(made)).toEqual([shares(5), shares(5)]);
    made.tell(riskFact("normal", 3));
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(10)]);
    expect(made.state().unfollowed.size).toBe(0);
  });

  test("too small for the venue joins the next one of the same lot", () => {
    const made = holdingTen();
    made.tell(sale(2, 20));
    expect(owedExits(made)).toEqual([shares(2)]);
    made.tell(sale(3, 30));
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(5)]);
    expect(made.state().unfollowed.size).toBe(0);
  });

  test("whose order ended with a rest has another at once; one that failed later each time", () => {
    const made = holdingTen();
    made.tell(sale(2, 100));
    fillOrder(made, 4);
    endOrder(made, "expired");
    expect(owedExits(made)).toEqual([shares(6)]);
    tick(made);
    expect(exits(made)).toHaveLength(2);
    for (const waitMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const count = exits(made).length;
      endOrder(made, "blind");
      tick(made, waitMs - 1);
      expect(exits(made)).toHaveLength(count);
      tick(made, 1);
      expect(exits(made)).toHaveLength(count + 1);
    }
    expect(new Set(exits(made).map(({ sizeMicro }) => sizeMicro))).toEqual(new Set([shares(10), shares(6)]));
    fillOrder(made, 6);
    expect(lotOf(made)).toEqual([]);
    expect(made.state().unfollowed.size).toBe(0);
  });

  test("while its entry is open: the rest is cancelled, the filled part closed, a late fill sold as well", () => {
    const made = goodStory();
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    fillOrder(made, 4);
    const entry = only(made.own, "OrderIntent")[0];
    made.tell(balance(101, 100), sale(2, 100));
    expect(only(made.own, "OrderCancelRequested").map(({ reason }) => reason)).toEqual(["LEADER_EXITED"]);
    expect(made.requests.map(({ type }) => type)).toEqual(["PlaceOrder", "CancelOrder"]);
    expect(owedExits(made)).toEqual([shares(4)]);
    if (entry === undefined) return;
    const late = { kind: "fill" as const, orderId: entry.orderId, tokenId, atMs: START_MS + 10, n: 1 };
    const money = { priceMicro: price(0.5), sizeMicro: shares(3), usdcMicro: usdc(1.5), feeMicro: usdc(0) };
    const canceled = { kind: "canceled" as const, orderId: entry.orderId, tokenId, atMs: START_MS + 150 };
    made.say({
      type: "VenueReport",
      orderId: entry.orderId,
      events: [{ ...late, ...money, liquiditySide: "maker" }, canceled],
    });
    tick(made);
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(7)]);
  });

  test("that inventory denies is not repeated at once", () => {
    const made = goodStory({}, "silent");
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
    fillOrder(made, 10);
    made.tell(balance(101, 100), sale(2, 100));
    for (const intent of exits(made)) made.tell(denial(intent));
    tick(made, 999);
    expect(exits(made)).toHaveLength(1);
    tick(made, 1);
    expect(exits(made)).toHaveLength(2);
  });

  test("of a reverted sale is not followed unless the sale returns", () => {
    const made = holdingTen();
    made.tell(riskFact("halt", 2), sale(2, 100), loss("LeaderFillReverted", sale(2, 100)), riskFact("normal", 3));
    expect(exits(made)).toEqual([]);
    made.tell(sale(2, 100, { occurrence: 1 }));
    tick(made);
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(10)]);
  });

  test("of a retracted sale is forgotten", () => {
    const made = holdingTen();
    made.tell(riskFact("halt", 2), sale(2, 100), loss("LeaderFillReverted", sale(2, 100)));
    made.tell(loss("LeaderFillRetracted", sale(2, 100)), riskFact("normal", 3));
    expect(exits(made)).toEqual([]);
    expect(made.state().unfollowed.size).toBe(0);
  });

  test("tells ratio, target and limit, as far as it came", () => {
    const made = holdingTen();
    made.tell(riskFact("halt", 2), sale(2, 30), riskFact("normal", 3));
    expect(only(made.own, "ExecutionAttempt")).toMatchObject([
      { ratioMicro: 300_000, targetMicro: shares(3), limitMicro: null },
    ]);
    bidAt(made, 0.4);
    made.tell(sale(3, 35));
    // The 3.5 that were left could not be sold.
    const told = { ratioMicro: 500_000, targetMicro: shares(6.5), limitMicro: price(0.48), sizeMicro: shares(10) };
    expect(exits(made)).toMatchObject([told]);
  });
});
