import { createRandom } from "@slipstream/sandbox/actors/random";
import fc from "fast-check";
import { expect, test } from "vitest";
import { lastingAt, type PlanShape, planFaults } from "./plan.ts";

const shape: PlanShape = {
  ...{
    nodes: 3,
    calm: 5,
    hold: 6,
    every: 8,
    depths: [1, 7, 20],
    reorgEvery: 3,
    absence: { blocks: 30, quiet: 10 },
    mixed: 100,
    apiLateMs: 30_000,
  },
};
const planOf = (seed: string) => planFaults(createRandom(seed), shape);

test("a seed always gives the same plan, and another one another", () => {
  expect(planOf("a")).toEqual(planOf("a"));
  expect(planOf("a")).not.toEqual(planOf("b"));
});

test("whatever the seed: each fault is there, each depth, calm before, and never two that lie at once", () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      const plan = planOf(seed);
      const { lasting, momentary, blocks } = plan;
      const kinds = new Set([...lasting, ...momentary].map(({ fault }) => fault.kind));
      expect(kinds.size).toBe(18);
      const reached = momentary.flatMap(({ fault }) => (fault.kind === "reorg" ? fault.depth : []));
      for (const depth of shape.depths) expect(reached).toContain(depth);
      for (let block = 1; block <= blocks; block++) {
        const now = lastingAt(plan, block);
        if (block <= shape.calm) expect(now).toEqual([]);
        expect(now.filter(({ kind }) => kind === "lie").length).toBeLessThanOrEqual(1);
      }
      for (const { toBlock } of lasting) expect(toBlock).toBeLessThanOrEqual(blocks);
    }),
  );
});
