import type { FactOf } from "@slipstream/contracts/facts";
import { factId, type Hash } from "@slipstream/contracts/ids";
import { add, type SharesMicro, subtract } from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sumOf } from "./bucket.ts";
import { leaderAct } from "./stories.testing.ts";
import {
  balance,
  conditionId,
  configFact,
  denial,
  endOrder,
  fillId,
  fillOrder,
  goodStory,
  grant,
  leader,
  leaderFact,
  leaderFill,
  loss,
  market,
  only,
  paper,
  policyFact,
  price,
  quote,
  START_MS,
  type Story,
  sale,
  shares,
  tokenId,
  usdc,
} from "./story.testing.ts";

/** A fill of which our tenth is `ours`, at a price, whose signal is now. */
const small = (of: Story, n: number, ours: number, at = 0.5): FactOf<"LeaderFill"> => {
  of.view.quote = { ...quote, bestBidMicro: price(at - 0.01), bestAskMicro: price(at) };
  const times = { tsEventMs: of.view.nowMs, tsInitMs: of.view.nowMs, tsSeenMs: of.view.nowMs };
  return leaderFill(n, { ...times, sharesMicro: shares(ours * 10), priceMicro: price(at) });
};
const buckets = (of: Story) => [...of.state().buckets.values()];
const saved = (of: Story) => add(shares(0), ...buckets(of).map(sumOf));
const intents = (of: Story) => only(of.own, "OrderIntent").filter(({ kind }) => kind === "ENTRY");
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
      ...{ conditionId, payoutNumerators: [1n, 0n], payoutDenominator: 1n, blockNumber: 200, source: "chain" },
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
    made.tell(small(made, 1, 2), small(made, 2, 4), balance(102, 100), sale(3, 25));
    expect(only(made.own, "OrderCancelRequested").map(({ reason }) => reason)).toEqual(["LEADER_EXITED"]);
    endOrder(made, "canceled");
    expect(buckets(made)).toMatchObject([[{ leaderFillId: fillId(1), sizeMicro: shares(1.5) }]]);
  });

  test("but an exit that is told late takes nothing of what was saved for later signals", () => {
    const made = goodStory();
    made.tell(balance(100, 100), small(made, 1, 2), small(made, 7, 2), leaderAct(5, "merge", 120));
    expect(buckets(made)).toMatchObject([[{ leaderFillId: fillId(7), sizeMicro: shares(2) }]]);
  });
});

type Step =
  | { readonly do: "fill"; readonly ours: number; readonly at: number }
  | { readonly do: "venue"; readonly size: number; readonly end: "no" | "expired" | "canceled" }
  | { readonly do: "answer"; readonly how: "grant" | "part" | "deny" }
  | { readonly do: "pass"; readonly ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("fill" as const),
      ours: fc.integer({ min: 1, max: 7_000_000 }),
      at: fc.integer({ min: 30, max: 70 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("venue" as const),
      size: fc.integer({ min: 1, max: 900 }),
      end: fc.constantFrom("no", "expired", "canceled"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("answer" as const), how: fc.constantFrom("grant", "part", "deny") }),
  },
  fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(1_000, 600_000, 3_600_001) }),
);

test("to the micro: saved = bought + in buckets + in open orders + aged out", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (list) => {
      const made = goodStory({}, "silent");
      let aged = 0n;
      let n = 0;
      for (const one of list) {
        const before = inPlay(made);
        const addedBefore = contributions(made);
        const boughtBefore = boughtOfBuckets(made);
        act(made, one, () => ++n);
        const gone =
          before + (contributions(made) - addedBefore) - (boughtOfBuckets(made) - boughtBefore) - inPlay(made);
        // Only time takes something away, and only what is too old by now.
        expect(gone >= 0n).toBe(true);
        aged += gone;
        for (const parts of buckets(made)) {
          const times = parts.map(({ tsSignalMs }) => tsSignalMs);
          expect(times).toEqual([...times].sort((a, b) => a - b));
        }
      }
      expect(contributions(made)).toBe(boughtOfBuckets(made) + inPlay(made) + aged);
      const passes = list.some((one) => one.do === "pass" && one.ms >= 600_000);
      if (!passes) expect(aged).toBe(0n);
      for (const intent of intents(made)) {
        for (const part of intent.bucketUsed) {
          expect(intent.limitPriceMicro <= part.limitMicro).toBe(true);
          expect(intent.tsDecidedMs - part.tsSignalMs <= 3_600_000).toBe(true);
        }
      }
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
  );
});

const contributions = (of: Story): bigint =>
  only(of.own, "ExecutionAttempt").reduce((sum, { bucketAddMicro }) => sum + bucketAddMicro, 0n);

/** What fills bought of buckets, reckoned from the facts alone: a bucket's part comes first. */
const boughtOfBuckets = (of: Story): bigint =>
  intents(of).reduce((sum, { orderId, bucketUsed }) => {
    const filled = only(of.own, "ExecutionFill").filter((fill) => fill.orderId === orderId);
    const bought = add(shares(0), ...filled.map(({ sizeMicro }) => sizeMicro));
    const part = sumOf(bucketUsed);
    return sum + (bought < part ? bought : part);
  }, 0n);

const ended: ReadonlySet<string> = new Set(["filled", "canceled", "expired", "abandoned", "denied", "rejected"]);
/** In buckets, and what open orders took out of them and have not bought. */
const inPlay = (of: Story): bigint => {
  let sum: bigint = saved(of);
  for (const { status, bucketUsed, filledMicro } of of.state().orders.values()) {
    const left: SharesMicro = subtract(sumOf(bucketUsed), filledMicro);
    if (!ended.has(status) && left > 0n) sum += left;
  }
  return sum;
};

function act(made: Story, one: Step, next: () => number): void {
  const open = [...made.state().orders.values()].find(({ status }) => !ended.has(status));
  const intent = intents(made).find(({ orderId }) => orderId === open?.orderId);
  switch (one.do) {
    case "fill":
      made.tell(small(made, next(), one.ours / 1e6, one.at / 100));
      break;
    case "pass":
      made.view.nowMs += one.ms;
      break;
    case "answer":
      if (intent === undefined || open?.status !== "intent") break;
      if (one.how === "deny") made.tell(denial(intent));
      else made.tell(grant(intent, one.how === "part" ? shares(5.005) : intent.sizeMicro));
      break;
    case "venue": {
      if (open === undefined || open.status === "intent") break;
      const { orderId, sizeMicro, filledMicro } = open;
      const left = Number(subtract(sizeMicro, filledMicro)) / 1e6;
      const size = Math.min(one.size / 100, left);
      const head = { orderId, tokenId, atMs: made.view.nowMs };
      const money = { usdcMicro: usdc(size / 2), feeMicro: usdc(0), liquiditySide: "taker" as const };
      const fill = { kind: "fill" as const, ...head, n: open.trades.size, priceMicro: price(0.5), ...money };
      const end = one.end === "no" ? [] : [{ kind: one.end, ...head }];
      made.say({ type: "VenueReport", orderId, events: [{ ...fill, sizeMicro: shares(size) }, ...end] });
    }
  }
}
