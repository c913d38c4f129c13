import type { Fact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { usdcMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { leader, overviewOf, position, times, tokenId } from "./overview.testing.ts";

test("the position that changed last is the last one: it has the newest collateral", () => {
  const other = { ...position(1n), tokenId: `${tokenId}1` as typeof tokenId };
  const newest = { ...position(2n), collateralMicro: usdcMicro(9_990_000_000n) };
  const { positions } = overviewOf(position(1n), other, newest);
  expect([...positions.values()].at(-1)).toBe(newest);
});

test("a leader's fills are due from when he joined until he was removed, and again from when he came back", () => {
  const config = (revision: number, enabled: boolean): Fact => ({
    ...{ ...times, type: "ConfigChanged", id: factId("ConfigChanged", leader, revision) },
    ...{ key: `leaders.${leader}`, revision, value: { leader, enabled } },
  });
  const joined = (fromBlock: number, revision: number): Fact => ({
    ...{ ...times, type: "LeaderJoined", id: factId("LeaderJoined", leader, revision) },
    ...{ leader, fromBlock, toBlock: fromBlock - 1, revision },
  });
  const read = (cursor: number): Fact =>
    ({
      ...{ ...times, type: "ChainProgress", id: factId("ChainProgress", "all", cursor) },
      ...{ shard: "all", cursor, head: cursor + 2, headTsMs: 1 },
    }) as Fact;
  const dueOf = (...facts: Fact[]) => overviewOf(...facts).leaders.get(leader)?.due;
  const first = [config(1, true), joined(50, 1), read(76), config(2, false)];
  expect(dueOf(...first)).toEqual([{ fromBlock: 50, untilBlock: 76 }]);
  expect(dueOf(...first, read(182), config(3, true), joined(185, 3))).toEqual([
    { fromBlock: 50, untilBlock: 76 },
    { fromBlock: 185, untilBlock: null },
  ]);
});
