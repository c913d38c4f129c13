import { describe, expect, test } from "vitest";
import { summarise } from "../.ci/report.mjs";

const file = (name, statuses, more = {}) => ({
  name,
  status: statuses.includes("failed") ? "failed" : "passed",
  assertionResults: statuses.map((status, at) => ({ status, fullName: `test ${at}` })),
  ...more,
});
const count = (files, skipsFail) => summarise({ testResults: files }, { skipsFail });

describe("counting vitest's report", () => {
  test("passed and failed", () => {
    const { passed, failed, lines } = count([file("a", ["passed", "failed"]), file("b", ["passed"])], true);
    expect({ passed, failed, lines }).toEqual({ passed: 2, failed: 1, lines: ["failed: a: test 1"] });
  });

  test("a file that does not load is a failure", () => {
    expect(count([file("a", [], { status: "failed", message: "no module x\nat y" })], true)).toEqual({
      passed: 0,
      failed: 1,
      lines: ["failed: a: no module x"],
    });
  });

  test.each([
    ["where the recordings are, a skipped test is a failure", true, 2],
    ["without them it is not", false, 0],
  ])("%s", (_, skipsFail, failed) => {
    expect(count([file("a", ["passed", "skipped", "todo"])], skipsFail)).toMatchObject({ passed: 1, failed });
  });
});
