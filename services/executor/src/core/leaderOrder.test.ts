import type { FactOf } from "@slipstream/contracts/facts";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  denial,
  fillId,
  grant,
  hash,
  leaderFill,
  loss,
  only,
  paper,
  policyFact,
  price,
  quote,
  riskFact,
  shares,
  type tokenId,
  usdc,
} from "./facts.testing.ts";
import { coverSaved, LEADER_ORDERS_MAX } from "./leaderOrder.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

const fixed: Partial<AccountPolicy> = { sizing: { kind: "fixed", usdcMicro: usdc(50) } };
const intents = (of: Story) => only(of.own, "OrderIntent");
const sizes = (of: Story) => intents(of).map(({ sizeMicro }) => sizeMicro);
const codes = (of: Story) => only(of.own, "ExecutionAttempt").map(({ reasons }) => reasons[0]?.code);
/** Fill n of the leader's one order: 50 of 1,000 shares. */
const part = (n: number, over: Partial<FactOf<"LeaderFill">> = {}) =>
  leaderFill(n, { sharesMicro: shares(50), usdcMicro: usdc(25), ...over });
const covered = (times: number): string[] => Array.from({ length: times }, () => "ORDER_COVERED");

describe("a fixed 50 $ and one order of the leader of 500 $ in 20 fills", () => {
  const fills = Array.from({ length: 20 }, (_, at) => at + 1);

  test.each<[string, (n: number) => Partial<FactOf<"LeaderFill">>]>([
    ["each in its block", () => ({})],
    ["in one transaction", (n) => ({ txHash: hash(9), blockNumber: 101, blockHash: hash(101), logIndex: n })],
    ["as maker, over days", () => ({ role: "MAKER" })],
  ])("is one order for the whole: %s", (_name, over) => {
    const made = goodStory(fixed);
    for (const n of fills) made.tell(part(n, over(n)));
    expect(sizes(made)).toEqual([shares(96.15)]);
    expect(codes(made)).toEqual(covered(19));
  });

  test("also when it was filled, long ago and forgotten", () => {
    const made = goodStory(fixed);
    made.tell(part(1));
    fillOrder(made, 96.15);
    // Another token: only its facts move time on, so that fills are forgotten.
    for (let n = 0; n < 300; n++) {
      made.view.nowMs += 10_000;
      const times = { tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs };
      made.tell(leaderFill(1_000 + n, { tokenId: "99" as typeof tokenId, ...times, orderHash: hash(5_000 + n) }));
    }
    const times = { tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs };
    made.tell(part(2, times));
    expect(codes(made).at(-1)).toBe("ORDER_COVERED");
    expect(sizes(made)).toEqual([shares(96.15)]);
  });

  test("in any order of logs", () => {
    const made = goodStory(fixed);
    for (const n of [7, 3, 19, 1]) made.tell(part(n));
    expect(sizes(made)).toEqual([shares(96.15)]);
    expect(codes(made)).toEqual(covered(3));
  });

  test("after a restart in between", () => {
    const made = goodStory(fixed);
    made.tell(part(1));
    const after = goodStory(fixed);
    after.fold(...made.facts.slice(3), part(2), part(3));
    for (const message of after.owed()) after.say(message);
    expect(intents(after)).toEqual([]);
    expect(codes(after)).toEqual(covered(2));
  });

  test("each account has its own", () => {
    const made = goodStory(fixed);
    made.tell(policyFact({ ...fixed, account: "other" as typeof paper }));
    made.tell(part(1), part(2));
    expect(intents(made).map(({ account }) => account)).toEqual(["other", "paper"]);
    expect(codes(made)).toEqual(covered(2));
  });

  test("the next order of the leader is a new decision", () => {
    const made = goodStory(fixed);
    made.tell(part(1), part(2), part(3, { orderHash: hash(2) }));
    expect(sizes(made)).toEqual([shares(96.15), shares(96.15)]);
  });

  test("a fill that reverts and returns, and one told twice, order nothing more", () => {
    const made = goodStory(fixed);
    made.tell(part(1));
    fillOrder(made, 96.15);
    made.tell(loss("LeaderFillReverted", part(1)), part(2), part(1, { occurrence: 1, blockNumber: 104 }), part(2));
    expect(sizes(made)).toEqual([shares(96.15)]);
  });

  test("tells what is wanted and what of it is covered", () => {
    const made = goodStory(fixed);
    made.tell(part(1), part(2));
    expect(only(made.own, "ExecutionAttempt")).toMatchObject([
      {
        kind: "ENTRY",
        reasons: [{ code: "ORDER_COVERED", wantedMicro: 96_153_846n, coveredMicro: shares(96.15) }],
        ...{ ratioMicro: null, targetMicro: 96_153_846n, limitMicro: price(0.52), bucketAddMicro: 0n },
      },
    ]);
  });
});

describe("a later fill orders what is still unbought", () => {
  test.each<[string, (of: Story) => void, number[]]>([
    [
      "the whole, when the first was denied",
      (of) => intents(of).forEach((intent) => void of.tell(denial(intent))),
      [96.15],
    ],
    ["the whole, when the first expired", (of) => settle(of, 0), [96.15]],
    ["the rest, when the first was filled in part", (of) => settle(of, 40), [56.15]],
    ["the rest of a smaller grant that was filled", (of) => settle(of, 60, 60), [36.15]],
    ["nothing of a smaller grant that is still open below the minimum", (of) => settle(of, 91.15), [5]],
    ["nothing, when all was bought cheaper than the limit", (of) => settle(of, 96.15), []],
  ])("%s", (_name, first, then) => {
    const made = goodStory(fixed, "silent");
    made.tell(part(1));
    first(made);
    made.tell(part(2));
    const [, ...later] = sizes(made);
    expect(later).toEqual(then.map(shares));
  });

  test("not more money than the fixed size when the price has risen", () => {
    const made = goodStory(fixed);
    made.tell(part(1));
    endOrder(made, "expired");
    made.view.quote = { ...quote, bestAskMicro: price(0.6) };
    made.tell(part(2, { priceMicro: price(0.6) }));
    // 50 / 0.62
    expect(sizes(made).at(-1)).toBe(shares(80.64));
    expect(codes(made)).toEqual([]);
  });

  test("what a cap left out, as far as the cap allows", () => {
    const caps = { orderUsdcMicro: usdc(20), tokenUsdcMicro: usdc(45), grossUsdcMicro: usdc(45), openPositionsMax: 5 };
    const made = goodStory({ ...fixed, caps });
    for (const n of [1, 2, 3, 4]) made.tell(part(n));
    expect(sizes(made)).toEqual([shares(38.46), shares(38.46), shares(9.61)]);
    expect(codes(made)).toEqual(["CAP_REACHED"]);
  });

  test("a rest below the minimum is saved up once", () => {
    const made = goodStory(fixed);
    made.tell(part(1));
    fillOrder(made, 94.15);
    endOrder(made, "expired");
    made.tell(part(2), part(3));
    expect(codes(made)).toEqual(["BELOW_MINIMUM", "ORDER_COVERED"]);
    expect([...made.state().buckets.values()].map((parts) => parts.length)).toEqual([1]);
  });

  test("a size below the minimum is saved up once for each order of the leader", () => {
    const made = goodStory({ sizing: { kind: "fixed", usdcMicro: usdc(1.04) } });
    for (const n of [1, 2, 3]) made.tell(part(n));
    for (const n of [4, 5]) made.tell(part(n, { orderHash: hash(2) }));
    expect(codes(made)).toEqual(["BELOW_MINIMUM", ...covered(2), "BELOW_MINIMUM", "ORDER_COVERED"]);
    made.tell(part(6, { orderHash: hash(3) }));
    expect(sizes(made)).toEqual([shares(6)]);
  });

  test("after a first fill that was skipped the next one orders the whole", () => {
    const made = goodStory(fixed);
    made.tell(riskFact("halt", 2), part(1), riskFact("normal", 3), part(2), part(3));
    expect(codes(made)).toEqual(["RISK_HALT", "ORDER_COVERED"]);
    expect(sizes(made)).toEqual([shares(96.15)]);
  });

  test("a maker's part is smaller, the taker's adds what is missing", () => {
    const made = goodStory({ ...fixed, makerRatioMicro: 500_000 });
    made.tell(part(1, { role: "MAKER" }), part(2, { role: "MAKER" }), part(3), part(4, { role: "MAKER" }));
    expect(sizes(made)).toEqual([shares(48.07), shares(48.08)]);
  });
});

describe("while the order's hash is not known its transaction stands for it", () => {
  const untold = { orderHash: null, source: "data_api" as const, blockNumber: null, blockHash: null, logIndex: null };
  const tx = { txHash: hash(77) };
  const told = { occurrence: 1, ...tx };

  test("fills of one transaction, then the chain tells them", () => {
    const made = goodStory(fixed);
    made.tell(part(1, { ...untold, ...tx }), part(2, { ...untold, ...tx }), part(3, tx));
    made.tell(part(1, told), part(2, told), part(4), part(5));
    expect(sizes(made)).toEqual([shares(96.15)]);
    expect(codes(made)).toEqual(covered(4));
  });

  test("the chain's fill first, then another source's of the same transaction", () => {
    const made = goodStory(fixed);
    made.tell(part(1, tx), part(2, { ...untold, ...tx }));
    expect(codes(made)).toEqual(covered(1));
  });

  test("a sibling whose order is known joins an earlier transaction with a later one", () => {
    const made = goodStory(fixed);
    made.tell(part(1, { ...untold, ...tx }), part(2, tx), part(3, { txHash: hash(78) }));
    expect(codes(made)).toEqual(covered(2));
  });

  test("another transaction may be another order, until the chain says it is the same", () => {
    const made = goodStory(fixed);
    made.tell(part(1, { ...untold, ...tx }), part(1, told), part(2, { ...untold, txHash: hash(78) }));
    expect(sizes(made)).toEqual([shares(96.15), shares(96.15)]);
    made.tell(part(2, { occurrence: 1, txHash: hash(78) }), part(3));
    expect(codes(made)).toEqual(covered(1));
  });
});

test("a percentage orders its share of each fill, and no more than its share of the whole", () => {
  const made = goodStory();
  for (let n = 1; n <= 20; n++) made.tell(part(n), part(n));
  expect(intents(made)).toHaveLength(20);
  expect(sizes(made).reduce((sum, size) => sum + size, 0n)).toBe(shares(100));
  expect(intents(made)[0]).toMatchObject({ ratioMicro: 100_000, targetMicro: shares(5), limitMicro: price(0.52) });
});

test("only the newest orders of leaders are remembered", () => {
  const made = goodStory(fixed);
  made.tell(part(1));
  const state = made.state();
  const fill = state.fills.get(fillId(1));
  if (fill === undefined) throw new Error("the fill is not known");
  const saved = { account: paper, limitMicro: price(0.5), bucketAddMicro: shares(1) };
  for (let n = 2; n <= LEADER_ORDERS_MAX + 10; n++) {
    state.fills.set(fillId(n), { ...fill, leaderFillId: fillId(n), orderHash: hash(n), txHash: hash(1_000 + n) });
    coverSaved(state, { ...saved, leaderFillId: fillId(n) });
    // The first one goes on filling: it is not the oldest.
    if (n % 1_000 === 0) coverSaved(state, { ...saved, leaderFillId: fillId(1) });
  }
  expect(state.leaderOrders.size).toBe(LEADER_ORDERS_MAX);
  const keys = [...state.leaderOrders.keys()].join(" ");
  expect([1, 2, LEADER_ORDERS_MAX + 10].map((n) => keys.includes(hash(n)))).toEqual([true, false, true]);
});

/** Grants the newest order, fills `size` of it and lets the rest expire. */
function settle(of: Story, size: number, granted?: number): void {
  const intent = intents(of).at(-1);
  if (intent === undefined) throw new Error("there is no order");
  of.tell(grant(intent, granted === undefined ? intent.sizeMicro : shares(granted)));
  if (size > 0) fillOrder(of, size);
  if (of.state().orders.get(intent.orderId)?.status !== "filled") endOrder(of, "expired");
}

const life = fc.array(
  fc.record({
    order: fc.integer({ min: 1, max: 3 }),
    tx: fc.integer({ min: 1, max: 4 }),
    told: fc.boolean(),
    at: fc.integer({ min: 40, max: 60 }),
    filled: fc.integer({ min: 0, max: 100 }),
    ends: fc.boolean(),
  }),
  { maxLength: 25 },
);

test("whatever happens, what is bought and open for one order of the leader costs no more than the fixed size", () => {
  fc.assert(
    fc.property(life, (list) => {
      const made = goodStory(fixed);
      const orderOf = new Map<string, number>();
      list.forEach(({ order, tx, told, at, filled, ends }, index) => {
        // A transaction is of one order here; what differs is when its hash is known.
        const ids = { orderHash: hash(order), txHash: hash(order * 10 + tx) };
        const fill = part(index + 1, { ...ids, priceMicro: price(at / 100), blockNumber: 100 + index });
        made.view.quote = { ...quote, bestAskMicro: price(at / 100) };
        orderOf.set(fill.leaderFillId, order);
        if (!told) made.tell({ ...fill, orderHash: null, source: "rtds" });
        made.tell({ ...fill, occurrence: told ? 0 : 1 });
        const open = [...made.state().orders.values()].findLast(({ status }) => status === "granted");
        const newest = intents(made).at(-1);
        if (open === undefined || newest?.orderId !== open.orderId) return;
        const size = Math.floor((Number(open.sizeMicro) / 1e6) * filled) / 100;
        if (size > 0 && open.filledMicro === 0n) fillOrder(made, size);
        if (ends && made.state().orders.get(open.orderId)?.status !== "filled") endOrder(made, "expired");
      });
      const spent = new Map<number, bigint>();
      for (const { leaderFillId, bucketUsed, limitPriceMicro, ...order } of made.state().orders.values()) {
        const isOpen = order.status === "granted" || order.status === "accepted";
        let left: bigint = isOpen ? order.sizeMicro : order.filledMicro;
        // What was saved up for another order of his is bought with this one, and first.
        for (const { leaderFillId: id, sizeMicro } of [...bucketUsed, { leaderFillId, sizeMicro: left }]) {
          const size = sizeMicro < left ? sizeMicro : left;
          const of = orderOf.get(id) ?? 0;
          spent.set(of, (spent.get(of) ?? 0n) + size * BigInt(limitPriceMicro));
          left -= size;
        }
      }
      // Hashes that come late may make one order look like several, one for each transaction; told ones never.
      const isTold = list.every(({ told }) => told);
      for (const cost of spent.values()) if (isTold) expect(cost <= 50_000_000n * 1_000_000n).toBe(true);
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 150) },
  );
});
