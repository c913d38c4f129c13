import { expect, test } from "vitest";
import type { ChainBlock } from "./blocks.ts";
import { createView, noFaults } from "./rpcView.ts";

const chainTo = (head: number): ChainBlock[] =>
  Array.from({ length: head + 1 }, (_, number) => ({ number, hash: `0x${number}` }) as unknown as ChainBlock);

test("the shown head stands still when a lag begins and never goes back", () => {
  let blocks = chainTo(10);
  const switches = noFaults();
  const view = createView({ blocks: () => blocks, finalityDepth: 4, switches });
  const headAt = (head: number) => {
    blocks = chainTo(head);
    return view.head();
  };
  switches.lagBlocks = 3;
  expect([10, 12, 13, 14].map(headAt)).toEqual([10, 10, 10, 11]);
  expect(view.finalized()).toBe(7);
  switches.lagBlocks = 0;
  expect(view.head()).toBe(14);
});

test.each([
  [undefined, 10],
  ["latest", 10],
  ["pending", 10],
  ["finalized", 6],
  ["safe", 6],
  ["earliest", 0],
  ["0x7", 7],
  [{ blockHash: "0x1" }, null],
  [`0x${"1".repeat(64)}`, null],
])("the block parameter %j is %j", (parameter, number) => {
  const view = createView({ blocks: () => chainTo(10), finalityDepth: 4, switches: noFaults() });
  expect(view.blockNumber(parameter)).toBe(number);
});

test("an unknown block parameter is refused", () => {
  const view = createView({ blocks: () => chainTo(10), finalityDepth: 4, switches: noFaults() });
  for (const parameter of ["newest", 7, "0x", "0xzz"])
    expect(() => view.blockNumber(parameter)).toThrow(/invalid block/);
});
