/** Exits that the book does not take at once: they rest, give way, and end. */

import type { Address, TokenId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import {
  balance,
  denial,
  grant,
  leaderFill,
  market,
  only,
  operatorFact,
  price,
  quote,
  riskFact,
  sale,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import { isEnded, type OrderState } from "./orders.ts";
import { pendingOf } from "./pending.ts";
import { bidAt, exits, holdingTen, leaderAct, limits, lotOf, placed, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

/** Lets time pass as the shell does, the venue taking and cancelling what it is told to. */
function pass(of: Story, seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    tick(of, 1_000);
    const open = [...of.state().orders.values()].find(({ status }) => status === "accepted" || status === "granted");
    if (open?.status === "granted") of.say({ type: "Placed", orderId: open.orderId, placeAtMs: of.view.nowMs });
    if (open !== undefined && open.cancelReason !== null) end(of, open, "canceled");
    else if (open !== undefined && of.view.nowMs > (open.tsPlacedMs ?? of.view.nowMs) + open.ttlMs)
      end(of, open, "expired");
  }
}
function end(of: Story, { orderId }: OrderState, kind: "canceled" | "expired"): void {
  of.say({ type: "VenueReport", orderId, events: [{ kind, orderId, tokenId, atMs: of.view.nowMs }] });
}
const cents = (of: Story) => limits(of).map((limit) => limit / 10_000);

describe("lot 10, the leader leaves @ 0.50, the book bids 0.40 and less", () => {
  const left = (over: Parameters<typeof goodStory>[0] = {}): Story => {
    const made = goodStory(over);
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    fillOrder(made, 10);
    bidAt(made, 0.4);
    made.tell(balance(101, 100), sale(2, 100));
    placed(made);
    return made;
  };

  test("it rests at the guard at once", () => {
    const made = left();
    expect(exits(made)).toMatchObject([
      { limitPriceMicro: price(0.48), sizeMicro: shares(10), timeInForce: "GTD", ttlMs: 30_000 },
    ]);
    expect(only(made.own, "ExecutionAttempt")).toEqual([]);
  });

  test("gives way step by step to what is bid", () => {
    const made = left();
    pass(made, 245);
    expect(cents(made)).toEqual([48, 47, 46, 45, 44, 43, 42, 41, 40]);
    expect(only(made.own, "OrderCanceled").every(({ reason }) => reason === "REPLACED")).toBe(true);
    placed(made);
    fillOrder(made, 10, 0.4);
    expect(lotOf(made)).toEqual([]);
    expect(made.state().unfollowed.size).toBe(0);
  });

  test("is at the book after ten minutes, however low, and follows it down", () => {
    const made = left();
    bidAt(made, 0.03);
    pass(made, 605);
    expect(cents(made).at(-1)).toBe(3);
    bidAt(made, 0.02);
    pass(made, 5);
    expect(cents(made).at(-1)).toBe(2);
    bidAt(made, 0.1);
    const count = exits(made).length;
    pass(made, 5);
    expect(exits(made)).toHaveLength(count);
  });

  test("never below the floor", () => {
    const exitsPolicy = {
      kind: "widen" as const,
      everySeconds: 30,
      stepBps: 200,
      floorBps: 9_000,
      bookAfterSeconds: 600,
    };
    const made = left({ exits: exitsPolicy });
    bidAt(made, 0.03);
    pass(made, 900);
    expect(Math.min(...cents(made))).toBe(45);
  });

  test("policy `book` sells at what is bid at once", () => {
    expect(cents(left({ exits: { kind: "book" } }))).toEqual([40]);
  });

  test.each(["FAK", "FOK"] as const)("rests with %s as well", (timeInForce) => {
    expect(exits(left({ timeInForce }))).toMatchObject([{ timeInForce: "GTD" }]);
  });

  test("with nobody bidding it rests where it is, and no lower than at ten minutes", () => {
    const made = left();
    made.view.quote = { ...quote, bestBidMicro: null };
    pass(made, 700);
    expect(cents(made).at(-1)).toBe(28);
    expect([...made.state().orders.values()].at(-1)?.status).toBe("accepted");
  });

  test("a rest that the venue would not take again is not pulled back", () => {
    const made = left();
    fillOrder(made, 7, 0.48);
    pass(made, 25);
    bidAt(made, 0.3);
    tick(made, 6_000);
    expect(only(made.own, "OrderCancelRequested")).toEqual([]);
    expect(exits(made)).toHaveLength(1);
  });

  test("a restart at any moment goes on as if nothing had been", () => {
    const made = left();
    pass(made, 100);
    const known = made.facts.length;
    pass(made, 200);
    const after = goodStory();
    after.fold(...made.facts.slice(3, known));
    bidAt(after, 0.4);
    after.view.nowMs = made.view.nowMs - 200_000;
    for (const message of after.owed()) after.say(message);
    pass(after, 200);
    expect(exits(after).map(({ limitPriceMicro, tsDecidedMs }) => [limitPriceMicro, tsDecidedMs])).toEqual(
      exits(made)
        .slice(-exits(after).length)
        .map(({ limitPriceMicro, tsDecidedMs }) => [limitPriceMicro, tsDecidedMs]),
    );
  });
});

test("he rested @ 0.70 as maker, the book bids 0.62: the limit reaches it", () => {
  const made = goodStory();
  made.tell(leaderFill(1, { priceMicro: price(0.49) }));
  fillOrder(made, 10);
  bidAt(made, 0.62);
  made.tell(sale(2, 100, { role: "MAKER", priceMicro: price(0.7) }));
  placed(made);
  expect(cents(made)).toEqual([68]);
  pass(made, 155);
  expect(cents(made)).toEqual([68, 67, 66, 64, 63, 61]);
});

test("risk's ticks and factor do not touch an exit; a halt stops it, and it resumes where time has brought it", () => {
  const made = holdingTen();
  bidAt(made, 0.3);
  made.tell(riskFact("degrade", 2, { parameters: { sizeFactorMicro: 0, reduceOnly: true, limitTicks: 9 } }));
  made.tell(sale(2, 100));
  placed(made);
  expect(exits(made)).toMatchObject([{ limitPriceMicro: price(0.48), sizeMicro: shares(10) }]);
  made.tell(operatorFact("halt"));
  endOrder(made, "canceled");
  pass(made, 70);
  expect(exits(made)).toHaveLength(1);
  expect(pendingOf({ state: made.state(), view: made.viewNow() }, null).exits).toMatchObject([{ reason: "RISK_HALT" }]);
  made.tell(operatorFact("resume"));
  pass(made, 2);
  expect(cents(made)).toEqual([48, 46]);
});

test("exits that drip in do not hold back the first one's time, and a rest of long ago does not hurry a new one", () => {
  const made = holdingTen();
  bidAt(made, 0.3);
  made.tell(riskFact("halt", 2), sale(2, 50));
  tick(made, 60_000);
  made.tell(sale(3, 50), riskFact("normal", 3));
  expect(cents(made)).toEqual([46]);

  const other = holdingTen();
  bidAt(other, 0.3);
  other.tell(sale(2, 10));
  tick(other, 3_600_000);
  other.tell(sale(3, 90));
  expect(exits(other)).toMatchObject([{ sizeMicro: shares(10), limitPriceMicro: price(0.48) }]);
});

test("refusals slow it down to its own steps at most", () => {
  const made = goodStory({}, "silent");
  bidAt(made, 0.5);
  made.tell(leaderFill(1));
  for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
  fillOrder(made, 10);
  bidAt(made, 0.3);
  made.tell(sale(2, 100));
  for (let second = 0; second < 600; second++) {
    const open = [...made.state().orders.values()].some(({ status }) => status === "intent");
    const last = exits(made).at(-1);
    if (open && last !== undefined) made.tell({ ...denial(last), tsInitMs: made.view.nowMs });
    tick(made, 1_000);
  }
  const decided = exits(made).map(({ tsDecidedMs }) => tsDecidedMs);
  expect(Math.max(...decided.map((at, n) => (n === 0 ? 0 : at - (decided[n - 1] ?? at))))).toBeLessThanOrEqual(31_000);
});

test("what inventory granted too little of is still owed", () => {
  const made = goodStory({}, "silent");
  bidAt(made, 0.5);
  made.tell(leaderFill(1, { sharesMicro: shares(200) }));
  for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
  fillOrder(made, 20);
  made.tell(sale(2, 200));
  for (const intent of exits(made)) made.tell(grant(intent, shares(12)));
  placed(made);
  fillOrder(made, 12);
  tick(made);
  expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(20), shares(8)]);
});

test("two orders of one exit at a time never share a number", () => {
  const made = goodStory();
  bidAt(made, 0.5);
  made.tell(leaderFill(1, { sharesMicro: shares(200) }));
  placed(made);
  fillOrder(made, 10);
  const [entry] = only(made.own, "OrderIntent");
  bidAt(made, 0.4);
  made.tell(sale(2, 200));
  placed(made);
  const late = { kind: "fill" as const, tokenId, atMs: made.view.nowMs, n: 1, priceMicro: price(0.5) };
  const money = { usdcMicro: usdc(3), feeMicro: usdc(0), liquiditySide: "maker" as const, sizeMicro: shares(6) };
  if (entry === undefined) return;
  const { orderId } = entry;
  const over = { kind: "canceled" as const, orderId, tokenId, atMs: made.view.nowMs };
  made.say({ type: "VenueReport", orderId, events: [{ ...late, ...money, orderId }, over] });
  tick(made);
  expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(10), shares(6)]);
  for (const order of [...made.state().orders.values()]) if (order.kind === "EXIT") end(made, order, "expired");
  tick(made);
  expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(10), shares(6), shares(16)]);
  expect(new Set(exits(made).map((exit) => exit.orderId)).size).toBe(3);
});

test("an exit that rests for days keeps few orders in mind, and its numbers go on", () => {
  const made = goodStory({
    exits: { kind: "widen", everySeconds: 30, stepBps: 200, floorBps: 9_600, bookAfterSeconds: 600 },
  });
  bidAt(made, 0.5);
  made.tell(leaderFill(1));
  fillOrder(made, 10);
  bidAt(made, 0.3);
  made.tell(sale(2, 100));
  placed(made);
  for (let turn = 0; turn < 300; turn++) {
    tick(made, 300_000);
    for (const order of [...made.state().orders.values()]) if (!isEnded(order)) end(made, order, "expired");
    tick(made);
    const times = { tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs };
    const other = { ...times, leader: `0x${"33".repeat(20)}` as Address, tokenId: "8" as TokenId };
    made.tell(leaderFill(1_000 + turn, other));
  }
  expect(made.state().orders.size).toBeLessThan(100);
  const ids = exits(made).map(({ orderId }) => orderId);
  expect(ids.length).toBeGreaterThan(300);
  expect(new Set(ids).size).toBe(ids.length);
});

describe("what is pending is told in fields", () => {
  const told = (of: Story) => pendingOf({ state: of.state(), view: of.viewNow() }, null).exits;
  test("a resting exit", () => {
    const made = holdingTen();
    bidAt(made, 0.4);
    made.tell(sale(2, 100));
    placed(made);
    const [exit] = exits(made);
    expect(told(made)).toEqual([
      {
        ...{ account: "paper", leader: exit?.leader, tokenId: "7", conditionId: market.conditionId },
        ...{ sharesMicro: shares(10), sinceMs: exit?.tsDecidedMs, limitMicro: price(0.48), bestBidMicro: price(0.4) },
        ...{ nextStepMs: (exit?.tsDecidedMs ?? 0) + 30_000, orderId: exit?.orderId, reason: "RESTING" },
      },
    ]);
  });

  test.each<[string, (of: Story) => void, object]>([
    ["a halt", (of) => of.tell(riskFact("halt", 2), sale(2, 100)), { reason: "RISK_HALT", limitMicro: price(0.48) }],
    ["too little to be sold alone", (of) => of.tell(sale(2, 20)), { reason: "BELOW_MINIMUM", sharesMicro: shares(2) }],
    [
      "not yet on the chain",
      (of) => of.tell(sale(2, 20, { blockNumber: null, logIndex: null })),
      { reason: "FILL_NOT_ON_CHAIN", sharesMicro: null },
    ],
    [
      "no price at all",
      (of) => {
        of.view.quote = { ...quote, bestBidMicro: null, bestAskMicro: null };
        of.tell(leaderAct(5, "merge", 100));
      },
      { reason: "NO_PRICE", limitMicro: null, bestBidMicro: null },
    ],
    [
      "a stale book",
      (of) => {
        of.view.limits = { ...of.view.limits, firstTouchMaxMs: 0 };
        of.view.quote = { ...quote, health: "suspect" };
        of.tell(sale(2, 100));
      },
      { reason: "BOOK_UNHEALTHY" },
    ],
  ])("%s", (_name, happens, expected) => {
    const made = holdingTen();
    happens(made);
    expect(told(made)).toMatchObject([{ orderId: null, ...expected }]);
  });
});
