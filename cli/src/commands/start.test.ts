import type { Address } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import { besidesLines } from "./start.ts";

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
