/** What was read of many blocks, in parts that are told one after another: a live fill waits for one part, not for all. */
import type { ObservedAct, ObservedFill } from "../core/messages.ts";

/** Each is a write that the log acknowledges; a part ends with the block in which it has so many. */
const FILLS_MAX = 50;

export type Part = {
  readonly fromBlock: number;
  readonly toBlock: number;
  readonly fills: readonly ObservedFill[];
  readonly acts: readonly ObservedAct[];
};

/** Returns consecutive ranges of blocks that make up the whole; no block is cut. At least one. */
export function partsOf({ fromBlock, toBlock, fills, acts }: Part): Part[] {
  const ends: number[] = [];
  let count = 0;
  const ordered = fills.map(({ blockNumber }) => blockNumber).sort((a, b) => a - b);
  for (const [at, blockNumber] of ordered.entries()) {
    count += 1;
    if (count < FILLS_MAX || ordered[at + 1] === blockNumber || blockNumber >= toBlock) continue;
    ends.push(blockNumber);
    count = 0;
  }
  const within = <T extends { readonly blockNumber: number }>(items: readonly T[], from: number, to: number): T[] =>
    items.filter(({ blockNumber }) => blockNumber >= from && blockNumber <= to);
  return [...ends, toBlock].map((to, at) => {
    const from = (ends[at - 1] ?? fromBlock - 1) + 1;
    return { fromBlock: from, toBlock: to, fills: within(fills, from, to), acts: within(acts, from, to) };
  });
}
