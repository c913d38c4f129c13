import { clientOrderId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import { sumOf } from "./bucket.ts";
import {
  attemptOf,
  balance,
  grant,
  leaderFill,
  loss,
  market,
  only,
  type paper,
  policyFact,
  price,
  START_MS,
  sale,
  shares,
} from "./facts.testing.ts";
import { whyNotPlaced } from "./open.ts";
import { bidAt, exits, lotOf, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory } from "./story.testing.ts";

describe("an entry", () => {
  test("a fill becomes an intent, the grant an order at decided + latency + taker delay", () => {
    const made = goodStory({}, "silent");
    made.view.market = { ...market, takerDelayMs: 50 };
    made.tell(leaderFill(1));
    const [intent] = only(made.own, "OrderIntent");
    expect(intent).toMatchObject({
      ...{ attemptId: attemptOf(1), orderId: clientOrderId(attemptOf(1), 0), kind: "ENTRY", side: "BUY" },
      ...{ limitPriceMicro: price(0.52), sizeMicro: shares(10), tsDecidedMs: START_MS },
      used: { riskLevel: "normal", bookEpoch: "1.1", bookSeq: 5, bestAskMicro: price(0.5), configRevision: 1 },
    });
    expect(made.requests).toEqual([]);
    if (intent === undefined) return;
    made.view.nowMs += 3;
    made.tell(grant(intent, shares(8.005)));
    expect(made.requests).toMatchObject([
      { type: "PlaceOrder", order: { orderId: intent.orderId, sizeMicro: shares(8), placeAtMs: START_MS + 200 } },
    ]);
  });

  test("a late grant cannot reach the venue before it was made", () => {
    const made = goodStory({}, "silent");
    made.tell(leaderFill(1));
    made.view.nowMs += 1_000;
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
    expect(made.requests).toMatchObject([{ type: "PlaceOrder", order: { placeAtMs: START_MS + 1_000 } }]);
  });

  test("whatever the clock says, an order comes after its signal by the latency, and the taker delay on top", () => {
    const made = goodStory({}, "silent");
    made.view.market = { ...market, takerDelayMs: 50 };
    made.view.clock = { offsetMs: 700, uncertaintyMs: 900 };
    made.tell(leaderFill(1, { tsEventMs: START_MS + 1_850 }));
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
    expect(made.requests).toMatchObject([{ type: "PlaceOrder", order: { placeAtMs: START_MS + 1_850 + 200 } }]);
    expect(only(made.own, "OrderIntent")[0]?.used).toMatchObject({ clockOffsetMs: 700, clockUncertaintyMs: 900 });
  });

  test("a clock that jumps between decision and grant keeps the purchase back until it is measured", () => {
    const made = goodStory({}, "silent");
    made.tell(leaderFill(1));
    made.view.clock = null;
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
    expect(made.requests).toEqual([]);
    expect(whyNotPlaced({ state: made.state(), view: made.viewNow() }, clientOrderId(attemptOf(1), 0))).toBe(
      "CLOCK_UNCERTAIN",
    );
    made.view.clock = { offsetMs: 0, uncertaintyMs: 30 };
    made.view.nowMs += 1_000;
    made.say({ type: "Tick" });
    expect(made.requests).toMatchObject([{ type: "PlaceOrder", order: { placeAtMs: START_MS + 1_000 } }]);
  });

  test("a clock that is set back after the decision ends the order instead of keeping it for as long", () => {
    const made = goodStory({}, "silent");
    made.tell(leaderFill(1));
    made.view.nowMs -= 20_000;
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
    expect(only(made.own, "OrderAbandoned").map(({ reason }) => reason)).toEqual(["TOO_LATE"]);
  });

  test("a clock that is set back while a decision waits does not make it wait for as long", () => {
    const made = goodStory();
    made.view.quote = null;
    made.tell(leaderFill(1));
    const [wait] = made.requests;
    if (wait?.type !== "AwaitBook") throw new Error("it should wait for its book");
    made.view.nowMs -= 2_000;
    made.say({ type: "DecideFill", account: wait.account, leaderFillId: wait.leaderFillId, sinceMs: wait.sinceMs });
    expect(only(made.own, "ExecutionAttempt").map(({ reasons }) => reasons[0]?.code)).toEqual(["BOOK_UNKNOWN"]);
  });

  test("live accounts are asked first, each account once", () => {
    const made = goodStory();
    made.tell(
      policyFact({ account: "aaa" as typeof paper }),
      policyFact({ account: "zed" as typeof paper, mode: "live" }),
    );
    made.tell(leaderFill(1), leaderFill(1));
    expect(only(made.own, "OrderIntent").map(({ account }) => account)).toEqual(["zed", "aaa", "paper"]);
  });

  test("partial fills, then the time to live ends", () => {
    const made = goodStory();
    made.tell(leaderFill(1));
    const { orderId } = only(made.own, "OrderIntent")[0] ?? { orderId: clientOrderId(attemptOf(1), 0) };
    made.say({ type: "Placed", orderId, placeAtMs: START_MS + 150 });
    fillOrder(made, 4, 0.5, 0);
    fillOrder(made, 4, 0.5, 0);
    fillOrder(made, 1, 0.51, 1);
    endOrder(made, "expired");
    expect(only(made.own, "OrderAccepted")[0]?.tsPlacedMs).toBe(START_MS + 150);
    expect(only(made.own, "ExecutionFill").map(({ leavesMicro }) => leavesMicro)).toEqual([shares(6), shares(5)]);
    expect(only(made.own, "OrderExpired").map(({ leavesMicro }) => leavesMicro)).toEqual([shares(5)]);
    expect(lotOf(made)).toEqual([shares(5)]);
  });

  test("small fills are saved up, and what the leader sells is taken out of the bucket", () => {
    const made = goodStory();
    const small = { sharesMicro: shares(20) };
    made.tell(leaderFill(1, small), leaderFill(2, small), balance(102, 40), sale(3, 20));
    expect([...made.state().buckets.values()].map(sumOf)).toEqual([shares(2)]);
    made.tell(leaderFill(4, small), leaderFill(5, small));
    expect(only(made.own, "OrderIntent").map(({ sizeMicro, bucketUsed }) => [sizeMicro, sumOf(bucketUsed)])).toEqual([
      [shares(6), shares(4)],
    ]);
    expect(made.state().buckets.size).toBe(0);
  });

  test("a denial ends the order without another fact", () => {
    const made = goodStory({}, "denies");
    made.tell(leaderFill(1));
    expect(made.own.map(({ type }) => type)).toEqual(["OrderIntent"]);
    expect([...made.state().orders.values()].map(({ status }) => status)).toEqual(["denied"]);
  });

  test("what the venue refuses is rejected", () => {
    const made = goodStory();
    made.tell(leaderFill(1));
    const orderId = clientOrderId(attemptOf(1), 0);
    made.say({ type: "VenueRefused", orderId, code: "NO", text: "no" });
    made.say({ type: "VenueRefused", orderId, code: "NO", text: "no" });
    expect(only(made.own, "OrderRejected").map(({ code, text }) => [code, text])).toEqual([["NO", "no"]]);
  });

  test("a grant below the venue's minimum is given back", () => {
    const made = goodStory({}, "silent");
    made.tell(leaderFill(1));
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent, shares(4)));
    expect(only(made.own, "OrderAbandoned").map(({ reason }) => reason)).toEqual(["DENIED"]);
  });
});

describe("reverts and retractions", () => {
  test("before the grant: the grant is answered by giving it back", () => {
    const made = goodStory({}, "silent");
    made.tell(leaderFill(1), loss("LeaderFillReverted", leaderFill(1)));
    expect(made.own.map(({ type }) => type)).toEqual(["OrderIntent", "OrderCancelRequested"]);
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
    expect(only(made.own, "OrderAbandoned").map(({ reason }) => reason)).toEqual(["FILL_REVERTED"]);
    expect(made.requests).toEqual([]);
  });

  test("at the venue: it is cancelled, what was filled is kept, the return is no second attempt", () => {
    const made = goodStory();
    made.tell(leaderFill(1));
    fillOrder(made, 4);
    made.tell(loss("LeaderFillReverted", leaderFill(1)));
    expect(only(made.own, "OrderCancelRequested").map(({ reason }) => reason)).toEqual(["FILL_REVERTED"]);
    expect(made.requests.at(-1)).toMatchObject({ type: "CancelOrder", atMs: START_MS + 150 });
    endOrder(made, "canceled");
    expect(only(made.own, "OrderCanceled").map(({ reason, leavesMicro }) => [reason, leavesMicro])).toEqual([
      ["FILL_REVERTED", shares(6)],
    ]);
    made.tell(leaderFill(1, { occurrence: 1, blockNumber: 104 }));
    expect(lotOf(made)).toEqual([shares(4)]);
    expect(only(made.own, "OrderIntent")).toHaveLength(1);
    expect(only(made.own, "ExecutionAttempt")).toEqual([]);
  });

  test("that returns after it was forgotten gets no attempt", () => {
    const made = goodStory();
    made.tell(leaderFill(1, { occurrence: 1 }));
    expect(made.own).toEqual([]);
  });

  test("an order that never reached the venue is given up", () => {
    const made = goodStory();
    made.tell(leaderFill(1), loss("LeaderFillReverted", leaderFill(1)));
    made.say({ type: "NotPlaced", orderId: clientOrderId(attemptOf(1), 0) });
    expect(only(made.own, "OrderAbandoned").map(({ reason }) => reason)).toEqual(["FILL_REVERTED"]);
  });

  test.each([
    ["keep", 0],
    ["exit", 1],
  ] as const)("after a retraction the account's wish is done: %s", (onRetract, expected) => {
    const made = goodStory({ onRetract });
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    fillOrder(made, 10);
    made.tell(loss("LeaderFillReverted", leaderFill(1)), loss("LeaderFillRetracted", leaderFill(1)));
    tick(made);
    expect(exits(made)).toHaveLength(expected);
  });
});
