/** A book as obvious as possible, to compare with. */
import type { Side } from "@slipstream/contracts/money";
import fc from "fast-check";
import { expect } from "vitest";
import { type Book, flatLevels, forEachLevel, levelCount } from "./ladder.ts";

export const TICKS = [100_000, 10_000, 5_000, 2_500, 1_000, 100] as const;
export type LevelChange = { readonly side: Side; readonly priceMicro: number; readonly sizeMicro: number };

export const side = fc.constantFrom<Side>("BUY", "SELL");
export const tick = fc.constantFrom(...TICKS);
/** Removals are common, and sizes reach the largest that is exact. */
export const size = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5 }), fc.maxSafeNat());

/** Few prices, so that levels meet; anywhere on the ladder, so that it is sparse. */
export function levelChange(tickMicro: number): fc.Arbitrary<LevelChange> {
  const last = 1_000_000 / tickMicro - 1;
  const step = fc.oneof(fc.integer({ min: 1, max: last }), fc.integer({ min: 1, max: Math.min(last, 4) }));
  return fc.record({ side, priceMicro: step.map((n) => n * tickMicro), sizeMicro: size });
}

export type NaiveBook = {
  readonly of: (at: Side) => Map<number, number>;
  readonly set: (change: LevelChange) => void;
  readonly sizeAt: (at: Side, priceMicro: number) => number;
  /** Best first. */
  readonly sorted: (at: Side) => [number, number][];
  readonly best: (at: Side) => number | null;
  readonly flat: (at: Side) => number[];
  readonly copy: () => NaiveBook;
};

export function naiveBook(changes: readonly LevelChange[] = []): NaiveBook {
  const sides = { BUY: new Map<number, number>(), SELL: new Map<number, number>() };
  const set = ({ side: on, priceMicro, sizeMicro }: LevelChange): void => {
    if (sizeMicro === 0) sides[on].delete(priceMicro);
    else sides[on].set(priceMicro, sizeMicro);
  };
  const sorted = (at: Side): [number, number][] => [...sides[at]].sort(([a], [b]) => (at === "BUY" ? b - a : a - b));
  const copy = (): NaiveBook => {
    const other = naiveBook();
    for (const at of ["BUY", "SELL"] as const) for (const [price, amount] of sides[at]) other.of(at).set(price, amount);
    return other;
  };
  for (const change of changes) set(change);
  return {
    of: (at) => sides[at],
    set,
    sizeAt: (at, priceMicro) => sides[at].get(priceMicro) ?? 0,
    sorted,
    best: (at) => sorted(at)[0]?.[0] ?? null,
    flat: (at) => sorted(at).flat(),
    copy,
  };
}

export function expectEqualBook(book: Book, naive: NaiveBook): void {
  for (const at of ["BUY", "SELL"] as const) {
    expect(flatLevels(book, at)).toEqual(naive.flat(at));
    expect(levelCount(book, at)).toBe(naive.of(at).size);
    const worstFirst: [number, number][] = [];
    forEachLevel(book, at, "worstFirst", (price, amount) => worstFirst.push([price, amount]));
    expect(worstFirst.reverse()).toEqual(naive.sorted(at));
  }
}
