/** Nothing of a leader who is gone is left but what nobody could sell. */
import type { Address, TokenId } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  balance,
  configFact,
  leaderFill,
  loss,
  market,
  only,
  paper,
  price,
  riskFact,
  sale,
  shares,
  tokenId,
  usdc,
} from "./facts.testing.ts";
import { pendingOf } from "./pending.ts";
import { exposureOf } from "./state.ts";
import { bidAt, exits, leaderAct, lotOf, owedExits, tick } from "./stories.testing.ts";
import { endOrder, fillOrder, goodStory, type Story } from "./story.testing.ts";

const bigCaps = {
  orderUsdcMicro: usdc(1e8),
  tokenUsdcMicro: usdc(1e8),
  grossUsdcMicro: usdc(1e8),
  openPositionsMax: 10,
};
/** He buys, we buy a tenth; `old`: what he held before we followed him, null: nobody knows. */
function copied(amount: number, old: number | null = 0): Story {
  const made = goodStory({ caps: bigCaps });
  bidAt(made, 0.5);
  if (old !== null) made.tell(balance(100, old));
  made.tell(leaderFill(1, { sharesMicro: shares(amount) }));
  fillOrder(made, amount / 10);
  return made;
}
/** He sells, and what we order for it is filled at once. */
function sells(of: Story, n: number, amount: number): void {
  const before = exits(of).length;
  of.tell(sale(n, amount));
  const order = exits(of).at(-1);
  if (exits(of).length > before && order !== undefined) fillOrder(of, Number(order.sizeMicro) / 1e6);
}
const sold = (of: Story) => exits(of).map(({ sizeMicro }) => Number(sizeMicro) / 1e6);
const held = (of: Story) => lotOf(of).map((size) => Number(size) / 1e6);

test("what was saved up for him and has aged out stands behind no lot", () => {
  const made = goodStory({ caps: bigCaps });
  bidAt(made, 0.5);
  made.tell(balance(100, 0), leaderFill(1, { sharesMicro: shares(40) }));
  made.view.nowMs += 3_600_001;
  made.tell(leaderFill(2, { sharesMicro: shares(200), tsEventMs: made.view.nowMs }));
  fillOrder(made, 20);
  sells(made, 3, 200);
  expect(sold(made)).toEqual([20]);
});

describe("an exit that would leave less than can be sold sells all", () => {
  test.each<[string, number, number[], number[]]>([
    ["80: he sells 56, then 24", 80, [56, 24], [8]],
    ["24 first: it joins the 56", 80, [24, 56], [8]],
    ["half of 8 could not be sold, nor what it leaves", 80, [40, 40], [8]],
    ["a tenth at a time", 100, [10, 10, 10, 10, 10, 10, 10, 10, 10, 10], [5, 5]],
    ["what can be sold later stays", 100, [50, 50], [5, 5]],
    ["a hundredth of a share too few would be left", 99.9, [50, 49.9], [9.99]],
  ])("%s", (_name, bought, list, expected) => {
    const made = copied(bought);
    for (const [at, amount] of list.entries()) sells(made, at + 2, amount);
    expect(sold(made)).toEqual(expected);
    expect(lotOf(made)).toEqual([]);
    expect(owedExits(made)).toEqual([]);
  });

  test("also when a halt had held it back", () => {
    const made = copied(80);
    made.tell(riskFact("halt", 2), sale(2, 56), riskFact("normal", 3));
    expect(sold(made)).toEqual([8]);
  });

  test("but not while more is being bought for him", () => {
    const made = copied(100);
    made.tell(leaderAct(2, "split", 10), leaderFill(4), sale(3, 70));
    // What is bought for the later purchase is not his to sell here.
    expect(sold(made)).toEqual([7]);
  });
});

describe("what he sells is what we copied first, then his old position", () => {
  test.each<[string, number | null, number[], number[]]>([
    ["all of it, no old position", 0, [100], [10]],
    ["half of it, no old position", 0, [50], [5]],
    ["he holds 1,000, buys 100, sells 100", 1_000, [100], [10]],
    ["he holds 1,000, buys 100, sells 550", 1_000, [550], [10]],
    ["he holds 1,000, buys 100, sells 50", 1_000, [50], [5]],
    ["he holds 1,000, buys 100, sells 50 and 50", 1_000, [50, 50], [5, 5]],
    ["nobody knows what he held", null, [100], [10]],
    ["in many logs", 1_000, Array.from({ length: 100 }, () => 1), [5, 5]],
    ["in thirds", 1_000, [33.333333, 33.333333, 33.333334], [10]],
  ])("%s", (_name, old, list, expected) => {
    const made = copied(100, old);
    for (const [at, amount] of list.entries()) sells(made, at + 2, amount);
    expect(sold(made)).toEqual(expected);
  });

  test("what he buys again is followed again, whatever he sold of his old position", () => {
    const made = copied(100, 1_000);
    sells(made, 2, 550);
    made.tell(leaderFill(3));
    fillOrder(made, 10);
    sells(made, 4, 50);
    sells(made, 5, 50);
    expect(sold(made)).toEqual([10, 5, 5]);
    expect(lotOf(made)).toEqual([]);
  });

  test("a purchase we did not copy is his old position", () => {
    const made = copied(100);
    made.view.quote = { ...(made.view.quote as never as object), bestAskMicro: price(0.6) } as never;
    made.tell(leaderFill(2));
    expect(only(made.own, "ExecutionAttempt").at(-1)?.reasons[0]?.code).toBe("PRICE_GUARD");
    sells(made, 3, 100);
    expect(lotOf(made)).toEqual([]);
  });

  test("a purchase whose order bought nothing does not count", () => {
    const made = copied(100);
    made.tell(leaderFill(2, { sharesMicro: shares(900) }));
    endOrder(made, "expired");
    sells(made, 3, 50);
    expect(sold(made)).toEqual([5]);
  });

  test("what was saved up counts with what it became", () => {
    const made = goodStory();
    bidAt(made, 0.5);
    made.tell(leaderFill(1, { sharesMicro: shares(40) }), leaderFill(2, { sharesMicro: shares(60) }));
    fillOrder(made, 10);
    sells(made, 3, 50);
    expect(sold(made)).toEqual([5]);
  });

  test("a sale that the chain takes back gives him his part again", () => {
    const made = copied(100, 1_000);
    made.tell(riskFact("halt", 2), sale(2, 50), loss("LeaderFillReverted", sale(2, 50)));
    made.tell(loss("LeaderFillRetracted", sale(2, 50)), riskFact("normal", 3));
    sells(made, 3, 50);
    expect(sold(made)).toEqual([5]);
  });

  test("a purchase that the chain takes back is nothing he could sell", () => {
    const made = copied(100, 1_000);
    made.tell(leaderFill(2));
    fillOrder(made, 10);
    made.tell(loss("LeaderFillReverted", leaderFill(2)), loss("LeaderFillRetracted", leaderFill(2)));
    sells(made, 3, 100);
    expect(sold(made)).toEqual([20]);
  });
});

describe("dust", () => {
  /** 10 bought, 7.6 sold, the rest of the order expires. */
  const dusty = (): Story => {
    const made = copied(100);
    made.tell(sale(2, 100));
    fillOrder(made, 7.6);
    endOrder(made, "expired");
    tick(made, 60_000);
    return made;
  };
  test("stays, is shown as such, and nothing waits for it", () => {
    const made = dusty();
    expect(held(made)).toEqual([2.4]);
    const told = pendingOf({ state: made.state(), view: made.viewNow() }, null);
    expect(told.exits).toEqual([]);
    expect(told.lots).toMatchObject([{ account: "paper", sharesMicro: shares(2.4), isDust: true, whenRemoved: null }]);
  });

  test("stays dust beside what another leader is followed with: lots are sold one by one", () => {
    const made = dusty();
    const other = `0x${"22".repeat(20)}` as Address;
    made.tell(configFact(`leaders.${other}`, 1, { leader: other, enabled: true }));
    made.tell(leaderFill(5, { leader: other, tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs }));
    fillOrder(made, 10);
    const { lots } = pendingOf({ state: made.state(), view: made.viewNow() }, null);
    expect(lots.map(({ sharesMicro, isDust }) => [sharesMicro, isDust])).toEqual([
      [shares(2.4), true],
      [shares(10), false],
    ]);
  });

  test("is no open position, but its cost is at stake", () => {
    const made = dusty();
    const { tokens, grossMicro } = exposureOf(made.state(), paper, "9" as TokenId);
    expect([tokens.size, grossMicro]).toEqual([0, usdc(1.2)]);
  });

  test("goes with the next exit after more was bought, which starts at its own guard", () => {
    const made = dusty();
    made.tell(leaderFill(3, { tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs }));
    fillOrder(made, 10);
    tick(made, 1_000);
    expect(exits(made)).toHaveLength(1);
    made.tell(sale(4, 100));
    expect(exits(made).at(-1)).toMatchObject({ sizeMicro: shares(12.4), limitPriceMicro: price(0.48) });
  });

  test.each([
    [5, 1],
    [4.99, 0],
  ])("a position of %f is %i open", (size, open) => {
    const made = goodStory();
    bidAt(made, 0.5);
    made.tell(leaderFill(1));
    fillOrder(made, size);
    endOrder(made, "expired");
    expect(exposureOf(made.state(), paper, tokenId).tokens.size).toBe(open);
  });
});

test("however he splits a sale, the same is sold, and nothing is left when he has sold what he bought", () => {
  const amounts = fc.array(fc.integer({ min: 1, max: 400_000_000 }), { minLength: 1, maxLength: 25 });
  fc.assert(
    fc.property(amounts, fc.constantFrom(0, 7, 1_000), fc.constantFrom(0.01, 1, 5), (parts, old, minimum) => {
      const total = parts.reduce((sum, part) => sum + part, 0);
      const made = goodStory({ caps: bigCaps });
      made.view.market = { ...market, minOrderSizeMicro: shares(minimum) };
      bidAt(made, 0.5);
      made.tell(balance(100, old), leaderFill(1, { sharesMicro: shares(total / 1e6) }));
      const bought = only(made.own, "OrderIntent")[0]?.sizeMicro ?? shares(0);
      if (bought === 0n) return;
      fillOrder(made, Number(bought) / 1e6);
      for (const [at, part] of parts.entries()) sells(made, at + 2, part / 1e6);
      expect(lotOf(made)).toEqual([]);
      expect(exits(made).reduce((sum, { sizeMicro }) => sum + sizeMicro, 0n)).toBe(bought);
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 100) },
  );
});

/** The venue fills what is open: all of it, or `part` ten-thousandths. */
function fillOpen(of: Story, part = 10_000): void {
  for (const order of [...of.state().orders.values()]) {
    const leaves = order.sizeMicro - order.filledMicro;
    const sizeMicro = (((leaves * BigInt(part)) / 10_000n / 10_000n) * 10_000n) as typeof order.sizeMicro;
    if ((order.status !== "granted" && order.status !== "accepted") || sizeMicro === 0n) continue;
    const head = { kind: "fill" as const, orderId: order.orderId, tokenId, atMs: of.view.nowMs, n: order.trades.size };
    const money = { usdcMicro: usdc(0), feeMicro: usdc(0), liquiditySide: "taker" as const, priceMicro: price(0.5) };
    of.say({ type: "VenueReport", orderId: order.orderId, events: [{ ...head, ...money, sizeMicro }] });
  }
}
function expireOpen(of: Story): void {
  for (const { orderId, status } of [...of.state().orders.values()]) {
    if (status !== "granted" && status !== "accepted") continue;
    of.say({ type: "VenueReport", orderId, events: [{ kind: "expired", orderId, tokenId, atMs: of.view.nowMs }] });
  }
}

type Happening = { readonly do: "buy" | "sell" | "fill" | "expire" | "pass" | "halt"; readonly part: number };
const happenings = fc.array(
  fc.record({
    do: fc.constantFrom<Happening["do"]>("buy", "buy", "sell", "sell", "fill", "fill", "expire", "pass", "halt"),
    part: fc.integer({ min: 1, max: 10_000 }),
  }),
  { maxLength: 40 },
);

test("whatever was filled, expired and halted on the way: who is flat leaves us with nothing that could be sold", () => {
  fc.assert(
    fc.property(happenings, fc.constantFrom(0, 333), fc.boolean(), (list, old, isKnown) => {
      const made = goodStory({ caps: bigCaps });
      bidAt(made, 0.5);
      if (isKnown) made.tell(balance(100, old));
      let held = old * 1e6;
      let risks = 1;
      list.forEach(({ do: what, part }, at) => {
        const n = at + 1;
        const now = { tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs };
        if (what === "buy") made.tell(leaderFill(n, { ...now, sharesMicro: shares(part / 10) }));
        if (what === "buy") held += part * 100_000;
        const gives = Math.floor((held * part) / 10_000);
        if (what === "sell" && gives > 0) {
          held -= gives;
          made.tell(sale(n, gives / 1e6, now));
        }
        if (what === "fill") fillOpen(made, part);
        if (what === "expire") expireOpen(made);
        if (what === "halt") made.tell(riskFact(risks % 2 === 1 ? "halt" : "normal", ++risks));
        tick(made, what === "pass" ? part : 10);
        const owed = owedExits(made).reduce<bigint>((sum, amount) => sum + (amount ?? 0n), 0n);
        expect(owed <= (lotOf(made)[0] ?? 0n)).toBe(true);
      });
      made.tell(riskFact("normal", 99));
      const now = { tsEventMs: made.view.nowMs, tsInitMs: made.view.nowMs };
      if (held > 0) made.tell(sale(90, held / 1e6, now));
      for (let turn = 0; turn < 8; turn++) {
        fillOpen(made);
        tick(made, 10_000);
      }
      expect((lotOf(made)[0] ?? 0n) < market.minOrderSizeMicro).toBe(true);
      expect(owedExits(made)).toEqual([]);
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 100) },
  );
});
