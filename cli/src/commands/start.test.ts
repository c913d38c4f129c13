import type { Address } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { besidesLines, removedLines, toFollow } from "./start.ts";

const wallet = (digit: string): Address => `0x${digit.repeat(40)}` as Address;

test("a start says whom it follows beside those it was told", () => {
  const rows = [wallet("1"), wallet("2")].map((leader) => ({ leader, label: "whale", whenRemoved: null }));
  expect(besidesLines([{ address: wallet("2") }], rows)).toEqual([
    `still followed from before: ${wallet("1")} (whale); to end it: npm run slipstream -- leaders remove ${wallet("1")}`,
  ]);
  expect(
    besidesLines(
      rows.map(({ leader }) => ({ address: leader })),
      rows,
    ),
  ).toEqual([]);
});

test("whom a person removed stays removed at the next start, unless a person names him", () => {
  const known = [{ leader: wallet("1"), label: "", whenRemoved: "close" as const }];
  const told = [{ address: wallet("1") }, { address: wallet("2") }];
  expect(toFollow(told, known, false)).toEqual([{ address: wallet("2") }]);
  expect(toFollow(told, known, true)).toEqual(told);
  expect(removedLines(told, known)).toEqual([
    `removed before, so not followed: ${wallet("1")}; npm run slipstream -- leaders add ${wallet("1")}`,
  ]);
  expect(besidesLines(told, known)).toEqual([]);
});
