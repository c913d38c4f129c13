/**
 * The state of one market as the reference sees it: the displayed books (1), what each account has taken (5), and what
 * the levels went through (6.11). Everything is looked up by searching whole lists.
 */
import type { TokenIndex } from "./feed.ts";
import type { Level } from "./frames.ts";
import type { Order, Side } from "./types.ts";

export const ONE = 1_000_000n;
/** 6.4: how far a print and its decrease may be apart. */
export const EXPLAINS_MS = 1_000;

/** Bids are the BUY side of a book, asks its SELL side. */
export const otherSide = (side: Side): Side => (side === "BUY" ? "SELL" : "BUY");
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const aboveZero = (a: bigint): bigint => (a > 0n ? a : 0n);

/** A decrease of a level, or a print of it; `amountMicro` is what of it is unexplained. */
export type Entry = { readonly atMs: number; amountMicro: bigint };
/** What a level went through since the last full book after a gap. */
export type Past = {
  readonly kind: "decrease" | "print";
  readonly atMs: number;
  readonly side: Side;
  readonly priceMicro: bigint;
  readonly amountMicro: bigint;
  readonly displayedMicro: bigint;
};

/** A token's tick (1.9), and the one on which all ticks and levels since its opening book lie (1.10). */
export type Ladder = { tickMicro: bigint; gridMicro: bigint };

export type TokenBook = Ladder & {
  known: boolean;
  readonly levels: { readonly BUY: Map<bigint, bigint>; readonly SELL: Map<bigint, bigint> };
  past: Past[];
};

export const newTokenBook = (): TokenBook => ({
  known: false,
  levels: { BUY: new Map(), SELL: new Map() },
  tickMicro: ONE,
  gridMicro: ONE,
  past: [],
});

export const displayedAt = (book: TokenBook, side: Side, priceMicro: bigint): bigint =>
  book.levels[side].get(priceMicro) ?? 0n;

/** Levels of one side, best first: highest bids, lowest asks. */
export function bestFirst(book: TokenBook, side: Side): Level[] {
  const levels = [...book.levels[side]].map(([priceMicro, sizeMicro]) => ({ priceMicro, sizeMicro }));
  return levels.sort((a, b) => betterFirst(side, a.priceMicro, b.priceMicro));
}

/** Sorts prices of one side: a bid is better the higher it is, an ask the lower. */
export function betterFirst(side: Side, a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a > b === (side === "BUY") ? -1 : 1;
}

/** Whether an order at the limit could trade with a level at the price. */
export const reaches = (side: Side, limitMicro: bigint, priceMicro: bigint): boolean =>
  side === "BUY" ? priceMicro <= limitMicro : priceMicro >= limitMicro;

/** 2.1: side and price on the first token. */
export function inMarket(token: TokenIndex, side: Side, priceMicro: bigint): { side: Side; priceMicro: bigint } {
  return token === 0 ? { side, priceMicro } : { side: otherSide(side), priceMicro: ONE - priceMicro };
}

/** 5: what the accounts' fills took or met, by level in market coordinates. */
export class Taken {
  #levels: { account: string; side: Side; priceMicro: bigint; sizeMicro: bigint }[] = [];

  of(account: string, token: TokenIndex, side: Side, priceMicro: bigint): bigint {
    const at = inMarket(token, side, priceMicro);
    const found = this.#levels.find(
      (level) => level.account === account && level.side === at.side && level.priceMicro === at.priceMicro,
    );
    return found?.sizeMicro ?? 0n;
  }

  add(account: string, token: TokenIndex, level: { side: Side } & Level): void {
    const at = inMarket(token, level.side, level.priceMicro);
    const sizeMicro = this.of(account, token, level.side, level.priceMicro) + level.sizeMicro;
    this.#levels = this.#levels.filter(
      (other) => other.account !== account || other.side !== at.side || other.priceMicro !== at.priceMicro,
    );
    this.#levels.push({ account, ...at, sizeMicro });
  }

  /** 5.3: a level got a new total. */
  newTotal(token: TokenIndex, side: Side, priceMicro: bigint, totalMicro: bigint): void {
    const at = inMarket(token, side, priceMicro);
    for (const level of this.#levels) {
      if (level.side === at.side && level.priceMicro === at.priceMicro) {
        level.sizeMicro = least(level.sizeMicro, totalMicro);
      }
    }
    this.#forgetEmpty();
  }

  /** 5.5: all levels got new totals, those of the book. */
  newTotals(token: TokenIndex, book: TokenBook): void {
    for (const level of this.#levels) {
      // The same reckoning leads from the market's coordinates to the token's.
      const own = inMarket(token, level.side, level.priceMicro);
      level.sizeMicro = least(level.sizeMicro, displayedAt(book, own.side, own.priceMicro));
    }
    this.#forgetEmpty();
  }

  #forgetEmpty(): void {
    this.#levels = this.#levels.filter((level) => level.sizeMicro > 0n);
  }
}

/** An order that rests (6). `early` and `moved`: oldest first (6.4). */
export type Resting = {
  readonly order: Order;
  readonly token: TokenIndex;
  /** Its place in the log's sequence (3.3). */
  readonly number: number;
  leavesMicro: bigint;
  aheadMicro: bigint;
  early: Entry[];
  moved: Entry[];
};

/** Takes up to `amountMicro` from entries that are not too old, oldest first; returns how much. */
export function useUp(entries: readonly Entry[], amountMicro: bigint, atMs: number): bigint {
  let used = 0n;
  for (const entry of entries) {
    if (atMs - entry.atMs > EXPLAINS_MS) continue;
    const part = least(entry.amountMicro, amountMicro - used);
    entry.amountMicro -= part;
    used += part;
  }
  return used;
}

/** 6.8: best price first, in market coordinates, then earlier placement, then the log's sequence. All are on one side. */
export function inSequence(orders: readonly Resting[]): Resting[] {
  return [...orders].sort((a, b) => {
    const [atA, atB] = [a, b].map(({ token, order }) => inMarket(token, order.side, order.limitMicro));
    if (atA === undefined || atB === undefined) return 0;
    return (
      betterFirst(atA.side, atA.priceMicro, atB.priceMicro) ||
      a.order.placeAtMs - b.order.placeAtMs ||
      a.number - b.number
    );
  });
}

/** 1.9, coarsest first. */
const TICKS = [100_000n, 10_000n, 5_000n, 2_500n, 1_000n, 100n];

/** The coarsest tick on which a tick and some prices, or other ticks, lie; the tick itself when they lie on it. */
export function commonTick(tickMicro: bigint, prices: readonly bigint[]): bigint {
  if (prices.every((price) => price % tickMicro === 0n)) return tickMicro;
  const fits = (one: bigint): boolean => tickMicro % one === 0n && prices.every((price) => price % one === 0n);
  return TICKS.find(fits) ?? tickMicro;
}

export const pricesOf = ({ bids, asks }: { bids: readonly Level[]; asks: readonly Level[] }): bigint[] =>
  [...bids, ...asks].map(({ priceMicro }) => priceMicro);

/** An opening book came. @param tickMicro - null: it names none. */
export function openLadder(ladder: Ladder, tickMicro: bigint | null, prices: readonly bigint[]): void {
  ladder.tickMicro = tickMicro ?? commonTick(ladder.tickMicro, prices);
  ladder.gridMicro = commonTick(ladder.tickMicro, prices);
}

export function tellTick(ladder: Ladder, tickMicro: bigint): void {
  ladder.tickMicro = tickMicro;
  ladder.gridMicro = commonTick(ladder.gridMicro, [tickMicro]);
}

/** 1.9: a price between the steps of the ladder tells a tick that was not announced. */
export function namePrice(ladder: Ladder, priceMicro: bigint): void {
  if (priceMicro % ladder.gridMicro === 0n) return;
  ladder.gridMicro = commonTick(ladder.gridMicro, [priceMicro]);
  ladder.tickMicro = ladder.gridMicro;
}

/** 6.11. */
export function listsAtPlacement(book: TokenBook, one: Resting, atMs: number): void {
  const { side, limitMicro } = one.order;
  for (const past of book.past) {
    if (past.side !== side || past.priceMicro !== limitMicro) continue;
    if (past.atMs <= atMs - EXPLAINS_MS || past.atMs > atMs) continue;
    if (past.kind === "decrease") {
      const left = past.amountMicro - useUp(one.early, past.amountMicro, past.atMs);
      one.moved.push({ atMs: past.atMs, amountMicro: left });
    } else {
      const left = past.amountMicro - useUp(one.moved, past.amountMicro, past.atMs);
      one.early.push({ atMs: past.atMs, amountMicro: least(left, past.displayedMicro) });
    }
  }
}
