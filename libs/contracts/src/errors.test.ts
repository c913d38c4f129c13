import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { assertNever, ContractError, errorCodes, InvariantError } from "./errors.ts";

const root = join(import.meta.dirname, "..", "..", "..");

test("docs/errors.md has a row for each code, and no other", () => {
  const text = readFileSync(join(root, "docs", "errors.md"), "utf8");
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (.+) \| (.+) \|$/gm)].map((row) => row[1]);
  expect(rows.toSorted()).toEqual(errorCodes.toSorted());
});

test("each code is given somewhere", () => {
  const sources = ["libs", "services", "sandbox", "cli"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts") && !path.includes("node_modules"))
      .filter((path) => join(folder, path) !== join("libs", "contracts", "src", "errors.ts"))
      .map((path) => readFileSync(join(root, folder, path), "utf8")),
  );
  const given = (code: string): boolean =>
    code === new InvariantError("").code || sources.some((text) => text.includes(`"${code}"`));
  expect(errorCodes.filter((code) => !given(code))).toEqual([]);
});

test("an error keeps its code, its class and its cause", () => {
  const cause = new Error("below");
  const error = new ContractError("ID_INVALID", "no wallet", { cause });
  expect(error).toMatchObject({ name: "ContractError", code: "ID_INVALID", message: "no wallet", cause });
});

test("a case that cannot be says which", () => {
  expect(() => assertNever("surprise" as never)).toThrow('unexpected case "surprise"');
});
