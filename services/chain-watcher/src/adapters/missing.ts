/** Logs that a node left out although it names their blocks. */
import { TransientError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { fillsBetween } from "../core/fillBook.ts";
import type { WatcherState } from "../core/state.ts";
import type { Node } from "./readingTypes.ts";
import type { Header, WireLog } from "./wire.ts";

export type ReadBlocks = {
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly leaders: ReadonlySet<Address>;
  readonly logs: readonly WireLog[];
  /** Headers that are known already. */
  readonly headers: readonly Header[];
};

/** @throws TransientError when a known fill is not among the logs of a block that is still on the node's chain. */
export async function checkMissing(node: Node, state: WatcherState, blocks: ReadBlocks): Promise<void> {
  const { fromBlock, toBlock, leaders, logs, headers } = blocks;
  const read = new Set(logs.map((log) => `${log.blockHash}:${Number(log.logIndex)}`));
  const hashes = new Map<number, string | null>(headers.map(({ number, hash }) => [number, hash]));
  const top = Math.max(...headers.map(({ number }) => number), fromBlock - 1);
  for (const [, fill] of fillsBetween(state.fills, fromBlock, toBlock)) {
    const { status, leader, blockNumber, blockHash, logIndex } = fill;
    if (status !== "ON_CHAIN" || blockNumber === null || !leaders.has(leader)) continue;
    if (read.has(`${blockHash}:${logIndex}`)) continue;
    // Above the node's newest block nothing is there any more.
    if (headers.length > 0 && blockNumber > top) continue;
    const now = hashes.get(blockNumber) ?? (await node.reader.header(blockNumber)).hash;
    hashes.set(blockNumber, now);
    if (now !== blockHash) continue;
    throw new TransientError("RPC_REFUSED", `the node left out log ${logIndex} of block ${blockNumber}, which it has`);
  }
}
