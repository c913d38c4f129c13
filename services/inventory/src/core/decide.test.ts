import { createLocalLog } from "@slipstream/actor/local";
import type { Fact, FactOf, FactType } from "@slipstream/contracts/facts";
import { formatMicro } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import { inventoryCore } from "./core.ts";
import { evolve } from "./evolve.ts";
import * as given from "./facts.testing.ts";
import { initialState } from "./state.ts";

/** A running core whose time is moved by hand, and everything it has published. */
function run(...facts: readonly Fact[]) {
  const published: Fact[] = [];
  let nowMs = 1;
  const log = createLocalLog({ throughWire: true, onFact: ({ fact }) => published.push(fact) });
  const actor = log.add({ core: inventoryCore, view: () => given.view(nowMs), perform: () => null });
  const append = (...more: readonly Fact[]): void => {
    for (const fact of more) log.append(fact);
  };
  append(...facts);
  return {
    append,
    tickAt: (ms: number): void => {
      nowMs = ms;
      actor.post({ type: "Tick" });
    },
    of: <T extends FactType>(type: T): FactOf<T>[] => published.filter((fact): fact is FactOf<T> => fact.type === type),
  };
}

const start = [given.configured(given.policy()), given.filled({ n: 1, size: "5", usdc: "2", fee: "0.01" })];

describe("the purse against our own books", () => {
  const bought = given.filled({ n: 1, size: "5", usdc: "2", fee: "0.01" });
  const settledAt = (block: number, usdc: string) => [
    given.settled(1, block),
    given.snapshot({ block, shares: "5", usdc }),
  ];
  const disagreements = (inventory: ReturnType<typeof run>) =>
    inventory
      .of("CashDisagreed")
      .map(({ expectedMicro, actualMicro, blockNumber }) => [
        formatMicro(expectedMicro),
        formatMicro(actualMicro),
        blockNumber,
      ]);

  test("is right while a fill is pending, and when it has settled", () => {
    const inventory = run(given.configured(given.policy()), bought);
    inventory.tickAt(1_000);
    inventory.append(given.settled(1, 11));
    inventory.tickAt(2_000);
    inventory.append(given.snapshot({ block: 11, shares: "5", usdc: "997.99" }));
    inventory.tickAt(3_000);
    expect(disagreements(inventory)).toEqual([]);
  });

  test("is said to be wrong once, to the micro, and again when it is wrong by something else", () => {
    const inventory = run(given.configured(given.policy()), bought, ...settledAt(11, "997.990001"));
    inventory.tickAt(1_000);
    inventory.tickAt(2_000);
    expect(disagreements(inventory)).toEqual([["997.99", "997.990001", 11]]);
    inventory.append(given.snapshot({ block: 12, shares: "5", usdc: "997.98" }));
    inventory.tickAt(3_000);
    inventory.tickAt(4_000);
    expect(disagreements(inventory).slice(1)).toEqual([["997.99", "997.98", 12]]);
  });

  test("of a wallet is moved by others too and not judged", () => {
    const live = [given.configured(given.policy({ mode: "live" })), ...settledAt(11, "5")];
    const inventory = run(...live);
    inventory.tickAt(1_000);
    expect(disagreements(inventory)).toEqual([]);
  });
});

describe("what inventory publishes", () => {
  test("a paper purse is credited once, whatever its policy becomes", () => {
    const inventory = run(given.configured(given.policy()), given.configured(given.policy(), 2));
    expect(inventory.of("AccountFunded").map(({ id }) => id)).toEqual(["AccountFunded:paper:0"]);
  });

  test("a live account is never credited", () => {
    expect(run(given.configured(given.policy({ mode: "live" }))).of("AccountFunded")).toEqual([]);
  });

  test("each change of a position is published once, named by its cause", () => {
    const inventory = run(...start);
    inventory.append(given.filled({ n: 1, size: "5", usdc: "2", fee: "0.01" }));
    expect(
      inventory.of("PositionChanged").map(({ id, effectiveMicro, costMicro, feesMicro, availableCollateralMicro }) => ({
        id,
        effective: formatMicro(effectiveMicro),
        cost: formatMicro(costMicro),
        fees: formatMicro(feesMicro),
        cash: formatMicro(availableCollateralMicro),
      })),
    ).toEqual([{ id: "PositionChanged:paper.11:3", effective: "5", cost: "2", fees: "0.01", cash: "997.99" }]);
  });

  test("profit is what a sale brought above its share of the cost, less every fee that was paid", () => {
    const inventory = run(...start, given.filled({ n: 2, side: "SELL", size: "2", usdc: "1.5" }));
    expect(inventory.of("PositionChanged").at(-1)).toMatchObject({ costMicro: 1_200_000n, realizedPnlMicro: 690_000n });
  });

  test("after a restart only what is open is decided again", () => {
    const open = [...start, given.intent({ n: 9, size: "1" })];
    const state = open.reduce((known, fact, i) => evolve(known, given.recorded(fact, i + 1)), initialState());
    const [message, ...others] = inventoryCore.owed(state, given.view());
    expect(others).toEqual([]);
    expect(message).toEqual({ type: "Owed", account: given.account });
    const [chain] = inventoryCore.chains(state);
    if (message === undefined || chain === undefined) throw new Error("nothing is owed");
    const { facts } = inventoryCore.decide(state, given.view(), message, chain);
    expect(facts.map(({ type }) => type)).toEqual(["AccountFunded", "PositionChanged"]);
  });
});

describe("what time alone brings", () => {
  test("a fill the chain does not show is aged once, at its time", () => {
    const inventory = run(...start);
    inventory.tickAt(180_000);
    expect(inventory.of("PendingFillAged")).toEqual([]);
    inventory.tickAt(180_001);
    inventory.tickAt(180_002);
    expect(inventory.of("PendingFillAged")).toMatchObject([{ tradeIds: ["trade-1"], netMicro: 5_000_000n }]);
    expect(inventory.of("PositionChanged").at(-1)).toMatchObject({
      effectiveMicro: 0n,
      conservativeExposureMicro: 5_000_000n,
    });
  });

  test("a fill known to be in a block is waited for", () => {
    const inventory = run(...start, given.settled(1, 9));
    inventory.tickAt(999_999);
    expect(inventory.of("PendingFillAged")).toEqual([]);
  });

  test("shares nobody bought are reported after a while, and again when they are explained", () => {
    const inventory = run(...start, given.snapshot({ block: 9, shares: "6.5" }));
    inventory.tickAt(10_000);
    expect(inventory.of("DiscrepancyFound")).toEqual([]);
    inventory.tickAt(10_001);
    inventory.tickAt(10_002);
    expect(inventory.of("DiscrepancyFound")).toMatchObject([{ differenceMicro: 1_500_000n, sinceMs: 1 }]);
    inventory.append(given.snapshot({ block: 10, shares: "5" }));
    inventory.tickAt(10_003);
    inventory.tickAt(10_004);
    expect(inventory.of("DiscrepancyResolved")).toHaveLength(1);
  });

  test("a difference below the threshold is nobody's business", () => {
    const inventory = run(...start, given.snapshot({ block: 9, shares: "6" }));
    inventory.tickAt(99_999);
    expect(inventory.of("DiscrepancyFound")).toEqual([]);
  });
});
