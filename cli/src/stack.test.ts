import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "@slipstream/contracts/env";
import { afterAll, expect, test } from "vitest";
import { cliEnv } from "./config.ts";
import { openRunFolder } from "./runFolder.ts";
import { storeOf } from "./stack.ts";

const path = mkdtempSync(join(tmpdir(), "slipstream-stack-"));
afterAll(() => rmSync(path, { recursive: true, force: true }));
const folder = openRunFolder(path);
const ofSeed = (seed: string) => ({ folder, settings: parseEnv(cliEnv, { SANDBOX_SEED: seed }) });

test("each seed of the sandbox has a log of its own, and finds it again", () => {
  expect(storeOf(ofSeed("a"), "sandbox")).not.toBe(storeOf(ofSeed("b"), "sandbox"));
  expect(storeOf(ofSeed("a"), "sandbox")).toBe(storeOf(ofSeed("a"), "sandbox"));
});

test("a tape that is played again begins with an empty log, and touches no other", () => {
  const files = ["tape", "polygon"].map((home) => folder.file(home, "nats", "log"));
  for (const file of files) writeFileSync(file, "");
  expect(storeOf(ofSeed("a"), "tape")).toBe("tape");
  expect(files.map((file) => existsSync(file))).toEqual([false, true]);
});
