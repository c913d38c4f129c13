import { clientOrderId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import {
  attemptOf,
  balance,
  denial,
  endOrder,
  fillId,
  fillOrder,
  goodStory,
  grant,
  leaderFill,
  loss,
  market,
  only,
  paper,
  policyFact,
  price,
  quote,
  riskFact,
  START_MS,
  type Story,
  sale,
  shares,
  tokenId,
  usdc,
} from "./story.testing.ts";

const lotOf = (of: Story) => [...of.state().lots.values()].map(({ sizeMicro }) => sizeMicro);
const owedExits = (of: Story) => [...of.state().unfollowed.values()].map(({ remainingMicro }) => remainingMicro);
const exits = (of: Story) => only(of.own, "OrderIntent").filter(({ kind }) => kind === "EXIT");
const tick = (of: Story, afterMs = 0): void => {
  of.view.nowMs += afterMs;
  of.say({ type: "Tick" });
};
const bidAt = (of: Story, at: number): void => {
  of.view.quote = { ...quote, bestBidMicro: price(at) };
};
/** We hold 10 of the leader's 100. */
function holdingTen(): Story {
  const made = goodStory();
  bidAt(made, 0.5);
  made.tell(leaderFill(1));
  fillOrder(made, 10);
  made.tell(balance(101, 100));
  return made;
}

describe("an entry", () => {
  test("a fill becomes an intent, the grant an order at decided + latency + taker delay", () => {
    const made = goodStory({}, "silent");
    made.view.market = { ...market, takerDelayMs: 50 };
    made.tell(leaderFill(1));
    const [intent] = only(made.own, "OrderIntent");
    expect(intent).toMatchObject({
      ...{ attemptId: attemptOf(1), orderId: clientOrderId(attemptOf(1), 0), kind: "ENTRY", side: "BUY" },
      ...{ limitPriceMicro: price(0.52), sizeMicro: shares(10), notionalMicro: usdc(5.2), tsDecidedMs: START_MS },
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
    expect([...made.state().buckets.values()]).toEqual([shares(2)]);
    made.tell(leaderFill(4, small), leaderFill(5, small));
    expect(only(made.own, "OrderIntent").map(({ sizeMicro, bucketUsedMicro }) => [sizeMicro, bucketUsedMicro])).toEqual(
      [[shares(6), shares(4)]],
    );
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

describe("an exit", () => {
  test("closes the leader's lot in proportion", () => {
    const made = holdingTen();
    made.tell(sale(2, 70));
    expect(exits(made).map(({ sizeMicro, limitPriceMicro }) => [sizeMicro, limitPriceMicro])).toEqual([
      [shares(7), price(0.48)],
    ]);
    fillOrder(made, 7);
    expect(lotOf(made)).toEqual([shares(3)]);
  });

  test("of a leader whose lot we do not hold is nothing to sell", () => {
    const made = goodStory();
    made.tell(sale(1, 50));
    expect(only(made.own, "ExecutionAttempt").map(({ reasons, unfollowed }) => [reasons[0]?.code, unfollowed])).toEqual(
      [["NOTHING_TO_SELL", false]],
    );
  });

  test("waits for the leader's balance and is followed when it comes", () => {
    const made = goodStory();
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    fillOrder(made, 10);
    made.tell(sale(2, 50));
    expect(only(made.own, "ExecutionAttempt")[0]?.reasons).toEqual([{ code: "LEADER_HOLDING_UNKNOWN" }]);
    made.tell(balance(102, 50));
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

  test("beyond the guard is tried again when the price is back", () => {
    const made = holdingTen();
    bidAt(made, 0.4);
    made.tell(sale(2, 100));
    expect(only(made.own, "ExecutionAttempt")[0]?.reasons[0]?.code).toBe("PRICE_GUARD");
    tick(made);
    expect(exits(made)).toEqual([]);
    bidAt(made, 0.48);
    tick(made);
    expect(exits(made).map(({ orderId, sizeMicro }) => [orderId, sizeMicro])).toEqual([
      [clientOrderId(attemptOf(2), 1), shares(10)],
    ]);
  });

  test("too small for the venue joins the next one of the same lot", () => {
    const made = holdingTen();
    made.tell(sale(2, 20));
    expect(owedExits(made)).toEqual([shares(2)]);
    made.tell(sale(3, 40));
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(6)]);
    expect(made.state().unfollowed.size).toBe(0);
  });

  test("whose order ends with a rest is tried again, later each time", () => {
    const made = holdingTen();
    made.tell(sale(2, 100));
    fillOrder(made, 4);
    endOrder(made, "expired");
    expect(owedExits(made)).toEqual([shares(6)]);
    tick(made, 999);
    expect(exits(made)).toHaveLength(1);
    tick(made, 1);
    endOrder(made, "expired");
    tick(made, 1_999);
    expect(exits(made)).toHaveLength(2);
    tick(made, 1);
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(10), shares(6), shares(6)]);
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
});

describe("halts cancel what is open", () => {
  test.each<[string, (of: Story) => void, string]>([
    ["a decision of risk", (of) => of.tell(riskFact("halt", 2)), "RISK_HALT"],
    [
      "ten seconds without risk",
      (of) => {
        of.view.riskHeartbeatAgeMs = 10_001;
        tick(of);
      },
      "RISK_HALT",
    ],
    [
      "the local latch",
      (of) => {
        of.view.localHalt = true;
        tick(of);
      },
      "OPERATOR",
    ],
  ])("%s", (_name, halt, reason) => {
    const made = goodStory();
    made.tell(leaderFill(1));
    made.say({ type: "Placed", orderId: clientOrderId(attemptOf(1), 0), placeAtMs: START_MS + 150 });
    halt(made);
    tick(made);
    expect(only(made.own, "OrderCancelRequested").map((fact) => fact.reason)).toEqual([reason]);
    expect(made.requests.slice(1).map(({ type }) => type)).toEqual(["CancelOrder", "CancelOrder"]);
    endOrder(made, "canceled");
    expect(only(made.own, "OrderCanceled").map((fact) => fact.reason)).toEqual([reason]);
  });

  test("a grant that meets a halt is given back", () => {
    const made = goodStory({}, "silent");
    made.tell(leaderFill(1));
    made.view.riskHeartbeatAgeMs = 10_001;
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
    expect(only(made.own, "OrderAbandoned").map(({ reason }) => reason)).toEqual(["RISK_HALT"]);
  });
});

describe("after a restart", () => {
  test("what is open is listed: undecided fills, granted and accepted orders", () => {
    const before = goodStory();
    before.tell(leaderFill(1));
    before.say({ type: "Placed", orderId: clientOrderId(attemptOf(1), 0), placeAtMs: START_MS + 150 });
    fillOrder(before, 4);
    before.tell(leaderFill(2));
    const after = goodStory();
    after.fold(...before.facts, leaderFill(3));
    after.requests.length = 0;
    const owed = after.owed();
    expect(owed.filter(({ type }) => type !== "Tick")).toEqual([
      { type: "OrderOwed", orderId: clientOrderId(attemptOf(1), 0) },
      { type: "OrderOwed", orderId: clientOrderId(attemptOf(2), 0) },
      { type: "DecideFill", account: paper, leaderFillId: fillId(3), sinceMs: START_MS },
    ]);
    for (const message of owed) after.say(message);
    expect(after.requests).toMatchObject([
      { type: "ResumeOrder", order: { placeAtMs: START_MS + 150 }, knownFills: 1, filledMicro: shares(4) },
      { type: "PlaceOrder", order: { orderId: clientOrderId(attemptOf(2), 0) } },
      { type: "PlaceOrder", order: { orderId: clientOrderId(attemptOf(3), 0) } },
    ]);
  });

  test("a granted order that is too late is given up; an exit is decided again", () => {
    const made = holdingTen();
    made.tell(leaderFill(2), sale(3, 100));
    made.view.nowMs += 5_001;
    for (const message of made.owed()) made.say(message);
    expect(only(made.own, "OrderAbandoned").map(({ reason }) => reason)).toEqual(["LEADER_EXITED", "TOO_LATE"]);
    tick(made, 2_000);
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(5), shares(5)]);
  });
});
