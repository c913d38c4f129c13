import type { Address, Hash } from "@slipstream/contracts/ids";
import { type PriceMicro, priceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bestOf, cancel, createEngine, depthOf, type Engine, type Order, type Outcome, place } from "./engine.ts";

const owner = (n: number): Address => `0x${n.toString(16).padStart(40, "0")}` as Address;
const idOf = (n: number): Hash => `0x${n.toString(16).padStart(64, "0")}` as Hash;
const engineOf = (): Engine =>
  createEngine({ tickMicro: priceMicro(10_000), minOrderSizeMicro: sharesMicro(5_000_000n) });

let ids = 0;
const order = (owned: number, outcome: Outcome, side: Side, cents: number, shares: number): Order => {
  ids += 1;
  const price = priceMicro(cents * 10_000);
  return {
    id: idOf(ids),
    owner: owner(owned),
    outcome,
    side,
    priceMicro: price,
    sizeMicro: sharesMicro(BigInt(shares) * 1_000_000n),
  };
};
const placed = (engine: Engine, one: Order, timeInForce: "GTC" | "FAK" = "GTC") => {
  const result = place(engine, one, timeInForce);
  if (typeof result === "string") throw new Error(result);
  return result;
};
const shares = (n: number) => sharesMicro(BigInt(n) * 1_000_000n);

describe("one book for both outcomes", () => {
  test("a bid for YES is an ask for NO at the complement", () => {
    const engine = engineOf();
    placed(engine, order(1, 0, "BUY", 40, 10));
    expect(bestOf(engine, 0, "BUY")).toBe(400_000);
    expect(depthOf(engine, 1, "SELL", 5)).toEqual([{ side: "SELL", priceMicro: 600_000, sizeMicro: shares(10) }]);
  });

  test.each([
    ["a buy meets a sell of the same token", [0, "SELL", 40], [0, "BUY", 41], "COMPLEMENTARY"],
    ["a buy of the other token mints", [1, "BUY", 60], [0, "BUY", 41], "MINT"],
    ["a sell of the other token merges", [1, "SELL", 60], [0, "SELL", 39], "MERGE"],
  ] as const)("%s", (_, resting, active, kind) => {
    const engine = engineOf();
    placed(engine, order(1, resting[0], resting[1], resting[2], 10));
    const { trade, restingMicro } = placed(engine, order(2, active[0], active[1], active[2], 12));
    expect(trade?.legs.map((leg) => [leg.kind, leg.sharesMicro, leg.order.priceMicro])).toEqual([
      [kind, shares(10), resting[2] * 10_000],
    ]);
    expect(restingMicro).toBe(shares(2));
  });
});

describe("priority", () => {
  test("better prices first, then the older order", () => {
    const engine = engineOf();
    const [late, early, better] = [
      order(1, 0, "SELL", 42, 10),
      order(2, 1, "BUY", 58, 10),
      order(3, 0, "SELL", 41, 10),
    ];
    for (const one of [early, late, better]) placed(engine, one);
    const { trade, changes } = placed(engine, order(4, 0, "BUY", 50, 25), "FAK");
    expect(trade?.legs.map((leg) => leg.order.id)).toEqual([better.id, early.id, late.id]);
    expect(changes.map((change) => [change.priceMicro, change.sizeMicro])).toEqual([
      [410_000, 0n],
      [420_000, shares(5)],
    ]);
  });

  test("an own resting order is taken off, not traded with", () => {
    const engine = engineOf();
    const own = order(1, 0, "SELL", 41, 10);
    placed(engine, own);
    placed(engine, order(2, 0, "SELL", 42, 10));
    const { trade, takenOff } = placed(engine, order(1, 0, "BUY", 45, 10));
    expect(takenOff.map((one) => one.id)).toEqual([own.id]);
    expect(trade?.legs.map((leg) => leg.order.owner)).toEqual([owner(2)]);
  });

  test.each([
    ["off tick", { priceMicro: 415_000 as PriceMicro }, "PRICE_OFF_TICK"],
    ["a thousandth of a share", { sizeMicro: sharesMicro(5_001_000n) }, "SIZE_NOT_WHOLE"],
    ["below the minimum", { sizeMicro: sharesMicro(4_990_000n) }, "SIZE_BELOW_MINIMUM"],
  ] as const)("refuses %s", (_, change, refusal) => {
    expect(place(engineOf(), { ...order(1, 0, "BUY", 40, 10), ...change }, "GTC")).toBe(refusal);
  });
});

const action = fc.record({
  owned: fc.integer({ min: 1, max: 4 }),
  outcome: fc.constantFrom<Outcome>(0, 1),
  side: fc.constantFrom<Side>("BUY", "SELL"),
  cents: fc.integer({ min: 40, max: 60 }),
  shares: fc.integer({ min: 5, max: 40 }),
  fak: fc.boolean(),
  cancels: fc.option(fc.nat({ max: 60 })),
});

test("never crossed, and no share appears or disappears", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const engine = engineOf();
      const known: Order[] = [];
      const levels = new Map<string, bigint>();
      let [given, traded, gone] = [0n, 0n, 0n];
      for (const { owned, outcome, side, cents, shares: size, fak, cancels } of actions) {
        const victim = cancels === null ? undefined : known[cancels];
        const cancelled = victim === undefined ? null : cancel(engine, victim.id);
        gone += cancelled?.order.leavesMicro ?? 0n;
        const one = order(owned, outcome, side, cents, size);
        known.push(one);
        const result = placed(engine, one, fak ? "FAK" : "GTC");
        given += one.sizeMicro;
        const legs = result.trade?.legs ?? [];
        const sum = legs.reduce((total, leg) => total + leg.sharesMicro, 0n);
        expect(sum).toBe(result.trade?.sharesMicro ?? 0n);
        traded += 2n * sum;
        gone += result.takenOff.reduce((total, taken) => total + taken.leavesMicro, 0n);
        if (fak) gone += one.sizeMicro - sum;
        for (const change of [...(cancelled === null ? [] : [cancelled.change]), ...result.changes]) {
          levels.set(`${change.side}${change.priceMicro}`, change.sizeMicro);
        }
        const [bid, ask] = [bestOf(engine, 0, "BUY"), bestOf(engine, 0, "SELL")];
        if (bid !== null && ask !== null) expect(bid).toBeLessThan(ask);
      }
      const resting = [...engine.byId.values()].reduce((total, one) => total + one.leavesMicro, 0n);
      expect(given).toBe(traded + gone + resting);
      // What was told is what is there.
      const told = [...levels].filter(([, size]) => size > 0n).sort();
      const there = (["BUY", "SELL"] as const)
        .flatMap((side) => depthOf(engine, 0, side, 1_000))
        .map((level) => [`${level.side}${level.priceMicro}`, level.sizeMicro] as const);
      expect(told).toEqual(there.sort());
    }),
    { numRuns: 150 },
  );
});
