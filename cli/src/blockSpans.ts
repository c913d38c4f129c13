/** Which blocks of a leader had to be read: from when he joined until he was removed, again when he came back. Pure. */

/** `untilBlock`: the last one; null: it goes on. */
export type BlockSpan = { fromBlock: number; untilBlock: number | null };

/** @param fromBlock - of a past that is asked for, it may lie before what is followed already. */
export function joinAt(spans: BlockSpan[], fromBlock: number): void {
  const open = spans.at(-1);
  if (open?.untilBlock === null) open.fromBlock = Math.min(open.fromBlock, fromBlock);
  else spans.push({ fromBlock, untilBlock: null });
}

/**
 * What is read of somebody who was removed, until he has sold, is more than had to be.
 * @param cursor - the last block that was read completely; null: none.
 */
export function leaveAt(spans: BlockSpan[], cursor: number | null): void {
  const open = spans.at(-1);
  if (open?.untilBlock === null) open.untilBlock = cursor ?? open.fromBlock - 1;
}

/** @param head - of the chain, where the last span ends that goes on. */
export const isIn = (spans: readonly BlockSpan[], block: number, head: number): boolean =>
  spans.some(({ fromBlock, untilBlock }) => block >= fromBlock && block <= (untilBlock ?? head));
