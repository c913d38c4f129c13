/** Leaders who are removed and accounts that are switched off: no lot is left without a word. */
import { describe, expect, test } from "vitest";
import { executorCore } from "./core.ts";
import {
  configFact,
  fillId,
  grant,
  leader,
  leaderFact,
  leaderFill,
  only,
  paper,
  policyFact,
  price,
  removed,
  riskFact,
  sale,
  shares,
} from "./facts.testing.ts";
import { pendingOf } from "./pending.ts";
import { bidAt, exits, holdingTen, leaderAct, limits, lotOf, owedExits, placed, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

const deleted = configFact(`leaders.${leader}`, 2, null);
const told = (of: Story) => pendingOf({ state: of.state(), view: of.viewNow() }, null);
const sizes = (of: Story) => exits(of).map(({ sizeMicro }) => sizeMicro);

describe("a leader who is removed", () => {
  test.each([
    ["followed until flat", removed("follow")],
    ["nothing said", removed()],
    ["his key was deleted", deleted],
  ])("%s: his exits are followed, his purchases are not", (_name, fact) => {
    const made = holdingTen();
    made.tell(fact, leaderFill(2), sale(3, 50));
    fillOrder(made, 5);
    made.tell(leaderAct(4, "transferOut", 50));
    fillOrder(made, 5);
    expect(sizes(made)).toEqual([shares(5), shares(5)]);
    expect(lotOf(made)).toEqual([]);
    expect(only(made.own, "ExecutionAttempt").map(({ reasons }) => reasons[0]?.code)).toEqual(["LEADER_NOT_FOLLOWED"]);
  });

  test("to be closed: what is held is sold at once, from the middle of the book on", () => {
    const made = holdingTen();
    made.view.quote = { ...made.view.quote, bestBidMicro: price(0.3), bestAskMicro: price(0.4) } as never;
    made.tell(removed("close"));
    expect(told(made)).toMatchObject({
      exits: [{ sharesMicro: shares(10), reason: "WAITING", limitMicro: price(0.34) }],
      lots: [{ leader, whenRemoved: "close" }],
    });
    tick(made);
    placed(made);
    expect([sizes(made), limits(made)]).toEqual([[shares(10)], [price(0.34)]]);
    tick(made, 60_000);
    endOrder(made, "canceled");
    tick(made);
    expect(limits(made).at(-1)).toBe(price(0.33));
    fillOrder(made, 10, 0.33);
    expect([lotOf(made), owedExits(made), made.state().copied.size]).toEqual([[], [], 0]);
  });

  test("to be closed while his exit is open and another waits: everything is sold once", () => {
    const made = goodStory();
    bidAt(made, 0.5);
    made.tell(leaderFill(1, { sharesMicro: shares(200) }));
    fillOrder(made, 20);
    made.tell(sale(2, 100), sale(3, 20), removed("close"));
    tick(made);
    expect(sizes(made)).toEqual([shares(10), shares(10)]);
    for (const { orderId, tokenId } of exits(made)) {
      const fill = { kind: "fill" as const, orderId, tokenId, atMs: made.view.nowMs, n: 0, priceMicro: price(0.5) };
      const money = { usdcMicro: 5_000_000n as never, feeMicro: 0n as never, liquiditySide: "taker" as const };
      made.say({ type: "VenueReport", orderId, events: [{ ...fill, ...money, sizeMicro: shares(10) }] });
    }
    expect([lotOf(made), owedExits(made)]).toEqual([[], []]);
  });

  test("to be closed, and followed again after he has left during a halt: what is held is sold", () => {
    const made = holdingTen();
    made.tell(riskFact("halt", 2), removed("close"), sale(2, 100), removed("follow", { revision: 3 }));
    made.tell(riskFact("normal", 3));
    expect(sizes(made)).toEqual([shares(10)]);
    fillOrder(made, 10);
    expect([lotOf(made), owedExits(made)]).toEqual([[], []]);
  });

  test("to be closed while an order for his exit is on its way into the log: everything is sold", () => {
    const made = goodStory();
    bidAt(made, 0.5);
    made.tell(leaderFill(1, { sharesMicro: shares(200) }));
    fillOrder(made, 20);
    made.fold(sale(2, 100));
    const message = { type: "DecideFill" as const, account: paper, leaderFillId: fillId(2), sinceMs: made.view.nowMs };
    const [chain] = executorCore.route(made.state(), made.viewNow(), message);
    if (chain === undefined) throw new Error("nobody decides");
    const { facts } = executorCore.decide(made.state(), made.viewNow(), message, chain);
    made.fold(removed("close"), ...facts);
    made.own.push(...facts);
    for (const intent of exits(made)) made.tell(grant(intent));
    tick(made, 1_000);
    expect(sizes(made)).toEqual([shares(10), shares(10)]);
  });

  test("to be closed while we are still buying: that is cancelled, and what filled is sold", () => {
    const made = goodStory();
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    placed(made);
    fillOrder(made, 4);
    made.tell(removed("close"));
    tick(made);
    expect(only(made.own, "OrderCancelRequested").map(({ reason }) => reason)).toEqual(["OPERATOR"]);
    fillOrder(made, 5, 0.5, 1);
    endOrder(made, "canceled");
    tick(made);
    expect(sizes(made)).toEqual([shares(9)]);
  });

  test("to be kept: nothing is sold any more, not even what was under way, and it is said", () => {
    const made = holdingTen();
    made.tell(sale(2, 50));
    placed(made);
    made.tell(removed("keep"));
    tick(made);
    endOrder(made, "canceled");
    made.tell(sale(3, 50), leaderAct(4, "merge", 50));
    tick(made, 60_000);
    expect(sizes(made)).toEqual([shares(5)]);
    expect(told(made)).toMatchObject({ exits: [], lots: [{ sharesMicro: shares(10), whenRemoved: "keep" }] });
  });

  test.each(["follow", "close", "keep"] as const)("(%s) loses what was saved up for him, and starts anew", (when) => {
    const made = goodStory();
    made.tell(leaderFill(1, { sharesMicro: shares(40) }));
    expect(made.state().buckets.size).toBe(1);
    made.tell(removed(when));
    expect([made.state().buckets.size, made.state().copied.size]).toEqual([0, 0]);
    made.tell(leaderFact(), leaderFill(2, { sharesMicro: shares(40) }));
    expect([...made.state().buckets.values()]).toMatchObject([[{ sizeMicro: shares(4) }]]);
  });

  test.each(["follow", "close", "keep"] as const)("(%s) and comes back is followed as before", (when) => {
    const made = holdingTen();
    made.tell(removed(when), leaderFact());
    expect(told(made).lots).toMatchObject([{ whenRemoved: null }]);
    expect(owedExits(made)).toEqual([]);
    made.tell(leaderFill(2));
    fillOrder(made, 10);
    made.tell(sale(3, 100));
    expect(sizes(made)).toEqual([shares(10)]);
  });

  test("is closed after he was followed until flat, when the person changes his mind", () => {
    const made = holdingTen();
    made.tell(removed("follow"), removed("close", { revision: 3 }));
    tick(made);
    expect(sizes(made)).toEqual([shares(10)]);
  });

  test("who is unknown changes nothing", () => {
    const made = goodStory();
    made.tell(configFact(`leaders.0x${"22".repeat(20)}`, 1, null));
    expect(made.state().leaders.size).toBe(1);
  });
});

describe.each([
  ["switched off", policyFact({ enabled: false }, 2)],
  ["deleted", configFact(`accounts.${paper}`, 2, null)],
])("an account that is %s", (_name, off) => {
  test("leaves with its leaders, and buys nothing", () => {
    const made = holdingTen();
    made.tell(off, leaderFill(2), sale(3, 100));
    fillOrder(made, 10);
    expect(sizes(made)).toEqual([shares(10)]);
    expect(lotOf(made)).toEqual([]);
    expect(only(made.own, "OrderIntent").filter(({ kind }) => kind === "ENTRY")).toHaveLength(1);
  });

  test("ends what it is buying, and goes on with what it is selling", () => {
    const made = holdingTen();
    bidAt(made, 0.3);
    made.tell(sale(2, 100));
    placed(made);
    made.tell(leaderFill(3), off);
    tick(made);
    expect(only(made.own, "OrderCancelRequested").map(({ leaderFillId, reason }) => [leaderFillId, reason])).toEqual([
      [leaderFill(3).leaderFillId, "OPERATOR"],
    ]);
  });

  test("closes the lots of a leader who is removed so", () => {
    const made = holdingTen();
    made.tell(off, removed("close"));
    tick(made);
    expect(sizes(made)).toEqual([shares(10)]);
  });
});
