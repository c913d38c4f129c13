import type { FactOf } from "@slipstream/contracts/facts";
import { attemptId, leaderActId } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { balance, leaderFill, market, only, paper, price, quote, riskFact, sale, shares } from "./facts.testing.ts";
import { bidAt, exits, holdingTen, leaderAct, lotOf, owedExits, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

type Kind = FactOf<"LeaderAct">["act"];

describe("an act of a leader who holds 100, of which we hold 10", () => {
  test.each<[Kind, "in" | "out"]>([
    ["merge", "out"],
    ["convert", "out"],
    ["transferOut", "out"],
  ])("%s closes the lot in proportion", (act, direction) => {
    const made = holdingTen();
    const fact = leaderAct(5, act, 50, direction);
    made.tell(fact);
    expect(exits(made).map(({ sizeMicro, attemptId: attempt, exitShare }) => [sizeMicro, attempt, exitShare])).toEqual([
      [shares(5), attemptId(paper, leaderActId(fact)), { soldMicro: shares(50), heldMicro: shares(100) }],
    ]);
    fillOrder(made, 5);
    expect(lotOf(made)).toEqual([shares(5)]);
  });

  test.each<[Kind, "in" | "out"]>([
    ["redeem", "out"],
    ["split", "in"],
    ["transferIn", "in"],
    ["convert", "in"],
  ])(
    "%s (%s) is followed by nothing; what he sells is what we copied first, and no more than he holds",
    (act, direction) => {
      const made = holdingTen();
      const before = made.own.length;
      made.tell(leaderAct(5, act, 60, direction));
      expect(made.own).toHaveLength(before);
      const held = direction === "in" ? 160 : 40;
      made.tell(sale(6, held));
      expect(exits(made)[0]?.exitShare).toEqual({ soldMicro: shares(held), heldMicro: shares(Math.min(held, 100)) });
    },
  );

  test("told twice is followed once", () => {
    const made = holdingTen();
    const fact = leaderAct(5, "merge", 70);
    made.tell(fact, fact);
    expect(exits(made)).toHaveLength(1);
  });

  test("is guarded by the middle of the book: nobody paid him a price", () => {
    const made = holdingTen();
    made.view.quote = { ...quote, bestBidMicro: price(0.3), bestAskMicro: price(0.7) };
    made.tell(leaderAct(5, "merge", 100));
    const orders = () => exits(made).map(({ sizeMicro, limitPriceMicro }) => [sizeMicro, limitPriceMicro]);
    expect(orders()).toEqual([[shares(10), price(0.48)]]);
    // The middle of that moment stays the measure, and gives way as a price of his would.
    made.view.quote = { ...quote, bestBidMicro: price(0.3), bestAskMicro: price(0.32) };
    tick(made, 30_000);
    endOrder(made, "expired");
    tick(made);
    expect(orders()[1]).toEqual([shares(10), price(0.47)]);
  });

  test("with no bid rests below the ask; with no book at all it waits for one", () => {
    const made = holdingTen();
    made.view.quote = { ...quote, bestBidMicro: null };
    made.tell(leaderAct(5, "merge", 50));
    expect(exits(made).map(({ sizeMicro, limitPriceMicro }) => [sizeMicro, limitPriceMicro])).toEqual([
      [shares(5), price(0.48)],
    ]);
    made.view.quote = { ...quote, bestBidMicro: null, bestAskMicro: null };
    made.tell(leaderAct(6, "merge", 50));
    expect(only(made.own, "ExecutionAttempt").map(({ reasons }) => reasons)).toEqual([[{ code: "NO_PRICE" }]]);
    bidAt(made, 0.49);
    tick(made);
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(5), shares(5)]);
  });

  test("that a halt stopped is followed when the halt ends", () => {
    const made = holdingTen();
    made.tell(riskFact("halt", 2), leaderAct(5, "transferOut", 50));
    expect(owedExits(made)).toEqual([shares(5)]);
    made.tell(riskFact("normal", 3));
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(5)]);
    expect(made.state().unfollowed.size).toBe(0);
  });

  test("concerns nobody who holds nothing for him", () => {
    const made = goodStory();
    made.tell(balance(101, 100), leaderAct(5, "merge", 50));
    expect(made.own).toEqual([]);
    expect(made.owed()).toEqual([]);
  });

  test("is decided after a restart between the fact and the decision", () => {
    const made = holdingTen();
    made.fold(leaderAct(5, "merge", 50));
    expect(exits(made)).toEqual([]);
    for (const message of made.owed()) made.say(message);
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(5)]);
  });

  const before = balance(101, 100);
  const after = balance(105, 50);
  const much = balance(108, 50);
  const act = leaderAct(5, "merge", 50);
  test.each([
    ["balance before, act", [before, act]],
    ["act, balance before", [act, before]],
    ["act, balance after", [act, after]],
    ["balance after, act: it is not moved twice", [after, act]],
    ["both balances, act", [before, after, act]],
    ["balance long after, act, the late balance before", [much, act, before]],
  ])("is the same exit in any order: %s", (_name, facts) => {
    const made = goodStory();
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    fillOrder(made, 10);
    made.tell(...facts);
    tick(made);
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(5)]);
    expect(made.state().unfollowed.size).toBe(0);
  });
});

describe("an act that is told late", () => {
  test("leaves what was bought after it: he still holds that", () => {
    const made = holdingTen();
    made.tell(leaderFill(7, { sharesMicro: shares(200) }), balance(107, 200));
    fillOrder(made, 20);
    made.tell(leaderAct(5, "merge", 100));
    fillOrder(made, 10);
    expect(lotOf(made)).toEqual([shares(20)]);
  });

  test("does not cancel an entry that follows a later purchase", () => {
    const made = holdingTen();
    made.tell(leaderFill(7), leaderAct(5, "merge", 100));
    expect(only(made.own, "OrderCancelRequested")).toEqual([]);
    expect(exits(made).map(({ sizeMicro }) => sizeMicro)).toEqual([shares(10)]);
  });

  test("because his past is being read closes nothing of today", () => {
    const made = holdingTen();
    made.tell(leaderAct(-50, "merge", 1_000));
    expect(exits(made)).toEqual([]);
    expect(lotOf(made)).toEqual([shares(10)]);
    expect(made.state().unfollowed.size).toBe(0);
  });
});

/** A leader's life: what he does block by block, each seen at once but for acts, which are told `late` blocks after. */
type Step = { readonly do: "buy" | "sell" | "merge" | "transferOut" | "split" | "redeem"; readonly part: number };
const life = fc.array(
  fc.record({
    do: fc.constantFrom<Step["do"]>("buy", "buy", "sell", "merge", "transferOut", "split"),
    part: fc.integer({ min: 1, max: 9 }),
  }),
  { minLength: 1, maxLength: 12 },
);

type Life = { readonly story: Story; readonly expected: number; readonly exits: number; readonly held: number };
function live(steps: readonly Step[], late: number, twice: boolean): Life {
  const made = goodStory({ caps: bigCaps });
  // An exit below the minimum joins the next one, whose place on the chain is another.
  made.view.market = { ...market, minOrderSizeMicro: shares(0.01) };
  bidAt(made, 0.5);
  // Of what he holds, `copiable` came by purchases that we copied; what he gives is taken from it first.
  let [held, copiable, copied, count] = [0, 0, 0, 0];
  const waiting: { fact: FactOf<"LeaderAct">; atStep: number }[] = [];
  const tell = (fact: FactOf<"LeaderAct"> | FactOf<"LeaderFill">): void => {
    for (let times = 0; times < (twice ? 2 : 1); times++) {
      made.tell(fact);
      fillAll(made);
    }
  };
  const tellActs = (upTo: number): void => {
    for (const { fact } of waiting.filter(({ atStep }) => atStep <= upTo)) tell(fact);
    waiting.splice(0, waiting.length, ...waiting.filter(({ atStep }) => atStep > upTo));
  };
  made.tell(balance(100, 0));
  steps.forEach((step, at) => {
    const n = at + 1;
    if (step.do === "buy" || step.do === "split") {
      const amount = step.part * 1_000;
      held += amount;
      if (step.do === "buy") copiable += amount;
      if (step.do === "buy") copied += amount / 10;
      if (step.do === "buy") tell(leaderFill(n, { sharesMicro: shares(amount) }));
      else waiting.push({ fact: leaderAct(n, "split", amount), atStep: at + late });
    } else {
      const amount = Math.floor((held * step.part) / 10);
      if (amount === 0) return;
      copied *= copiable > amount ? 1 - amount / copiable : 0;
      copiable = Math.max(0, copiable - amount);
      held -= amount;
      count += 1;
      if (step.do === "sell") tell(sale(n, amount));
      else waiting.push({ fact: leaderAct(n, step.do, amount), atStep: at + late });
    }
    made.tell(balance(100 + n, held));
    fillAll(made);
    tellActs(at);
  });
  tellActs(Number.MAX_SAFE_INTEGER);
  return { story: made, expected: copied, exits: count, held };
}

const bigCaps = {
  orderUsdcMicro: (10n ** 15n) as never,
  tokenUsdcMicro: (10n ** 15n) as never,
  grossUsdcMicro: (10n ** 15n) as never,
  openPositionsMax: 10,
};

/** The venue fills whatever is open, at once. */
function fillAll(of: Story): void {
  const open = [...of.state().orders.values()].filter(({ status }) => status === "granted");
  for (const { orderId, sizeMicro, tokenId } of open) {
    const event = {
      kind: "fill" as const,
      orderId,
      tokenId,
      atMs: of.view.nowMs,
      n: 0,
      priceMicro: price(0.5),
      sizeMicro,
    };
    const money = { usdcMicro: 0n as never, feeMicro: 0n as never, liquiditySide: "taker" as const };
    of.say({ type: "VenueReport", orderId, events: [{ ...event, ...money }] });
  }
}

const numRuns = Number(process.env["FC_RUNS"] ?? 150);

test("what we hold stays the proportion of what he holds of it, whatever he does", () => {
  fc.assert(
    fc.property(life, fc.boolean(), (steps, twice) => {
      const { story, expected, exits: count } = live(steps, 0, twice);
      const held = Number(lotOf(story)[0] ?? 0n) / 1e6;
      const owed = owedExits(story).reduce((sum, amount) => sum + Number(amount ?? 0n) / 1e6, 0);
      // Each exit is rounded down to a hundredth of a share.
      expect(Math.abs(held - owed - expected)).toBeLessThanOrEqual(0.02 * (count + 1));
      const ids = story.own.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    }),
    { numRuns },
  );
});

test("when he is flat nothing of his is left, however late acts are told", () => {
  fc.assert(
    fc.property(life, fc.integer({ min: 0, max: 4 }), fc.boolean(), (steps, late, twice) => {
      const { story, held } = live(steps, late, twice);
      if (held > 0) {
        story.tell(sale(50, held));
        fillAll(story);
      }
      expect(lotOf(story)).toEqual([]);
      expect(owedExits(story)).toEqual([]);
      expect(story.state().copied.size).toBe(0);
    }),
    { numRuns },
  );
});
