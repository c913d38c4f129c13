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

export class NaiveBook {
  readonly bids = new Map<number, number>();
  readonly asks = new Map<number, number>();

  of(at: Side): Map<number, number> {
    return at === "BUY" ? this.bids : this.asks;
  }
  set(change: LevelChange): void {
    if (change.sizeMicro === 0) this.of(change.side).delete(change.priceMicro);
    else this.of(change.side).set(change.priceMicro, change.sizeMicro);
  }
  sizeAt(at: Side, price: number): number {
    return this.of(at).get(price) ?? 0;
  }
  sorted(at: Side): [number, number][] {
    return [...this.of(at)].sort(([a], [b]) => (at === "BUY" ? b - a : a - b));
  }
  best(at: Side): number | null {
    return this.sorted(at)[0]?.[0] ?? null;
  }
  flat(at: Side): number[] {
    return this.sorted(at).flat();
  }
  copy(): NaiveBook {
    const copy = new NaiveBook();
    for (const [price, amount] of this.bids) copy.bids.set(price, amount);
    for (const [price, amount] of this.asks) copy.asks.set(price, amount);
    return copy;
  }
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
