/**
 * Reads blocks, logs and receipts of one node by HTTP. A range is read whole or not at all; how many blocks the node takes
 * at once is learned from its refusals. Whether the chain stayed the same meanwhile is the caller's to check, by `header`.
 */

import { ContractError } from "@slipstream/contracts/errors";
import type { LogFilter } from "@slipstream/polymarket/logFilter";
import type { LogRanges } from "@slipstream/polymarket/logRanges";
import type { RpcReader } from "@slipstream/polymarket/rpc";
import { type Header, hex, type Receipt, readHeader, readLogs, readReceipt, type WireLog } from "./wire.ts";

export type ReadRange = { readonly fromBlock: number; readonly toBlock: number; readonly logs: readonly WireLog[][] };

export type RangeReader = {
  /** The newest block. @throws TransientError or ContractError of the node, here and below. */
  head(): Promise<Header>;
  finalized(): Promise<Header>;
  /** The block of that number now. */
  header(blockNumber: number): Promise<Header>;
  /** Blocks that the node would be asked for at once now. */
  blocksAtOnce(): number;
  /** Reads the next blocks from `fromBlock`, at most to `toBlock`: the logs of each group of filters. */
  range(groups: readonly (readonly LogFilter[])[], fromBlock: number, toBlock: number): Promise<ReadRange>;
  /** The receipt as the node gives it, remembered when it is of that block. */
  receipt(txHash: string, blockHash: string): Promise<Receipt | null>;
  /**
   * Time of a log's block: of its header where that was read, what the log says when that fits the headers that were, else
   * of the header that is asked for.
   * @throws ContractError RPC_UNREADABLE when the header of its hash is of another block, or of a time that cannot be.
   */
  blockMs(log: WireLog): Promise<number>;
};

/** Blocks whose time is remembered, and receipts, which one block's fills and acts share. */
const TIMES_MAX = 4_096;
const RECEIPTS_MAX = 256;

/** The first block of Polygon: nothing there is older. */
const GENESIS_MS = Date.UTC(2020, 4, 30);
/** Clocks of block makers and our own differ by seconds. */
export const FUTURE_MS_MAX = 60_000;
/** Headers that times of logs are held against. */
const BOUNDS_MAX = 64;
/** A log of a block that is further above every header that was read says a number that cannot be, or is very early. */
const AHEAD_BLOCKS_MAX = 64;
/** Blocks take two seconds; while they take longer than this, their headers are asked for. */
const BLOCK_MS_MAX = 10_000;
/** Blocks of another branch at the same height differ by less. */
const BRANCH_MS = 15_000;

/** @param nowMs - the world's time, to tell times of blocks that cannot be. */
export function createRangeReader(name: string, rpc: RpcReader, ranges: LogRanges, nowMs: () => number): RangeReader {
  const times = new Map<string, number>();
  const receipts = new Map<string, Receipt>();
  /** The newest headers that were read: blocks between two of them are of a time between theirs. */
  const bounds: Header[] = [];
  const know = (found: Header): Header => {
    if (found.tsMs < GENESIS_MS) return found;
    remember(times, found.hash, found.tsMs, TIMES_MAX);
    bounds.push(found);
    if (bounds.length > BOUNDS_MAX) bounds.shift();
    return found;
  };
  const header = async (which: string): Promise<Header> =>
    know(readHeader(await rpc.call("eth_getBlockByNumber", [which, false]), `block ${which}`));
  const logs = async (filters: readonly LogFilter[], from: number, to: number): Promise<WireLog[]> => {
    const where = { fromBlock: hex(from), toBlock: hex(to) };
    const answers = await Promise.all(filters.map((filter) => rpc.call("eth_getLogs", [{ ...filter, ...where }])));
    return asAsked(answers.flatMap(readLogs), from, to);
  };
  return {
    head: () => header("latest"),
    finalized: () => header("finalized"),
    header: async (blockNumber) => {
      const found = await header(hex(blockNumber));
      if (found.number === blockNumber) return found;
      throw new ContractError("RPC_UNREADABLE", `block ${blockNumber}: the header is of block ${found.number}`);
    },
    blocksAtOnce: () => ranges.blocksOf(name),
    range: async (groups, fromBlock, toBlock) => {
      const read = await ranges.readNext(name, { fromBlock, toBlock }, (from, to) =>
        Promise.all(groups.map((filters) => logs(filters, from, to))),
      );
      return { fromBlock, toBlock: read.toBlock, logs: read.value };
    },
    receipt: async (txHash, blockHash) => {
      const known = receipts.get(txHash);
      if (known?.blockHash === blockHash) return known;
      const found = readReceipt(await rpc.call("eth_getTransactionReceipt", [txHash]), txHash);
      if (found !== null) remember(receipts, txHash, found, RECEIPTS_MAX);
      return found;
    },
    blockMs: async (log) => {
      const known = times.get(log.blockHash);
      if (known !== undefined) return known;
      const toldMs = Number(log.blockTimestamp ?? 0) * 1_000;
      const canBe = toldMs >= GENESIS_MS && toldMs <= nowMs() + FUTURE_MS_MAX;
      if (canBe && isBetween(bounds, Number(log.blockNumber), toldMs)) return toldMs;
      const answer = await rpc.call("eth_getBlockByHash", [log.blockHash, false]);
      const found = readHeader(answer, `block ${log.blockHash}`);
      if (found.hash !== log.blockHash || found.number !== Number(log.blockNumber)) {
        const said = `log ${log.logIndex} of block ${Number(log.blockNumber)} ${log.blockHash}`;
        throw new ContractError("RPC_UNREADABLE", `${said}: its header is of block ${found.number} ${found.hash}`);
      }
      if (found.tsMs < GENESIS_MS)
        throw new ContractError(
          "RPC_UNREADABLE",
          `block ${found.number} ${found.hash}: its time is before the chain's`,
        );
      return know(found).tsMs;
    },
  };
}

/** Whether a block of that number can be of that time, by the headers that were read below it and above it. */
function isBetween(headers: readonly Header[], block: number, tsMs: number): boolean {
  let top = Number.NEGATIVE_INFINITY;
  for (const { number, tsMs: at } of headers) {
    const laterMs = tsMs - at;
    const slackMs = Math.abs(block - number) * BLOCK_MS_MAX + BRANCH_MS;
    if (number <= block && (laterMs < -BRANCH_MS || laterMs > slackMs)) return false;
    if (number >= block && (laterMs > BRANCH_MS || laterMs < -slackMs)) return false;
    top = Math.max(top, number);
  }
  return headers.length === 0 || block <= top + AHEAD_BLOCKS_MAX;
}

/**
 * The answer is a set: a log that is listed twice is one. What is of other blocks than asked for, or of one block under
 * two hashes, is the answer to another question.
 * @throws ContractError RPC_UNREADABLE
 */
function asAsked(logs: readonly WireLog[], from: number, to: number): WireLog[] {
  const found = new Map<string, WireLog>();
  const hashes = new Map<number, string>();
  for (const log of logs) {
    if (log.removed) continue;
    const block = Number(log.blockNumber);
    const hash = hashes.get(block) ?? log.blockHash;
    hashes.set(block, hash);
    const where = `eth_getLogs of ${from} to ${to}`;
    if (block < from || block > to) throw new ContractError("RPC_UNREADABLE", `${where}: a log of block ${block}`);
    if (hash !== log.blockHash) throw new ContractError("RPC_UNREADABLE", `${where}: block ${block} has two hashes`);
    found.set(`${hash}:${Number(log.logIndex)}`, log);
  }
  return [...found.values()];
}

function remember<K, V>(memory: Map<K, V>, key: K, value: V, max: number): void {
  if (memory.size >= max) memory.clear();
  memory.set(key, value);
}
