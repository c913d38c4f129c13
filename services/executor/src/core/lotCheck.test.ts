/** Lots beside positions: equal to the micro at the same place of the log, or the account is said to be broken. */
import { type FactOf, readFact, writeFact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { type SharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { conditionId, leaderFill, only, paper, sale, shares, tokenId } from "./facts.testing.ts";
import { bidAt, holdingTen, lotOf, tick } from "./stories.testing.ts";
import { fillOrder, type Story } from "./story.testing.ts";

/** What inventory says after the fact at `seq`. */
const position = (held: number | SharesMicro, seq: number): FactOf<"PositionChanged"> => {
  const size = typeof held === "bigint" ? held : shares(held);
  const none = shares(0);
  const free = usdcMicro(0n);
  return {
    ...{ type: "PositionChanged", v: 1, id: factId("PositionChanged", `${paper}.${tokenId}`, seq) },
    ...{ tsEventMs: 1, tsInitMs: 1, account: paper, tokenId, conditionId, confirmedBlock: 1 },
    ...{ confirmedMicro: size, pendingBuysMicro: none, pendingSellsMicro: none, reservedBuysMicro: none },
    ...{ reservedSellsMicro: none, effectiveMicro: size, conservativeExposureMicro: size, availableToSellMicro: size },
    ...{ settledMicro: none, claimableMicro: free, tradedMicro: size, costMicro: free, realizedPnlMicro: free },
    ...{ feesMicro: free, collateralMicro: free, availableCollateralMicro: free },
  };
};
const said = (of: Story) =>
  only(of.own, "LotsDisagreed").map(({ lotsMicro, heldMicro, atSeq }) => [lotsMicro, heldMicro, atSeq]);
/** Place of the newest fill in the log of the story. */
const newestFill = (of: Story): number => of.facts.findLastIndex(({ type }) => type === "ExecutionFill") + 1;

test("equal sums say nothing, also when inventory speaks of a moment before the last fill", () => {
  const made = holdingTen();
  const bought = newestFill(made);
  bidAt(made, 0.5);
  made.tell(sale(2, 100));
  fillOrder(made, 10);
  made.tell(position(10, bought), position(0, newestFill(made)));
  tick(made);
  expect(said(made)).toEqual([]);
});

test("a micro too many or too few is said once, with both numbers and the place", () => {
  const made = holdingTen();
  const at = newestFill(made);
  made.tell(position((shares(10) - 1n) as SharesMicro, at), position((shares(10) - 1n) as SharesMicro, at));
  tick(made);
  tick(made);
  expect(said(made)).toEqual([[shares(10), shares(10) - 1n, at]]);
  const [fact] = only(made.own, "LotsDisagreed");
  expect(fact === undefined ? null : readFact(writeFact(fact))).toMatchObject({ kind: "fact" });
  // Another difference is news, the end of it is none.
  made.tell(position(9, at));
  tick(made);
  made.tell(position(10, at));
  tick(made);
  expect(said(made).slice(1)).toEqual([[shares(10), shares(9), at]]);
});

test("what a sale leaves as dust still counts", () => {
  const made = holdingTen();
  bidAt(made, 0.5);
  made.tell(sale(2, 100));
  fillOrder(made, 9.995);
  made.tell(position(0.005, newestFill(made)));
  tick(made);
  expect([said(made), lotOf(made)]).toEqual([[], [shares(0.005)]]);
});

test("that nothing was left, said late, does not lose what was bought since", () => {
  const made = holdingTen();
  bidAt(made, 0.5);
  made.tell(sale(2, 100));
  fillOrder(made, 10);
  const sold = newestFill(made);
  made.tell(leaderFill(3));
  fillOrder(made, 4);
  made.tell(position(0, sold), position(4, newestFill(made)));
  tick(made);
  expect(said(made)).toEqual([]);
});

test("a token of which nothing is left is forgotten, and still must be empty", () => {
  const made = holdingTen();
  bidAt(made, 0.5);
  made.tell(sale(2, 100));
  fillOrder(made, 10);
  const at = newestFill(made);
  made.tell(position(0, at));
  expect(made.state().lotSums.size).toBe(0);
  made.tell(position(1, at + 1));
  tick(made);
  expect(said(made)).toEqual([[shares(0), shares(1), at + 1]]);
});
