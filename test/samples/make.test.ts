import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readSample } from "@slipstream/testkit/samples";
import { expect, test } from "vitest";
import { madeFolder, madeSamples } from "./make.ts";

test("the samples are what the code here makes; else run `node test/samples/make.ts`", () => {
  const made = madeSamples();
  const files = readdirSync(madeFolder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(madeFolder.length + 1));
  expect(paths.sort()).toEqual(Object.keys(made).sort());
  for (const [path, text] of Object.entries(made)) expect(readSample(join(madeFolder, path)) === text, path).toBe(true);
});
