import { clientOrderId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import { exits, holdingTen, tick } from "./stories.testing.ts";
import {
  attemptOf,
  endOrder,
  fillId,
  fillOrder,
  goodStory,
  grant,
  leaderFill,
  only,
  paper,
  riskFact,
  START_MS,
  type Story,
  sale,
  shares,
} from "./story.testing.ts";

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
