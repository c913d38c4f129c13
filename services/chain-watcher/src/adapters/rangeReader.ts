/**
 * Reads ranges of blocks for truth: logs, heads and finality by HTTP.
 *
 * 1. A range is read whole or not at all; a refused one is halved down to a single block, a good one grows again.
 * 2. Whether the chain stayed the same meanwhile is the caller's to check, by `header`.
 */
import type { Address } from "@slipstream/contracts/ids";
import { type RpcReader, RpcRefusedError } from "@slipstream/polymarket/rpc";
import type { ExchangeTable } from "@slipstream/polymarket/versions";
import { fillFilters } from "./fillFilter.ts";
import { type Header, hex, readHeader, readLogs, type WireLog } from "./wire.ts";

export type Tips = { readonly head: Header; readonly finalized: Header };
export type ReadRange = { readonly fromBlock: number; readonly toBlock: number; readonly logs: readonly WireLog[] };

export type RangeReader = {
  /** @throws TransientError or ContractError of the node. */
  tips(): Promise<Tips>;
  /** The block of that number now. */
  header(blockNumber: number): Promise<Header>;
  /** Reads the next range from `fromBlock`, at most to `toBlock`. */
  range(leaders: Iterable<Address>, fromBlock: number, toBlock: number): Promise<ReadRange>;
  /** Time of a block, remembered. */
  blockMs(log: WireLog): Promise<number>;
};

/** Blocks whose time is remembered. */
const TIMES_MAX = 4_096;

export function createRangeReader(rpc: RpcReader, exchanges: () => ExchangeTable, rangeMax: number): RangeReader {
  let size = rangeMax;
  const times = new Map<string, number>();
  const header = async (which: string): Promise<Header> =>
    readHeader(await rpc.call("eth_getBlockByNumber", [which, false]), `block ${which}`);
  return {
    tips: async () => {
      const [head, finalized] = await Promise.all([header("latest"), header("finalized")]);
      return { head, finalized };
    },
    header: (blockNumber) => header(hex(blockNumber)),
    range: async (leaders, fromBlock, toBlock) => {
      const filters = fillFilters(exchanges(), leaders);
      for (;;) {
        const to = Math.min(toBlock, fromBlock + size - 1);
        const span = { fromBlock: hex(fromBlock), toBlock: hex(to) };
        try {
          const answers = await Promise.all(filters.map((filter) => rpc.call("eth_getLogs", [{ ...filter, ...span }])));
          size = Math.min(rangeMax, size * 2);
          return { fromBlock, toBlock: to, logs: answers.flatMap(readLogs).filter((log) => !log.removed) };
        } catch (error) {
          if (!(error instanceof RpcRefusedError) || to === fromBlock) throw error;
          size = Math.max(1, Math.floor((to - fromBlock + 1) / 2));
        }
      }
    },
    blockMs: async (log) => {
      if (log.blockTimestamp !== undefined) return Number(log.blockTimestamp) * 1_000;
      const known = times.get(log.blockHash);
      if (known !== undefined) return known;
      const { tsMs } = readHeader(
        await rpc.call("eth_getBlockByHash", [log.blockHash, false]),
        `block ${log.blockHash}`,
      );
      if (times.size >= TIMES_MAX) times.clear();
      times.set(log.blockHash, tsMs);
      return tsMs;
    },
  };
}
