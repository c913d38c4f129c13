import { describe, expect, test } from "vitest";
import { summarise } from "../.ci/report.mjs";

const file = (name, statuses, more = {}) => ({
  name,
  status: statuses.includes("failed") ? "failed" : "passed",
  assertionResults: statuses.map((status, at) => ({ status, fullName: `test ${at}` })),
  ...more,
});
const count = (files) => summarise({ testResults: files });

describe("counting vitest's report", () => {
  test("passed and failed", () => {
    const { passed, failed, lines } = count([file("a", ["passed", "failed"]), file("b", ["passed"])]);
    expect({ passed, failed, lines }).toEqual({ passed: 2, failed: 1, lines: ["failed: a: test 1"] });
  });

  test("a file that does not load is a failure", () => {
    expect(count([file("a", [], { status: "failed", message: "no module x\nat y" })])).toEqual({
      passed: 0,
      failed: 1,
      lines: ["failed: a: no module x"],
    });
  });

  test("what did not run is a failure", () => {
    expect(count([file("a", ["passed", "skipped", "todo"])])).toMatchObject({
      passed: 1,
      failed: 2,
      lines: ["not run: a: test 1", "not run: a: test 2"],
    });
  });
});
