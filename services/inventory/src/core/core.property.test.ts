/** The invariants under random stories: fills, balances, settlements told late or never, reorgs, ageing, repeats. */
import type { Fact } from "@slipstream/contracts/facts";
import { decodeState, encodeState } from "@slipstream/contracts/json";
import { formatMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { expect, test } from "vitest";
import { remainingOf, signed } from "./absorption.ts";
import { evolve } from "./evolve.ts";
import * as given from "./facts.testing.ts";
import { availableCollateral, positionNumbers } from "./formulas.ts";
import { type InventoryState, initialState } from "./state.ts";

const runs = Number(process.env["FAST_CHECK_RUNS"] ?? 300);

type Step =
  | { readonly do: "intent"; readonly size: number }
  | {
      readonly do: "fill";
      readonly order: number;
      readonly side: "BUY" | "SELL";
      readonly size: number;
      readonly last: boolean;
    }
  | { readonly do: "end"; readonly order: number; readonly how: "expired" | "abandoned" }
  | { readonly do: "block"; readonly mined: readonly number[]; readonly purse: boolean }
  | { readonly do: "settled"; readonly pick: number }
  | { readonly do: "age"; readonly pick: number }
  | { readonly do: "reorg"; readonly depth: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("intent" as const), size: fc.integer({ min: 1, max: 20 }) }),
  fc.record({
    do: fc.constant("fill" as const),
    order: fc.nat(8),
    side: fc.constantFrom("BUY" as const, "SELL" as const),
    size: fc.integer({ min: 1, max: 20 }),
    last: fc.boolean(),
  }),
  fc.record({
    do: fc.constant("end" as const),
    order: fc.nat(8),
    how: fc.constantFrom("expired" as const, "abandoned" as const),
  }),
  fc.record({ do: fc.constant("block" as const), mined: fc.array(fc.nat(5), { maxLength: 3 }), purse: fc.boolean() }),
  fc.record({ do: fc.constant("settled" as const), pick: fc.nat(12) }),
  fc.record({ do: fc.constant("age" as const), pick: fc.nat(12) }),
  fc.record({ do: fc.constant("reorg" as const), depth: fc.integer({ min: 1, max: 3 }) }),
);

type Trade = { readonly n: number; readonly side: "BUY" | "SELL"; readonly size: number; block: number | null };

/** A chain that really executes the fills, in any order, and tells of them through facts. */
function story(steps: readonly Step[]): Fact[] {
  const facts: Fact[] = [given.configured(given.policy()), given.funded("1000000")];
  const trades: Trade[] = [];
  let orders = 0;
  let head = 10;
  const held = (): number => net(trades);
  const mined = (): Trade[] => trades.filter(({ block }) => block !== null);
  const balances = (afterReorg: boolean, purse: boolean): Fact => {
    const shares = net(mined());
    const usdc = mined().reduce((sum, { side, size }) => sum + (side === "BUY" ? -size : size), 1_000_000);
    return given.snapshot({
      block: head,
      shares: String(shares),
      ...(purse ? { usdc: String(usdc) } : {}),
      afterReorg,
    });
  };
  for (const now of steps) {
    if (now.do === "intent") {
      orders += 1;
      facts.push(given.intent({ n: orders, size: String(now.size) }), given.granted(orders, String(now.size)));
    } else if (now.do === "fill") {
      if (now.side === "SELL" && held() < now.size) continue;
      const n = trades.length + 1;
      trades.push({ n, side: now.side, size: now.size, block: null });
      const size = String(now.size);
      facts.push(
        given.filled({ n, orderN: now.order, side: now.side, size, usdc: size, leaves: now.last ? "0" : "1" }),
      );
    } else if (now.do === "end") {
      facts.push(now.how === "expired" ? given.expired(now.order) : given.abandoned(now.order));
    } else if (now.do === "block") {
      head += 1;
      for (const pick of now.mined) {
        const waiting = trades.filter(({ block }) => block === null);
        const trade = waiting[pick % Math.max(1, waiting.length)];
        // The chain moves no shares that are not there yet.
        if (trade !== undefined && (trade.side === "BUY" || net(mined()) >= trade.size)) trade.block = head;
      }
      facts.push(balances(false, now.purse));
    } else if (now.do === "settled") {
      const trade = mined()[now.pick % Math.max(1, mined().length)];
      if (trade?.block != null) facts.push(given.settled(trade.n, trade.block));
    } else if (now.do === "age") {
      const trade = trades[now.pick % Math.max(1, trades.length)];
      if (trade !== undefined) facts.push(given.aged(trade.n));
    } else {
      head = Math.max(10, head - now.depth);
      for (const trade of trades) if (trade.block !== null && trade.block > head) trade.block = null;
      facts.push(balances(true, true));
    }
  }
  return facts;
}

const net = (trades: readonly Trade[]): number =>
  trades.reduce((sum, { side, size }) => sum + (side === "BUY" ? size : -size), 0);

const fold = (facts: readonly Fact[], each?: (state: InventoryState) => void): InventoryState =>
  facts.reduce((state, fact, index) => {
    const next = evolve(state, given.recorded(fact, index + 1));
    each?.(next);
    return next;
  }, initialState());

const stories = fc.array(step, { minLength: 1, maxLength: 40, size: "max" }).map(story);

test("nothing that is counted is ever negative, and no fill is absorbed beyond its size", () => {
  fc.assert(
    fc.property(stories, (facts) => {
      fold(facts, (state) => {
        for (const account of state.accounts.values()) {
          expect(availableCollateral(account) ?? 0n).toBeGreaterThanOrEqual(0n);
          for (const position of account.positions.values()) {
            const { effectiveMicro: _signed, ...numbers } = positionNumbers(account, position);
            for (const amount of Object.values(numbers)) expect(amount).toBeGreaterThanOrEqual(0n);
            for (const fill of position.fills) {
              expect(fill.absorbedMicro).toBeGreaterThanOrEqual(0n);
              expect(remainingOf(fill)).toBeGreaterThanOrEqual(0n);
            }
          }
        }
      });
    }),
    { numRuns: runs },
  );
});

test("confirmed and pending always sum to what was traded, whatever the chain tells and when", () => {
  fc.assert(
    fc.property(stories, (facts) => {
      fold(facts, (state) => {
        for (const { positions } of state.accounts.values()) {
          for (const position of positions.values()) {
            const pending = position.fills.reduce((sum, fill) => sum + signed(fill.side, remainingOf(fill)), 0n);
            expect(formatMicro(position.confirmedMicro + pending)).toBe(formatMicro(position.tradedMicro));
          }
        }
      });
    }),
    { numRuns: runs },
  );
});

test("bought and fees minus sold is cost minus realized profit, to the last micro", () => {
  fc.assert(
    fc.property(stories, (facts) => {
      const seen = new Set<string>();
      let net = 0n;
      for (const fact of facts) {
        if (fact.type !== "ExecutionFill" || seen.has(fact.tradeId)) continue;
        seen.add(fact.tradeId);
        net += (fact.side === "BUY" ? fact.usdcMicro : -fact.usdcMicro) + fact.feeMicro;
      }
      const position = fold(facts).accounts.get(given.account)?.positions.get(given.token);
      expect((position?.costMicro ?? 0n) - (position?.realizedPnlMicro ?? 0n)).toBe(net);
    }),
    { numRuns: runs },
  );
});

test("a fact that comes twice changes nothing", () => {
  fc.assert(
    fc.property(stories, (facts) => {
      const once = fold(facts);
      let state = initialState();
      facts.forEach((fact, index) => {
        state = evolve(state, given.recorded(fact, index + 1));
        const before = encodeState(state);
        state = evolve(state, given.recorded(fact, index + 1));
        expect(encodeState(state)).toBe(before);
      });
      expect(encodeState(state)).toBe(encodeState(once));
    }),
    { numRuns: runs },
  );
});

test("an order that ended holds no reservation, and a late repeat of its life brings none back", () => {
  fc.assert(
    fc.property(stories, (facts) => {
      const state = fold([...facts, ...facts]);
      const account = state.accounts.get(given.account);
      const ended = facts.filter(
        (fact) =>
          fact.type === "OrderExpired" ||
          fact.type === "OrderAbandoned" ||
          (fact.type === "ExecutionFill" && fact.leavesMicro === 0n),
      );
      for (const fact of ended) if ("orderId" in fact) expect(account?.orders.has(fact.orderId)).toBe(false);
    }),
    { numRuns: runs },
  );
});

test("a snapshot of the state restores it", () => {
  fc.assert(
    fc.property(stories, (facts) => {
      const state = fold(facts);
      expect(decodeState(encodeState(state))).toEqual(state);
    }),
    { numRuns: Math.min(runs, 50) },
  );
});
