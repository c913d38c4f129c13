/**
 * Reads a span of blocks in pieces, several at the same time, and hands them over in order: a provider that gives ten
 * blocks a call would else cost a way to it and back for each ten blocks of an absence.
 *
 * 1. Pieces are handed over in the order of the chain, without a hole; what lies behind a piece that failed is not.
 * 2. At most `depth` pieces are asked for ahead of the one that is handed over, and kept.
 * 3. A piece that came shorter than asked is completed before what lies behind it.
 * 4. Pieces that are there already are handed over together with the one before them: telling takes its time too.
 */
export type Piece = { readonly fromBlock: number; readonly toBlock: number };

export type ReadAheadOptions<T extends Piece> = {
  /** Blocks of one piece, as far as is known. */
  readonly width: () => number;
  readonly depth: () => number;
  /** False: nothing more is asked for; what is under way is handed over. */
  readonly goesOn: () => boolean;
  /** Reads the next blocks from `fromBlock`, at most to `toBlock`, at least one. */
  readonly read: (fromBlock: number, toBlock: number) => Promise<T>;
};

/** Blocks to be read, and their reading when it is under way. */
type Slot<T> = Piece & { readonly reading: Promise<T> | null; came?: T };

/** @throws what the reading of the first piece that failed threw; all before it have been handed over. */
export async function* readAhead<T extends Piece>(
  span: Piece,
  { width, depth, goesOn, read }: ReadAheadOptions<T>,
): AsyncGenerator<readonly T[], void, undefined> {
  /** In the order of the chain, without a hole. */
  const slots: Slot<T>[] = span.fromBlock > span.toBlock ? [] : [{ ...span, reading: null }];

  const start = (fromBlock: number, toBlock: number): Slot<T> => {
    const slot: Slot<T> = { fromBlock, toBlock, reading: read(fromBlock, toBlock) };
    // An error is told when its turn comes.
    slot.reading?.then(
      (piece) => {
        slot.came = piece;
      },
      () => undefined,
    );
    return slot;
  };
  const plan = (): void => {
    for (let at = 0; at < Math.min(depth(), slots.length) && goesOn(); at++) {
      const slot = slots[at];
      if (slot === undefined || slot.reading !== null) continue;
      const { fromBlock, toBlock } = slot;
      const end = Math.min(toBlock, fromBlock + Math.max(1, width()) - 1);
      const rest: Slot<T>[] = end < toBlock ? [{ fromBlock: end + 1, toBlock, reading: null }] : [];
      slots.splice(at, 1, start(fromBlock, end), ...rest);
    }
  };
  /** Takes the first slot away; what its piece lacks stays. */
  const taken = (piece: T): T => {
    const slot = slots.shift();
    if (slot !== undefined && piece.toBlock < slot.toBlock) {
      slots.unshift({ fromBlock: piece.toBlock + 1, toBlock: slot.toBlock, reading: null });
    }
    return piece;
  };
  for (;;) {
    plan();
    const [first] = slots;
    if (first === undefined || first.reading === null) return;
    const pieces = [taken(await first.reading)];
    for (let came = slots[0]?.came; came !== undefined; came = slots[0]?.came) pieces.push(taken(came));
    plan();
    yield pieces;
  }
}

/** How many pieces a provider bears at the same time: fewer after each failure, one more after some answers. */
export type Depth = { now(): number; good(): void; bad(): void };

const GOOD_UNTIL_MORE = 16;

export function createDepth(max: number): Depth {
  let depth = max;
  let good = 0;
  return {
    now: () => depth,
    good: () => {
      good += 1;
      if (good < GOOD_UNTIL_MORE) return;
      good = 0;
      depth = Math.min(max, depth + 1);
    },
    bad: () => {
      good = 0;
      depth = Math.max(1, Math.floor(depth / 2));
    },
  };
}
