import { expect, test } from "vitest";
import { type Effective, effectiveRisk } from "./effective.ts";
import { operatorFact, riskFact } from "./facts.testing.ts";
import { goodStory, type Story, story } from "./story.testing.ts";

const of = (made: Story): Effective => effectiveRisk(made.state(), made.viewNow());

test("with everything well it is normal", () => {
  expect(of(goodStory())).toEqual({ level: "normal", reasons: [] });
});

test("without a decision of risk nothing is traded", () => {
  expect(of(story())).toEqual({ level: "halt", reasons: ["STARTING"] });
});

test.each<[string, (made: Story) => void, Effective]>([
  ["risk never heard", ({ view }) => Object.assign(view, { riskHeartbeatAgeMs: null }), halt("RISK_SILENT")],
  ["risk silent for long", ({ view }) => Object.assign(view, { riskHeartbeatAgeMs: 10_001 }), halt("RISK_SILENT")],
  ["risk silent", ({ view }) => Object.assign(view, { riskHeartbeatAgeMs: 3_001 }), degrade("RISK_SILENT")],
  ["a newer decision", ({ view }) => Object.assign(view, { riskDecisionSeq: 99 }), degrade("DECISION_NOT_APPLIED")],
  ["its latch", ({ view }) => Object.assign(view, { localHalt: true }), halt("LOCAL_HALT")],
  ["a person's word", (made) => made.tell(operatorFact("halt")), halt("OPERATOR_HALT")],
  ["risk's halt", (made) => made.tell(riskFact("halt", 2)), halt("STARTING")],
  ["risk's degrade", (made) => made.tell(riskFact("degrade", 2)), degrade("STARTING")],
  ["an old head", ({ view }) => Object.assign(view, { chainLagMs: 30_001 }), degrade("CHAIN_LAGGING")],
  ["a head that nobody tells", ({ view }) => Object.assign(view, { chainLagMs: null }), degrade("CHAIN_LAGGING")],
  ["a clock that is not measured", ({ view }) => Object.assign(view, { clock: null }), degrade("CLOCK_UNCERTAIN")],
])("a standing NORMAL is not what counts with %s", (_name, given, expected) => {
  const made = goodStory();
  given(made);
  expect(of(made)).toEqual(expected);
});

function halt(reason: string): Effective {
  return { level: "halt", reasons: [reason] };
}
function degrade(reason: string): Effective {
  return { level: "degrade", reasons: [reason] };
}
