import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { amountWord, isZeroWord, lastDigit, loadData, tokenOfWord } from "./logWords.ts";

const hexOf = (value: bigint): string => value.toString(16).padStart(64, "0");
const dataOf = (...values: readonly bigint[]): string => `0x${values.map(hexOf).join("")}`;
/** As a reader meets it: a string of its own. */
const load = (data: string): string => {
  loadData(data);
  return data;
};

describe("amounts", () => {
  const limits = [32n, 48n, 52n, 53n, 63n, 64n, 65n, 255n, 256n].flatMap((bits) => [1n << bits, (1n << bits) - 1n]);
  test.each([0n, 1n, ...limits.filter((value) => value < 1n << 256n)])("%s is exact", (value) => {
    const data = load(dataOf(7n, value, 9n));
    expect([0, 1, 2].map((n) => amountWord(data, n))).toEqual([7n, value, 9n]);
  });
  test.each([..."gG/:@`{ -x\u{130}\ud800\u0000"])("a word with %j anywhere is refused", (strange) => {
    fc.assert(
      fc.property(fc.nat(63), (at) => {
        const word = hexOf(0x1234n);
        const data = load(`0x${word.slice(0, at)}${strange}${word.slice(at + 1)}${hexOf(0n)}`);
        expect(amountWord(data, 0)).toBe(null);
        expect(tokenOfWord(data, 0)).toBe(null);
        expect(isZeroWord(0)).toBe(false);
      }),
    );
  });
});

test("zero words and last digits", () => {
  load(dataOf(0n, 1n, 15n, 16n, 1n << 200n));
  expect([0, 1, 2, 3, 4].map(isZeroWord)).toEqual([true, false, false, false, false]);
  expect([0, 1, 2, 3, 4].map(lastDigit)).toEqual([0, 1, 15, -1, -1]);
});

test("data that does not begin with 0x is told", () => {
  expect(loadData(dataOf(1n))).toBe(true);
  expect(loadData(`0X${hexOf(1n)}`)).toBe(false);
  expect(loadData(`  ${hexOf(1n)}`)).toBe(false);
});

describe("tokens", () => {
  test("upper case is refused, also where the same token in lower case is known", () => {
    expect(tokenOfWord(load(dataOf(0xabcdefn)), 0)).toBe("11259375");
    const data = load(`0x${hexOf(0xabcdefn).toUpperCase()}`);
    expect(tokenOfWord(data, 0)).toBe(null);
  });
  test("more tokens than are remembered, new and again, and tokens that differ by one", () => {
    const token = (n: number): bigint => (BigInt(n % 7) << 240n) + (BigInt(n) << 120n) + BigInt(n % 2);
    for (const from of [0, 0]) {
      for (let n = from; n < from + 33_000; n++) {
        const value = token(n);
        if (tokenOfWord(load(dataOf(0n, value)), 1) !== value.toString()) throw new Error(`token ${value}`);
      }
    }
  });
});
