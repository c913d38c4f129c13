/**
 * Whatever leaders do, and however late and disordered it is told: nothing is held for a leader who has left, and nothing is
 * sold of what he only bought.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { market, only } from "./facts.testing.ts";
import { openOrders } from "./state.ts";
import { key, leaders, tokens, World } from "./stranding.testing.ts";
import { type Run, run } from "./strandingSteps.testing.ts";

function check(world: World): void {
  const { story } = world;
  const state = story.state();
  expect([...openOrders(state)]).toEqual([]);
  for (const who of leaders) {
    for (const of of tokens) {
      const at = key(who, of);
      const lot = [...state.lots.values()].find((one) => one.leader === who && one.tokenId === of);
      const size = Number(lot?.sizeMicro ?? 0n) / 1e6;
      const waiting = [...state.unfollowed.values()].filter((exit) => exit.leader === who && exit.tokenId === of);
      const held = world.held.get(at) ?? 0;
      if (held === 0 && !world.kept.has(who)) {
        const stranded = size >= Number(market.minOrderSizeMicro) / 1e6 ? size : 0;
        expect({ at, waiting, stranded }).toEqual({ at, waiting: [], stranded: 0 });
      }
      expect(size).toBeLessThanOrEqual((world.bought.get(at) ?? 0) / 10 + 1e-6);
      const sales = only(story.own, "OrderIntent").filter(
        (order) => order.kind === "EXIT" && order.leader === who && order.tokenId === of,
      );
      if (!world.gave.has(at) && !world.closed.has(who)) expect({ at, sales }).toEqual({ at, sales: [] });
    }
  }
}

function live(of: Run): World {
  const world = new World(of);
  for (const step of of.steps) world.step(step);
  world.finish();
  return world;
}

/** The suite's runs are always the same; `FC_RUNS` looks for others. */
const runs = process.env["FC_RUNS"];
const options = runs === undefined ? { numRuns: 200, seed: 1 } : { numRuns: Number(runs) };

test("nothing is held for a leader who has left, nothing is sold that he only bought, nothing is bought beyond him", () => {
  fc.assert(
    fc.property(run, (of) => check(live(of))),
    options,
  );
});
