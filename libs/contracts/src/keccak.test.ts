import fc from "fast-check";
import { keccak256 as viemKeccak } from "viem/utils";
import { expect, test } from "vitest";
import { keccak256 } from "./keccak.ts";

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString("hex")}`;

test("the hash of nothing is the published one", () => {
  expect(hex(keccak256(new Uint8Array()))).toBe("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
});

test("equal to viem's for each length around the ends of blocks", () => {
  const bytes = Uint8Array.from({ length: 410 }, (_, i) => (i * 167) & 0xff);
  for (const length of [1, 20, 32, 64, 134, 135, 136, 137, 271, 272, 273, 407, 408, 409]) {
    expect(hex(keccak256(bytes.subarray(0, length)))).toBe(viemKeccak(bytes.subarray(0, length)));
  }
});

test("equal to viem's for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(hex(keccak256(bytes))).toBe(viemKeccak(bytes));
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
  );
});
