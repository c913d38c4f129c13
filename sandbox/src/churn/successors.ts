/**
 * Markets that are made ready before they are needed: prepared on the chain, with shares for those who quote, so that a
 * market opens in the same tick in which another one ends.
 */
import type { SandboxChain } from "../chain/types.ts";
import { successor, venueMarket } from "../markets.ts";
import type { VenueMarket } from "../venue/market.ts";

/** A place in the world's list, and how many markets stood there before. */
export type Seat = { readonly slot: number; readonly generation: number };
export type ReadyMarket = Seat & { readonly market: VenueMarket };

export type Successors = {
  /** The markets of these seats, or null while they are being made ready; asking for them begins it. */
  take(seats: readonly Seat[]): readonly ReadyMarket[] | null;
  /** Begins to make them ready. */
  want(seats: readonly Seat[]): void;
  isReady(seats: readonly Seat[]): boolean;
};

export type SuccessorsOptions = {
  readonly chain: Pick<SandboxChain, "prepareMarket">;
  /** Gives shares of these markets to those who quote, and resolves when the chain has them. */
  readonly stock: (markets: readonly VenueMarket[]) => Promise<void>;
  readonly nowMs: () => number;
  readonly onNote: (text: string, details: Readonly<Record<string, unknown>>) => void;
};

/** After a failure, which only a chain in trouble can cause. */
const AGAIN_MS = 5_000;

export function createSuccessors({ chain, stock, nowMs, onNote }: SuccessorsOptions): Successors {
  const made = new Map<string, { ready: readonly ReadyMarket[] | null; againMs: number }>();
  const keyOf = (seats: readonly Seat[]): string =>
    seats.map(({ slot, generation }) => `${slot}.${generation}`).join(" ");

  const make = async (seats: readonly Seat[]): Promise<readonly ReadyMarket[]> => {
    const ready = await Promise.all(
      seats.map(async ({ slot, generation }) => {
        const described = successor(slot, generation);
        const onChain = await chain.prepareMarket(described.chain);
        return { slot, generation, market: venueMarket(described, onChain, slot, nowMs(), generation) };
      }),
    );
    await stock(ready.map(({ market }) => market));
    return ready;
  };

  const want = (seats: readonly Seat[]): void => {
    const key = keyOf(seats);
    const known = made.get(key);
    if (known !== undefined && (known.ready !== null || known.againMs > nowMs())) return;
    const making = { ready: null as readonly ReadyMarket[] | null, againMs: Number.POSITIVE_INFINITY };
    made.set(key, making);
    make(seats).then(
      (ready) => {
        making.ready = ready;
      },
      (error: unknown) => {
        making.againMs = nowMs() + AGAIN_MS;
        onNote("a new market was not made", { err: error });
      },
    );
  };
  return {
    want,
    isReady: (seats) => (made.get(keyOf(seats))?.ready ?? null) !== null,
    take: (seats) => {
      want(seats);
      const key = keyOf(seats);
      const ready = made.get(key)?.ready ?? null;
      if (ready !== null) made.delete(key);
      return ready;
    },
  };
}
