/** Short words for stories. */
import type { FactOf } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import {
  balance,
  conditionId,
  hash,
  leader,
  leaderFill,
  only,
  paper,
  price,
  quote,
  START_MS,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import { fillOrder, goodStory, type Story } from "./story.testing.ts";

/** Risk that only lets out. */
export const reduceOnly = { sizeFactorMicro: 500_000, reduceOnly: true, limitTicks: 0 };

export const lotOf = (of: Story) => [...of.state().lots.values()].map(({ sizeMicro }) => sizeMicro);
export const owedExits = (of: Story) => [...of.state().unfollowed.values()].map(({ remainingMicro }) => remainingMicro);
export const exits = (of: Story) => only(of.own, "OrderIntent").filter(({ kind }) => kind === "EXIT");
export const tick = (of: Story, afterMs = 0): void => {
  of.view.nowMs += afterMs;
  of.say({ type: "Tick" });
};
/** Sizes of our exits so far. */
export const sold = (of: Story) => exits(of).map(({ sizeMicro }) => sizeMicro);
/** The venue has the newest order. */
export const placed = (of: Story): void => {
  const order = only(of.own, "OrderIntent").at(-1);
  if (order !== undefined) of.say({ type: "Placed", orderId: order.orderId, placeAtMs: of.view.nowMs + 150 });
};
export const limits = (of: Story) => exits(of).map(({ limitPriceMicro }) => limitPriceMicro);
export const bidAt = (of: Story, at: number): void => {
  of.view.quote = { ...quote, bestBidMicro: price(at) };
};
/** Nothing is held, and the best bid is 0.50. */
export function bidding(policy: Parameters<typeof goodStory>[0] = {}): Story {
  const made = goodStory(policy);
  bidAt(made, 0.5);
  return made;
}
/** We hold 10 of the leader's 100. */
export function holdingTen(): Story {
  const made = bidding();
  made.tell(leaderFill(1));
  fillOrder(made, 10);
  made.tell(balance(101, 100));
  return made;
}

const inward = new Set(["split", "transferIn"]);
/** Another act of the leader, in block 100 + n as his fill n would be. */
export const leaderAct = (
  n: number,
  act: FactOf<"LeaderAct">["act"],
  amount: number,
  direction: "in" | "out" = inward.has(act) ? "in" : "out",
): FactOf<"LeaderAct"> => ({
  type: "LeaderAct",
  v: 1,
  id: factId("LeaderAct", `${n}.${direction}`),
  ...{ tsEventMs: START_MS - 5_000, tsInitMs: START_MS, act, direction, leader, tokenId },
  sharesMicro: shares(amount),
  ...{ txHash: hash(2_000 + n), blockNumber: 100 + n, blockHash: hash(100 + n), logIndex: 3 },
});

/** The market of our token paid 10 shares that won. @param n - number of the settlement. */
export const settled = (over: Partial<FactOf<"PositionSettled">> = {}, n = 0): FactOf<"PositionSettled"> => ({
  type: "PositionSettled",
  v: 1,
  id: factId("PositionSettled", `${over.account ?? paper}.${over.tokenId ?? tokenId}`, n),
  ...{ tsEventMs: 0, tsInitMs: 0, account: paper, tokenId, conditionId },
  ...{ sharesMicro: shares(10), payoutMicro: usdc(10), costMicro: usdc(5), outcomeIndex: 0 },
  ...{ payoutNumerators: [1n, 0n], payoutDenominator: 1n, blockNumber: 9, source: "chain" },
  ...over,
});
