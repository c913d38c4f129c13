import { factId, type Hash } from "@slipstream/contracts/ids";
import { describe, expect, test } from "vitest";
import { buckets, intents, saved, small } from "./bucket.testing.ts";
import {
  balance,
  conditionId,
  configFact,
  fillId,
  grant,
  leader,
  leaderFact,
  loss,
  market,
  only,
  paper,
  policyFact,
  price,
  START_MS,
  sale,
  shares,
  tokenId,
} from "./facts.testing.ts";
import { pendingOf } from "./pending.ts";
import { leaderAct } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

const used = (of: Story) =>
  intents(of)
    .at(-1)
    ?.bucketUsed.map(({ leaderFillId, sizeMicro }) => [leaderFillId, sizeMicro]);
const DAY_MS = 86_400_000;

describe("what is saved up", () => {
  test("is not bought ten days later, and not at three times its price", () => {
    const made = goodStory();
    made.tell(small(made, 1, 4.5, 0.3));
    made.view.nowMs += 10 * DAY_MS;
    made.tell(small(made, 2, 6, 0.9));
    expect(intents(made).map(({ sizeMicro, bucketUsed }) => [sizeMicro, bucketUsed])).toEqual([[shares(6), []]]);
    expect(saved(made)).toBe(0n);
    made.tell(small(made, 3, 1, 0.9));
    expect(saved(made)).toBe(shares(1));
  });

  test.each([
    ["at its age limit", 3_600_000, true],
    ["a millisecond older", 3_600_001, false],
  ])("%s", (_name, afterMs, isBought) => {
    const made = goodStory();
    made.tell(small(made, 1, 4));
    made.view.nowMs += afterMs;
    made.tell(small(made, 2, 4));
    expect(used(made)).toEqual(isBought ? [[fillId(1), shares(4)]] : undefined);
    expect(saved(made)).toBe(isBought ? 0n : shares(4));
  });

  test("joins no order with a worse limit than its own, and stays", () => {
    const made = goodStory();
    made.tell(small(made, 1, 3, 0.5), small(made, 2, 4, 0.51));
    expect(intents(made)).toEqual([]);
    // 3 at 0.52, 4 at 0.53; a decision at 0.51 + 0.02 takes what was saved at 0.53.
    made.tell(small(made, 3, 2, 0.51));
    expect(used(made)).toEqual([[fillId(2), shares(4)]]);
    expect(buckets(made)).toMatchObject([[{ leaderFillId: fillId(1), sizeMicro: shares(3), limitMicro: price(0.52) }]]);
    made.tell(small(made, 4, 2, 0.5));
    expect(used(made)).toEqual([[fillId(1), shares(3)]]);
  });

  test("counts from the time of its signal, whenever it was decided", () => {
    const made = goodStory();
    const late = small(made, 1, 4);
    made.view.nowMs += 9_000;
    made.tell(late);
    made.view.nowMs = START_MS + 3_600_001;
    made.tell(small(made, 2, 4));
    expect(intents(made)).toEqual([]);
  });

  test("is visible with limit and age, until it has aged out or its market is closed", () => {
    const made = goodStory({ bucketAgeMsMax: 3 * 3_600_000 });
    made.tell(small(made, 1, 1.5));
    made.view.nowMs += 7_200_000;
    made.tell(small(made, 2, 2, 0.4));
    const shown = () => pendingOf({ state: made.state(), view: made.viewNow() }, null).buckets;
    expect(shown()).toMatchObject([
      {
        ...{ account: paper, leader, tokenId: "7", sharesMicro: shares(3.5) },
        parts: [
          { sharesMicro: shares(1.5), limitMicro: price(0.52), tsSignalMs: START_MS },
          { sharesMicro: shares(2), limitMicro: price(0.42) },
        ],
      },
    ]);
    const open = made.view.market;
    made.view.market = open === null ? null : { ...open, closed: true };
    expect(shown()).toEqual([]);
    made.view.market = open;
    expect(shown()).toHaveLength(1);
    made.view.nowMs += 3 * 3_600_000 + 1;
    expect(shown()).toEqual([]);
  });

  test("tells where it came from", () => {
    const made = goodStory();
    made.tell(small(made, 1, 3), small(made, 2, 4));
    expect(intents(made)[0]).toMatchObject({
      sizeMicro: shares(7),
      bucketUsed: [{ leaderFillId: fillId(1), sizeMicro: shares(3), limitMicro: price(0.52), tsSignalMs: START_MS }],
    });
  });

  test("for a fill that was reverted waits until that returns, and is gone when it never happened", () => {
    const made = goodStory();
    const first = small(made, 1, 3);
    made.tell(first, loss("LeaderFillReverted", first), small(made, 2, 4));
    expect(intents(made)).toEqual([]);
    made.tell(loss("LeaderFillRetracted", first));
    expect(saved(made)).toBe(shares(4));
  });

  test("keeps at most 256 parts, the newest", () => {
    const made = goodStory();
    // Each dearer than the one before, so that none joins another.
    made.view.market = { ...market, tickMicro: price(0.0001), minOrderSizeMicro: shares(1_000) };
    for (let n = 1; n <= 300; n++) made.tell(small(made, n, 1, 0.3 + n / 1_000));
    expect(buckets(made).map((parts) => [parts.length, parts[0]?.leaderFillId])).toEqual([[256, fillId(45)]]);
  });
});

describe("what an order did not buy goes back, with its age and price", () => {
  const ordered = (inventory: "grants" | "silent" | "denies" = "grants"): Story => {
    const made = goodStory({}, inventory);
    made.tell(small(made, 1, 2));
    made.view.nowMs += 1_000;
    made.tell(small(made, 2, 2));
    made.view.nowMs += 1_000;
    made.tell(small(made, 3, 3));
    expect(intents(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(7)]);
    return made;
  };
  const both = [
    [
      { leaderFillId: fillId(1), sizeMicro: shares(2), limitMicro: price(0.52), tsSignalMs: START_MS },
      { leaderFillId: fillId(2), sizeMicro: shares(2), limitMicro: price(0.52), tsSignalMs: START_MS + 1_000 },
    ],
  ];

  test("denied", () => {
    expect(buckets(ordered("denies"))).toEqual(both);
  });

  test("granted too little for the venue, and so abandoned", () => {
    const made = ordered("silent");
    for (const intent of intents(made)) made.tell(grant(intent, shares(4)));
    expect(only(made.own, "OrderAbandoned").map(({ reason }) => reason)).toEqual(["DENIED"]);
    expect(buckets(made)).toEqual(both);
  });

  test.each(["expired", "canceled", "blind"] as const)("%s", (kind) => {
    const made = ordered();
    expect(buckets(made)).toEqual([]);
    endOrder(made, kind);
    expect(buckets(made)).toEqual(both);
  });

  test("rejected", () => {
    const made = ordered();
    for (const { orderId } of intents(made)) made.say({ type: "VenueRefused", orderId, code: "NO", text: "no" });
    expect(buckets(made)).toEqual(both);
  });

  test("filled in part: the oldest was bought first", () => {
    const made = ordered();
    fillOrder(made, 3);
    endOrder(made, "expired");
    expect(buckets(made)).toEqual([[{ ...both[0]?.[1], sizeMicro: shares(1) }]]);
  });

  test("granted less, which is filled", () => {
    const made = ordered("silent");
    for (const intent of intents(made)) made.tell(grant(intent, shares(5)));
    fillOrder(made, 5);
    expect(saved(made)).toBe(0n);
  });

  test("and is bought by the next order, or ages out where it would have", () => {
    const made = ordered();
    endOrder(made, "expired");
    made.view.nowMs = START_MS + 3_600_500;
    made.tell(small(made, 4, 4));
    expect(used(made)).toEqual([[fillId(2), shares(2)]]);
  });

  test("a trade that fails to settle was not bought", () => {
    const made = ordered();
    fillOrder(made, 7);
    const [trade] = only(made.own, "ExecutionFill");
    if (trade === undefined) throw new Error("nothing was filled");
    const { orderId, account, conditionId: condition, leaderFillId, tradeId } = trade;
    made.tell({
      ...{ type: "ExecutionFillReversed", v: 1, id: factId("ExecutionFillReversed", tradeId) },
      ...{ tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs, orderId, account, tokenId },
      ...{ conditionId: condition, leaderFillId, tradeId, reason: "FAILED" },
    });
    expect(buckets(made)).toEqual(both);
  });
});

describe("a bucket ends", () => {
  test.each([
    ["with the leader", configFact(`leaders.${leader}`, 2, null)],
    ["with his pause", leaderFact(false)],
    ["with the account", configFact(`accounts.${paper}`, 2, null)],
  ])("%s", (_name, fact) => {
    const made = goodStory();
    made.tell(small(made, 1, 2), fact);
    expect(saved(made)).toBe(0n);
    made.tell(leaderFact(), policyFact({}, 3), small(made, 2, 4));
    expect(intents(made)).toEqual([]);
    expect(saved(made)).toBe(shares(4));
  });

  test("with the leader, and nothing comes back from an order that was open then", () => {
    const made = goodStory();
    made.tell(small(made, 1, 2), small(made, 2, 4), configFact(`leaders.${leader}`, 2, null), leaderFact());
    endOrder(made, "expired");
    expect(saved(made)).toBe(0n);
  });

  test("with the market", () => {
    const made = goodStory();
    made.tell(small(made, 1, 2), {
      ...{ type: "ConditionResolved", v: 1, id: factId("ConditionResolved", conditionId), tsEventMs: 1, tsInitMs: 1 },
      ...{
        conditionId,
        tokenIds: [],
        payoutNumerators: [1n, 0n],
        payoutDenominator: 1n,
        blockNumber: 200,
        source: "chain",
      },
      blockHash: `0x${"5".repeat(64)}` as Hash,
    });
    expect(saved(made)).toBe(0n);
  });

  test("with the market, also what an order of a closed one gives back", () => {
    const made = goodStory();
    made.tell(small(made, 1, 2), small(made, 2, 4));
    const [intent] = intents(made);
    if (intent === undefined) throw new Error("there is no order");
    const { orderId, account, leaderFillId, sizeMicro } = intent;
    made.tell({
      ...{ type: "OrderCanceled", v: 1, id: factId("OrderCanceled", orderId), tsEventMs: START_MS, tsInitMs: START_MS },
      ...{ orderId, account, tokenId, conditionId, leaderFillId, leavesMicro: sizeMicro, reason: "MARKET_CLOSED" },
    });
    expect(saved(made)).toBe(0n);
  });

  test("in proportion when he leaves, also what an open order gives back", () => {
    const made = goodStory();
    // He sells 25 of the 60 that stand behind what we copied.
    made.tell(small(made, 1, 2), small(made, 2, 4), balance(102, 100), sale(3, 25));
    expect(only(made.own, "OrderCancelRequested").map(({ reason }) => reason)).toEqual(["LEADER_EXITED"]);
    endOrder(made, "canceled");
    expect(buckets(made)).toMatchObject([[{ leaderFillId: fillId(1), sizeMicro: 1_166_667n }]]);
  });

  test("but an exit that is told late takes nothing of what was saved for later signals", () => {
    const made = goodStory();
    made.tell(balance(100, 100), small(made, 1, 2), small(made, 7, 2), leaderAct(5, "merge", 120));
    expect(buckets(made)).toMatchObject([[{ leaderFillId: fillId(7), sizeMicro: shares(2) }]]);
  });
});
