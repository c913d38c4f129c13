import { sharesMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { compareHoldings } from "./compare.ts";
import { tokens } from "./forkedChain.testing.ts";

const holding = (n: number, shares: number) => ({
  tokenId: tokens[n] ?? ("0" as never),
  sharesMicro: sharesMicro(BigInt(shares)),
});

test.each([
  ["the same", [holding(0, 5)], [holding(0, 5)], []],
  ["nothing on the chain, not listed", [holding(0, 0)], [], []],
  ["another amount", [holding(0, 5)], [holding(0, 4)], [[5n, 4n]]],
  ["held and not listed", [holding(0, 5)], [], [[5n, null]]],
  ["listed and gone", [holding(0, 0)], [holding(0, 4)], [[0n, 4n]]],
  ["listed and not read", [], [holding(1, 4)], [[null, 4n]]],
  ["listed as empty and not read", [], [holding(1, 0)], [[null, 0n]]],
])("%s", (_name, chain, index, differences) => {
  const found = compareHoldings(chain, index).map(({ chainMicro, indexMicro }) => [chainMicro, indexMicro]);
  expect(found).toEqual(differences);
});
