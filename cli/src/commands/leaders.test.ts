import { expect, test } from "vitest";
import { parseFollow } from "./leaders.ts";

test.each([
  [undefined, null],
  ["now", { kind: "now" }],
  ["90840326", { kind: "block", block: 90_840_326 }],
  ["30d", { kind: "days", days: 30 }],
])("--from %s", (text, follow) => expect(parseFollow(text)).toEqual(follow));

test.each(["", "yesterday", "0d", "366d", "-1", "1.5"])("--from %j is refused with what is allowed", (text) => {
  expect(() => parseFollow(text)).toThrow(/now, a block, or 1d to 365d/);
});
