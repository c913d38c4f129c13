import type { Fact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import type { Pending } from "@slipstream/contracts/live";
import { sharesMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import {
  account,
  execution,
  intent,
  leader,
  leaderFill,
  nothing,
  overviewOf,
  position,
  times,
  tokenId,
} from "./overview.testing.ts";
import { settledPending } from "./settle.ts";

const flat: Fact = {
  ...times,
  ...{ type: "BalanceSnapshot", id: factId("BalanceSnapshot", leader, 1), blockNumber: 1, blockHash: null },
  ...{ holder: { kind: "wallet", address: leader }, source: "chain", complete: false, afterReorg: false },
  ...{ balances: [{ tokenId, sharesMicro: sharesMicro(0n) }], collateralMicro: null },
};
const lot = { account, leader, tokenId, sharesMicro: sharesMicro(7n), isDust: false, isUnpaid: false };
const stranded: Pending = { ...nothing, lots: [{ ...lot, whenRemoved: null }] };

test("a lot whose leader has just left is asked for again, until its exit is known", async () => {
  const answers: (Pending | null)[] = [null, stranded, stranded, nothing];
  let asked = 0;
  const ask = async () => answers[asked++] ?? null;
  expect(await settledPending(overviewOf(flat), ask, 600_000)).toBe(nothing);
  expect(asked).toBe(4);
});

test("what stays without an exit is told as it is", async () => {
  expect(await settledPending(overviewOf(flat), async () => stranded, 1)).toBe(stranded);
});

test("it does not end between an exit's fill and the block that pays it", async () => {
  const facts = [leaderFill(1), intent(1), execution(1, 10_000_000n, 0n)];
  const overview = overviewOf(...facts);
  const settled = overviewOf(...facts, position(10_000_000n));
  let asked = 0;
  const ask = async () => {
    asked += 1;
    if (asked === 3) Object.assign(overview, settled);
    return nothing;
  };
  expect(await settledPending(overview, ask, 600_000)).toBe(nothing);
  expect(asked).toBe(3);
});
