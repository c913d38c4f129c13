import type { HeldLot, PendingExit } from "@slipstream/contracts/live";
import { type SharesMicro, sharesMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { leftBehind } from "./leftBehind.ts";
import { account, leader, tokenId } from "./overview.testing.ts";

const ten = sharesMicro(10_000_000n);
const none = sharesMicro(0n);
const lot: HeldLot = {
  ...{ account, leader, tokenId, sharesMicro: ten },
  ...{ isDust: false, isUnpaid: false, whenRemoved: null },
};
const exit: PendingExit = {
  ...{ account, leader, tokenId, conditionId: null, sharesMicro: ten, sinceMs: 0, limitMicro: null },
  ...{ bestBidMicro: null, nextStepMs: null, orderId: null, reason: "WAITING" },
};
const whyOf = (over: Partial<HeldLot>, exits: readonly PendingExit[] = [], held: SharesMicro | null = none) =>
  leftBehind({ lots: [{ ...lot, ...over }], exits: [...exits] }, () => held).map(({ why }) => why);

test.each([
  ["that nobody sells is stranded", {}, [], none, ["stranded"]],
  ["with an exit is being sold", {}, [exit], none, ["selling"]],
  ["with an exit of another leader is stranded", {}, [{ ...exit, leader: account as never }], none, ["stranded"]],
  ["below the venue's minimum is dust", { isDust: true }, [], none, ["dust"]],
  ["of a closed market is unpaid", { isUnpaid: true, isDust: true }, [], none, ["unpaid"]],
  ["that a person keeps is kept", { whenRemoved: "keep" }, [], none, ["kept"]],
  ["that shall be closed and is not being sold is stranded", { whenRemoved: "close" }, [], none, ["stranded"]],
  ["whose leader still holds is his", {}, [], sharesMicro(1n), []],
  ["whose leader's holding is not known is not judged", {}, [], null, []],
] as const)("a lot %s", (_name, over, exits, held, why) => {
  expect(whyOf(over, exits, held)).toEqual(why);
});
