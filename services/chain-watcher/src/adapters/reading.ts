/**
 * The cycle that makes sure nothing is missed: from the block behind the cursor to the head, range by range, on start, on
 * reconnect, at each new head and by timer. The window above finality is read again each time, which also finds what a
 * reorg took away.
 *
 * 1. A range counts only when the chain was the same before and after its logs were read, for leaders that were all
 *    followed when it was read.
 * 2. A fill is told as gone only when its block is gone: a node that is behind, or one of many behind one address,
 *    leaves out logs of blocks that it names.
 */
import { TransientError } from "@slipstream/contracts/errors";
import type { WatcherMessage } from "../core/messages.ts";
import type { WatcherState } from "../core/state.ts";
import type { Observer } from "./observer.ts";
import type { RangeReader, ReadRange } from "./rangeReader.ts";
import type { Header } from "./wire.ts";

export type ReadingOptions = {
  readonly reader: RangeReader;
  readonly observe: Observer;
  readonly state: () => WatcherState;
  readonly post: (message: WatcherMessage) => boolean;
  readonly nowMs: () => number;
  readonly onFailure: (error: unknown) => void;
  readonly onSuccess: () => void;
};

export type Reading = {
  /** Asks for a cycle; one that is running is followed by one more. */
  request(): void;
  stop(): void;
};

export function createReading(options: ReadingOptions): Reading {
  let running = false;
  let again = false;
  let stopped = false;
  const loop = async (): Promise<void> => {
    running = true;
    try {
      do {
        again = false;
        await cycle(options, () => stopped);
        options.onSuccess();
      } while (again && !stopped);
    } catch (error) {
      options.onFailure(error);
    } finally {
      running = false;
    }
  };
  return {
    request: () => {
      again = true;
      if (!running && !stopped) void loop();
    },
    stop: () => {
      stopped = true;
    },
  };
}

async function cycle({ reader, observe, state, post, nowMs }: ReadingOptions, isStopped: () => boolean): Promise<void> {
  const { head, finalized } = await reader.tips();
  const tips = {
    head: head.number,
    headHash: head.hash,
    headTsMs: head.tsMs,
    finalized: Math.min(finalized.number, head.number),
    finalizedHash: finalized.hash,
  };
  const { progress } = state();
  if (progress === null) {
    post({ type: "FollowingStarts", ...tips });
    return;
  }
  let fromBlock = progress.cursor + 1;
  while (fromBlock <= head.number && !isStopped()) {
    const tsSeenMs = nowMs();
    const leaders = new Set(state().leaders);
    const range = await reader.range(leaders, fromBlock, head.number);
    const fills = await observe(range.logs, tsSeenMs);
    const { toBlock } = range;
    const last = await reader.header(toBlock);
    if (toBlock === head.number && last.hash !== head.hash) throw changed(head);
    await checkMissing(reader, state(), range);
    // Fills of a leader who was added meanwhile would look gone: the next cycle reads them too.
    if ([...state().leaders].some((leader) => !leaders.has(leader))) return;
    // A range of the past says nothing of later blocks: what left it may be found there.
    const isPast = toBlock < tips.finalized;
    const upTo = isPast ? { finalized: toBlock, finalizedHash: last.hash } : {};
    if (!post({ type: "RangeRead", fromBlock, toBlock, fills, ...tips, ...upTo })) return;
    fromBlock = toBlock + 1;
  }
}

/** @throws TransientError when the node left out a log of a block that is still on its chain. */
async function checkMissing(reader: RangeReader, state: WatcherState, range: ReadRange): Promise<void> {
  const read = new Set(range.logs.map((log) => `${log.blockHash}:${Number(log.logIndex)}`));
  const blocks = new Map<number, Header>();
  for (const fill of state.fills.values()) {
    const { status, leader, blockNumber, blockHash, logIndex } = fill;
    const isExpected = status === "ON_CHAIN" && state.leaders.has(leader) && !read.has(`${blockHash}:${logIndex}`);
    if (!isExpected || blockNumber < range.fromBlock || blockNumber > range.toBlock) continue;
    const now = blocks.get(blockNumber) ?? (await reader.header(blockNumber));
    blocks.set(blockNumber, now);
    if (now.hash !== blockHash) continue;
    throw new TransientError("RPC_REFUSED", `the node left out log ${logIndex} of block ${blockNumber}, which it has`);
  }
}

const changed = (head: Header): TransientError =>
  new TransientError("RPC_REFUSED", `block ${head.number} was replaced while its range was read`);
