import { sharesMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addMovement, addSnapshot, emptyHolding, type Holding, holdingBefore, removeMovement } from "./holdings.ts";

const micro = (n: number) => sharesMicro(BigInt(n));
const move = (id: string, blockNumber: number, logIndex: number, delta: number) => ({
  ...{ id, blockNumber, logIndex },
  deltaMicro: micro(delta),
});
const snap = (blockNumber: number, held: number) => ({ blockNumber, sharesMicro: micro(held) });
const holding = (snapshots: ReturnType<typeof snap>[], movements: ReturnType<typeof move>[]): Holding => {
  const made = emptyHolding();
  for (const one of snapshots) addSnapshot(made, one, false);
  for (const one of movements) addMovement(made, one);
  return made;
};
const sold = (blockNumber: number, logIndex: number, amount: number) => ({
  ...{ blockNumber, logIndex },
  soldMicro: micro(amount),
});

describe("what a leader held before a sale", () => {
  test.each<[string, Holding, ReturnType<typeof sold>, number | null]>([
    [
      "nothing is known without a snapshot, whatever he bought",
      holding([], [move("a", 5, 1, 100)]),
      sold(9, 1, 10),
      null,
    ],
    ["a snapshot before it and nothing since", holding([snap(5, 200)], [move("s", 9, 1, -10)]), sold(9, 1, 10), 200],
    [
      "fills between snapshot and sale, also in its own block",
      holding([snap(5, 200)], [move("a", 6, 1, 50), move("b", 9, 0, -30), move("s", 9, 1, -10), move("c", 9, 2, -5)]),
      sold(9, 1, 10),
      220,
    ],
    [
      "a snapshot of the sale's block: the sale and later fills are taken out of it",
      holding([snap(9, 100)], [move("b", 9, 0, -30), move("s", 9, 1, -10), move("c", 9, 2, -5)]),
      sold(9, 1, 10),
      115,
    ],
    [
      "a later snapshot, fills after it do not count",
      holding([snap(11, 100)], [move("s", 9, 1, -10), move("c", 10, 2, -5), move("d", 12, 0, -50)]),
      sold(9, 1, 10),
      115,
    ],
    [
      "a snapshot before it that lacks an inflow is passed over for a later one",
      holding([snap(5, 0), snap(9, 20)], [move("s", 9, 1, -10)]),
      sold(9, 1, 10),
      30,
    ],
    ["he cannot have held less than he sold", holding([snap(5, 3)], [move("s", 9, 1, -10)]), sold(9, 1, 10), null],
  ])("%s", (_name, given, fill, expected) => {
    expect(holdingBefore(given, fill)).toBe(expected === null ? null : micro(expected));
  });

  test("a fill that was taken back does not count", () => {
    const made = holding([snap(5, 200)], [move("a", 6, 1, 50), move("s", 9, 1, -10)]);
    removeMovement(made, "a");
    expect(holdingBefore(made, sold(9, 1, 10))).toBe(micro(200));
  });

  test("a lower block is ignored, unless a reorg took blocks back", () => {
    const made = holding([snap(8, 200), snap(7, 1)], []);
    expect(holdingBefore(made, sold(9, 1, 10))).toBe(micro(200));
    addSnapshot(made, snap(7, 150), true);
    expect(holdingBefore(made, sold(9, 1, 10))).toBe(micro(150));
  });

  test("what was forgotten makes the answer unknown, not wrong", () => {
    const made = holding([snap(1, 1_000_000)], []);
    for (let n = 0; n < 200; n++) addMovement(made, move(`m${n}`, 2 + n, 0, 1));
    expect(holdingBefore(made, sold(500, 0, 10))).toBeNull();
  });
});

test("with every fill seen, the answer is what was held, whichever block was read", () => {
  const steps = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 2 }), delta: fc.integer({ min: -50, max: 50 }) }), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(
    fc.property(steps, fc.nat(), fc.nat(), fc.integer({ min: 0, max: 100 }), (list, at, read, opening) => {
      let held = 1_000 + opening;
      let blockNumber = 10;
      let logIndex = 0;
      const heldAtEnd = new Map<number, number>([[9, held]]);
      const history = list.map(({ gap, delta }, n) => {
        blockNumber += gap;
        logIndex += 1;
        const before = held;
        held += delta;
        heldAtEnd.set(blockNumber, held);
        return { before, movement: move(`m${n}`, blockNumber, logIndex, delta) };
      });
      const asked = history[at % history.length];
      const [block, amount] = [...heldAtEnd][read % heldAtEnd.size] ?? [0, 0];
      if (asked === undefined) return;
      const made = holding(
        [snap(block, amount)],
        history.map(({ movement }) => movement),
      );
      const fill = { ...asked.movement, soldMicro: micro(1) };
      expect(holdingBefore(made, fill)).toBe(micro(asked.before));
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
  );
});
