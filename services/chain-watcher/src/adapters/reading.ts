/**
 * The cycle that makes sure nothing is missed: from the block behind the cursor to the head, range by range, on start, on
 * reconnect, at each new head and by timer. The window above finality is read again each time, which also finds what a
 * reorg took away.
 */
import type { WatcherMessage } from "../core/messages.ts";
import type { WatcherState } from "../core/state.ts";
import type { Observer } from "./observer.ts";
import type { RangeReader } from "./rangeReader.ts";

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
    const range = await reader.range(state().leaders, fromBlock, head.number);
    const fills = await observe(range.logs, tsSeenMs);
    const { toBlock } = range;
    if (!post({ type: "RangeRead", fromBlock, toBlock, fills, ...tips })) return;
    fromBlock = toBlock + 1;
  }
}
