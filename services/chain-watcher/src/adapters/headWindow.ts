/**
 * The blocks above finality that have been read, by hash. A new head is joined to them by its parents: what stands between
 * the common ancestor and the new head is to be read, whether it came on top or in place of other blocks.
 */
import { TransientError } from "@slipstream/contracts/errors";
import type { Hash } from "@slipstream/contracts/ids";
import type { Header } from "./wire.ts";

/** Parents asked for one by one; a longer absence is read as a range, and again when it is final. */
const PARENTS_MAX = 32;
/** Blocks kept while finality stands still. */
const BLOCKS_MAX = 512;

/** A head that is lower by more than the deepest reorg is no branch: what was read before was not the chain. */
const BRANCH_MAX = 64;

/** Blocks that have not been read. `toBlock` may lie above the head: what had been there is gone. */
export type Unread = {
  readonly fromBlock: number;
  readonly toBlock: number;
  /** From the head down, as far as they were asked for. */
  readonly headers: readonly Header[];
};

export type HeadWindow = {
  /** What is to be read up to this head; null: it is known. */
  unread(head: Header, finalized: number, header: (blockNumber: number) => Promise<Header>): Promise<Unread | null>;
  /** These blocks have been read and were what they are called. */
  read(unread: Unread): void;
  /** All of it is to be read again. */
  forget(): void;
};

export function createHeadWindow(): HeadWindow {
  const blocks = new Map<number, Hash>();
  let top = -1;

  return {
    unread: async (head, finalized, header) => {
      for (const block of blocks.keys()) if (block < Math.max(finalized, top - BLOCKS_MAX)) blocks.delete(block);
      // A node that is behind another shows an older block: what stands above it is not gone.
      if (blocks.get(head.number) === head.hash) return null;
      // Nor is it on a shorter branch: that is read when it has grown as high.
      if (head.number < top && top - head.number <= BRANCH_MAX) return null;
      const floor = Math.max(finalized, head.number - BLOCKS_MAX);
      const headers = [head];
      let lowest = head;
      while (lowest.number > floor + 1 && blocks.get(lowest.number - 1) !== lowest.parentHash) {
        if (headers.length >= PARENTS_MAX)
          return { fromBlock: floor + 1, toBlock: Math.max(top, head.number), headers };
        const parent = await header(lowest.number - 1);
        if (parent.hash !== lowest.parentHash) {
          throw new TransientError("RPC_REFUSED", `block ${parent.number} is not the parent of the next one`);
        }
        headers.push(parent);
        lowest = parent;
      }
      return { fromBlock: lowest.number, toBlock: Math.max(top, head.number), headers };
    },
    read: ({ fromBlock, headers }) => {
      for (const block of blocks.keys()) if (block >= fromBlock) blocks.delete(block);
      for (const { number, hash } of headers) blocks.set(number, hash);
      top = headers[0]?.number ?? top;
    },
    forget: () => {
      blocks.clear();
      top = -1;
    },
  };
}
