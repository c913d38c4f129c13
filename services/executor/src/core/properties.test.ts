import { factId } from "@slipstream/contracts/ids";
import { decodeState, encodeState } from "@slipstream/contracts/json";
import { add, sharesMicro, subtract } from "@slipstream/contracts/money";
import type { AccountPolicy } from "@slipstream/contracts/policy";
import { subjectOf } from "@slipstream/contracts/subjects";
import fc from "fast-check";
import { expect, test } from "vitest";
import { executorCore } from "./core.ts";
import {
  balance,
  fillId,
  leaderFill,
  loss,
  market,
  only,
  paper,
  policy,
  price,
  quote,
  riskFact,
  sale,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import { leavesOf } from "./orders.ts";
import { openOrders } from "./state.ts";
import { leaderAct, settled } from "./stories.testing.ts";
import { goodStory, type Story } from "./story.testing.ts";

/** What the world does next. Fills are few, so that the same ones come again, revert, return and are asked twice. */
type Step =
  | { readonly do: "buy" | "sell"; readonly n: number; readonly size: number; readonly occurrence: number }
  | { readonly do: "revert" | "retract" | "askAgain"; readonly n: number }
  | { readonly do: "split" | "merge"; readonly n: number; readonly size: number }
  | { readonly do: "balance"; readonly block: number; readonly held: number }
  | { readonly do: "risk"; readonly level: "normal" | "degrade" | "halt" }
  | { readonly do: "bid"; readonly at: number }
  | { readonly do: "venue"; readonly pick: number; readonly size: number; readonly end: "no" | "expired" | "canceled" }
  | { readonly do: "placed" | "notPlaced"; readonly pick: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "market"; readonly closed: boolean }
  /** The market pays so many of what is held, as often as the log tells it. */
  | { readonly do: "paid"; readonly n: number; readonly size: number };

const n = fc.integer({ min: 1, max: 6 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("buy" as const), n, size: fc.nat(200), occurrence: fc.nat(1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("sell" as const), n, size: fc.nat(200), occurrence: fc.nat(1) }),
  },
  fc.record({ do: fc.constantFrom("revert" as const, "retract" as const, "askAgain" as const), n }),
  fc.record({ do: fc.constantFrom("split" as const, "merge" as const), n, size: fc.nat(200) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant("balance" as const), block: fc.nat(20), held: fc.nat(500) }) },
  fc.record({ do: fc.constant("risk" as const), level: fc.constantFrom("normal", "normal", "degrade", "halt") }),
  fc.record({ do: fc.constant("bid" as const), at: fc.constantFrom(0.3, 0.49, 0.5) }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("venue" as const),
      pick: fc.nat(),
      size: fc.nat(30),
      end: fc.constantFrom("no", "no", "expired", "canceled"),
    }),
  },
  fc.record({ do: fc.constantFrom("placed" as const, "notPlaced" as const), pick: fc.nat() }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(10, 400, 3_000) }),
  fc.record({ do: fc.constant("market" as const), closed: fc.boolean() }),
  fc.record({ do: fc.constant("paid" as const), n: fc.nat(3), size: fc.nat(30) }),
);

function play(of: Story, steps: readonly Step[]): void {
  // Purchases and sales have their own numbers: a fill does not change its side.
  const isSale = (fill: number): boolean => fill % 2 === 0;
  let risks = 1;
  for (const one of steps) {
    switch (one.do) {
      case "buy":
      case "sell": {
        const number = one.n * 2 + (one.do === "sell" ? 0 : 1);
        const over = { occurrence: one.occurrence, sharesMicro: shares(one.size + 1) };
        of.tell(one.do === "buy" ? leaderFill(number, over) : sale(number, one.size + 1, over));
        break;
      }
      case "revert":
      case "retract": {
        const number = one.n;
        const fill = isSale(number) ? sale(number, 1) : leaderFill(number);
        of.tell(loss(one.do === "revert" ? "LeaderFillReverted" : "LeaderFillRetracted", fill));
        break;
      }
      case "split":
      case "merge":
        of.tell(leaderAct(one.n, one.do, one.size + 1));
        break;
      case "askAgain":
        of.say({ type: "DecideFill", account: paper, leaderFillId: fillId(one.n), sinceMs: of.view.nowMs });
        break;
      case "balance":
        of.tell(balance(100 + one.block, one.held));
        break;
      case "risk":
        risks += 1;
        of.tell(riskFact(one.level, risks));
        break;
      case "bid":
        of.view.quote = { ...quote, bestBidMicro: price(one.at) };
        break;
      case "venue":
        report(of, one);
        break;
      case "placed":
      case "notPlaced": {
        const orders = only(of.own, "OrderIntent");
        const order = orders[one.pick % orders.length];
        if (order === undefined) break;
        const { orderId } = order;
        if (one.do === "notPlaced") of.say({ type: "NotPlaced", orderId });
        else of.say({ type: "Placed", orderId, placeAtMs: order.tsDecidedMs + 150 });
        break;
      }
      case "market":
        of.view.market = { ...market, closed: one.closed };
        of.say({ type: "Tick" });
        break;
      case "paid": {
        const id = factId("PositionSettled", `${paper}.${tokenId}`, one.n);
        const known = only(of.facts, "PositionSettled").find((fact) => fact.id === id);
        const lots = [...of.state().lots.values()].reduce((sum, { sizeMicro }) => sum + sizeMicro, 0n);
        // Inventory pays what is not on sale.
        const onSale = [...openOrders(of.state())].filter(({ kind }) => kind === "EXIT").map(leavesOf);
        const held = lots - onSale.reduce((sum, size) => sum + size, 0n);
        const size = shares(one.size) < held ? shares(one.size) : sharesMicro(held > 0n ? held : 0n);
        of.tell(known ?? settled({ id, sharesMicro: size }));
        break;
      }
      case "pass":
        of.view.nowMs += one.ms;
        of.say({ type: "Tick" });
        break;
    }
  }
}

/** The venue never fills more than is left; it may report what it reported before. */
function report(of: Story, { pick, size, end }: Extract<Step, { do: "venue" }>): void {
  const orders = [...of.state().orders.values()].filter(({ status }) => status !== "intent");
  const order = orders[pick % orders.length];
  if (order === undefined) return;
  const { orderId, filledMicro, sizeMicro } = order;
  const left = Number(sizeMicro - filledMicro) / 1e6;
  const amount = Math.min(size, left);
  const head = { orderId, tokenId, atMs: of.view.nowMs };
  const repeated = pick % 3 === 0 && order.trades.size > 0;
  const number = repeated ? order.trades.size - 1 : order.trades.size;
  const money = {
    priceMicro: price(0.5),
    usdcMicro: usdc(amount / 2),
    feeMicro: usdc(0),
    liquiditySide: "maker" as const,
  };
  const fill = { kind: "fill" as const, ...head, n: number, sizeMicro: shares(amount), ...money };
  of.say({
    type: "VenueReport",
    orderId,
    events: [...(amount > 0 ? [fill] : []), ...(end === "no" ? [] : [{ kind: end, ...head }])],
  });
}

const steps = fc.array(step, { maxLength: 60 });
/** All fills of a story are of one order of the leader, so most of a fixed size is covered. */
const sizing = fc.constantFrom<Partial<AccountPolicy>>({}, { sizing: { kind: "fixed", usdcMicro: usdc(6) } });
const numRuns = Number(process.env["FC_RUNS"] ?? 150);
const refold = (facts: Story["facts"], twice: boolean) => {
  let state = executorCore.initial();
  facts.forEach((fact, at) => {
    const recorded = { seq: at + 1, subject: subjectOf(fact), fence: 1, fact };
    state = executorCore.evolve(state, recorded);
    if (twice) state = executorCore.evolve(state, recorded);
  });
  return state;
};

test("whatever happens: one attempt per fill, ids once, fills within sizes, lots never negative", () => {
  fc.assert(
    fc.property(steps, sizing, (list, over) => {
      const made = goodStory(over);
      play(made, list);
      const ids = made.own.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      const skipped = only(made.own, "ExecutionAttempt").map(({ leaderFillId }) => leaderFillId);
      const entries = only(made.own, "OrderIntent").filter(({ kind }) => kind === "ENTRY");
      const attempts = [...skipped, ...entries.map(({ leaderFillId }) => leaderFillId)];
      expect(new Set(attempts).size).toBe(attempts.length);
      let held = shares(0);
      for (const intent of only(made.own, "OrderIntent")) {
        const fills = only(made.own, "ExecutionFill").filter(({ orderId }) => orderId === intent.orderId);
        const filled = add(...fills.map(({ sizeMicro }) => sizeMicro));
        expect(filled <= intent.sizeMicro).toBe(true);
        held = add(held, shares((intent.side === "BUY" ? 1 : -1) * (Number(filled) / 1e6)));
      }
      expect(held >= 0n).toBe(true);
      const paid = new Map(only(made.facts, "PositionSettled").map((fact) => [fact.id, fact.sharesMicro]));
      for (const size of paid.values()) held = subtract(held, size);
      const lots = add(...[...made.state().lots.values()].map(({ sizeMicro }) => sizeMicro));
      expect(lots).toBe(held);
    }),
    { numRuns },
  );
});

test("a known fact changes nothing, and a snapshot of the state is the state", () => {
  fc.assert(
    fc.property(steps, sizing, (list, over) => {
      const made = goodStory(over);
      play(made, list);
      const once = refold(made.facts, false);
      expect(once).toEqual(made.state());
      expect(refold(made.facts, true)).toEqual(once);
      expect(decodeState(encodeState(once))).toEqual(once);
    }),
    { numRuns },
  );
});

test("after any restart every followed fill is decided, and no fill twice", () => {
  fc.assert(
    fc.property(steps, fc.nat(), sizing, (list, cut, over) => {
      const made = goodStory(over);
      play(made, list);
      const after = goodStory(over);
      const kept = made.facts.slice(3, 3 + (cut % Math.max(1, made.facts.length - 2)));
      after.fold(...kept);
      after.view.nowMs = made.view.nowMs + 1_000;
      for (const message of after.owed()) after.say(message);
      // The book of the token that a split sale bought does not come.
      for (const request of [...after.requests]) {
        if (request.type === "AwaitBook") after.say({ ...request, type: "DecideFill", sinceMs: 0 });
      }
      // A sale that nothing explains waits for an act that does, no longer than an entry may be late.
      after.view.nowMs += policy.signalAgeMsMax;
      after.say({ type: "Tick" });
      const ids = [...only(kept, "ExecutionAttempt"), ...after.own].map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const fill of after.state().fills.values()) expect(fill.undecided.size).toBe(0);
    }),
    { numRuns },
  );
});
