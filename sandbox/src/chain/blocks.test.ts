import type { Hash } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { expect, test } from "vitest";
import { chainDifference } from "./blocks.ts";

type Block = { readonly number: number; readonly hash: Hash };
const branch = (name: string, from: number, to: number): Block[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    number: from + index,
    hash: `${name}${from + index}` as Hash,
  }));

test.each([
  { name: "nothing new", told: branch("a", 1, 3), visible: branch("a", 1, 3), removed: [], added: [] },
  { name: "one block more", told: branch("a", 1, 3), visible: branch("a", 1, 4), removed: [], added: ["a4"] },
  {
    name: "a reorg of depth 2, newest taken back first",
    told: branch("a", 1, 4),
    visible: [...branch("a", 1, 2), ...branch("b", 3, 5)],
    removed: ["a4", "a3"],
    added: ["b3", "b4", "b5"],
  },
  {
    name: "blocks that fell out of memory are not taken back",
    told: branch("a", 1, 5),
    visible: branch("a", 3, 6),
    removed: [],
    added: ["a6"],
  },
])("$name", ({ told, visible, removed, added }) => {
  const difference = chainDifference(told, visible);
  expect(difference.removed.map((block) => block.hash)).toEqual(removed);
  expect(difference.added.map((block) => block.hash)).toEqual(added);
});

test("who applies every difference ends with the visible chain, whatever reorgs came between", () => {
  const step = fc.record({ depth: fc.nat(5), length: fc.integer({ min: 1, max: 7 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let visible = branch("genesis", 0, 6);
      let told = visible;
      const heard = [...visible];
      for (const [index, { depth, length }] of steps.entries()) {
        const kept = visible.slice(0, visible.length - depth);
        visible = [...kept, ...branch(`s${index}-`, kept.length, kept.length + length - 1)];
        const { removed, added } = chainDifference(told, visible);
        for (const block of removed) expect(heard.pop()).toEqual(block);
        heard.push(...added);
        told = visible;
        if (visible.length < 6) break;
      }
      expect(heard).toEqual(visible);
    }),
  );
});
