/** A chain in memory for tests of the reading cycle: it grows, forks above finality, and nodes tell of it as badly as asked. */
import { TransientError } from "@slipstream/contracts/errors";
import type { Fact } from "@slipstream/contracts/facts";
import { type Address, Hash } from "@slipstream/contracts/ids";
import { ALL_SHARDS, subjectOf } from "@slipstream/contracts/subjects";
import { bloomOf } from "@slipstream/polymarket/bloom";
import { matches } from "@slipstream/polymarket/logFilter";
import { logOfV2 } from "@slipstream/polymarket/testing/logs";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { watcherCore } from "../core/core.ts";
import type { WatcherMessage, WatcherView } from "../core/messages.ts";
import { observedFill } from "../core/observe.ts";
import { followed, type WatcherState } from "../core/state.ts";
import { view } from "../core/world.testing.ts";
import { createEmptyCheck } from "./emptyBlocks.ts";
import { createCycle } from "./reading.ts";
import type { Node, Nodes } from "./readingTypes.ts";
import type { Header, WireLog } from "./wire.ts";

export type TestBlock = Header & { readonly logs: readonly WireLog[] };
/** What a transaction of the test does: a leader buys so many micro-shares. */
export type Buy = { readonly leader: Address; readonly tx: number; readonly shares: number };

const exchange = defaultExchanges.rows.find(({ generation }) => generation === "V2")?.address ?? "";
const hashOf = (text: string): Hash =>
  Hash.parse(`0x${Buffer.from(text.padEnd(32, ".")).toString("hex").slice(0, 64)}`);
const quantity = (value: number): string => `0x${value.toString(16)}`;

export type TestChain = {
  readonly blocks: TestBlock[];
  head(): TestBlock;
  mine(buys?: readonly Buy[]): void;
  /** Takes the newest blocks away and puts others in their place. */
  fork(depth: number, blocks: readonly (readonly Buy[])[]): void;
  finalized(): TestBlock;
  /** What a log's transaction did. */
  buyOf(log: WireLog): Buy;
};

export function testChain(finality: number): TestChain {
  const blocks: TestBlock[] = [];
  const bought = new Map<string, Buy>();
  let branch = 0;
  const at = (index: number): TestBlock => {
    const block = blocks.at(index);
    if (block === undefined) throw new Error(`the test has no block ${index}`);
    return block;
  };
  const mine = (buys: readonly Buy[] = []): void => {
    const number = blocks.length;
    const hash = hashOf(`${branch}.${number}`);
    const logs = buys.map((buy, index): WireLog => {
      const { leader, tx, shares } = buy;
      bought.set(hashOf(`tx.${tx}`), buy);
      const order = { orderHash: hashOf(`order.${tx}`), maker: leader, taker: exchange, fee: 0n, side: 0, tokenId: 7n };
      const log = logOfV2(exchange, { ...order, given: BigInt(shares) / 2n, received: BigInt(shares) });
      return {
        address: log.address,
        topics: [...log.topics],
        data: log.data,
        blockNumber: quantity(number),
        blockHash: hash,
        transactionHash: hashOf(`tx.${tx}`),
        logIndex: quantity(index),
        removed: false,
      };
    });
    const parentHash = number === 0 ? hashOf("genesis") : at(-1).hash;
    blocks.push({ number, hash, parentHash, tsMs: 900_000 + number * 1_000, logsBloom: bloomOf(logs), logs });
  };
  mine();
  return {
    blocks,
    head: () => at(-1),
    mine,
    fork: (depth, instead) => {
      branch += 1;
      blocks.splice(blocks.length - depth, depth);
      for (const buys of instead) mine(buys);
    },
    buyOf: (log) => {
      const found = bought.get(log.transactionHash);
      if (found === undefined) throw new Error("no transaction of the test");
      return found;
    },
    finalized: () => at(Math.max(0, blocks.length - 1 - finality)),
  };
}

/** How a node tells of the chain. */
export type Ailments = {
  /** Fails this many calls from now on. */
  failing: number;
  /** Leaves logs out. */
  omits: boolean;
  /** Shows the chain as it was so many blocks ago. */
  behind: number;
  rangeMax: number;
};

export function testNode(name: string, chain: TestChain): { readonly node: Node; readonly ails: Ailments } {
  const ails: Ailments = { failing: 0, omits: false, behind: 0, rangeMax: 1_000 };
  const answer = <T>(value: () => T): Promise<T> => {
    if (ails.failing <= 0) return Promise.resolve(value());
    ails.failing -= 1;
    return Promise.reject(new TransientError("RPC_UNREACHABLE", `${name} does not answer`));
  };
  const block = (number: number): TestBlock => {
    const found = chain.blocks[number];
    if (found === undefined) throw new TransientError("RPC_REFUSED", `${name} has no block ${number}`);
    return found;
  };
  const top = (): number => Math.max(0, chain.head().number - ails.behind);
  const node: Node = {
    name,
    rpc: {
      call: async (method, params = []) => {
        const [asked] = params as [{ blockHash?: string } | string];
        const hash = typeof asked === "string" ? asked : asked.blockHash;
        const found = chain.blocks.find((one) => one.hash === hash);
        if (found === undefined) throw new TransientError("RPC_REFUSED", "unknown block");
        if (method === "eth_getBlockReceipts") return [{ logs: found.logs }];
        return ails.omits ? [] : found.logs.filter((log) => matches(asked as never, log));
      },
    },
    reader: {
      head: () => answer(() => block(top())),
      finalized: () => answer(() => block(Math.min(top(), chain.finalized().number))),
      header: (number) => answer(() => block(number)),
      blocksAtOnce: () => ails.rangeMax,
      range: (groups, fromBlock, toBlock) =>
        answer(() => {
          const to = Math.min(toBlock, fromBlock + ails.rangeMax - 1);
          const logs = chain.blocks.slice(fromBlock, Math.min(to, top()) + 1).flatMap((one) => one.logs);
          const given = groups.map((filters) =>
            ails.omits ? [] : logs.filter((log) => filters.some((filter) => matches(filter, log))),
          );
          return { fromBlock, toBlock: to, logs: given };
        }),
      receipt: () => answer(() => null),
      blockMs: (log) => Promise.resolve(900_000 + Number(log.blockNumber) * 1_000),
    },
  };
  return { node, ails };
}

/** A watcher without a bus: its core decides at once what its cycle posts. */
export function testWatcher(
  nodes: readonly Node[],
  owns: (shard: string) => boolean = () => true,
  progressEveryMs = 0,
) {
  let state: WatcherState = watcherCore.initial();
  let picked = 0;
  const facts: Fact[] = [];
  const lied: string[] = [];
  const now = { ...view, historicalAgeMs: Number.MAX_SAFE_INTEGER, progressEveryMs } satisfies WatcherView;
  const record = (fact: Fact): void => {
    facts.push(fact);
    state = watcherCore.evolve(state, { seq: facts.length, subject: subjectOf(fact), fence: 1, fact });
  };
  const posted: WatcherMessage[] = [];
  const post = (message: WatcherMessage): boolean => {
    posted.push(message);
    if (during.drops(message)) return true;
    for (const chain of watcherCore.route(state, now, message)) {
      for (const fact of watcherCore.decide(state, now, message, chain).facts) record(fact);
    }
    return true;
  };
  const pool: Nodes = {
    pick: () => nodes[picked % nodes.length] as Node,
    others: (node) => nodes.filter((other) => other !== node),
    sawHead: () => true,
    failed: () => undefined,
    lied: ({ name }, detail) => void lied.push(`${name} ${detail}`),
  };
  const during = {
    observe: (): void => undefined,
    /** Posted while the shard's tenure was another one: nobody decided on it. */
    drops: (_message: WatcherMessage): boolean => false,
    /** The clock goes on. */
    pass: (ms: number): void => {
      now.nowMs += ms;
    },
  };
  let steady = 0;
  const cycle = createCycle(
    {
      nodes: pool,
      emptyCheck: createEmptyCheck(pool, () => undefined),
      observe: async (logs, tsSeenMs) => {
        during.observe();
        return logs.flatMap((log) => {
          const blockMs = 900_000 + Number(log.blockNumber) * 1_000;
          return observedFill(log, { tsSeenMs, blockMs, market: () => undefined }) ?? [];
        });
      },
      exchanges: () => defaultExchanges,
      state: () => state,
      owns,
      headShard: ALL_SHARDS,
      post,
      settled: async () => undefined,
      nowMs: () => now.nowMs,
      steadyMs: () => (steady += 1),
      settings: { wholeAbove: 1_000, gapBlocks: 50, exactCosts: false, readsAhead: 3, progressMs: 0 },
      onCostUnknown: () => undefined,
      onSuccess: () => undefined,
      onFailure: () => undefined,
    },
    () => false,
  );
  return {
    facts,
    lied,
    posted,
    post,
    during,
    record,
    state: () => state,
    followed: () => followed(state),
    /** One cycle; a failure is the error's text, and the next node is asked then. */
    cycle: async (): Promise<string | boolean> => {
      try {
        return await cycle(pool.pick());
      } catch (error) {
        picked += 1;
        if (!(error instanceof TransientError)) throw error;
        return error.message;
      }
    },
  };
}
