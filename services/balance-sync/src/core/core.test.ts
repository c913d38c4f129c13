import { createLocalLog } from "@slipstream/actor/local";
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import {
  AccountId,
  Address,
  ConditionId,
  factId,
  Hash,
  type LeaderFillId,
  TokenId,
  type TradeId,
} from "@slipstream/contracts/ids";
import { formatMicro, parseShares, parseUsdc, priceMicro, sharesMicro } from "@slipstream/contracts/money";
import { LeaderConfig, type WhenRemoved } from "@slipstream/contracts/policy";
import { CONDITIONAL_TOKENS } from "@slipstream/polymarket/versions";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inventoryCore } from "../../../inventory/src/core/core.ts";
import { availableCollateral, positionNumbers } from "../../../inventory/src/core/formulas.ts";
import { balanceSyncCore } from "./core.ts";
import type { BalanceSyncMessage, BalanceSyncRequest, BalanceSyncView, ReadBalances } from "./messages.ts";

const leader = Address.parse(`0x${"a".repeat(40)}`);
const exchange = Address.parse(`0x${"e".repeat(40)}`);
const condition = ConditionId.parse(`0x${"c".repeat(64)}`);
const account = AccountId.parse("paper");
const token = (n: number): TokenId => TokenId.parse(String(n));
const hashOf = (block: number, fork = 0): Hash => Hash.parse(`0x${`${block}${fork}`.padStart(64, "0")}`);
const head = (type: string, name: string) => ({ v: 1, id: factId(type, name), tsEventMs: 1, tsInitMs: 1 }) as const;

const followed = (enabled = true, whenRemoved?: WhenRemoved): Fact => ({
  type: "ConfigChanged",
  ...head("ConfigChanged", `leaders.${leader}`),
  key: `leaders.${leader}`,
  revision: 1,
  value: LeaderConfig.encode({ leader, enabled, whenRemoved }),
});
const leaderFill = (n: number, historical = false): Fact => ({
  type: "LeaderFill",
  ...head("LeaderFill", String(n)),
  leaderFillId: String(n).padStart(32, "0") as LeaderFillId,
  occurrence: 0,
  chainId: 137,
  leader,
  role: "TAKER",
  side: "BUY",
  tokenId: token(n),
  conditionId: condition,
  sharesMicro: parseShares("1"),
  usdcMicro: parseUsdc("1"),
  priceMicro: priceMicro(500_000),
  feeMicro: parseUsdc("0"),
  feeUnit: "USDC",
  exchange,
  orderHash: hashOf(n),
  txHash: hashOf(n),
  blockNumber: 1,
  blockHash: hashOf(1),
  logIndex: 0,
  ordinal: 0,
  source: "chain",
  historical,
  tsSeenMs: 1,
});
const progress = (block: number): Fact => ({
  type: "ChainProgress",
  ...head("ChainProgress", `00.${block}`),
  shard: "00",
  head: block,
  headHash: hashOf(block),
  headTsMs: block * 1000,
  finalized: Math.max(0, block - 10),
  finalizedHash: hashOf(Math.max(0, block - 10)),
  cursor: block,
  openGaps: 0,
});
const funded: Fact = {
  type: "AccountFunded",
  ...head("AccountFunded", account),
  account,
  collateralMicro: parseUsdc("100"),
  configRevision: 1,
};
const paperFill = (
  n: number,
  side: "BUY" | "SELL",
  size: string,
  usdc: string,
  fee = "0",
  tokenId = token(7),
): Fact => ({
  type: "ExecutionFill",
  ...head("ExecutionFill", `t${n}`),
  orderId: String(n).padStart(32, "0") as FactOf<"ExecutionFill">["orderId"],
  account,
  tokenId,
  conditionId: condition,
  leaderFillId: "0".repeat(32) as LeaderFillId,
  leavesMicro: parseShares("0"),
  tradeId: `t${n}` as TradeId,
  leader,
  kind: side === "BUY" ? "ENTRY" : "EXIT",
  side,
  priceMicro: priceMicro(500_000),
  sizeMicro: parseShares(size),
  usdcMicro: parseUsdc(usdc),
  feeMicro: parseUsdc(fee),
  liquiditySide: "taker",
});

const view: BalanceSyncView = {
  nowMs: 1,
  startedMs: 0,
  own: [],
  phase: "observe",
  ledgerOf: () => CONDITIONAL_TOKENS,
  market: () => null,
};

/** A chain of one block at a time, a core that reads it, and what it published. */
function run() {
  const chain = { block: 100, fork: 0, up: true, balances: new Map<TokenId, bigint>() };
  const published: FactOf<"BalanceSnapshot">[] = [];
  const settledTrades: string[] = [];
  const asked: ReadBalances[] = [];
  const perform = (request: BalanceSyncRequest): BalanceSyncMessage | null => {
    if (request.type !== "ReadBalances") throw new Error("leaders are read from the chain");
    asked.push(request);
    if (!chain.up) return null;
    const { verify } = request;
    if (verify !== null && verify.blockNumber > chain.block) return null;
    // Blocks below 100 stand on every fork.
    if (verify !== null && verify.blockNumber >= 100 && verify.blockHash !== hashOf(verify.blockNumber, chain.fork)) {
      return { type: "TipGone", tip: verify };
    }
    return {
      type: "BalancesRead",
      block: { blockNumber: chain.block, blockHash: hashOf(chain.block, chain.fork), tsMs: chain.block * 1000 },
      source: request.source,
      afterReorg: request.afterReorg,
      readings: request.pairs.map((pair) => ({
        ...pair,
        sharesMicro: sharesMicro(chain.balances.get(pair.tokenId) ?? 0n),
      })),
      purses: [],
      complete: request.complete,
    };
  };
  const log = createLocalLog({
    throughWire: true,
    onFact: ({ fact }) => {
      if (fact.type === "BalanceSnapshot") published.push(fact);
      if (fact.type === "ExecutionFillSettled") settledTrades.push(`${fact.tradeId}@${fact.blockNumber}`);
    },
  });
  const actor = log.add({ core: balanceSyncCore, view: () => view, perform });
  return {
    chain,
    asked,
    settledTrades,
    append: (...facts: readonly Fact[]): void => {
      for (const fact of facts) log.append(fact);
    },
    post: (message: BalanceSyncMessage): void => actor.post(message),
    poll: (): void => actor.post({ type: "Poll" }),
    said: (): string[] =>
      published.map(
        ({ blockNumber, balances, collateralMicro, afterReorg, source, complete }) =>
          `${source} ${blockNumber}${afterReorg ? " reorg" : ""}${complete ? " complete" : ""}: ${balances.map((b) => `${b.tokenId}=${formatMicro(b.sharesMicro)}`).join(" ")}${collateralMicro === null ? "" : ` $${formatMicro(collateralMicro)}`}`,
      ),
  };
}

describe("wallets", () => {
  test("a fill asks at once, what was read is published, what did not change is not", () => {
    const sync = run();
    sync.chain.balances.set(token(1), 5_000_000n);
    sync.append(followed(), leaderFill(1));
    sync.poll();
    sync.chain.block = 101;
    sync.poll();
    expect(sync.said()).toEqual(["chain 100: 1=5", "chain 100 complete: 1=5"]);
    sync.chain.balances.set(token(1), 2_000_000n);
    sync.poll();
    expect(sync.said().slice(2)).toEqual(["chain 101: 1=2"]);
  });

  test("an empty balance that was never read is news", () => {
    const sync = run();
    sync.append(followed(), leaderFill(1));
    expect(sync.said()).toEqual(["chain 100: 1=0"]);
  });

  test("history is read by the next poll, not fill by fill", () => {
    const sync = run();
    sync.append(followed(), leaderFill(1, true), leaderFill(2, true));
    expect(sync.asked).toEqual([]);
    sync.poll();
    expect(sync.said()).toEqual(["chain 100 complete: 1=0 2=0"]);
  });

  test.each([
    ["keep", 0],
    ["close", 0],
    ["follow", 1],
  ] as const)("a leader who is removed (%s) is polled for %i tokens", (whenRemoved, count) => {
    const sync = run();
    sync.append(followed(), leaderFill(1), followed(false, whenRemoved));
    sync.poll();
    expect(sync.asked.at(-1)?.pairs).toHaveLength(count);
  });

  test("a transfer is read at once, an unknown token too", () => {
    const sync = run();
    sync.append(followed());
    sync.chain.balances.set(token(3), 1_000_000n);
    sync.post({ type: "TransferSeen", address: leader, ledger: CONDITIONAL_TOKENS, tokenIds: [token(3)] });
    expect(sync.said()).toEqual(["transfer 100: 3=1"]);
  });

  test("an old answer that comes late is ignored", () => {
    const sync = run();
    sync.append(followed(), leaderFill(1));
    sync.post({
      type: "BalancesRead",
      block: { blockNumber: 99, blockHash: hashOf(99), tsMs: 1 },
      source: "chain",
      afterReorg: false,
      readings: [{ owner: leader, tokenId: token(1), ledger: CONDITIONAL_TOKENS, sharesMicro: sharesMicro(9n) }],
      purses: [],
      complete: [],
    });
    expect(sync.said()).toEqual(["chain 100: 1=0"]);
  });

  test("when the node is down nothing is said and nothing is lost", () => {
    const sync = run();
    sync.chain.up = false;
    sync.append(followed(), leaderFill(1));
    sync.poll();
    expect(sync.said()).toEqual([]);
    sync.chain.up = true;
    sync.poll();
    expect(sync.said()).toEqual(["chain 100 complete: 1=0"]);
  });

  test("after a reorg the balances above finality are said again, though lower or unchanged", () => {
    const sync = run();
    sync.append(followed(), progress(95));
    sync.chain.balances.set(token(1), 5_000_000n);
    sync.chain.block = 103;
    sync.append(leaderFill(1), leaderFill(2));
    sync.poll();
    sync.chain.fork = 1;
    sync.chain.block = 102;
    sync.poll();
    // The node has not reached the height yet: nobody knows whether the block is gone.
    expect(sync.said()).toEqual(["chain 103: 1=5", "chain 103: 2=0", "chain 103 complete: 1=5"]);
    sync.chain.block = 103;
    sync.chain.balances.set(token(1), 0n);
    sync.poll();
    expect(sync.said().slice(3)).toEqual(["chain 103 reorg: 1=0 2=0"]);
    sync.poll();
    expect(sync.said()).toHaveLength(4);
  });
});

describe("paper purses", () => {
  test("fills settle in the next block, with absolute balances and the purse", () => {
    const sync = run();
    sync.append(funded, progress(10), paperFill(1, "BUY", "10", "4", "0.1"), paperFill(2, "SELL", "3", "2", "0.05"));
    expect(sync.said()).toEqual([]);
    sync.append(progress(11));
    expect(sync.settledTrades).toEqual(["t1@11", "t2@11"]);
    expect(sync.said()).toEqual(["paper 11: 7=7 $97.85"]);
    sync.append(paperFill(3, "BUY", "1", "1"), progress(11));
    expect(sync.said()).toHaveLength(1);
    sync.append(progress(12), progress(13));
    expect(sync.said().slice(1)).toEqual(["paper 12: 7=8 $96.85"]);
  });

  test("a block that only the balance reading saw settles as well", () => {
    const sync = run();
    sync.append(funded, progress(10), paperFill(1, "BUY", "10", "4"));
    sync.poll();
    expect(sync.said()).toEqual(["paper 100: 7=10 $96"]);
  });

  test("a fill that comes twice is settled once", () => {
    const sync = run();
    const fill = paperFill(1, "BUY", "10", "4");
    sync.append(funded, fill, progress(11), fill, progress(12));
    expect(sync.said()).toEqual(["paper 11: 7=10 $96"]);
  });

  test("inventory and ledger agree whatever is bought, sold and repeated between blocks", () => {
    const trade = fc.record({
      size: fc.integer({ min: 1, max: 50 }),
      buy: fc.boolean(),
      tokenN: fc.integer({ min: 1, max: 3 }),
      block: fc.boolean(),
      twice: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(trade, { minLength: 1, maxLength: 30, size: "max" }), (trades) => {
        const log = createLocalLog();
        const ledger = log.add({ core: balanceSyncCore, view: () => view, perform: () => null });
        const shares = { tokenSharesMicro: sharesMicro(0n), marketSharesMicro: sharesMicro(0n), durationMs: 0 };
        const inventoryView = { nowMs: 1, pendingFillTtlMs: 1_000, discrepancy: shares };
        const inventory = log.add({ core: inventoryCore, view: () => inventoryView, perform: () => null });
        log.append(funded);
        const held = new Map<number, number>();
        let block = 1;
        trades.forEach(({ size, buy, tokenN, block: mined, twice }, n) => {
          const before = held.get(tokenN) ?? 0;
          const sell = !buy && before >= size;
          held.set(tokenN, before + (sell ? -size : size));
          const fill = paperFill(n, sell ? "SELL" : "BUY", String(size), "0.5", "0.01", token(tokenN));
          for (let times = twice ? 2 : 1; times > 0; times--) log.append(fill);
          if (mined) log.append(progress(++block));
        });
        log.append(progress(++block));
        const purse = ledger.state().purses.get(account);
        const ours = inventory.state().accounts.get(account);
        if (purse === undefined || ours === undefined) throw new Error("no purse");
        expect(purse.unsettled.size).toBe(0);
        expect(availableCollateral(ours)).toBe(purse.collateralMicro);
        for (const [tokenN, size] of held) {
          const position = ours.positions.get(token(tokenN));
          if (position === undefined) throw new Error("no position");
          const numbers = positionNumbers(ours, position);
          expect(formatMicro(position.confirmedMicro)).toBe(String(size));
          expect(purse.balances.get(token(tokenN))).toBe(position.confirmedMicro);
          expect([numbers.pendingBuysMicro, numbers.pendingSellsMicro]).toEqual([0n, 0n]);
          expect(position.differsSinceMs).toBeNull();
        }
      }),
      { numRuns: Number(process.env["FC_RUNS"] ?? 200) },
    );
  });
});
