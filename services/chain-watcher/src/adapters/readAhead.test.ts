import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDepth, type Piece, readAhead } from "./readAhead.ts";

const always = { depth: () => 3, goesOn: () => true };

async function collected(pieces: AsyncIterable<readonly Piece[]>): Promise<[number, number][]> {
  const found: [number, number][] = [];
  for await (const some of pieces)
    found.push(...some.map(({ fromBlock, toBlock }): [number, number] => [fromBlock, toBlock]));
  return found;
}

test("whatever a provider gives at once and however late: in order, without a hole, never too many at a time", async () => {
  const answers = fc.array(fc.record({ blocks: fc.nat(7), turns: fc.nat(5) }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      answers,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 9 }),
      async (given, depth, width) => {
        let asked = 0;
        let underWay = 0;
        let most = 0;
        const read = async (fromBlock: number, toBlock: number): Promise<Piece> => {
          const { blocks, turns } = given[asked++ % given.length] ?? { blocks: 0, turns: 0 };
          underWay += 1;
          most = Math.max(most, underWay);
          for (let n = 0; n < turns; n++) await turn();
          underWay -= 1;
          return { fromBlock, toBlock: Math.min(toBlock, fromBlock + blocks) };
        };
        const span = { fromBlock: 10, toBlock: 60 };
        const found = await collected(
          readAhead(span, { width: () => width, depth: () => depth, goesOn: () => true, read }),
        );
        let next = span.fromBlock;
        for (const [from, to] of found) {
          expect(from).toBe(next);
          next = to + 1;
        }
        expect(next).toBe(span.toBlock + 1);
        // What had been asked behind a piece that came short goes on beside its rest.
        expect(most).toBeLessThanOrEqual(2 * depth);
      },
    ),
  );
});

describe("a piece that fails", () => {
  test("ends the reading where it is, though pieces behind it have come", async () => {
    const handed: number[] = [];
    const read = async (fromBlock: number, toBlock: number): Promise<Piece> => {
      if (fromBlock === 5) throw new Error("block 5");
      return { fromBlock, toBlock };
    };
    const reading = async (): Promise<void> => {
      for await (const some of readAhead({ fromBlock: 1, toBlock: 20 }, { ...always, width: () => 2, read })) {
        handed.push(...some.map(({ toBlock }) => toBlock));
      }
    };
    await expect(reading()).rejects.toThrow("block 5");
    expect(handed).toEqual([2, 4]);
  });
});

test("when it is to stop, what is under way still comes and nothing more is asked for", async () => {
  const asked: number[] = [];
  let goesOn = true;
  const read = async (fromBlock: number, toBlock: number): Promise<Piece> => {
    asked.push(fromBlock);
    if (asked.length === 3) goesOn = false;
    return { fromBlock, toBlock };
  };
  const found = await collected(
    readAhead({ fromBlock: 1, toBlock: 100 }, { depth: () => 5, width: () => 10, goesOn: () => goesOn, read }),
  );
  expect(asked).toEqual([1, 11, 21]);
  expect(found).toEqual([
    [1, 10],
    [11, 20],
    [21, 30],
  ]);
});

test("an empty span asks for nothing", async () => {
  const read = () => Promise.reject(new Error("asked"));
  expect(await collected(readAhead({ fromBlock: 5, toBlock: 4 }, { ...always, width: () => 2, read }))).toEqual([]);
});

test("a provider that fails is asked for half as much at once, and for one more after some answers", () => {
  const depth = createDepth(8);
  depth.bad();
  depth.bad();
  expect(depth.now()).toBe(2);
  for (let n = 0; n < 16; n++) depth.good();
  expect(depth.now()).toBe(3);
  for (let n = 0; n < 16 * 20; n++) depth.good();
  expect(depth.now()).toBe(8);
  for (let n = 0; n < 10; n++) depth.bad();
  expect(depth.now()).toBe(1);
});
