import fc from "fast-check";
import { expect, test } from "vitest";
import { plainText } from "./text.ts";

test.each([
  ["a plain question?", 40, "a plain question?"],
  ["\u001b[31mred\u001b[0m", 40, "[31mred [0m"],
  ["two\r\nlines\u2028three", 40, "two lines three"],
  ["abc\u202egnp.exe", 40, "abc gnp.exe"],
  ["a long question", 6, "a lon…"],
  ["👍🏽👍🏽👍🏽", 3, "👍🏽👍🏽👍🏽"],
  ["👍🏽👍🏽👍🏽👍🏽", 3, "👍🏽👍🏽…"],
  ["cut \ud83d", 40, "cut \ufffd"],
  ["  ", 40, ""],
])("%j in %i characters is %j", (text, max, expected) => {
  expect(plainText(text, max)).toBe(expected);
});

test("whatever comes in, what goes out is bounded, whole and printable", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (text, max) => {
      const plain = plainText(text, max);
      expect(plain.isWellFormed()).toBe(true);
      expect(plain).not.toMatch(/\p{Cc}/u);
      expect(plain.length).toBeLessThanOrEqual(max * 16);
      expect(plainText(plain, max)).toBe(plain);
    }),
  );
});
