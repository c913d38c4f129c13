import { describe, expect, test } from "vitest";
import { paces } from "../actors/cast.ts";
import { createRandom } from "../actors/random.ts";
import { marketGroups, successor, worldMarkets } from "../markets.ts";
import { firstEndTicks, type Group, marketEnd, payoutsOf } from "./schedule.ts";

const groups: Group[] = [
  { negRisk: false, questions: 1 },
  { negRisk: false, questions: 1 },
  { negRisk: true, questions: 3 },
];
const ends = (seed: string, count: number) =>
  Array.from({ length: count }, (_, n) => marketEnd(seed, n, groups, "normal"));

test("the same seed ends the same markets in the same way, another seed others", () => {
  expect(ends("a", 60)).toEqual(ends("a", 60));
  expect(ends("b", 60)).not.toEqual(ends("a", 60));
  // What comes does not depend on what was asked before: a world that goes on asks from the middle.
  expect(marketEnd("a", 41, groups, "normal")).toEqual(ends("a", 60)[41]);
});

test("every group ends once in a round, and none twice in a row", () => {
  const order = ends("rounds", 300).map(({ group }) => group);
  for (let round = 0; round < 100; round++) {
    expect(new Set(order.slice(round * 3, round * 3 + 3))).toEqual(new Set([0, 1, 2]));
  }
  for (const [at, group] of order.entries()) expect(group, String(at)).not.toBe(order[at - 1]);
});

describe("payouts", () => {
  test("are whole as a rule, halves now and then, uneven rarely, and never all zero", () => {
    const random = createRandom("payouts");
    const drawn = Array.from(
      { length: 2_000 },
      () => payoutsOf({ negRisk: false, questions: 1 }, random)[0] ?? ([0, 0] as const),
    );
    const share = (of: (payouts: readonly [number, number]) => boolean) => drawn.filter(of).length / drawn.length;
    expect(share(([a, b]) => (a === 1 && b === 0) || (a === 0 && b === 1))).toBeGreaterThan(0.75);
    expect(share(([a, b]) => a === 1 && b === 1)).toBeGreaterThan(0.05);
    expect(share(([a, b]) => a !== b && a > 0 && b > 0)).toBeGreaterThan(0.02);
    expect(share(([a, b]) => a + b <= 0 || a < 0 || b < 0)).toBe(0);
  });

  test("an event has at most one true question", () => {
    const random = createRandom("event");
    const winners = Array.from({ length: 500 }, () =>
      payoutsOf({ negRisk: true, questions: 3 }, random).map(([yes, no]) => {
        expect(yes + no).toBe(1);
        return yes;
      }),
    ).map((questions) => questions.reduce((sum, yes) => sum + yes, 0));
    expect(new Set(winners)).toEqual(new Set([0, 1]));
  });
});

test("chain and Gamma take turns to be first, Gamma is late at times, the venue's word is missing at times", () => {
  const all = ends("words", 400).map(({ telling }) => telling);
  for (const { order, gammaTicks, chainTicks } of all) {
    expect(gammaTicks < chainTicks ? "gammaFirst" : "chainFirst").toBe(order);
  }
  expect(new Set(all.map(({ order }) => order)).size).toBe(2);
  for (const seed of Array.from({ length: 30 }, (_, n) => String(n))) {
    const first = marketEnd(seed, 0, groups, "normal").telling;
    expect([first.saidTicks === null, first.gammaTicks >= 40]).toEqual([false, false]);
  }
  expect(all.filter(({ gammaTicks }) => gammaTicks >= 40).length).toBeGreaterThan(20);
  expect(all.filter(({ saidTicks }) => saidTicks === null).length).toBeGreaterThan(20);
});

test("a run of a minute sees an end with half a minute to spare, a run of half an hour dozens", () => {
  for (const seed of ["1", "slipstream", "x"]) {
    expect(firstEndTicks(marketEnd(seed, 0, groups, "normal"))).toBeLessThanOrEqual(120);
    let [ticks, count] = [0, 0];
    for (; ticks < 30 * 240; count++) ticks += marketEnd(seed, count, groups, "normal").afterTicks;
    expect(count).toBeGreaterThan(36);
  }
  expect(paces).toContain("normal");
});

test("a market's successors have names of their own; questions of an event stay together", () => {
  expect(marketGroups).toEqual([[0], [1], [2], [3, 4]]);
  const names = worldMarkets.flatMap((_, slot) => [0, 1, 2].map((generation) => successor(slot, generation).chain));
  expect(new Set(names.map(({ slug }) => slug)).size).toBe(names.length);
  expect(successor(3, 2).chain).toEqual({
    ...{ slug: "mayor-green-3", negRisk: true, eventSlug: "next-mayor-3", questionIndex: 0 },
  });
  expect(successor(4, 2).chain).toMatchObject({ eventSlug: "next-mayor-3" });
  expect(successor(0, 0)).toBe(worldMarkets[0]);
});
