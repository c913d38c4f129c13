import type { AccountId, Address, TokenId } from "@slipstream/contracts/ids";
import type { HeldLot, PendingExit } from "@slipstream/contracts/live";
import { priceMicro, sharesMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { pendingLines } from "./pendingLines.ts";

const leader = `0x${"1".repeat(40)}` as Address;
const of = { account: "paper" as AccountId, leader, tokenId: "7" as TokenId };
const exit: PendingExit = {
  ...{ ...of, conditionId: null, orderId: null, sharesMicro: sharesMicro(10_000_000n), sinceMs: 1_000 },
  ...{ limitMicro: priceMicro(480_000), bestBidMicro: priceMicro(400_000), nextStepMs: 31_000, reason: "RESTING" },
};
const lot: HeldLot = {
  ...of,
  sharesMicro: sharesMicro(6_970_000n),
  isDust: false,
  isUnpaid: false,
  whenRemoved: "keep",
};
const options = { nowMs: 21_000, rows: 1, outcome: () => "Yes", short: () => "0x11" };

test("what waits is shown with its numbers, dust apart, and nothing of what there is not", () => {
  const dust = { ...lot, sharesMicro: sharesMicro(2_400_000n), isDust: true, isUnpaid: false, whenRemoved: null };
  const followed = { ...lot, whenRemoved: null };
  const unknown = { ...exit, sharesMicro: null, limitMicro: null, bestBidMicro: null, nextStepMs: null };
  expect(pendingLines({ exits: [exit, unknown], lots: [lot, dust, followed], buckets: [] }, options)).toEqual([
    "",
    "EXITS WAITING 2",
    "  paper    10         ≥ 0.48, bid 0.4, since 20 s, gives way in 10 s  RESTING  0x11  Yes",
    "  … and 1 more",
    "",
    "LOTS OF REMOVED LEADERS 1",
    "  paper    6.97       0x11  Yes (kept)",
    "",
    "DUST, below what the venue takes 1",
    "  paper    2.4        0x11  Yes",
  ]);
  expect(pendingLines({ exits: [unknown], lots: [], buckets: [] }, options)[2]).toBe(
    "  paper    ?          ≥ none, bid none, since 20 s  RESTING  0x11  Yes",
  );
  expect(pendingLines({ exits: [], lots: [followed], buckets: [] }, options)).toEqual([]);
  expect(pendingLines(null, options)).toEqual(["EXITS unknown: the executor does not answer"]);
});
