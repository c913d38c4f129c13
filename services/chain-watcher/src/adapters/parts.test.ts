import fc from "fast-check";
import { expect, test } from "vitest";
import { observed } from "../core/world.testing.ts";
import { partsOf } from "./parts.ts";

test("parts follow each other, hold everything once, cut no block, and none has many more fills than one block adds", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 100, max: 140 }), { maxLength: 400 }), (blocks) => {
      const fills = blocks.map((blockNumber, logIndex) => observed({ blockNumber, logIndex }));
      const parts = partsOf({ fromBlock: 100, toBlock: 140, fills, acts: [] });
      let next = 100;
      for (const part of parts) {
        expect(part.fromBlock).toBe(next);
        expect(part.toBlock).toBeGreaterThanOrEqual(part.fromBlock);
        next = part.toBlock + 1;
        const last = part.fills.filter(({ blockNumber }) => blockNumber === part.toBlock).length;
        expect(part.fills.length - last).toBeLessThan(50);
      }
      expect(next).toBe(141);
      const told = parts.flatMap((part) => part.fills.map(({ logIndex }) => logIndex));
      expect(told.sort((a, b) => a - b)).toEqual(fills.map(({ logIndex }) => logIndex));
    }),
  );
});

test("nothing to tell is one part", () => {
  expect(partsOf({ fromBlock: 1, toBlock: 9, fills: [], acts: [] })).toEqual([
    { fromBlock: 1, toBlock: 9, fills: [], acts: [] },
  ]);
});
