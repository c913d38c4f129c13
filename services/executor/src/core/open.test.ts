import { clientOrderId } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import {
  attemptOf,
  configFact,
  fillId,
  grant,
  leaderFill,
  loss,
  only,
  operatorFact,
  paper,
  riskFact,
  START_MS,
  sale,
  shares,
} from "./facts.testing.ts";
import { whyNotPlaced } from "./open.ts";
import { exits, holdingTen, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

describe("halts cancel what is open", () => {
  test.each<[string, (of: Story) => void, string]>([
    ["a decision of risk", (of) => of.tell(riskFact("halt", 2)), "RISK_HALT"],
    ["a person's command", (of) => of.tell(operatorFact("halt")), "RISK_HALT"],
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

const placements = (of: Story) => of.requests.filter(({ type }) => type === "PlaceOrder");
const reduceOnly = { sizeFactorMicro: 0, reduceOnly: true, limitTicks: 0 };
const orderId = clientOrderId(attemptOf(1), 0);

describe("a grant that comes when an entry would be refused", () => {
  test.each<[string, (of: Story) => void, string]>([
    ["a person's halt", (of) => of.tell(operatorFact("halt")), "RISK_HALT"],
    ["only exits are allowed", (of) => of.tell(riskFact("degrade", 2, { parameters: reduceOnly })), "RISK_REDUCE_ONLY"],
    [
      "risk is silent",
      (of) => {
        of.view.riskHeartbeatAgeMs = 3_001;
      },
      "RISK_REDUCE_ONLY",
    ],
    ["the account was deleted", (of) => of.tell(configFact(`accounts.${paper}`, 2, null)), "OPERATOR"],
  ])("%s: it is given back", (_name, happens, reason) => {
    const made = goodStory({}, "silent");
    made.tell(leaderFill(1));
    happens(made);
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
    expect(only(made.own, "OrderAbandoned").map((fact) => fact.reason)).toEqual([reason]);
    expect(placements(made)).toEqual([]);
  });

  test("an exit goes on when only exits are allowed", () => {
    const made = holdingTen();
    made.view.riskHeartbeatAgeMs = 3_001;
    made.tell(sale(3, 100));
    expect(placements(made)).toHaveLength(2);
  });

  test("a decision on its way is waited for, and the order leaves when it allows it", () => {
    const made = goodStory({}, "silent");
    made.tell(leaderFill(1));
    made.view.riskDecisionSeq = made.facts.length + 2;
    for (const intent of only(made.own, "OrderIntent")) made.tell(grant(intent));
    tick(made, 1_000);
    expect(placements(made)).toEqual([]);
    made.tell(riskFact("normal", 2));
    expect(placements(made)).toMatchObject([{ order: { orderId } }]);
  });
});

describe("the last word before an order leaves", () => {
  const asked = (of: Story): string | null => whyNotPlaced({ state: of.state(), view: of.viewNow() }, orderId);
  test.each<[string, (of: Story) => void, string | null]>([
    ["all is well", () => undefined, null],
    ["a halt was read meanwhile", (of) => of.fold(riskFact("halt", 2)), "RISK_HALT"],
    ["a person's halt was read meanwhile", (of) => of.fold(operatorFact("halt")), "RISK_HALT"],
    [
      "the latch was closed",
      (of) => {
        of.view.localHalt = true;
      },
      "OPERATOR",
    ],
    [
      "risk has fallen silent",
      (of) => {
        of.view.riskHeartbeatAgeMs = 3_001;
      },
      "RISK_REDUCE_ONLY",
    ],
    [
      "a newer decision is on its way",
      (of) => {
        of.view.riskDecisionSeq = 99;
      },
      "DECISION_NOT_APPLIED",
    ],
    ["its fill was taken back", (of) => of.fold(loss("LeaderFillReverted", leaderFill(1))), "FILL_REVERTED"],
    ["it has ended", (of) => endOrder(of, "expired"), "ORDER_NOT_OPEN"],
  ])("%s", (_name, happens, answer) => {
    const made = goodStory();
    made.tell(leaderFill(1));
    happens(made);
    expect(asked(made)).toBe(answer);
  });
});

test("a resume lifts a person's halt of the same scope only", () => {
  const made = goodStory();
  made.tell(operatorFact("halt"), operatorFact("halt", { kind: "account", id: paper }), operatorFact("resume"));
  made.tell(leaderFill(1));
  made.tell(operatorFact("resume", { kind: "account", id: paper }), leaderFill(2));
  expect(only(made.own, "ExecutionAttempt").map(({ leaderFillId }) => leaderFillId)).toEqual([fillId(1)]);
  expect(only(made.own, "OrderIntent").map(({ leaderFillId }) => leaderFillId)).toEqual([fillId(2)]);
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
