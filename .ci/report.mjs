/**
 * Reads vitest's JSON reports, lists what failed or did not run, and ends with the line "N passed, N failed" over all of
 * them. Arguments: 1 when an earlier step failed, else 0; the reports.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Counts a report. A file that could not be loaded, or has no test, counts as one failure, and so does each test that did
 * not run: everything can run here.
 */
export function summarise(report) {
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
      else {
        failed += 1;
        lines.push(`${test.status === "failed" ? "failed" : "not run"}: ${file.name}: ${test.fullName}`);
      }
    }
  }
  return { passed, failed, lines };
}

const nothing = { passed: 0, failed: 1, lines: ["failed: vitest left no report"] };

function main([earlier, ...paths]) {
  const results = paths.map((path) => {
    const isThere = existsSync(path) && statSync(path).size > 0;
    return isThere ? summarise(JSON.parse(readFileSync(path, "utf8"))) : nothing;
  });
  for (const line of results.flatMap(({ lines }) => lines)) console.log(line.replaceAll(`${root}/`, ""));
  if (earlier === "1") console.log("a step failed, see above");
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
  const isGood = results.length > 0 && results.every(({ passed, failed }) => passed > 0 && failed === 0);
  return isGood && earlier !== "1" ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
