import { expect, test } from "vitest";
import { operatorAnswer, runSkip } from "./operator.ts";

test.each<["halt" | "resume", boolean, boolean, 0 | 1, RegExp]>([
  ["halt", true, true, 0, /^halted: nothing is traded until/],
  ["resume", true, true, 0, /^resumed: risk decides again$/],
  ["halt", false, true, 1, /^halted as soon as the executor has read the log/],
  ["resume", false, true, 1, /^resumed as soon as .*latch that was closed stays closed/],
  ["halt", true, false, 1, /^halted for now: .*latch alone/],
  ["resume", true, false, 1, /^not resumed: /],
  ["halt", false, false, 1, /^not halted: /],
  ["resume", false, false, 1, /^not resumed: neither/],
])("%s, latch %s, log %s: exit code %i", (command, latched, logged, code, text) => {
  const answer = operatorAnswer(command, { latched, logged });
  expect(answer.code).toBe(code);
  expect(answer.text).toMatch(text);
});

test.each([
  ["no sequence", [], "seen"],
  ["a sequence that is none", ["7", "x"], "seen"],
  ["a service, which it does not need any more", ["risk", "7"], "seen"],
  ["no reason", ["7"], ""],
])("skip refuses %s before it reaches for the bus", async (_name, args, why) => {
  await expect(runSkip({ urls: ["nats://127.0.0.1:1"], withinMs: 1_000 }, args, why)).rejects.toThrow(
    /usage: slipstream skip/,
  );
});
