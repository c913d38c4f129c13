/**
 * Markets resolve on a real chain while balance-sync, inventory and the executor follow a real log: nothing is paid on the
 * venue's word or before finality, everything once, and after a restart too.
 */
import { publishMarket } from "@slipstream/actor/markets";
import type { RunningService } from "@slipstream/actor/service";
import type { Fact, FactOf, FactType } from "@slipstream/contracts/facts";
import { factId, type Hash, type LeaderFillId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { formatMicro, priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { append, recordedFacts, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChainMarket, ChainNode } from "../../../sandbox/src/chain/types.ts";
import { marketOf, startTestChain, type TestChain } from "../../../sandbox/test/chainKit.ts";
import { executorEnv } from "../../executor/src/config.ts";
import { buildExecutor } from "../../executor/src/service.ts";
import { inventoryEnv } from "../../inventory/src/config.ts";
import * as given from "../../inventory/src/core/facts.testing.ts";
import { buildInventory } from "../../inventory/src/service.ts";
import { balanceSyncEnv } from "../src/config.ts";
import { buildBalanceSync } from "../src/service.ts";

const timeoutMs = 30_000;
const FINALITY = 4;
let testBus: TestBus;
let kit: TestChain;
let second: ChainNode;
let bus: TestBus["bus"];
let balances: RunningService;
const others: RunningService[] = [];

const startBalances = (): Promise<RunningService> =>
  buildBalanceSync(
    testBus.context("balance-sync", balanceSyncEnv, {
      // Each resolution is asked for at both.
      POLYGON_HTTP_URL: `${kit.chain.rpcHttpUrl},${second.rpcHttpUrl}`,
      AQ_ONCHAIN_SYNC_INTERVAL_SECONDS: "1",
      AQ_ONCHAIN_RESOLUTION_SECONDS: "1",
      AQ_ONCHAIN_RESOLUTION_ALL_SECONDS: "2",
    }),
  );

beforeAll(async () => {
  [testBus, kit] = await Promise.all([startTestBus(), startTestChain({ finalityDepth: FINALITY })]);
  ({ bus } = testBus);
  second = await kit.chain.addNode();
  balances = await startBalances();
  others.push(await buildInventory(testBus.context("inventory", inventoryEnv)));
  others.push(await buildExecutor(testBus.context("executor", executorEnv)));
}, 60_000);
afterAll(async () => {
  await balances?.drain();
  for (const service of others) await service.drain();
  await Promise.all([kit?.stop(), testBus?.stop()]);
});

async function all<T extends FactType>(type: T): Promise<FactOf<T>[]> {
  const facts = (await recordedFacts(bus)).map(({ fact }) => fact);
  return facts.filter((fact): fact is FactOf<T> => fact.type === type);
}
const definition = (market: ChainMarket, change: Partial<MarketDefinition> = {}): MarketDefinition => ({
  ...{ type: "MarketDefinition", v: 1, conditionId: market.conditionId, question: market.slug, slug: market.slug },
  ...{ eventId: null, version: "v1", negRisk: market.negRisk, negRiskMarketId: null, tickMicro: priceMicro(10_000) },
  tokens: [
    { tokenId: market.tokenIds[0], outcome: "Yes" },
    { tokenId: market.tokenIds[1], outcome: "No" },
  ],
  ...{ minOrderSizeMicro: sharesMicro(5_000_000n), fee: { rateMicro: 0, exponent: 1, takerOnly: true } },
  ...{ takerDelayMs: 0, acceptingOrders: true, closed: false, payoutMicro: null, tsEventMs: 1, tsInitMs: 1 },
  ...change,
});
let fills = 0;
const leader = `0x${"1".repeat(40)}` as never;
/** An order of ours and its one fill: 10 shares for 4. */
function bought(market: ChainMarket, outcome: 0 | 1): Fact[] {
  fills += 1;
  const of = { conditionId: market.conditionId, leaderFillId: String(fills).padStart(32, "0") as LeaderFillId };
  const tokenId = market.tokenIds[outcome];
  const nowMs = Date.now();
  const intent = { ...given.intent({ n: fills, size: "10", tokenId }), ...of, leader, tsDecidedMs: nowMs };
  const fill = { ...given.filled({ n: fills, size: "10", usdc: "4", tokenId }), ...of, leader };
  return [intent, { ...fill, usdcMicro: usdcMicro(4_000_000n), tsInitMs: nowMs }];
}
const hashes = new Map<number, Hash>();
/** What the watcher would say of the chain. */
async function progress(): Promise<void> {
  const { number, hash, timestampMs } = kit.chain.head();
  const finalizedHash = hashes.get(number - FINALITY);
  const finalized = finalizedHash === undefined ? 0 : number - FINALITY;
  await append(bus, {
    type: "ChainProgress",
    ...{ v: 1, id: factId("ChainProgress", `all.${number}`), tsEventMs: timestampMs, tsInitMs: timestampMs },
    ...{ shard: "all", head: number, headHash: hash, headTsMs: timestampMs },
    ...{ finalized, finalizedHash: finalizedHash ?? hash },
    ...{ cursor: 0, openGaps: 0 },
  });
}
async function mine(blocks: number): Promise<void> {
  for (let n = 0; n < blocks; n++) {
    const { number, hash } = await kit.chain.mine();
    hashes.set(number, hash);
  }
  await progress();
}
const settled = async (): Promise<string[]> =>
  (await all("PositionSettled")).map(
    ({ tokenId, sharesMicro: size, payoutMicro, source }) =>
      `${tokenId} ${formatMicro(size)} -> ${formatMicro(payoutMicro)} ${source}`,
  );
const isPaid = (collateral: string) =>
  until(
    async () => {
      const last = (await all("BalanceSnapshot")).findLast(({ holder }) => holder.kind === "paper");
      return last?.collateralMicro !== null && formatMicro(last?.collateralMicro ?? 0n) === collateral;
    },
    { timeoutMs, what: `${collateral} in the purse` },
  );
const gauge = (service: RunningService | undefined, name: string): number => service?.status().gauges?.[name] ?? 0;

test("a resolution pays once it is final, whoever was told first and whoever restarts", async () => {
  const { chain } = kit;
  const [rain, candidate] = [marketOf(chain, "rain"), marketOf(chain, "candidate")];
  await publishMarket(bus, definition(rain));
  // Its tokens are the wrong way round: whoever believes this pays the losers.
  const swapped: MarketDefinition["tokens"] = [
    { tokenId: candidate.tokenIds[1], outcome: "No" },
    { tokenId: candidate.tokenIds[0], outcome: "Yes" },
  ];
  await publishMarket(bus, definition(candidate, { tokens: swapped }));
  await append(bus, given.configured(given.policy()));
  await until(async () => (await all("AccountFunded")).length === 1, { timeoutMs, what: "the funding" });
  await append(bus, ...bought(rain, 0), ...bought(candidate, 0), ...bought(candidate, 1));
  await until(() => gauge(others[1], "lots") === 3, { timeoutMs, what: "three lots" });
  await mine(1);
  await isPaid("988");
  await until(() => gauge(balances, "unresolvedConditions") === 2, { timeoutMs, what: "two markets to be asked" });

  // The venue names a winner: the market is closed, and nobody is paid for it.
  await publishMarket(
    bus,
    definition(rain, { closed: true, acceptingOrders: false, payoutMicro: [priceMicro(0), priceMicro(1_000_000)] }),
  );
  await chain.resolve(rain.conditionId, [1, 0]);
  await mine(1);
  const resolvedIn = chain.head().number;
  // In a block, but not a final one.
  await mine(FINALITY - 1);
  await balances.drain();
  expect(await settled()).toEqual([]);
  balances = await startBalances();
  await until(() => balances.status().role === "owner", { timeoutMs, what: "ownership" });
  await mine(1);
  await until(async () => (await settled()).length > 0, { timeoutMs, what: "a settlement" });
  expect(await settled()).toEqual([`${rain.tokenIds[0]} 10 -> 10 chain`]);
  const [resolution] = await all("ConditionResolved");
  expect(resolution).toMatchObject({ payoutNumerators: [1n, 0n], payoutDenominator: 1n, tokenIds: rain.tokenIds });
  expect(resolution?.blockNumber).toBeGreaterThanOrEqual(resolvedIn);
  await mine(1);
  await isPaid("998");
  await until(() => gauge(others[1], "lots") === 2, { timeoutMs, what: "the lot's end" });

  // Nobody says that the other market closed. Its tokens do not fit its outcomes, so it is not settled but told.
  await chain.resolve(candidate.conditionId, [0, 1]);
  await mine(FINALITY + 1);
  await until(() => balances.status().problems.some((text) => text.includes("not those of its outcomes")), {
    timeoutMs,
    what: "the doubt",
  });
  expect(await all("ConditionResolved")).toHaveLength(1);
  await publishMarket(bus, definition(candidate));
  await until(async () => (await settled()).length === 3, { timeoutMs, what: "both outcomes settled" });
  expect((await settled()).slice(1).sort()).toEqual(
    [`${candidate.tokenIds[0]} 10 -> 0 chain`, `${candidate.tokenIds[1]} 10 -> 10 chain`].sort(),
  );
  await mine(1);
  await isPaid("1008");
  await until(() => gauge(others[1], "lots") === 0 && gauge(balances, "unresolvedConditions") === 0, {
    timeoutMs,
    what: "nothing open",
  });
  const last = new Map((await all("PositionChanged")).map((fact) => [fact.tokenId, fact]));
  const realized = [...last.values()].reduce((sum, { realizedPnlMicro }) => sum + realizedPnlMicro, 0n);
  const open = [...last.values()].filter((fact) => fact.effectiveMicro !== 0n || fact.claimableMicro !== 0n);
  expect([formatMicro(realized), open]).toEqual(["8", []]);
  expect(balances.status().problems).toEqual([]);
  expect(testBus.errors).toEqual([]);
}, 120_000);
