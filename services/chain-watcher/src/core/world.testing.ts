/** What the tests of the core share: a leader, observations of him, and a story teller that lives as the shell does. */
import type { Fact, FactOf } from "@slipstream/contracts/facts";
import { type Address, type Hash, shardOf, type TokenId } from "@slipstream/contracts/ids";
import { priceMicro, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { ALL_SHARDS, subjectOf } from "@slipstream/contracts/subjects";
import { expect } from "vitest";
import { watcherCore, watcherShards } from "./core.ts";
import { shardOfWatcherChain } from "./decide.ts";
import type { FillRow } from "./fillRow.ts";
import type {
  BlocksRead,
  ObservedFill,
  RowsSeen,
  ShardCovered,
  Tips,
  WatcherMessage,
  WatcherView,
} from "./messages.ts";
import type { WatcherState } from "./state.ts";

export const leader = `0x${"11".repeat(20)}` as Address;
export const shard = shardOf(leader);
export const hash = (n: number): Hash => `0x${n.toString(16).padStart(64, "0")}` as Hash;
export const view: WatcherView = {
  nowMs: 1_000_000,
  chainId: 137,
  historicalAgeMs: 60_000,
  seenDeadlineMs: 30_000,
  progressEveryMs: 0,
};

export const observed = (over: Partial<ObservedFill> = {}): ObservedFill => ({
  leader,
  role: "TAKER",
  side: "BUY",
  tokenId: "7" as TokenId,
  conditionId: null,
  sharesMicro: sharesMicro(10_000_000n),
  usdcMicro: usdcMicro(5_000_000n),
  priceMicro: priceMicro(500_000),
  feeMicro: usdcMicro(0n),
  feeUnit: "USDC",
  exchange: `0x${"e1".repeat(20)}` as Address,
  orderHash: hash(1),
  txHash: hash(2),
  blockNumber: 100,
  blockHash: hash(100),
  logIndex: 3,
  source: "chain",
  tsEventMs: 999_000,
  tsSeenMs: 999_500,
  ...over,
});

export const row = (over: Partial<FillRow> = {}): FillRow => {
  const { tokenId, txHash, side, sharesMicro: shares, priceMicro: price, usdcMicro: usdc, tsEventMs } = observed();
  return {
    source: "data_api",
    leader,
    txHash,
    tokenId,
    conditionId: null,
    side,
    sharesMicro: shares,
    priceMicro: price,
    usdcMicro: usdc,
    exact: true,
    exactShares: true,
    tsEventMs,
    raw: "{}",
    ...over,
  };
};
export const rows = (list: readonly FillRow[], over: Partial<RowsSeen> = {}): RowsSeen => ({
  type: "RowsSeen",
  source: list[0]?.source ?? "data_api",
  leader,
  txHash: list[0]?.txHash ?? hash(2),
  countable: list[0]?.source !== "rtds",
  rows: list,
  tsSeenMs: 999_700,
  ...over,
});

export const tips = (over: Partial<Tips> = {}): Tips => ({
  head: 101,
  headHash: hash(101),
  headTsMs: 999_900,
  finalized: 95,
  finalizedHash: hash(95),
  ...over,
});
export const seen = (...fills: ObservedFill[]): WatcherMessage => ({ type: "FillsSeen", fills });
export const removed = ({ blockNumber, blockHash, logIndex }: ObservedFill): WatcherMessage => ({
  type: "FillsRemoved",
  logs: [{ blockNumber, blockHash, logIndex }],
});
/** The blocks above finality, as they are read at each new head. */
export const window = (fills: readonly ObservedFill[] = [], over: Partial<BlocksRead> = {}): BlocksRead => ({
  type: "BlocksRead",
  fromBlock: 96,
  toBlock: 101,
  leaders: new Set([leader]),
  fills,
  finalTsMs: null,
  ...over,
});
/** Final blocks up to `toBlock`, and the cursor behind them. */
export const final = (
  toBlock: number,
  fills: readonly ObservedFill[] = [],
  over: Partial<ShardCovered> = {},
): WatcherMessage[] => [
  window(fills, { toBlock, finalTsMs: 999_900 }),
  { type: "ShardCovered", ...tips(), shard, fromBlock: 96, toBlock, fills, acts: [], ...over },
];

export const config = (value: object | null, revision = 1): Fact => ({
  type: "ConfigChanged",
  v: 1,
  id: `ConfigChanged:leaders.${leader}:${revision}` as Fact["id"],
  key: `leaders.${leader}`,
  revision,
  value,
  tsEventMs: 0,
  tsInitMs: 0,
});

export type Story = { readonly facts: Fact[]; readonly state: WatcherState };

/** Runs messages (and facts of others) through the core: each chain decides after its own facts were applied. */
export function tell(steps: readonly (WatcherMessage | Fact)[], at: Partial<WatcherView> = {}): Story {
  let state = watcherCore.initial();
  const facts: Fact[] = [];
  const now = { ...view, ...at };
  const record = (fact: Fact): void => {
    facts.push(fact);
    state = watcherCore.evolve(state, { seq: facts.length, subject: subjectOf(fact), fence: 1, fact });
  };
  for (const step of steps) {
    if ("v" in step) {
      record(step);
      continue;
    }
    for (const chain of watcherCore.route(state, now, step)) {
      expect(watcherShards).toContain(shardOfWatcherChain(chain));
      for (const fact of watcherCore.decide(state, now, step, chain).facts) {
        expect(subjectOf(fact)).toBe(chain);
        record(fact);
      }
    }
  }
  return { facts, state };
}

/** A leader who is followed from block 96 on, cursor 95. */
export const followedSince: readonly (WatcherMessage | Fact)[] = [
  config({ leader, enabled: true }),
  { type: "LeaderFound", leader, fromBlock: 96, ...tips({ head: 95, headHash: hash(95), headTsMs: 990_000 }) },
];

/** The story after he was followed, without its beginning. */
export function story(...messages: (WatcherMessage | Fact)[]): Story {
  const { facts, state } = tell([...followedSince, ...messages]);
  return { facts: facts.slice(3), state };
}

export const brief = (facts: readonly Fact[]): string[] =>
  facts.map((fact) => {
    switch (fact.type) {
      case "LeaderFill": {
        const where = fact.blockNumber === null ? fact.source : `@${fact.blockNumber}`;
        return `fill ${fact.ordinal}/${fact.occurrence} ${where}${fact.disputed === true ? " disputed" : ""}`;
      }
      case "LeaderFillSighted":
        return `sighted ${fact.source} +${fact.laterMs}`;
      case "LeaderFillReverted":
        return `reverted @${fact.blockNumber}`;
      case "LeaderFillRetracted":
        return `retracted ${fact.reason}`;
      case "LeaderJoined":
        return `joined ${fact.fromBlock}-${fact.toBlock}`;
      case "BackfillProgress":
        return `past ${fact.cursor}`;
      case "ChainProgress":
        return `${fact.shard === ALL_SHARDS ? "all" : "shard"} ${fact.cursor}`;
      case "LeaderAct":
        return `${fact.act} @${fact.blockNumber}`;
      default:
        return fact.type;
    }
  });
export const fillsIn = (facts: readonly Fact[]): FactOf<"LeaderFill">[] =>
  facts.filter((fact) => fact.type === "LeaderFill");
