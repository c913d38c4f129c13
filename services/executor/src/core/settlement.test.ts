/** The end of a market: its orders end, nothing new is tried, and what was held for leaders ends when it is paid. */
import type { FactOf } from "@slipstream/contracts/facts";
import { type AccountId, type Address, factId, type TokenId } from "@slipstream/contracts/ids";
import { expect, test } from "vitest";
import {
  balance,
  conditionId,
  configFact,
  grant,
  hash,
  leaderFill,
  market,
  only,
  paper,
  sale,
  shares,
  tokenId,
} from "./facts.testing.ts";
import { exposureOf } from "./state.ts";
import { bidAt, exits, holdingTen, lotOf, owedExits, placed, settled, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story, story } from "./story.testing.ts";

const close = (of: Story): void => {
  of.view.market = { ...market, closed: true, acceptingOrders: false };
};
const reasons = (of: Story) => only(of.own, "ExecutionAttempt").map(({ reasons: [first] }) => first?.code);

test("an open order ends with its market, and once", () => {
  const made = goodStory();
  made.tell(leaderFill(1));
  fillOrder(made, 4);
  close(made);
  tick(made);
  tick(made);
  expect(only(made.own, "OrderCancelRequested").map(({ reason }) => reason)).toEqual(["MARKET_CLOSED"]);
  expect(made.requests.some(({ type }) => type === "CancelOrder")).toBe(true);
  endOrder(made, "canceled");
  expect(only(made.own, "OrderCanceled").map(({ reason }) => reason)).toEqual(["MARKET_CLOSED"]);
  expect(lotOf(made)).toEqual([shares(4)]);
});

test.each(["closed", "acceptingOrders"] as const)("an order that is granted too late is abandoned: %s", (field) => {
  const made = story("silent");
  const good = goodStory();
  made.tell(...good.facts);
  made.tell(leaderFill(1));
  made.view.market = { ...market, [field]: field === "closed" };
  tick(made);
  const [intent] = only(made.own, "OrderIntent");
  if (intent === undefined) throw new Error("nothing was intended");
  made.tell(grant(intent));
  expect(only(made.own, "OrderAbandoned").map(({ reason }) => reason)).toEqual(["MARKET_CLOSED"]);
  expect(made.requests.some(({ type }) => type === "PlaceOrder")).toBe(false);
});

test("an exit that the end of the market stopped is not tried again, and ends when the market pays", () => {
  const made = holdingTen();
  made.tell(sale(3, 50));
  close(made);
  tick(made);
  endOrder(made, "canceled");
  tick(made, 120_000);
  expect(exits(made)).toHaveLength(1);
  expect(owedExits(made)).toEqual([shares(5)]);
  made.tell(sale(4, 50));
  expect(reasons(made)).toEqual(["MARKET_NOT_ACCEPTING_ORDERS"]);
  made.tell(settled());
  expect([lotOf(made), owedExits(made)]).toEqual([[], []]);
  expect(exposureOf(made.state(), paper, tokenId).tokens.size).toBe(0);
  // The leader goes on; for us there is nothing left to follow.
  made.tell(balance(104, 10), sale(5, 10));
  expect(reasons(made).at(-1)).toBe("NOTHING_TO_SELL");
});

test("what was saved up for a token ends with it, also where nothing is held any more", () => {
  const made = holdingTen();
  made.tell(leaderFill(2, { sharesMicro: shares(20) }));
  expect(made.state().buckets.size).toBe(1);
  made.tell(settled(), settled({}, 1));
  expect([made.state().buckets.size, lotOf(made)]).toEqual([0, []]);
});

test("a fill that comes after the payment is paid by the next one", () => {
  const made = holdingTen();
  made.tell(leaderFill(2));
  made.tell(settled());
  fillOrder(made, 3);
  expect(lotOf(made)).toEqual([shares(3)]);
  made.tell(settled({ sharesMicro: shares(3) }, 1));
  expect(lotOf(made)).toEqual([]);
});

test("what is on sale or on its way stays a lot until it is paid as well", () => {
  const made = holdingTen();
  made.tell(settled({ sharesMicro: shares(6) }), settled({ sharesMicro: shares(6) }));
  expect(lotOf(made)).toEqual([shares(4)]);
  made.tell(settled({ sharesMicro: shares(4.5) }, 1));
  expect(lotOf(made)).toEqual([]);
});

test("only the account and the token that were paid end", () => {
  const made = holdingTen();
  bidAt(made, 0.5);
  made.tell(settled({ account: "other" as AccountId }), settled({ tokenId: "8" as typeof tokenId }));
  expect(lotOf(made)).toEqual([shares(10)]);
  // What the leader redeems is no exit of ours.
  expect(exits(made)).toEqual([]);
});

/** The chain says it; the venue still shows an open market. */
const resolved: FactOf<"ConditionResolved"> = {
  ...{ type: "ConditionResolved", v: 1, id: factId("ConditionResolved", conditionId), tsEventMs: 0, tsInitMs: 0 },
  ...{ conditionId, tokenIds: [tokenId, "8" as TokenId], payoutNumerators: [0n, 1n], payoutDenominator: 1n },
  ...{ blockNumber: 9, blockHash: hash(9), source: "chain" },
};

test("nothing is bought in a market that the chain has resolved, though the venue is silent", () => {
  const made = goodStory();
  made.tell(resolved, leaderFill(1));
  expect(reasons(made)).toEqual(["MARKET_NOT_ACCEPTING_ORDERS"]);
});

test("an open order ends when the chain has resolved its market, though the venue is silent", () => {
  const made = goodStory();
  made.tell(leaderFill(1));
  placed(made);
  made.tell(resolved);
  tick(made);
  expect(only(made.own, "OrderCancelRequested").map(({ reason }) => reason)).toEqual(["MARKET_CLOSED"]);
});

test("an entry into a market that ended is skipped", () => {
  const made = goodStory();
  close(made);
  made.tell(leaderFill(1));
  expect(reasons(made)).toEqual(["MARKET_NOT_ACCEPTING_ORDERS"]);
});

test("of two leaders' lots the one that is not on sale is paid", () => {
  const other = `0x${"22".repeat(20)}` as Address;
  const made = holdingTen();
  bidAt(made, 0.5);
  made.tell(configFact(`leaders.${other}`, 1, { leader: other, enabled: true }), leaderFill(2, { leader: other }));
  fillOrder(made, 10);
  made.tell(sale(3, 100));
  placed(made);
  made.tell(settled());
  expect([...made.state().lots.values()].map(({ leader }) => leader)).not.toContain(other);
  // What was on its way when the market was paid.
  fillOrder(made, 10);
  expect(lotOf(made)).toEqual([]);
});
