/**
 * What a leader held of a token just before one of his fills: whether an exit left him with nothing, and whether what he
 * sold is explained. Snapshots of his balance are joined to his fills by block. What cannot be said exactly is unknown,
 * never zero.
 *
 * Invariants
 * 1. Snapshots and movements are in chain order; movements at or below `forgottenBlock` may be missing.
 * 2. An answer is never smaller than what he sold.
 */
import { add, type SharesMicro, subtract } from "@slipstream/contracts/money";

type Place = { readonly blockNumber: number; readonly logIndex: number };
/** Signed: what a fill or another act added to the holding, in 1e-6 share. */
export type Movement = Place & {
  readonly id: string;
  readonly deltaMicro: SharesMicro;
  /** It came from a split. */
  readonly split?: true;
  /** It went into a merge. */
  readonly merge?: true;
};
export type Snapshot = { readonly blockNumber: number; readonly sharesMicro: SharesMicro };
export type Holding = {
  /** Balance at the end of a block, ascending. */
  snapshots: Snapshot[];
  movements: Movement[];
  /** Taken back by a reorg, and may return. */
  away: Movement[];
  forgottenBlock: number;
};

/** A decision looks back a few blocks; an exit that waits keeps its share in the log. */
const SNAPSHOTS_MAX = 8;
const MOVEMENTS_MAX = 128;

export const emptyHolding = (): Holding => ({ snapshots: [], movements: [], away: [], forgottenBlock: -1 });

export const isBefore = (a: Place, b: Place): boolean =>
  a.blockNumber < b.blockNumber || (a.blockNumber === b.blockNumber && a.logIndex < b.logIndex);

/** Adds a movement once; the same id at another place moves it. */
export function addMovement(holding: Holding, movement: Movement): void {
  removeMovement(holding, movement.id);
  const at = holding.movements.findLastIndex((other) => isBefore(other, movement));
  holding.movements.splice(at + 1, 0, movement);
  const dropped = holding.movements.length > MOVEMENTS_MAX ? holding.movements.shift() : undefined;
  if (dropped !== undefined) holding.forgottenBlock = Math.max(holding.forgottenBlock, dropped.blockNumber);
}

/** @param mayReturn - the chain has taken it back, and may show it again. */
export function removeMovement(holding: Holding, id: string, mayReturn = false): void {
  const removed = [...holding.movements, ...holding.away].find((movement) => movement.id === id);
  if (removed === undefined) return;
  const isOther = (movement: Movement): boolean => movement.id !== id;
  holding.movements = holding.movements.filter(isOther);
  holding.away = holding.away.filter(isOther);
  if (mayReturn) holding.away = [...holding.away, removed].slice(-MOVEMENTS_MAX);
}

/** What he did, and what he gave but for a reorg: whoever buys after him had better take it for given. */
export const movementsOrAway = ({ movements, away }: Holding): Movement[] => [
  ...movements,
  ...away.filter(({ deltaMicro }) => deltaMicro < 0n),
];

/** Takes a balance. One of a lower block than the last is ignored unless a reorg took blocks back. */
export function addSnapshot(holding: Holding, snapshot: Snapshot, afterReorg: boolean): void {
  const last = holding.snapshots.at(-1);
  if (last !== undefined && snapshot.blockNumber < last.blockNumber && !afterReorg) return;
  holding.snapshots = holding.snapshots.filter(({ blockNumber }) => blockNumber < snapshot.blockNumber);
  holding.snapshots.push(snapshot);
  if (holding.snapshots.length > SNAPSHOTS_MAX) holding.snapshots.shift();
}

/**
 * Returns what was held just before a fill that sold `soldMicro`, or null when it is unknown.
 *
 * A snapshot before the fill's block is preferred: all fills up to this one have been seen, in order. A snapshot of the
 * fill's block or later holds this fill and later ones, which are taken out of it again.
 */
export function holdingBefore(
  holding: Holding | undefined,
  fill: Place & { readonly soldMicro: SharesMicro },
): SharesMicro | null {
  if (holding === undefined) return null;
  const { snapshots, movements, forgottenBlock } = holding;
  const before = snapshots.findLast(({ blockNumber }) => blockNumber < fill.blockNumber);
  if (before !== undefined && before.blockNumber >= forgottenBlock) {
    const since = movements.filter((one) => one.blockNumber > before.blockNumber && isBefore(one, fill));
    const held = add(before.sharesMicro, ...since.map(({ deltaMicro }) => deltaMicro));
    if (held >= fill.soldMicro) return held;
  }
  const after = snapshots.find(({ blockNumber }) => blockNumber >= fill.blockNumber);
  if (after === undefined || fill.blockNumber <= forgottenBlock) return null;
  const later = movements.filter((one) => one.blockNumber <= after.blockNumber && !isBefore(one, fill));
  const held = subtract(after.sharesMicro, add(...later.map(({ deltaMicro }) => deltaMicro)));
  return held >= fill.soldMicro ? held : null;
}

/** What he holds by the newest reading and what was told since; null while nothing was read. */
export function holdingNow({ snapshots, movements, forgottenBlock }: Holding): SharesMicro | null {
  const last = snapshots.at(-1);
  if (last === undefined || last.blockNumber < forgottenBlock) return null;
  const since = movements.filter(({ blockNumber }) => blockNumber > last.blockNumber);
  return add(last.sharesMicro, ...since.map(({ deltaMicro }) => deltaMicro));
}
