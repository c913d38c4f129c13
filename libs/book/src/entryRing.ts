/**
 * A ring of history entries in typed columns. Positions count up from 0 for the life of the ring and are never reused:
 * entry `p` is kept while `first <= p < end`.
 */
import type { PriceMicro, Side } from "@slipstream/contracts/money";

export type EntryKind = "level" | "trade" | "epoch" | "hole" | "tick";

export type EntryRing = {
  /** Position of the oldest entry kept. */
  first: number;
  /** Position the next entry gets. */
  end: number;
  /** The ring never grows beyond it; its owner drops before it pushes. */
  readonly entriesMax: number;
  columns: Columns;
};

type Columns = {
  readonly tsMs: Float64Array;
  readonly seq: Uint32Array;
  /** Level: size after. Trade: size of the print. */
  readonly size: Float64Array;
  /** Level: size before; what an undo puts back. Trade: its own time. Tick (the new one is the price): the one before. */
  readonly before: Float64Array;
  /** price * 16 + kind * 2 + side. */
  readonly code: Int32Array;
};

export type RawEntry = {
  readonly kind: EntryKind;
  readonly tsMs: number;
  readonly seq: number;
  readonly side: Side;
  readonly priceMicro: PriceMicro;
  readonly size: number;
  readonly before: number;
};

/** Three doubles and two ints. */
export const ENTRY_BYTES = 32;
const CAPACITY_AT_START = 64;
const KINDS: readonly EntryKind[] = ["level", "trade", "epoch", "hole", "tick"];
const KIND_CODE: Readonly<Record<EntryKind, number>> = { level: 0, trade: 1, epoch: 2, hole: 3, tick: 4 };

export const createRing = (entriesMax: number): EntryRing => ({
  first: 0,
  end: 0,
  entriesMax,
  columns: createColumns(Math.min(CAPACITY_AT_START, entriesMax)),
});

export const ringCapacity = (ring: EntryRing): number => ring.columns.code.length;
export const ringCount = (ring: EntryRing): number => ring.end - ring.first;

/** Appends an entry, growing the ring by half when it is full: less is left empty than by doubling. */
export function pushEntry(
  ring: EntryRing,
  kind: EntryKind,
  tsMs: number,
  seq: number,
  side: Side,
  priceMicro: number,
  size: number,
  before: number,
): void {
  const capacity = ringCapacity(ring);
  if (ring.end - ring.first === capacity) resize(ring, Math.min(ring.entriesMax, capacity + (capacity >> 1) + 1));
  const { columns } = ring;
  const slot = ring.end % columns.code.length;
  columns.tsMs[slot] = tsMs;
  columns.seq[slot] = seq;
  columns.size[slot] = size;
  columns.before[slot] = before;
  columns.code[slot] = priceMicro * 16 + KIND_CODE[kind] * 2 + (side === "BUY" ? 0 : 1);
  ring.end += 1;
}

/** Drops the oldest entry; gives memory back when a burst is long over. */
export function dropFirst(ring: EntryRing): void {
  ring.first += 1;
  const capacity = ringCapacity(ring);
  if (capacity > CAPACITY_AT_START && ringCount(ring) < capacity >> 3)
    resize(ring, Math.max(capacity >> 2, CAPACITY_AT_START));
}

/** @param position - an entry that is kept. */
export const entryTs = (ring: EntryRing, position: number): number =>
  ring.columns.tsMs[position % ring.columns.code.length] ?? 0;

/** @param position - an entry that is kept. */
export function readEntry(ring: EntryRing, position: number): RawEntry {
  const { columns } = ring;
  const slot = position % columns.code.length;
  const code = columns.code[slot] ?? 0;
  return {
    kind: KINDS[(code >> 1) & 7] ?? "hole",
    tsMs: columns.tsMs[slot] ?? 0,
    seq: columns.seq[slot] ?? 0,
    side: (code & 1) === 0 ? "BUY" : "SELL",
    priceMicro: (code >> 4) as PriceMicro,
    size: columns.size[slot] ?? 0,
    before: columns.before[slot] ?? 0,
  };
}

function createColumns(capacity: number): Columns {
  return {
    tsMs: new Float64Array(capacity),
    seq: new Uint32Array(capacity),
    size: new Float64Array(capacity),
    before: new Float64Array(capacity),
    code: new Int32Array(capacity),
  };
}

function resize(ring: EntryRing, capacity: number): void {
  const from = ring.columns;
  const to = createColumns(capacity);
  for (let position = ring.first; position < ring.end; position++) {
    const a = position % from.code.length;
    const b = position % capacity;
    to.tsMs[b] = from.tsMs[a] ?? 0;
    to.seq[b] = from.seq[a] ?? 0;
    to.size[b] = from.size[a] ?? 0;
    to.before[b] = from.before[a] ?? 0;
    to.code[b] = from.code[a] ?? 0;
  }
  ring.columns = to;
}
