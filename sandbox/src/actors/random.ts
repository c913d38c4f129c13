/** Seeded pseudo-random numbers: the same seed gives the same story on every machine. */
import { createHash } from "node:crypto";

export type Random = {
  /** In [0, 1). */
  next(): number;
  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number;
  chance(probability: number): boolean;
  /** @param list - not empty. */
  pick<T>(list: readonly T[]): T | undefined;
};

/** xorshift128: good enough for a story, and the same bits everywhere. */
export function createRandom(seed: string): Random {
  const digest = createHash("sha256").update(seed).digest();
  const state = Uint32Array.from([0, 4, 8, 12], (at) => digest.readUInt32LE(at));
  const next = (): number => {
    let [t = 1, , , last = 1] = state;
    t ^= t << 11;
    t ^= t >>> 8;
    state.copyWithin(0, 1);
    state[3] = last ^ (last >>> 19) ^ t;
    last = state[3] ?? 0;
    return last / 2 ** 32;
  };
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    pick: (list) => list[integer(0, list.length - 1)],
  };
}
