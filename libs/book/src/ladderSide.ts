/**
 * One side of a book, indexed by rank: the number of ticks above the worst possible price of the side (price / tick for
 * bids, (1 - price) / tick for asks). A higher rank is a better price on both sides, so both share this code, and the
 * arrays reach only up to the best level: two sides of an uncrossed book together are as long as one full ladder.
 *
 * Invariants
 * 1. Bit r of `occupied` is set iff `sizes[r] > 0`.
 * 2. `best` is the highest rank with a size, -1 when there is none; `count` is the number of ranks with a size.
 */
export type LadderSide = {
  /** Number of ranks a side may ever need; constant. */
  readonly rankEnd: number;
  /** 1e-6 share by rank: integers, exact in a double to 9e9 shares. */
  sizes: Float64Array;
  /** One bit per rank: lets the search for the next level step over 32 empty ticks at a time. */
  occupied: Uint32Array;
  best: number;
  count: number;
};

/** The most usual ladder, of cents, fits without ever growing; a zeroed array costs by its length. */
const RANKS_AT_START = 128;

export function createSide(rankEnd: number): LadderSide {
  const ranks = Math.min(rankEnd, RANKS_AT_START);
  return {
    rankEnd,
    sizes: new Float64Array(ranks),
    occupied: new Uint32Array((ranks + 31) >>> 5),
    best: -1,
    count: 0,
  };
}

export function copySide(side: LadderSide): LadderSide {
  return { ...side, sizes: side.sizes.slice(), occupied: side.occupied.slice() };
}

/** Returns the size at `rank`, 0 beyond the array. */
export const sizeAtRank = (side: LadderSide, rank: number): number => side.sizes[rank] ?? 0;

/**
 * Sets the size at a rank.
 * @param rank - an integer in [0, rankEnd).
 * @param size - 1e-6 share, a non-negative safe integer; 0 removes the level.
 * @returns the size before.
 */
export function setRank(side: LadderSide, rank: number, size: number): number {
  if (rank >= side.sizes.length) {
    if (size === 0) return 0;
    grow(side, rank);
  }
  const before = side.sizes[rank] ?? 0;
  if (before === size) return before;
  side.sizes[rank] = size;
  const word = rank >>> 5;
  if (size === 0) {
    side.occupied[word] = (side.occupied[word] ?? 0) & ~(1 << (rank & 31));
    side.count -= 1;
    if (rank === side.best) side.best = rankBelow(side, rank);
  } else if (before === 0) {
    side.occupied[word] = (side.occupied[word] ?? 0) | (1 << (rank & 31));
    side.count += 1;
    if (rank > side.best) side.best = rank;
  }
  return before;
}

/** Returns the highest occupied rank below `rank`, -1 when there is none. */
export function rankBelow(side: LadderSide, rank: number): number {
  let word = rank >>> 5;
  let bits = (side.occupied[word] ?? 0) & ((1 << (rank & 31)) - 1);
  while (bits === 0) {
    word -= 1;
    if (word < 0) return -1;
    bits = side.occupied[word] ?? 0;
  }
  return (word << 5) + 31 - Math.clz32(bits);
}

/** Returns the lowest occupied rank at or above `rank`, -1 when there is none. */
export function rankFrom(side: LadderSide, rank: number): number {
  let word = rank >>> 5;
  let bits = (side.occupied[word] ?? 0) & (-1 << (rank & 31));
  const words = (side.best >> 5) + 1;
  while (bits === 0) {
    word += 1;
    if (word >= words) return -1;
    bits = side.occupied[word] ?? 0;
  }
  return (word << 5) + 31 - Math.clz32(bits & -bits);
}

/** Makes room up to `rank`, an integer in [0, rankEnd): once for many levels instead of step by step. */
export function reserve(side: LadderSide, rank: number): void {
  if (rank >= side.sizes.length) grow(side, rank);
}

/** Bytes of the arrays. */
export const sideBytes = (side: LadderSide): number => side.sizes.byteLength + side.occupied.byteLength;

/** Grows by an eighth past what is asked for: a fine ladder must not hold two full arrays because it once moved. */
function grow(side: LadderSide, rank: number): void {
  const ranks = Math.min(side.rankEnd, rank + 1 + (rank >>> 3));
  const sizes = new Float64Array(ranks);
  sizes.set(side.sizes);
  const occupied = new Uint32Array((ranks + 31) >>> 5);
  occupied.set(side.occupied);
  side.sizes = sizes;
  side.occupied = occupied;
}
