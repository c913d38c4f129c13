/**
 * Inventory and ledger settle together: whatever is bought, sold, repeated, resolved early or late, and restarted in
 * between, the money of the account is its funding plus its realized profit less what its positions cost, to the micro.
 */
import type { FactMessage } from "@slipstream/actor/core";
import { type Fact, type FactOf, type Recorded, readFact, writeFact } from "@slipstream/contracts/facts";
import { AccountId, type ConditionId, factId, type Hash, type LeaderFillId, TokenId } from "@slipstream/contracts/ids";
import { parseShares, parseUsdc, priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { subjectOf } from "@slipstream/contracts/subjects";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import fc from "fast-check";
import { expect, test } from "vitest";
import { inventoryCore } from "../../../inventory/src/core/core.ts";
import { balanceSyncCore } from "./core.ts";
import type { BalanceSyncMessage, BalanceSyncRequest, BalanceSyncView, HeldMarket } from "./messages.ts";
import { resolutionsToAsk } from "./resolutions.ts";

const numRuns = Number(process.env["FC_RUNS"] ?? 200);
const account = AccountId.parse("paper");
const FUNDING = parseUsdc("1000");
const MARKETS = 3;
const conditionOf = (market: number): ConditionId => `0x${String(market).padStart(64, "0")}` as ConditionId;
const tokenOf = (market: number, outcome: number): TokenId => TokenId.parse(String(10 * (market + 1) + outcome));
const head = (type: string, name: string, n = 0) =>
  ({ v: 1, id: factId(type, name, n), tsEventMs: 1, tsInitMs: 1 }) as const;

type Trade = {
  readonly do: "buy" | "sell";
  readonly market: number;
  readonly outcome: number;
  readonly size: number;
};
type Step =
  | Trade
  | { readonly do: "block" }
  /** The chain decides: told when somebody asks. */
  | { readonly do: "resolve"; readonly market: number; readonly vector: readonly [number, number] }
  | { readonly do: "ask"; readonly all: boolean }
  | { readonly do: "repeat"; readonly pick: number }
  | { readonly do: "restart"; readonly who: "inventory" | "ledger" };

const market = fc.nat(MARKETS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("buy" as const, "buy" as const, "sell" as const),
      market,
      outcome: fc.nat(1),
      size: fc.integer({ min: 1, max: 9_999_999 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("block" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("resolve" as const),
      market,
      vector: fc.constantFrom([1, 0], [0, 1], [1, 1], [1, 2], [7, 3]) as fc.Arbitrary<[number, number]>,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("ask" as const), all: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("repeat" as const), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("restart" as const), who: fc.constantFrom("inventory", "ledger") }),
  },
);

/** Both cores on one log, each of which may die between any two steps and fold the log again. */
function createRun() {
  const log: Recorded[] = [];
  const resolved = new Map<number, readonly [number, number]>();
  const seqOf = new Map<string, number>();
  let inventory = inventoryCore.initial();
  let ledger = balanceSyncCore.initial();
  let block = 1;
  const shares = { tokenSharesMicro: sharesMicro(0n), marketSharesMicro: sharesMicro(0n), durationMs: 0 };
  const inventoryView = { nowMs: 1, pendingFillTtlMs: 1_000_000, discrepancy: shares };
  const marketOf = (tokenId: TokenId): HeldMarket => {
    const index = Math.floor(Number(tokenId) / 10) - 1;
    const tokens = [0, 1].map((outcome) => ({ tokenId: tokenOf(index, outcome), outcome: String(outcome) }));
    return {
      conditionId: conditionOf(index),
      tokens: tokens as unknown as HeldMarket["tokens"],
      version: "v1",
      negRisk: false,
      closed: resolved.has(index),
      acceptingOrders: !resolved.has(index),
    };
  };
  const view: BalanceSyncView = {
    ...{ nowMs: 1, startedMs: 0, own: [], phase: "observe" },
    ledgerOf: () => CONDITIONAL_TOKENS,
    market: marketOf,
  };

  const append = (fact: Fact): void => {
    // The log refuses a second fact of one id that says something else.
    const before = seqOf.get(fact.id);
    if (before !== undefined) expect(writeFact(fact)).toBe(writeFact((log[before - 1] as Recorded).fact));
    const reading = readFact(writeFact(fact));
    if (reading.kind !== "fact") throw new Error(`${fact.type} cannot be read back`);
    const recorded = { seq: log.length + 1, subject: subjectOf(fact), fence: 0, fact: reading.fact };
    log.push(recorded);
    seqOf.set(fact.id, before ?? recorded.seq);
    inventory = inventoryCore.evolve(inventory, recorded);
    ledger = balanceSyncCore.evolve(ledger, recorded);
    const message: FactMessage = { type: "Fact", recorded };
    tellInventory(message);
    tellLedger(message);
  };
  const tellInventory = (message: Parameters<typeof inventoryCore.route>[2]): void => {
    for (const chain of inventoryCore.route(inventory, inventoryView, message)) {
      for (const fact of inventoryCore.decide(inventory, inventoryView, message, chain).facts) append(fact);
    }
  };
  const tellLedger = (message: BalanceSyncMessage | FactMessage): void => {
    for (const chain of balanceSyncCore.route(ledger, view, message)) {
      const { facts, requests } = balanceSyncCore.decide(ledger, view, message, chain);
      for (const fact of facts) {
        expect(subjectOf(fact)).toBe(chain);
        append(fact);
      }
      for (const request of requests) perform(request);
    }
  };
  const perform = (request: BalanceSyncRequest): void => {
    if (request.type !== "ReadResolutions") return;
    const resolutions = request.questions.flatMap(({ conditionId, tokenIds }) => {
      const vector = resolved.get(Number(conditionId));
      if (vector === undefined) return [];
      const payoutNumerators = vector.map(BigInt);
      return { conditionId, tokenIds, payoutNumerators, payoutDenominator: BigInt(vector[0] + vector[1]) };
    });
    const blockHash = `0x${String(block).padStart(64, "0")}` as Hash;
    tellLedger({ type: "ResolutionsRead", block: { blockNumber: block, blockHash, tsMs: block }, resolutions });
  };
  return {
    append,
    log,
    resolved,
    mine: (): void => {
      block += 1;
      append(progress(block));
    },
    ask: (all: boolean): void => tellLedger({ type: "CheckResolutions", all }),
    restart: (who: "inventory" | "ledger"): void => {
      if (who === "inventory") {
        const folded = log.reduce((state, recorded) => inventoryCore.evolve(state, recorded), inventoryCore.initial());
        expect(folded).toEqual(inventory);
        inventory = folded;
        for (const message of inventoryCore.owed(inventory, inventoryView)) tellInventory(message);
      } else {
        const folded = log.reduce(
          (state, recorded) => balanceSyncCore.evolve(state, recorded),
          balanceSyncCore.initial(),
        );
        expect(folded).toEqual(ledger);
        ledger = folded;
        for (const message of balanceSyncCore.owed(ledger, view)) tellLedger(message);
      }
    },
    account: () => inventory.accounts.get(account),
    purse: () => ledger.purses.get(account),
    toAsk: () => resolutionsToAsk(ledger, view, true).questions.map(({ conditionId }) => conditionId),
  };
}
type Run = ReturnType<typeof createRun>;

const progress = (block: number): FactOf<"ChainProgress"> => {
  const hash = `0x${String(block).padStart(64, "0")}` as Hash;
  return {
    ...{ type: "ChainProgress", ...head("ChainProgress", `all.${block}`), shard: "all", head: block, headHash: hash },
    ...{ headTsMs: block, finalized: block, finalizedHash: hash, cursor: block, openGaps: 0 },
  };
};

function trade(run: Run, n: number, { do: side, market, outcome, size }: Trade): void {
  const tokenId = tokenOf(market, outcome);
  const position = run.account()?.positions.get(tokenId);
  // Nobody sells what he does not have, nor anything at all once the ledger has paid it.
  const held = position === undefined ? 0n : position.tradedMicro;
  const isSale = side === "sell" && held > 0n;
  const sizeMicro = isSale && BigInt(size) > held ? held : BigInt(size);
  run.append({
    type: "ExecutionFill",
    ...head("ExecutionFill", `t${n}`),
    ...{ orderId: n.toString(16).padStart(32, "0") as never, account, tokenId, conditionId: conditionOf(market) },
    ...{ leaderFillId: "0".repeat(32) as LeaderFillId, leavesMicro: parseShares("0"), tradeId: `t${n}` as never },
    ...{ leader: `0x${"a".repeat(40)}` as never, kind: isSale ? "EXIT" : "ENTRY", side: isSale ? "SELL" : "BUY" },
    ...{ priceMicro: priceMicro(470_000), sizeMicro: sharesMicro(sizeMicro), liquiditySide: "taker" },
    ...{ usdcMicro: usdcMicro((sizeMicro * 47n) / 100n), feeMicro: usdcMicro(10n) },
  });
}

function play(run: Run, steps: readonly Step[]): void {
  let n = 0;
  for (const one of steps) {
    switch (one.do) {
      case "buy":
      case "sell":
        trade(run, n++, one);
        break;
      case "block":
        run.mine();
        break;
      case "ask":
        run.ask(one.all);
        break;
      case "restart":
        run.restart(one.who);
        break;
      case "resolve":
        if (!run.resolved.has(one.market)) run.resolved.set(one.market, one.vector);
        break;
      case "repeat":
        run.append((run.log[one.pick % run.log.length] as Recorded).fact);
    }
  }
}

const positionsOf = (run: Run) => [...(run.account()?.positions.values() ?? [])];
const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n);

test("money is funding plus realized profit less cost, and whoever holds a resolved token is paid once", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60, size: "max" }), (steps) => {
      const run = createRun();
      run.append({
        type: "AccountFunded",
        ...head("AccountFunded", account),
        account,
        collateralMicro: FUNDING,
        configRevision: 1,
      });
      play(run, steps);
      // All that is under way comes to rest.
      for (let round = 0; round < 3; round++) {
        run.mine();
        run.ask(true);
      }
      run.mine();
      const positions = positionsOf(run);
      const purse = run.purse();
      const realized = sum(positions.map(({ realizedPnlMicro }) => realizedPnlMicro));
      const cost = sum(positions.map(({ costMicro }) => costMicro));
      expect(purse?.collateralMicro).toBe(FUNDING + realized - cost);
      expect(run.account()?.collateralMicro).toBe(purse?.collateralMicro);
      for (const { tokenId, confirmedMicro, tradedMicro, costMicro, differsSinceMs } of positions) {
        expect([confirmedMicro, differsSinceMs]).toEqual([tradedMicro, null]);
        expect(purse?.balances.get(tokenId) ?? 0n).toBe(confirmedMicro);
        if (!run.resolved.has(Math.floor(Number(tokenId) / 10) - 1)) continue;
        expect([confirmedMicro, costMicro]).toEqual([0n, 0n]);
        expect(run.toAsk()).not.toContain(conditionOf(Math.floor(Number(tokenId) / 10) - 1));
      }
      // Payouts are what the contract would pay for each settlement, and no two settlements pay the same shares.
      const settled = new Map(
        run.log.flatMap(({ fact }) => (fact.type === "PositionSettled" ? [[fact.id, fact] as const] : [])),
      );
      for (const fact of settled.values()) {
        const numerator = fact.payoutNumerators[fact.outcomeIndex] ?? 0n;
        expect(fact.payoutMicro).toBe((fact.sharesMicro * numerator) / fact.payoutDenominator);
      }
    }),
    { numRuns },
  );
}, 600_000);
