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
   * Time of a log's block: what the log says when that can be, else of the block's header, remembered.
   * @throws ContractError RPC_UNREADABLE when the header of its hash is of another block.
   */
  blockMs(log: WireLog): Promise<number>;
};

/** Blocks whose time is remembered, and receipts, which one block's fills and acts share. */
const TIMES_MAX = 4_096;
const RECEIPTS_MAX = 256;

/** The first block of Polygon: nothing there is older. */
const GENESIS_MS = Date.UTC(2020, 4, 30);
/** Clocks of block makers and our own differ by seconds. */
const FUTURE_MS_MAX = 60_000;

/** @param nowMs - the world's time, to tell times of blocks that cannot be. */
export function createRangeReader(name: string, rpc: RpcReader, ranges: LogRanges, nowMs: () => number): RangeReader {
  const times = new Map<string, number>();
  const receipts = new Map<string, Receipt>();
  const header = async (which: string): Promise<Header> =>
    readHeader(await rpc.call("eth_getBlockByNumber", [which, false]), `block ${which}`);
  const logs = async (filters: readonly LogFilter[], from: number, to: number): Promise<WireLog[]> => {
    const where = { fromBlock: hex(from), toBlock: hex(to) };
    const answers = await Promise.all(filters.map((filter) => rpc.call("eth_getLogs", [{ ...filter, ...where }])));
    return asAsked(answers.flatMap(readLogs), from, to);
  };
  return {
    head: () => header("latest"),
    finalized: () => header("finalized"),
    header: (blockNumber) => header(hex(blockNumber)),
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
      const toldMs = Number(log.blockTimestamp ?? 0) * 1_000;
      if (toldMs >= GENESIS_MS && toldMs <= nowMs() + FUTURE_MS_MAX) return toldMs;
      const known = times.get(log.blockHash);
      if (known !== undefined) return known;
      const answer = await rpc.call("eth_getBlockByHash", [log.blockHash, false]);
      const found = readHeader(answer, `block ${log.blockHash}`);
      if (found.hash !== log.blockHash || found.number !== Number(log.blockNumber)) {
        const said = `log ${log.logIndex} of block ${Number(log.blockNumber)} ${log.blockHash}`;
        throw new ContractError("RPC_UNREADABLE", `${said}: its header is of block ${found.number} ${found.hash}`);
      }
      remember(times, log.blockHash, found.tsMs, TIMES_MAX);
      return found.tsMs;
    },
  };
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
