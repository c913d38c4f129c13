/**
 * Reads vitest's JSON report, lists what failed or was skipped though it should run here, and ends with the line
 * "N passed, N failed". Arguments: the report; 1 when an earlier step failed.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Counts a report. A file that could not be loaded counts as one failure, and so does a skipped test when the
 * recordings, the only thing whose absence excuses a skip, are there.
 */
export function summarise(report, { skipsFail }) {
  const lines = [];
  let passed = 0;
  let failed = 0;
  for (const file of report.testResults) {
    const tests = file.assertionResults;
    if (file.status === "failed" && !tests.some((test) => test.status === "failed")) {
      failed += 1;
      lines.push(`failed: ${file.name}: ${(file.message ?? "").split("\n")[0]}`);
    }
    for (const test of tests) {
      if (test.status === "passed") passed += 1;
      else if (test.status === "failed" || skipsFail) {
        failed += 1;
        lines.push(`${test.status === "failed" ? "failed" : "not run"}: ${file.name}: ${test.fullName}`);
      }
    }
  }
  return { passed, failed, lines };
}

function main([path, earlier]) {
  const samples = process.env.SLIPSTREAM_SAMPLES || join(root, "..", "shared", "samples");
  let result = { passed: 0, failed: 1, lines: ["failed: vitest left no report"] };
  if (path !== undefined && existsSync(path) && statSync(path).size > 0) {
    result = summarise(JSON.parse(readFileSync(path, "utf8")), { skipsFail: existsSync(samples) });
  }
  for (const line of result.lines) console.log(line.replaceAll(`${root}/`, ""));
  if (earlier === "1") console.log("a step failed, see above");
  console.log(`${result.passed} passed, ${result.failed} failed`);
  return result.failed === 0 && result.passed > 0 && earlier !== "1" ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
