import type { FactOf } from "@slipstream/contracts/facts";
import { factId, shardOf, type TokenId } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  balance,
  hash,
  leader,
  leaderFact,
  leaderFill,
  loss,
  only,
  paper,
  policyFact,
  price,
  removed,
  riskFact,
  sale,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import { leaderAct, lotOf, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

/** In the stories the book is YES's, and the leader sells NO. */
const no = "8" as TokenId;
const ofNo = { tokenId: no, priceMicro: price(0.5) };
const act = (n: number, kind: FactOf<"LeaderAct">["act"], size: number): FactOf<"LeaderAct"> => {
  const fact = leaderAct(n, kind, size);
  return { ...fact, id: factId("LeaderAct", `${n}.${kind}.no`), tokenId: no };
};
const sells = (n: number, size: number, over: Partial<FactOf<"LeaderFill">> = {}) =>
  sale(n, size, { ...ofNo, ...over });
const buys = (n: number, size: number) => leaderFill(n, { ...ofNo, sharesMicro: shares(size) });
const intents = (of: Story) => only(of.own, "OrderIntent");
const orders = (of: Story) =>
  intents(of).map(({ kind, side, tokenId: token, sizeMicro }) => [kind, side, token, sizeMicro]);
const skips = (of: Story) => only(of.own, "ExecutionAttempt").map(({ kind, reasons }) => [kind, reasons[0]?.code]);
const entry = (size: number) => ["ENTRY", "BUY", tokenId, shares(size)];

describe("a leader who splits and sells NO has bought YES", () => {
  test("at one minus his price", () => {
    const made = goodStory();
    made.tell(act(1, "split", 100), sells(2, 100, { priceMicro: price(0.48) }));
    expect(intents(made)).toMatchObject([
      {
        ...{ kind: "ENTRY", side: "BUY", tokenId, derived: "splitSale", sizeMicro: shares(10) },
        // 0.52 and two ticks.
        ...{ limitPriceMicro: price(0.54), ratioMicro: 100_000, targetMicro: shares(10) },
      },
    ]);
    fillOrder(made, 10);
    expect([...made.state().lots.values()].map((lot) => [lot.tokenId, lot.sizeMicro])).toEqual([[tokenId, shares(10)]]);
    made.tell(sells(2, 100, { occurrence: 1 }));
    expect(intents(made)).toHaveLength(1);
  });

  test("and who sells that YES later leaves it", () => {
    const made = goodStory();
    made.tell(act(1, "split", 100), leaderAct(1, "split", 100), balance(101, 100), sells(2, 100));
    fillOrder(made, 10);
    made.tell(sale(3, 50));
    expect(orders(made).at(-1)).toEqual(["EXIT", "SELL", tokenId, shares(5)]);
  });

  test.each<[string, FactOf<"LeaderAct" | "LeaderFill">[], number, unknown[]]>([
    ["only what came from the split, of what he also bought", [buys(1, 50), act(2, "split", 50)], 100, [entry(5)]],
    ["what came from the split goes first", [buys(1, 50), act(2, "split", 50)], 50, [entry(5)]],
    ["part of the split", [act(1, "split", 200)], 60, [entry(6)]],
    ["not what he merged again", [act(1, "split", 100), act(2, "merge", 40)], 60, [entry(6)]],
    ["not what he sent away", [act(1, "split", 100), act(2, "transferOut", 30)], 70, [entry(7)]],
    ["not what he sold before", [act(1, "split", 100), sells(2, 90)], 10, [entry(9)]],
    ["nothing of what was sent to him", [act(1, "transferIn", 100)], 100, []],
  ])("%s", (_name, before, sold, expected) => {
    const made = goodStory({ makerRatioMicro: 1_000_000 });
    // His purchases of NO are not copied: the account does not follow makers.
    made.tell(policyFact({ makerRatioMicro: 0 }, 2));
    made.tell(...before.map((fact) => (fact.type === "LeaderFill" && fact.side === "BUY" ? maker(fact) : fact)));
    made.tell(sells(9, sold));
    expect(orders(made)).toEqual(expected);
  });

  test("and is remembered for as long as something is held for it", () => {
    const made = goodStory();
    made.tell(act(1, "split", 100), sells(2, 100));
    fillOrder(made, 10);
    made.view.nowMs += 3_600_000;
    const later = { tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs, tokenId: "99" as TokenId };
    for (let n = 0; n < 256; n += 1) made.fold(leaderFill(1_000 + n, later));
    made.tell(removed("close"));
    tick(made);
    expect(orders(made).at(-1)).toEqual(["EXIT", "SELL", tokenId, shares(10)]);
  });

  test("the gates of an entry hold", () => {
    const made = goodStory();
    made.tell(riskFact("halt", 2), act(1, "split", 100), sells(2, 100));
    made.tell(riskFact("normal", 3), act(3, "split", 100), sells(4, 100, { tsEventMs: 1 }));
    expect(skips(made)).toEqual([
      ["ENTRY", "RISK_HALT"],
      ["ENTRY", "SIGNAL_TOO_OLD"],
    ]);
    const [first] = only(made.own, "ExecutionAttempt");
    expect(first).toMatchObject({ tokenId, derived: "splitSale" });
  });

  test("who has a lot of the sold token follows the sale as an exit", () => {
    const made = goodStory();
    made.tell(buys(1, 100));
    // Nobody quotes NO in the stories: the purchase is decided by hand.
    expect(intents(made)).toEqual([]);
    const other = goodStory();
    other.tell(balance(100, 0), leaderFill(1));
    fillOrder(other, 10);
    other.tell(leaderAct(2, "split", 100), sale(3, 100));
    // He holds as many of both tokens now, and neither side is ours to hold.
    expect(orders(other).at(-1)).toEqual(["EXIT", "SELL", tokenId, shares(10)]);
  });

  test("what was saved up too long ago is nothing of ours that an exit would be about", () => {
    const made = goodStory();
    made.tell(leaderFill(1, { sharesMicro: shares(10) }));
    made.view.nowMs += 3_700_000;
    const times = { tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs };
    // He sells the token that the bucket was of; nobody quotes the other one, so the purchase waits for its book.
    made.tell(leaderAct(2, "split", 100), sale(3, 100, times));
    expect(made.requests).toMatchObject([{ type: "AwaitBook", tokenId: no }]);
  });

  test("a fixed size is for the whole order that sells", () => {
    const made = goodStory({ sizing: { kind: "fixed", usdcMicro: usdc(50) } });
    made.tell(act(1, "split", 1_000));
    for (let n = 2; n <= 21; n++) made.tell(sells(n, 50));
    expect(orders(made)).toEqual([entry(96.15)]);
    expect(new Set(skips(made).map(String))).toEqual(new Set(["ENTRY,ORDER_COVERED"]));
  });

  test("a reverted sale cancels what it bought, a retracted one may give it up", () => {
    const made = goodStory({ onRetract: "exit" });
    made.view.quote = { ...(made.view.quote ?? fail()), bestBidMicro: price(0.5) };
    made.tell(act(1, "split", 100), sells(2, 100));
    fillOrder(made, 6);
    made.tell(loss("LeaderFillReverted", sells(2, 100)));
    expect(only(made.own, "OrderCancelRequested").map(({ reason }) => reason)).toEqual(["FILL_REVERTED"]);
    endOrder(made, "canceled");
    made.tell(loss("LeaderFillRetracted", sells(2, 100)));
    tick(made);
    // At the purchase's price, not at that of the token he sold.
    expect(intents(made).at(-1)).toMatchObject({ kind: "EXIT", side: "SELL", tokenId, limitPriceMicro: price(0.48) });
    tick(made, 5_000);
    expect(only(made.own, "OrderCancelRequested")).toHaveLength(1);
    fillOrder(made, 6);
    expect(lotOf(made)).toEqual([]);
  });
});

describe("the split is told after the sale", () => {
  test("which waits for it", () => {
    const made = goodStory();
    made.tell(sells(2, 100));
    tick(made, 5_000);
    expect(made.own).toEqual([]);
    made.tell(act(1, "split", 100));
    expect(orders(made)).toEqual([entry(10)]);
    made.tell(act(1, "split", 100));
    tick(made, 60_000);
    expect(made.own.filter(({ type }) => type === "ExecutionAttempt" || type === "OrderIntent")).toHaveLength(1);
  });

  test("which waits for the chain to show the sale as well", () => {
    const made = goodStory();
    made.tell(
      sells(2, 100, { blockNumber: null, blockHash: null, logIndex: null, source: "rtds" }),
      act(1, "split", 100),
    );
    tick(made, 1_000);
    expect(made.own).toEqual([]);
    made.tell(sells(2, 100, { occurrence: 1 }));
    expect(orders(made)).toEqual([entry(10)]);
  });

  test("over a restart", () => {
    const made = goodStory();
    made.fold(sells(2, 100));
    for (const message of made.owed()) made.say(message);
    expect(made.own).toEqual([]);
    made.fold(act(1, "split", 100));
    for (const message of made.owed()) made.say(message);
    expect(orders(made)).toEqual([entry(10)]);
  });

  test("several sales: one order at a time, so that each is counted", () => {
    const made = goodStory({ sizing: { kind: "fixed", usdcMicro: usdc(50) } });
    for (let n = 2; n <= 5; n++) made.tell(sells(n, 50));
    made.tell(act(1, "split", 1_000));
    const asked = made.requests.filter(({ type }) => type === "AwaitBook");
    expect(asked).toHaveLength(3);
    for (const request of asked) {
      if (request.type !== "AwaitBook") continue;
      const { leaderFillId, sinceMs } = request;
      made.say({ type: "DecideFill", account: paper, leaderFillId, sinceMs });
    }
    expect(orders(made)).toEqual([entry(96.15)]);
    expect(skips(made)).toHaveLength(3);
  });

  test.each<[string, FactOf<"BalanceSnapshot" | "LeaderFill">[], string]>([
    ["what he held is not known", [], "LEADER_HOLDING_UNKNOWN"],
    ["he held it, from before we looked", [noBalance(99, 100)], "NOTHING_TO_SELL"],
  ])("never, and %s", (_name, facts, code) => {
    const made = goodStory();
    made.tell(...facts, sells(2, 100));
    expect(made.own).toEqual([]);
    // The signal is a second old at the start.
    tick(made, 9_000);
    expect(made.own).toEqual([]);
    tick(made, 1);
    expect(skips(made)).toEqual([["EXIT", code]]);
    made.tell(act(1, "split", 100));
    expect(orders(made)).toEqual([]);
  });

  test("nobody waits when all acts up to the sale are told", () => {
    const made = goodStory();
    const progress = (shard: string, cursor: number): FactOf<"ChainProgress"> => ({
      ...{ type: "ChainProgress", v: 1, id: factId("ChainProgress", `${shard}.${cursor}`), tsEventMs: 1, tsInitMs: 1 },
      ...{ shard, head: 200, headHash: hash(200), headTsMs: 1, finalized: cursor, finalizedHash: hash(cursor) },
      ...{ cursor, openGaps: 0 },
    });
    made.tell(sells(2, 100), progress("all", 150), progress(shardOf(leader), 101));
    tick(made, 1_000);
    expect(made.own).toEqual([]);
    made.tell(progress(shardOf(leader), 102));
    tick(made);
    expect(skips(made)).toEqual([["EXIT", "LEADER_HOLDING_UNKNOWN"]]);
    made.tell(sells(1, 50));
    tick(made, 1_000);
    expect(skips(made)).toHaveLength(2);
  });

  test("nobody waits for what his purchases explain, for a leader or an account that is off, or for the past", () => {
    const made = goodStory();
    made.tell(maker(buys(1, 100)), sells(2, 100));
    made.tell(leaderFact(false), sells(3, 10), leaderFact());
    made.tell(sells(4, 10, { disputed: true }));
    expect(skips(made).at(1)).toEqual(["EXIT", "NOTHING_TO_SELL"]);
    expect(made.state().openSales.size).toBe(0);
  });
});

test("however acts and sales are told, what is bought is our part of what he sold from splits", () => {
  const life = fc.array(
    fc.record({ do: fc.constantFrom("split", "sell", "merge"), size: fc.integer({ min: 100, max: 900 }) }),
    { maxLength: 10 },
  );
  fc.assert(
    fc.property(life, fc.boolean(), (steps, isLate) => {
      const made = goodStory();
      let [split, expected] = [0, 0];
      const acts: FactOf<"LeaderAct">[] = [];
      const sales: FactOf<"LeaderFill">[] = [];
      for (const [at, one] of steps.entries()) {
        const size = one.do === "split" ? one.size : Math.min(one.size, split);
        if (size < 100) continue;
        split += one.do === "split" ? size : -size;
        if (one.do === "sell") expected += size / 10;
        if (one.do === "sell") sales.push(sells(at + 1, size));
        else acts.push(act(at + 1, one.do === "split" ? "split" : "merge", size));
      }
      // Acts in the order of the chain; sales before all of them or after.
      made.tell(...(isLate ? [...sales, ...acts] : [...acts, ...sales]));
      for (const message of made.owed()) made.say(message);
      const bought = intents(made).reduce((sum, { sizeMicro }) => sum + Number(sizeMicro) / 1e6, 0);
      if (!isLate) expect(bought).toBeCloseTo(expected, 6);
      else expect(bought).toBeLessThanOrEqual(expected + 1e-6);
      for (const intent of intents(made)) expect(intent).toMatchObject({ kind: "ENTRY", side: "BUY", tokenId });
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 150) },
  );
});

const maker = (fill: FactOf<"LeaderFill">): FactOf<"LeaderFill"> => ({ ...fill, role: "MAKER", historical: true });
const fail = (): never => {
  throw new Error("there is no quote");
};

function noBalance(block: number, held: number): FactOf<"BalanceSnapshot"> {
  return balance(block, held, { balances: [{ tokenId: no, sharesMicro: shares(held) }] });
}

test("an act and the sale that it explains move the same order once, one after the other", () => {
  const made = goodStory();
  made.tell(sale(4, 1), leaderFill(3), leaderAct(3, "merge", 1));
  tick(made, 1_000);
  const ids = made.own.map(({ id }) => id);
  expect(only(made.own, "OrderCancelRequested")).toHaveLength(1);
  expect(new Set(ids).size).toBe(ids.length);
  expect(only(made.own, "ExecutionAttempt").map(({ kind }) => kind)).toEqual(["EXIT", "EXIT"]);
});
