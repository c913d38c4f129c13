import { expect, test } from "vitest";
import { runTape } from "./tape.ts";

test("a file that holds no record is no tape", async () => {
  const readme = new URL("../../../README.md", import.meta.url).pathname;
  await expect(runTape(["info", readme], { output: undefined })).rejects.toMatchObject({
    code: "TAPE_INVALID",
    message: `${readme} is no tape: no line of it is a record`,
  });
});

test("a word that is missing is asked for", async () => {
  await expect(runTape([], { output: undefined })).rejects.toThrow("tape: one of add-fills");
});
