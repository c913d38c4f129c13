/**
 * Executor, inventory and the paper ledger on one log: fifty markets are bought, resolve, and pay; the account then has
 * its money, its profit and its places back, and the 51st market is copied.
 */
import { createLocalLog } from "@slipstream/actor/local";
import { balanceSyncCore } from "@slipstream/balance-sync/core/core";
import type { BalanceSyncMessage, BalanceSyncView } from "@slipstream/balance-sync/core/messages";
import type { Fact, FactOf, FactType } from "@slipstream/contracts/facts";
import { type ConditionId, factId, TokenId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { formatMicro } from "@slipstream/contracts/money";
import { executorCore } from "@slipstream/executor/core/core";
import {
  hash,
  leaderFact,
  leaderFill,
  market,
  policy,
  policyFact,
  price,
  quote,
  riskFact,
  START_MS,
  shares,
  usdc,
} from "@slipstream/executor/core/facts.testing";
import type { ExecutorMessage, ExecutorRequest } from "@slipstream/executor/core/messages";
import { defaultLimits, type ExecutorView } from "@slipstream/executor/core/view";
import { inventoryCore } from "@slipstream/inventory/core/core";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import { expect, test } from "vitest";

const MARKETS = 51;
const conditionOf = (n: number): ConditionId => `0x${n.toString(16).padStart(64, "0")}` as ConditionId;
const tokenOf = (n: number, outcome = 0): TokenId => TokenId.parse(String(1_000 + 2 * n + outcome));

/** A venue that fills each order wholly at its limit; a chain that resolves what it is told to. */
function createWorld() {
  const markets: MarketDefinition[] = Array.from({ length: MARKETS }, (_, n) => ({
    ...market,
    conditionId: conditionOf(n),
    tokens: [
      { tokenId: tokenOf(n), outcome: "Yes" },
      { tokenId: tokenOf(n, 1), outcome: "No" },
    ],
  }));
  const find = (tokenId: TokenId) =>
    markets.find(({ tokens }) => tokens.some((token) => token.tokenId === tokenId)) ?? null;
  const resolved = new Set<ConditionId>();
  const facts: Fact[] = [];
  let block = 10;
  const log = createLocalLog({ throughWire: true, onFact: ({ fact }) => facts.push(fact) });
  const executorView = (): ExecutorView => ({
    ...{
      nowMs: START_MS,
      clock: { offsetMs: 0, uncertaintyMs: 0 },
      riskHeartbeatAgeMs: 500,
      riskDecisionSeq: 0,
      chainLagMs: 1_000,
    },
    ...{ localHalt: false, limits: defaultLimits, market: find, quote: () => quote },
  });
  const fill = (request: ExecutorRequest, post: (message: ExecutorMessage) => void): null => {
    if (request.type !== "PlaceOrder") return null;
    const { orderId, tokenId, limitPriceMicro: priceMicro, sizeMicro, placeAtMs } = request.order;
    post({ type: "Placed", orderId, placeAtMs });
    const paid = { usdcMicro: usdc(Number(sizeMicro) / 2e6), feeMicro: usdc(0), liquiditySide: "taker" as const };
    const event = { kind: "fill" as const, orderId, tokenId, atMs: placeAtMs, n: 0, priceMicro, sizeMicro, ...paid };
    post({ type: "VenueReport", orderId, events: [event] });
    return null;
  };
  const executor = log.add({ core: executorCore, view: executorView, perform: fill });
  const limits = { tokenSharesMicro: shares(0), marketSharesMicro: shares(0), durationMs: 0 };
  const inventory = log.add({
    core: inventoryCore,
    view: () => ({ nowMs: START_MS, pendingFillTtlMs: 1_000_000, discrepancy: limits }),
    perform: () => null,
  });
  const view: BalanceSyncView = {
    ...{ nowMs: START_MS, startedMs: 0, own: [], phase: "observe", ledgerOf: () => CONDITIONAL_TOKENS, market: find },
  };
  const balances = log.add({
    core: balanceSyncCore,
    view: () => view,
    perform: (request): BalanceSyncMessage | null => {
      if (request.type !== "ReadResolutions") return null;
      const found = request.questions.filter(({ conditionId }) => resolved.has(conditionId));
      const resolutions = found.map(({ conditionId, tokenIds }) => {
        return { conditionId, tokenIds, payoutNumerators: [1n, 0n], payoutDenominator: 1n };
      });
      return { type: "ResolutionsRead", block: { blockNumber: block, blockHash: hash(block), tsMs: 1 }, resolutions };
    },
  });
  const append = (...more: readonly Fact[]): void => {
    for (const fact of more) log.append(fact);
  };
  return {
    ...{ markets, resolved, append, executor, inventory, balances },
    of: <T extends FactType>(type: T): FactOf<T>[] => facts.filter((fact): fact is FactOf<T> => fact.type === type),
    copy: (n: number): void =>
      append(leaderFill(n, { tokenId: tokenOf(n), conditionId: conditionOf(n), sharesMicro: shares(200) })),
    mine: (): void => {
      block += 1;
      append({
        ...{ type: "ChainProgress", v: 1, id: factId("ChainProgress", `all.${block}`), tsEventMs: 1, tsInitMs: 1 },
        ...{ shard: "all", head: block, headHash: hash(block), headTsMs: 1, finalized: block },
        ...{ finalizedHash: hash(block), cursor: block, openGaps: 0 },
      });
    },
    close: (n: number): void => {
      const [known] = markets.splice(n, 1);
      if (known !== undefined) markets.splice(n, 0, { ...known, closed: true, acceptingOrders: false });
    },
  };
}

test("fifty times 20 shares at 0.50 that win: 10,500, +500, nothing open, and the next market is copied", () => {
  const world = createWorld();
  const caps = { ...policy.caps, grossUsdcMicro: usdc(10_000), openPositionsMax: 50 };
  world.append(leaderFact(), policyFact({ initialCollateralMicro: usdc(10_000), caps, maxPriceMicro: price(0.5) }));
  world.append(riskFact("normal", 1));
  for (let n = 0; n < 50; n++) world.copy(n);
  world.mine();
  const account = () => [...world.inventory.state().accounts.values()][0];
  expect([formatMicro(account()?.collateralMicro ?? 0n), world.executor.state().lots.size]).toEqual(["9500", 50]);

  // Full: the 51st is refused, in its own unit.
  world.copy(50);
  expect(world.of("ExecutionAttempt").map(({ reasons }) => reasons[0])).toMatchObject([
    { code: "POSITIONS_FULL", open: 50, openMax: 50 },
  ]);

  // The venue names winners; a day passes and nobody is paid for that.
  for (let n = 0; n < 50; n++) world.close(n);
  world.executor.post({ type: "Tick" });
  world.balances.post({ type: "CheckResolutions", all: false });
  world.mine();
  expect([world.of("PositionSettled").length, formatMicro(account()?.collateralMicro ?? 0n)]).toEqual([0, "9500"]);

  for (const { conditionId } of world.markets.slice(0, 50)) world.resolved.add(conditionId);
  world.balances.post({ type: "CheckResolutions", all: false });
  world.mine();
  const realized = [...(account()?.positions.values() ?? [])].reduce((sum, held) => sum + held.realizedPnlMicro, 0n);
  expect([formatMicro(account()?.collateralMicro ?? 0n), formatMicro(realized)]).toEqual(["10500", "500"]);
  expect([world.executor.state().lots.size, world.balances.state().held.size]).toEqual([0, 0]);
  expect([world.of("ConditionResolved").length, world.of("PositionSettled").length]).toEqual([50, 50]);

  world.append(leaderFill(60, { tokenId: tokenOf(50), conditionId: conditionOf(50), sharesMicro: shares(200) }));
  expect(world.of("ExecutionFill").at(-1)).toMatchObject({ tokenId: tokenOf(50), sizeMicro: 20_000_000n });
});
