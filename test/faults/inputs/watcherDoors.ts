/** Answers of nodes, and everything that becomes a leader's fill: what is told must fit the log. */

import { countableBatches, fillRow } from "@slipstream/chain-watcher/adapters/fillRows";
import { createRangeReader } from "@slipstream/chain-watcher/adapters/rangeReader";
import { WireLog } from "@slipstream/chain-watcher/adapters/wire";
import { watcherCore } from "@slipstream/chain-watcher/core/core";
import type { RowSource } from "@slipstream/chain-watcher/core/fillRow";
import type { ObservedFill, WatcherMessage, WatcherView } from "@slipstream/chain-watcher/core/messages";
import { observedFill } from "@slipstream/chain-watcher/core/observe";
import { type Fact, type Recorded, writeFact } from "@slipstream/contracts/facts";
import { Address, factId, type Hash } from "@slipstream/contracts/ids";
import { subjectOf } from "@slipstream/contracts/subjects";
import { createLogRanges } from "@slipstream/polymarket/logRanges";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import { ORDER_FILLED_V2 } from "@slipstream/polymarket/topics";
import type { TradeRow } from "@slipstream/polymarket/tradeRow";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import type { Door } from "./door.ts";

const LEADER = Address.parse(`0x${"11".repeat(20)}`);
const word = (n: number | bigint): string => n.toString(16).padStart(64, "0");
const hash = (n: number): Hash => `0x${word(n)}` as Hash;
const NOW_MS = 1_790_000_100_000;
const FIRST_BLOCK = 1_000;
const exchange = defaultExchanges.rows.find(({ generation }) => generation === "V2")?.address ?? "";

const view: WatcherView = {
  ...{ nowMs: NOW_MS, chainId: 137, historicalAgeMs: 60_000, seenDeadlineMs: 30_000, progressEveryMs: 0 },
};

/** The core's state once `leader` is followed. */
function following(leader: Address): ReturnType<typeof watcherCore.initial> {
  const at = { v: 1 as const, tsEventMs: 0, tsInitMs: 0 };
  const facts: Fact[] = [
    {
      type: "ConfigChanged",
      ...at,
      id: factId("ConfigChanged", `leaders.${leader}`, 1),
      key: `leaders.${leader}`,
      revision: 1,
      value: { leader, enabled: true },
    },
    { type: "LeaderJoined", ...at, id: factId("LeaderJoined", leader), leader, fromBlock: 1, toBlock: 0, revision: 1 },
  ];
  let state = watcherCore.initial();
  for (const [n, fact] of facts.entries()) {
    state = watcherCore.evolve(state, { seq: n + 1, subject: subjectOf(fact), fence: 0, fact } as Recorded);
  }
  return state;
}

/** Decides on a message as a tenure does. @returns why something decided cannot be written. */
function decided(leader: Address, message: WatcherMessage): string | null {
  const state = following(leader);
  for (const chain of watcherCore.route(state, view, message)) {
    for (const fact of watcherCore.decide(state, view, message, chain).facts) {
      try {
        writeFact(fact);
      } catch (error) {
        return `cannot be written: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
  }
  return null;
}

export function rowsToFacts(source: RowSource, trades: readonly TradeRow[]): string | null {
  for (const batch of countableBatches(
    trades.map((trade) => fillRow(source, trade)),
    NOW_MS,
  )) {
    const why = decided(batch.leader, { type: "RowsSeen", ...batch });
    if (why !== null) return why;
  }
  return null;
}

const logAt = (n: number) => ({
  address: exchange,
  topics: [
    ORDER_FILLED_V2,
    hash(900 + n),
    `0x${"0".repeat(24)}${LEADER.slice(2)}`,
    `0x${"0".repeat(24)}${exchange.slice(2)}`,
  ],
  data: `0x${[0, 77 + n, 5_000_000, 10_000_000, 0, 0, 0].map(word).join("")}`,
  blockNumber: `0x${(FIRST_BLOCK + n).toString(16)}`,
  blockHash: hash(FIRST_BLOCK + n),
  transactionHash: hash(500 + n),
  logIndex: `0x${n.toString(16)}`,
  blockTimestamp: `0x${(1_790_000_000 + 2 * n).toString(16)}`,
  removed: false,
});
const headerAt = (n: number) => ({
  number: `0x${(FIRST_BLOCK + n).toString(16)}`,
  hash: hash(FIRST_BLOCK + n),
  parentHash: hash(FIRST_BLOCK + n - 1),
  timestamp: `0x${(1_790_000_000 + 2 * n).toString(16)}`,
  logsBloom: null,
});

/** Of a log's own word for the time of its block. */
const TIME_OFF_MS_MAX = 30_000;

/** One answer of a node is damaged; all others are right. */
const node = (method: string, damaged: unknown): RpcReader => ({
  call: async (asked, params = []) => {
    if (asked === method) return damaged;
    if (asked === "eth_getLogs") return [0, 1, 2].map(logAt);
    if (asked === "eth_getBlockByHash") {
      // Of a hash that nobody knows there is no block.
      const number = Number(params[0]);
      return number >= FIRST_BLOCK && number <= FIRST_BLOCK + 2 ? headerAt(number - FIRST_BLOCK) : null;
    }
    return headerAt(2);
  },
});

async function readRange(method: string, damaged: unknown): Promise<string | null> {
  const reader = createRangeReader("node", node(method, damaged), createLogRanges(), () => NOW_MS);
  const head = await reader.head();
  const tips = {
    head: head.number,
    headHash: head.hash,
    headTsMs: head.tsMs,
    finalized: head.number,
    finalizedHash: head.hash,
  };
  const told = decided(LEADER, { type: "HeadSeen", ...tips });
  if (told !== null) return told;
  const { logs } = await reader.range([[{ address: [exchange], topics: [] }]], FIRST_BLOCK, FIRST_BLOCK + 2);
  const fills: ObservedFill[] = [];
  for (const log of logs.flat()) {
    const fill = observedFill(log, { tsSeenMs: NOW_MS, blockMs: await reader.blockMs(log), market: () => undefined });
    if (fill !== null) fills.push(fill);
  }
  const places = new Set(fills.map(({ blockHash, logIndex }) => `${blockHash}:${logIndex}`));
  if (places.size !== fills.length) return "one log is told twice";
  const isOff = ({ blockNumber, tsEventMs }: ObservedFill): boolean =>
    Math.abs(tsEventMs - Number(headerAt(blockNumber - FIRST_BLOCK).timestamp) * 1_000) > TIME_OFF_MS_MAX;
  if (method === "eth_getLogs" && fills.some(isOff)) return "a fill is told of another time than its block's";
  return decided(LEADER, { type: "FillsSeen", fills });
}

const logs: Door = {
  name: "RPC, eth_getLogs",
  documents: [[0, 1, 2].map(logAt)],
  enter: (damaged) => readRange("eth_getLogs", damaged),
};
const headers: Door = {
  name: "RPC, headers",
  documents: [headerAt(2)],
  enter: async (damaged) =>
    (await readRange("eth_getBlockByNumber", damaged)) ?? readRange("eth_getBlockByHash", damaged),
};
const notices: Door = {
  name: "RPC, log notices",
  documents: [0, 1, 2].map(logAt),
  enter: (damaged) => {
    const log = WireLog.safeParse(damaged);
    if (!log.success || log.data.removed) return null;
    const fill = observedFill(log.data, { tsSeenMs: NOW_MS, blockMs: NOW_MS - 1_000, market: () => undefined });
    return fill === null ? null : decided(LEADER, { type: "FillsSeen", fills: [fill] });
  },
};

export const watcherDoors: readonly Door[] = [logs, headers, notices];
