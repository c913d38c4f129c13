import { usdcMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { overviewOf, position, tokenId } from "./overview.testing.ts";

test("the position that changed last is the last one: it has the newest collateral", () => {
  const other = { ...position(1n), tokenId: `${tokenId}1` as typeof tokenId };
  const newest = { ...position(2n), collateralMicro: usdcMicro(9_990_000_000n) };
  const { positions } = overviewOf(position(1n), other, newest);
  expect([...positions.values()].at(-1)).toBe(newest);
});
