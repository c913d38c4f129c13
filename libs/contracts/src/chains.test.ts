import fc from "fast-check";
import { expect, test } from "vitest";
import { wireArbitrary } from "./arbitrary.testing.ts";
import { writerOf } from "./chains.ts";
import { factSchemas, readFact } from "./facts.ts";
import { subjectOf } from "./subjects.ts";

const wallet = `0x${"1a".repeat(20)}`;

test.each([
  [`evt.leaderfill.v1.15.${wallet}`, "chain-watcher"],
  ["evt.chain.v1.63", "chain-watcher"],
  ["evt.chain.v1.all", "chain-watcher"],
  ["evt.balance.v1.paper", "balance-sync"],
  [`evt.balance.v1.${wallet}`, "balance-sync"],
  ["evt.resolution.v1.00", "balance-sync"],
  ["evt.exec.v1.07.paper", "executor"],
  ["evt.position.v1.paper", "inventory"],
  ["evt.risk.v1.global", "risk"],
  ["evt.control.v1.config", "registry"],
  ["evt.control.v1.operator", null],
  ["evt.control.v1.skip", null],
])("%s is written by %s", (subject, writer) => {
  expect(writerOf(subject)).toBe(writer);
});

test.each([
  "evt",
  "evt.junk",
  "evt.exec",
  "evt.exec.v1.paper",
  "evt.exec.v1.16.paper",
  "evt.exec.v1.07.paper.more",
  "evt.exec.v2.07.paper",
  "evt.exec.v1.07.Paper",
  "evt.chain.v1.64",
  "evt.leaderfill.v1.07.0x12",
  "evt.risk.v1.moon",
  "evt.control.v1.moon",
  "evt.control.v1.config.more",
  "evt.constructor.v1.x",
  "live.risk.v1.global",
])("no fact lies on %s", (subject) => {
  expect(writerOf(subject)).toBe("none");
});

// Of these the chain is told by a text that our own services make.
const free = new Set(["OwnerChanged", "ChainProgress", "GapDetected", "GapResolved"]);
test.each(Object.entries(factSchemas).filter(([type]) => !free.has(type)))(
  "%s lies on a chain that has a writer",
  (_type, schema) => {
    fc.assert(
      fc.property(wireArbitrary(schema), (wire) => {
        const reading = readFact(JSON.stringify(wire));
        return reading.kind === "fact" && writerOf(subjectOf(reading.fact)) !== "none";
      }),
      { numRuns: 20 },
    );
  },
);
