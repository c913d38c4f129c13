/**
 * Reads blocks, logs and receipts of one node by HTTP. A range is read whole or not at all; how many blocks the node takes
 * at once is learned from its refusals. Whether the chain stayed the same meanwhile is the caller's to check, by `header`.
 */

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
  /** Time of a log's block, remembered. */
  blockMs(log: WireLog): Promise<number>;
};

/** Blocks whose time is remembered, and receipts, which one block's fills and acts share. */
const TIMES_MAX = 4_096;
const RECEIPTS_MAX = 256;

export function createRangeReader(name: string, rpc: RpcReader, ranges: LogRanges): RangeReader {
  const times = new Map<string, number>();
  const receipts = new Map<string, Receipt>();
  const header = async (which: string): Promise<Header> =>
    readHeader(await rpc.call("eth_getBlockByNumber", [which, false]), `block ${which}`);
  const logs = async (filters: readonly LogFilter[], where: object): Promise<WireLog[]> => {
    const answers = await Promise.all(filters.map((filter) => rpc.call("eth_getLogs", [{ ...filter, ...where }])));
    return answers.flatMap(readLogs).filter((log) => !log.removed);
  };
  return {
    head: () => header("latest"),
    finalized: () => header("finalized"),
    header: (blockNumber) => header(hex(blockNumber)),
    blocksAtOnce: () => ranges.blocksOf(name),
    range: async (groups, fromBlock, toBlock) => {
      const read = await ranges.readNext(name, { fromBlock, toBlock }, (from, to) =>
        Promise.all(groups.map((filters) => logs(filters, { fromBlock: hex(from), toBlock: hex(to) }))),
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
      if (log.blockTimestamp !== undefined) return Number(log.blockTimestamp) * 1_000;
      const known = times.get(log.blockHash);
      if (known !== undefined) return known;
      const answer = await rpc.call("eth_getBlockByHash", [log.blockHash, false]);
      const { tsMs } = readHeader(answer, `block ${log.blockHash}`);
      remember(times, log.blockHash, tsMs, TIMES_MAX);
      return tsMs;
    },
  };
}

function remember<K, V>(memory: Map<K, V>, key: K, value: V, max: number): void {
  if (memory.size >= max) memory.clear();
  memory.set(key, value);
}
