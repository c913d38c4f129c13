import { expect, test } from "vitest";
import { checkHead } from "./heads.ts";
import type { Node } from "./readingTypes.ts";

const NOW_MS = 10_000_000;
const nodeAt = (number: number, tsMs: number): Node => {
  const head = async () => ({ number, tsMs, hash: "0x1", parentHash: "0x0", logsBloom: null });
  return { name: `at ${number}`, reader: { head } } as unknown as Node;
};
/** Whether a head of that number, of a moment ago, is taken while block 100 of a quarter of an hour ago is known. */
const isTaken = (number: number, ...others: Node[]): Promise<boolean> => {
  const node = nodeAt(number, NOW_MS - 1_000);
  const head = { number, tsMs: NOW_MS - 1_000, hash: "0x1", parentHash: "0x0", logsBloom: null } as never;
  const check = checkHead({ others: () => others }, { node, head }, { number: 100, tsMs: NOW_MS - 900_000 }, NOW_MS);
  return check.then(
    () => true,
    () => false,
  );
};

test("a head far above the last is held against nodes that are up to date", async () => {
  expect(await isTaken(1_000, nodeAt(990, NOW_MS - 2_000))).toBe(true);
  expect(await isTaken(1_000, nodeAt(550, NOW_MS - 2_000))).toBe(false);
});

test("a node that stands still is no witness: the one that goes on is believed as far as the time allows", async () => {
  const still = nodeAt(100, NOW_MS - 900_000);
  expect(await isTaken(1_000, still)).toBe(true);
  expect(await isTaken(1_000_000_000, still)).toBe(false);
  expect(await isTaken(1_000, still, nodeAt(550, NOW_MS - 2_000))).toBe(false);
});
