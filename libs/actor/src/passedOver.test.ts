import { pino } from "pino";
import { expect, test } from "vitest";
import { createPassedOver } from "./passedOver.ts";

const logger = pino({ level: "silent" });
const at = (seq: number, subject: string) => ({ seq, subject });

test("what was passed over is told for ten minutes, by the service whose chain it is, or by risk", () => {
  let nowMs = 0;
  const [inventory, risk] = (["inventory", "risk"] as const).map((name) => createPassedOver(name, logger, () => nowMs));
  for (const passed of [inventory, risk]) {
    passed?.note(at(7, "evt.position.v1.paper"), "has a wrong fence");
    passed?.note(at(8, "evt.junk"), "lies nowhere");
  }
  expect(inventory?.notice()).toContain("fact 7 on evt.position.v1.paper has a wrong fence.");
  expect(risk?.notice()).toContain("fact 8 on evt.junk lies nowhere.");
  nowMs = 600_001;
  expect([inventory?.notice(), risk?.notice()]).toEqual([null, null]);
});

test("many are one line with the newest and a count, and a person's skip ends the one it names", () => {
  const passed = createPassedOver("risk", logger, () => 0);
  for (let seq = 1; seq <= 1_000; seq += 1) passed.note(at(seq, "evt.junk"), "lies nowhere");
  expect(passed.notice()).toMatch(/fact 1000 on evt.junk lies nowhere, and 99 others\..* skip 1000 --why/);
  passed.forget(1_000);
  expect(passed.notice()).toContain("fact 999");
});
