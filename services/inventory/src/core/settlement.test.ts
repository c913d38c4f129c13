/** What a resolved market pays: to whom, how much, when, and once. */
import { createLocalLog } from "@slipstream/actor/local";
import type { Fact, FactOf, FactType } from "@slipstream/contracts/facts";
import { type ConditionId, factId, TokenId } from "@slipstream/contracts/ids";
import { formatMicro, parseUsdc } from "@slipstream/contracts/money";
import { describe, expect, test } from "vitest";
import { inventoryCore } from "./core.ts";
import * as given from "./facts.testing.ts";

/** A running core and everything it has published. */
function run(...facts: readonly Fact[]) {
  const published: Fact[] = [];
  let nowMs = 1;
  const log = createLocalLog({ throughWire: true, onFact: ({ fact }) => published.push(fact) });
  const actor = log.add({ core: inventoryCore, view: () => given.view(nowMs), perform: () => null });
  const of = <T extends FactType>(type: T): FactOf<T>[] =>
    published.filter((fact): fact is FactOf<T> => fact.type === type);
  const append = (...more: readonly Fact[]): void => {
    for (const fact of more) log.append(fact);
  };
  append(...facts);
  return {
    append,
    of,
    passTo: (ms: number): void => {
      nowMs = ms;
      actor.post({ type: "Tick" });
    },
    account: () => actor.state().accounts.get(given.account),
    settled: (): string[] =>
      of("PositionSettled").map(
        ({ id, sharesMicro, payoutMicro, costMicro }) =>
          `${id} ${formatMicro(sharesMicro)} -> ${formatMicro(payoutMicro)} of ${formatMicro(costMicro)}`,
      ),
    now: (tokenId = given.token) => {
      const last = of("PositionChanged").findLast((fact) => fact.tokenId === tokenId);
      if (last === undefined) throw new Error("nothing was published");
      return {
        held: formatMicro(last.effectiveMicro),
        exposure: formatMicro(last.conservativeExposureMicro),
        cost: formatMicro(last.costMicro),
        realized: formatMicro(last.realizedPnlMicro),
        claimable: formatMicro(last.claimableMicro),
      };
    },
  };
}

const paper = (change: Parameters<typeof given.policy>[0] = {}) => given.configured(given.policy(change));
const bought = (n: number, size: string, usdc: string, tokenId = given.token) =>
  given.filled({ n, size, usdc, tokenId });
/** Ten shares for 5 that a balance shows. */
const held = [paper(), bought(1, "10", "5"), given.snapshot({ block: 80, shares: "10", usdc: "995" })];
const empty = { held: "0", exposure: "0", cost: "0" };

describe("what is paid", () => {
  test.each<{ vector: readonly [bigint, bigint]; payout: string; realized: string }>([
    { vector: [1n, 0n], payout: "10", realized: "5" },
    { vector: [0n, 1n], payout: "0", realized: "-5" },
    { vector: [1n, 1n], payout: "5", realized: "0" },
    { vector: [1n, 2n], payout: "3.333333", realized: "-1.666667" },
    { vector: [2n, 1n], payout: "6.666666", realized: "1.666666" },
    { vector: [10n ** 60n, 0n], payout: "10", realized: "5" },
  ])("$vector pays $payout", ({ vector, payout, realized }) => {
    const inventory = run(...held, given.resolved(...vector));
    expect(inventory.settled()).toEqual([`PositionSettled:paper.11:0 10 -> ${payout} of 5`]);
    expect(inventory.now()).toEqual({ ...empty, realized, claimable: payout });
    // The ledger pays: the claim is cash, and nothing is settled again.
    inventory.append(given.snapshot({ block: 91, shares: "0", usdc: String(995 + Number(payout)) }));
    expect(inventory.now()).toEqual({ ...empty, realized, claimable: "0" });
    expect(inventory.settled()).toHaveLength(1);
  });

  test("both tokens of the condition, each rounded down", () => {
    const inventory = run(
      ...held,
      bought(2, "7", "3.5", given.otherToken),
      given.snapshot({ block: 81, shares: "7", tokenId: given.otherToken }),
      given.resolved(1n, 2n),
    );
    expect(inventory.settled()).toEqual([
      "PositionSettled:paper.11:0 10 -> 3.333333 of 5",
      "PositionSettled:paper.22:0 7 -> 4.666666 of 3.5",
    ]);
    expect(inventory.of("PositionSettled").map(({ outcomeIndex }) => outcomeIndex)).toEqual([0, 1]);
  });

  test("an account that was deleted or switched off is paid as well", () => {
    const gone: Fact = { ...paper(), id: factId("ConfigChanged", "x", 2), revision: 2, value: null };
    expect(run(...held, gone, given.resolved(1n, 0n)).settled()).toHaveLength(1);
  });

  test("shares that nobody bought are paid too, and leave no difference", () => {
    const inventory = run(paper(), bought(1, "10", "5"), given.snapshot({ block: 80, shares: "12" }));
    inventory.append(given.resolved(1n, 0n));
    expect(inventory.settled()).toEqual(["PositionSettled:paper.11:0 12 -> 12 of 5"]);
    inventory.append(given.snapshot({ block: 91, shares: "0" }));
    inventory.passTo(1_000_000);
    expect(inventory.of("DiscrepancyFound")).toEqual([]);
  });

  test("a resolution that is told twice, and a settlement that is told twice, change nothing", () => {
    const inventory = run(...held, given.resolved(1n, 0n), given.resolved(1n, 0n));
    const [settlement] = inventory.of("PositionSettled");
    if (settlement === undefined) throw new Error("nothing was settled");
    inventory.append(settlement);
    expect(inventory.now()).toMatchObject({ realized: "5", claimable: "10" });
    expect(new Set(inventory.settled()).size).toBe(1);
  });
});

describe("when it is paid", () => {
  test("what is still being bought settles under the next number, once a balance shows it", () => {
    const inventory = run(...held, bought(2, "4", "3"), given.resolved(1n, 0n));
    // Ten of fourteen carry 10/14 of 8.
    expect(inventory.settled()).toEqual(["PositionSettled:paper.11:0 10 -> 10 of 5.714285"]);
    expect(inventory.now()).toMatchObject({ held: "4", realized: "4.285715" });
    inventory.append(given.snapshot({ block: 91, shares: "14" }));
    expect(inventory.settled().slice(1)).toEqual(["PositionSettled:paper.11:1 4 -> 4 of 2.285715"]);
    inventory.append(given.snapshot({ block: 92, shares: "0" }));
    expect(inventory.now()).toEqual({ ...empty, realized: "6", claimable: "0" });
  });

  test("what was bought before is settled when its balance comes late", () => {
    const inventory = run(paper(), given.funded("1000"), bought(1, "10", "5"), given.resolved(1n, 0n));
    expect(inventory.settled()).toEqual([]);
    inventory.append(given.snapshot({ block: 80, shares: "10" }));
    expect(inventory.settled()).toEqual(["PositionSettled:paper.11:0 10 -> 10 of 5"]);
  });

  test("a purchase that fails afterwards takes its cost back and no more", () => {
    const inventory = run(...held, bought(2, "4", "3"), given.resolved(1n, 0n), given.reversed(2));
    inventory.append(given.snapshot({ block: 91, shares: "0" }));
    expect(inventory.now()).toEqual({ ...empty, realized: "5", claimable: "0" });
  });

  test("shares on sale wait for the end of their order: what it sells is not paid as well", () => {
    const selling = [given.intent({ n: 5, side: "SELL", size: "4" })];
    const inventory = run(...held, ...selling, given.resolved(1n, 0n));
    expect(inventory.settled()).toEqual(["PositionSettled:paper.11:0 6 -> 6 of 3"]);
    inventory.append(given.filled({ n: 6, orderN: 5, side: "SELL", size: "1", usdc: "0.9", leaves: "3" }));
    inventory.append(given.expired(5));
    expect(inventory.settled().slice(1)).toEqual(["PositionSettled:paper.11:1 3 -> 3 of 1.5"]);
    inventory.append(given.snapshot({ block: 91, shares: "0" }));
    expect(inventory.now()).toEqual({ ...empty, realized: "4.9", claimable: "0" });
  });

  test("nobody is paid without a resolution", () => {
    const inventory = run(...held);
    inventory.passTo(9_000_000);
    expect(inventory.settled()).toEqual([]);
  });
});

describe("a wallet", () => {
  const wallet = (block: number, shares: string, usdc: string): Fact => ({
    ...given.snapshot({ block, shares, usdc }),
    holder: { kind: "wallet", address: `0x${"9".repeat(40)}` as never },
    account: given.account,
    source: "chain",
  });
  const live = [given.configured(given.policy({ mode: "live" })), bought(1, "10", "5"), wallet(80, "10", "995")];

  test("has a claim until the chain shows the redemption, and no cash before", () => {
    const inventory = run(...live, given.resolved(1n, 0n), wallet(91, "10", "995"));
    expect(inventory.now()).toEqual({ ...empty, realized: "5", claimable: "10" });
    expect(inventory.account()?.collateralMicro).toBe(parseUsdc("995"));
    // Weeks pass: it is neither aged nor a difference.
    inventory.passTo(3_000_000_000);
    inventory.append(wallet(999, "0", "1005"));
    inventory.passTo(3_000_100_000);
    expect(inventory.now()).toEqual({ ...empty, realized: "5", claimable: "0" });
    expect([inventory.of("PendingFillAged"), inventory.of("DiscrepancyFound")]).toEqual([[], []]);
    expect(inventory.settled()).toHaveLength(1);
  });

  test("that was redeemed before we knew is settled, and nothing is left of it", () => {
    const inventory = run(...live, wallet(91, "0", "1005"), given.resolved(1n, 0n));
    expect(inventory.settled()).toEqual(["PositionSettled:paper.11:0 10 -> 10 of 5"]);
    expect(inventory.now()).toEqual({ ...empty, realized: "5", claimable: "0" });
    inventory.passTo(1_000_000);
    expect(inventory.of("DiscrepancyFound")).toEqual([]);
  });

  test("that lost shares long before has a difference, which is not paid", () => {
    const late: Fact = { ...given.resolved(1n, 0n), tsInitMs: 5_000_000 };
    const inventory = run(...live, wallet(81, "8", "995"), late);
    expect(inventory.settled()).toEqual(["PositionSettled:paper.11:0 8 -> 8 of 4"]);
    expect(inventory.now()).toMatchObject({ cost: "1", realized: "4" });
  });
});

test("fifty positions that win free their money and their places", () => {
  const market = (n: number) => ({
    conditionId: `0x${n.toString(16).padStart(64, "0")}` as ConditionId,
    tokenId: TokenId.parse(String(1_000 + n)),
    other: TokenId.parse(String(2_000 + n)),
  });
  const caps = { ...given.policy().caps, openPositionsMax: 50, grossUsdcMicro: parseUsdc("10000") };
  const inventory = run(paper({ initialCollateralMicro: parseUsdc("10000"), caps }));
  let usdc = 10_000;
  for (let n = 0; n < 50; n++) {
    const { conditionId, tokenId } = market(n);
    usdc -= 10;
    const fill = { ...given.filled({ n, size: "20", usdc: "10", tokenId }), conditionId };
    inventory.append(fill, given.snapshot({ block: 10 + n, shares: "20", usdc: String(usdc), tokenId }));
  }
  inventory.append(given.intent({ n: 900, size: "20", tokenId: market(51).tokenId }));
  expect(inventory.of("OrderDenied")).toMatchObject([{ reason: { code: "POSITIONS_FULL", open: 50, openMax: 50 } }]);
  for (let n = 0; n < 50; n++) {
    const { conditionId, tokenId, other } = market(n);
    usdc += 20;
    inventory.append({ ...given.resolved(1n, 0n), conditionId, tokenIds: [tokenId, other] });
    inventory.append(given.snapshot({ block: 100 + n, shares: "0", usdc: String(usdc), tokenId }));
  }
  const account = inventory.account();
  const realized = [...(account?.positions.values() ?? [])].reduce((sum, held) => sum + held.realizedPnlMicro, 0n);
  expect([formatMicro(account?.collateralMicro ?? 0n), formatMicro(realized)]).toEqual(["10500", "500"]);
  inventory.append(given.intent({ n: 901, size: "20", tokenId: market(51).tokenId }));
  expect(inventory.of("ReservationGranted").map(({ orderId }) => orderId)).toEqual([given.orderId(901)]);
});
