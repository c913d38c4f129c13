import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runReplay } from "./commands/replay.ts";
import { runStart } from "./commands/start.ts";
import { readSettings } from "./config.ts";
import { checkOutput, makeHome } from "./outputFile.ts";
import { openRunFolder } from "./runFolder.ts";

const folder = mkdtempSync(join(tmpdir(), "slipstream-output-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const missing = join(folder, "none", "report.json");
const file = join(folder, "there.json");
writeFileSync(file, "{}");

test("a file that can be written is taken, new or not", () => {
  for (const path of [null, file, join(folder, "new.json")]) checkOutput("--report", path);
});

test.each([
  ["in a folder that is not there", missing, "its folder is not there"],
  ["in a folder that is a file", join(file, "x"), "its folder is not there"],
  ["that is a folder", folder, "name a file"],
])("an output %s is refused", (_name, path, text) => expect(() => checkOutput("--report", path)).toThrow(text));

const outputs = { reportFile: null, fillsFile: null };
const run = { tape: null, leaders: [], forMs: 1, settings: readSettings({}), env: {}, signal: AbortSignal.abort() };

test.each([["reportFile"], ["fillsFile"]])("start refuses %s before it begins", async (name) => {
  const asked = { ...outputs, [name]: missing };
  await expect(runStart({ ...run, ...asked, folder: openRunFolder(join(folder, "home")) })).rejects.toThrow(
    "its folder",
  );
});

test.each([["reportFile"], ["fillsFile"], ["eventsFile"]])(
  "replay refuses %s before it reads the tape",
  async (name) => {
    const asked = { ...outputs, eventsFile: null, [name]: missing };
    const replay = { tape: join(folder, "no.tape"), leaders: [], latencyMs: null, forMs: null };
    await expect(runReplay({ ...replay, ...asked })).rejects.toThrow("its folder");
  },
);

// Node would try for ever below /proc.
test.skipIf(process.platform !== "linux")("a home that the system refuses ends the start", () => {
  expect(() => makeHome("/proc/slipstream")).toThrow("set SLIPSTREAM_HOME");
});

test("a home that cannot be made is said in a sentence", async () => {
  const home = join(file, "home");
  expect(() => makeHome(home)).toThrow(/cannot be written.*set SLIPSTREAM_HOME/);
  await expect(runStart({ ...run, ...outputs, folder: openRunFolder(home) })).rejects.toThrow("set SLIPSTREAM_HOME");
});
