/**
 * Whatever leaders do, and however late and disordered it is told: nothing is held for a leader who has left, and nothing is
 * sold of what he only bought.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { market, only } from "./facts.testing.ts";
import { openOrders } from "./state.ts";
import { type Did, key, leaders, type Move, type Run, type Step, tokens, World } from "./stranding.testing.ts";

const one = fc.constantFrom<0 | 1>(0, 0, 0, 1);
const token = fc.constantFrom<0 | 1>(0, 1);
const did: fc.Arbitrary<Did> = fc.record({
  do: fc.constantFrom<Move>("buy", "buy", "sell", "sell", "split", "merge", "transferIn", "transferOut", "convert"),
  ...{ who: one, token, size: fc.integer({ min: 1, max: 20 }), sameBlock: fc.boolean() },
  ...{ late: fc.constantFrom(0, 0, 0, 1, 2, 4), early: fc.boolean(), swapped: fc.boolean() },
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 9, arbitrary: did },
  fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(400, 3_000, 11_000, 60_000) }),
  fc.record({ do: fc.constant("read" as const), who: one, back: fc.nat(4) }),
  fc.record({ do: fc.constant("book" as const), isThere: fc.constantFrom(true, false) }),
  fc.record({ do: fc.constant("risk" as const), level: fc.constantFrom("normal", "normal", "degrade", "halt") }),
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ do: fc.constant("venue" as const), pick: fc.nat(3) },
      how: fc.constantFrom("fill", "fill", "part", "expired", "canceled"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("answer" as const),
      how: fc.constantFrom("grant", "grant", "part", "deny"),
    }),
  },
  fc.record({ do: fc.constant("reorg" as const), pick: fc.nat(3), late: fc.nat(3) }),
);
const removal: fc.Arbitrary<Step> = fc.record({
  ...{ do: fc.constant("remove" as const), who: one, when: fc.constantFrom("follow", "close", "keep") },
});
const run: fc.Arbitrary<Run> = fc.record({
  steps: fc.array(fc.oneof({ weight: 30, arbitrary: step }, removal), { minLength: 2, maxLength: 24, size: "max" }),
  ...{ grants: fc.boolean(), fills: fc.boolean(), fillsLate: fc.boolean(), finality: fc.integer({ min: 1, max: 6 }) },
  ...{ before: fc.constantFrom(0, 0, 10), read: fc.boolean() },
});

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
        expect({ at, waiting, isStranded: size >= Number(market.minOrderSizeMicro) / 1e6 ? size : 0 }).toEqual({
          at,
          waiting: [],
          isStranded: 0,
        });
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

const numRuns = Number(process.env["FC_RUNS"] ?? 200);

test("nothing is held for a leader who has left, nothing is sold that he only bought, nothing is bought beyond him", () => {
  fc.assert(
    fc.property(run, (of) => check(live(of))),
    { numRuns },
  );
});
