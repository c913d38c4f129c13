/** Generated histories of a market, and orders in them, for the property test. */
import fc from "fast-check";
import type { Act, Case, OrderPlan, Told } from "./acts.ts";
import type { Side } from "./types.ts";

/** Which acts a history may have; a narrower choice shows where two tellings part. */
export type Choice = {
  readonly gaps?: boolean;
  readonly ticks?: boolean;
  readonly ends?: boolean;
  readonly pongs?: boolean;
  /** One level, its prints and its decreases close together, and orders that rest there. */
  readonly queue?: boolean;
  /** The same, shorter, and with little else: what of a print or decrease was told by the other shows in the fills (6.4). */
  readonly lists?: boolean;
  /** Ticks, closings and full books may be stamped ahead of the newest time (1.3); false: they are not. */
  readonly ahead?: boolean;
  /** Each token is read on a connection of its own, the second one's being behind by some messages. */
  readonly apart?: boolean;
  /** Ticks of 0.0025, on which those of 0.001 do not lie; left out: some do. */
  readonly quarters?: boolean;
};

const seldom = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: usual, weight: 5 }, { arbitrary: other, weight: 1 });
const among = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Between the steps of a tick of 0.01. */
const fifths = among(485_000n, 505_000n, 501_000n, 517_000n, 499_900n);
const quarters = fc.oneof(fifths, among(485_000n, 487_500n, 501_000n, 517_500n));
const told = fc.oneof(
  { arbitrary: fc.constant<Told>("both"), weight: 4 },
  { arbitrary: among<Told>("swapped", "first", "second"), weight: 2 },
);
const lateMs = seldom(fc.constant(0), among(1, 50, 700));
/** What does not tell what time it is may be stamped later than anything that comes after it. */
const anyMs = seldom(lateMs, among(-1, -50, -900, -3_000));
const token = among<0 | 1>(0, 1);
const which = among("first" as const, "second" as const, "all" as const);
const ticksOf = {
  fifths: among(10_000n, 1_000n, 5_000n, 100n, 100_000n),
  quarters: among(10_000n, 2_500n, 1_000n, 100n, 5_000n),
};

/** What acts are made of: anything near the touch, or what happens at one level. */
const anywhere = {
  bookSide: among<Side>("BUY", "SELL"),
  price: among(500_000n, 480_000n, 490_000n, 510_000n, 520_000n, 470_000n, 530_000n),
  total: seldom(among("10", "1", "5", "20", "40", "100", "0.5", "3.333333", "0.000001", "1000"), fc.constant("0")),
  size: among("10", "1", "5", "20", "40", "100", "0.5", "3.333333", "0.000001", "1000"),
  dtMs: among(0, 1, 10, 100, 500, 998, 999, 1_000, 1_001, 3_000),
  ofOrders: among(10_000_000n, 100_000_000n, 5_000_000n, 40_000_000n, 1_000_000_000n),
};
const oneLevel: typeof anywhere = {
  bookSide: seldom(fc.constant<Side>("BUY"), fc.constant<Side>("SELL")),
  price: fc.oneof({ arbitrary: fc.constant(480_000n), weight: 8 }, { arbitrary: among(470_000n, 490_000n), weight: 1 }),
  total: among("60", "50", "40", "30", "20", "10", "0", "80", "100", "33.333333"),
  size: among("10", "20", "30", "40", "60", "5", "3.333333"),
  dtMs: among(0, 1, 80, 0, 300, 500, 920, 999, 1_000, 1_001),
  ofOrders: among(10_000_000n, 40_000_000n, 200_000_000n),
};
/** Sizes add up to one another, and times to a second. */
const lists: typeof anywhere = {
  bookSide: fc.constant<Side>("BUY"),
  price: fc.oneof({ arbitrary: fc.constant(480_000n), weight: 9 }, { arbitrary: among(470_000n, 490_000n), weight: 1 }),
  total: among("10", "20", "40", "60", "80", "100"),
  size: among("10", "20", "30", "40", "50", "70"),
  dtMs: seldom(among(0, 0, 100, 100, 200, 300, 500), among(0, 1, 999, 1_001)),
  ofOrders: among(500_000_000n, 40_000_000n, 1_000_000_000n),
};
type Pools = typeof anywhere;
const poolsOf = (choice: Choice): Pools => (choice.lists ? lists : choice.queue ? oneLevel : anywhere);

const kind = <K extends Act["kind"]>(name: K): fc.Arbitrary<K> => fc.constant(name);
const takerOf = (bookSide: fc.Arbitrary<Side>): fc.Arbitrary<Side> =>
  bookSide.map((side) => (side === "BUY" ? "SELL" : "BUY"));

/**
 * One level: what is told of it, in the middle a gap if there are any, and last a print that reaches orders of any size. How
 * much of it does, tells what is ahead of them and what explains it. Or: prints, then decreases that they explain.
 */
function listActs({ gaps = true }: Choice): fc.Arbitrary<Act[]> {
  const { bookSide, total, size } = lists;
  const at = fc.constant(480_000n);
  const dtMs = fc.oneof(
    { weight: 5, arbitrary: among(0, 0, 100, 100, 200, 300, 500) },
    { weight: 1, arbitrary: among(1, 999, 1_001) },
  );
  const price = fc.oneof({ weight: 40, arbitrary: at }, { weight: 1, arbitrary: lists.price });
  const lateMs = fc.constant(0);
  const taker = { side: fc.constant<Side>("SELL"), lateMs };
  const prints = fc.record({
    ...taker,
    kind: kind("print"),
    dtMs,
    price,
    size,
    names: token,
    twice: fc.constant(false),
  });
  const shrinks = fc.record({ kind: kind("shrink"), dtMs, side: bookSide, price, size, told });
  const totals = fc.record({ kind: kind("level"), dtMs, side: bookSide, price, size: total, told, lateMs });
  const crosses = fc.record({ ...taker, kind: kind("level"), dtMs, price: among(480_000n, 470_000n), size, told });
  const some = fc.oneof(
    { weight: 45, arbitrary: prints },
    { weight: 45, arbitrary: shrinks },
    { weight: 18, arbitrary: totals },
    { weight: 2, arbitrary: crosses },
  );
  const edit = fc.tuple(bookSide, at, total);
  const crossing = fc.tuple(fc.constant<Side>("SELL"), among(480_000n, 470_000n), size);
  const edits = fc.array(fc.oneof(edit, edit, crossing), { maxLength: 3 });
  const shortMs = among(0, 1, 100, 300);
  const gap = fc.record({ kind: kind("outage"), dtMs: shortMs, tokens: which, waitMs: shortMs, lateMs, edits });
  const last = prints.map(
    (print): Act => ({ ...print, dtMs: Math.min(print.dtMs, 300), price: 480_000n, size: "300" }),
  );
  const up = (acts: fc.Arbitrary<Act>, maxLength: number, minLength = 0): fc.Arbitrary<Act[]> =>
    fc.array(acts, { minLength, maxLength, size: "max" });
  const once = (act: fc.Arbitrary<Act>): fc.Arbitrary<Act[]> => up(act, 1, 1);
  const small = totals.map((level): Act => ({ ...level, size: level.size === "20" ? "20" : "10" }));
  const parts: fc.Arbitrary<Act[][]> = gaps
    ? fc.oneof(
        fc.tuple(up(some, 5), once(gap), up(some, 4), once(last)),
        fc.tuple(up(totals, 1), up(prints, 2, 1), once(gap), up(shrinks, 2, 1), once(last)),
      )
    : fc.oneof(
        fc.tuple(up(some, 10), once(last)),
        fc.tuple(up(totals, 1), up(prints, 4, 1), up(shrinks, 2, 1), once(last)),
        fc.tuple(once(small), up(prints, 2, 1), once(totals), up(shrinks, 2, 1), once(last)),
      );
  return parts.map((each) => each.flat());
}

function actOf(choice: Choice): fc.Arbitrary<Act> {
  const { gaps = true, ticks = true, ends = true, pongs = true, queue = false } = choice;
  const { bookSide, price, total, size, dtMs } = poolsOf(choice);
  const side = takerOf(bookSide);
  const finerPrice = choice.quarters === false ? fifths : quarters;
  const tick = ticksOf[choice.quarters === false ? "fifths" : "quarters"];
  const printMs = among(0, 1, 80, -1, -80, 999, 1_000, 1_001, -1_000, -1_001);
  const edits = fc.array(fc.tuple(bookSide, price, total), { maxLength: 3 });
  const withTick = fc.boolean();
  const weighed: (readonly [number, boolean, fc.Arbitrary<Act>])[] = [
    [80, true, fc.record({ kind: kind("level"), dtMs, side: bookSide, price, size: total, told, lateMs })],
    [queue ? 20 : 60, true, fc.record({ kind: kind("trade"), dtMs, side, size, names: token, told, printMs })],
    [
      queue ? 80 : 40,
      true,
      fc.record({
        kind: kind("print"),
        dtMs,
        side,
        price,
        size,
        names: token,
        lateMs,
        twice: seldom(fc.constant(false), fc.constant(true)),
      }),
    ],
    [queue ? 10 : 20, true, fc.record({ kind: kind("book"), dtMs, token, lateMs: anyMs, tick: withTick, edits })],
    [5, gaps, fc.record({ kind: kind("gap"), dtMs, tokens: which })],
    [3, gaps, fc.record({ kind: kind("unreadable"), dtMs, tokens: which })],
    [10, gaps, fc.record({ kind: kind("outage"), dtMs, tokens: which, waitMs: dtMs, lateMs: anyMs, edits })],
    [
      5,
      true,
      fc.record({
        kind: kind("flicker"),
        dtMs,
        side: bookSide,
        price,
        sizes: fc.tuple(total, total),
        told,
        again: token,
      }),
    ],
    [10, ticks, fc.record({ kind: kind("tick"), dtMs, tick, tokens: which, lateMs: anyMs })],
    [10, ticks, fc.record({ kind: kind("finer"), dtMs, side: bookSide, price: finerPrice, size: total, told })],
    [10, true, fc.record({ kind: kind("repeat"), dtMs, back: fc.nat(2) })],
    [10, pongs, fc.record({ kind: kind("pong"), dtMs })],
    [2, ends, fc.record({ kind: kind("resolved"), dtMs, lateMs: anyMs })],
    [2, ends, fc.record({ kind: kind("definition"), dtMs, lateMs })],
  ];
  return fc.oneof(...weighed.flatMap(([weight, wanted, arbitrary]) => (wanted ? [{ weight, arbitrary }] : [])));
}

function planOf(acts: number, choice: Choice): fc.Arbitrary<OrderPlan> {
  const { ticks = true, queue = false, lists = false } = choice;
  const finerPrice = choice.quarters === false ? fifths : quarters;
  const { bookSide, price, ofOrders } = poolsOf(choice);
  const oddSizes = among(1_000_000n, 1_500_000n, 7_230_000n, 5_001_000n);
  return fc.record({
    at: queue ? fc.nat(4) : fc.nat(lists ? 5 : acts),
    offsetMs: lists ? seldom(fc.constant(0), among(1_000, 999, 1)) : among(0, 1, -1, 50, 500, 1_000),
    cancel: seldom<OrderPlan["cancel"]>(
      fc.constant(null),
      fc.oneof(fc.record({ afterMs: among(0, -10, 1, 100, 1_000, 5_000) }), fc.record({ at: fc.nat(acts) })),
    ),
    token,
    side: bookSide,
    price: ticks && !lists ? seldom(price, finerPrice) : price,
    rest: fc.record({
      account: among("one", "two"),
      sizeMicro: seldom(ofOrders, oddSizes),
      timeInForce: lists
        ? fc.constant("GTD" as const)
        : seldom(fc.constant("GTD" as const), among("FAK" as const, "FOK" as const)),
      ttlMs: seldom(among(5_000, 60_000), among(1, 50, 1_000, 1_001)),
      fee: among(
        { rateMicro: 0n, exponent: 1 },
        { rateMicro: 50_000n, exponent: 1 },
        { rateMicro: 72_000n, exponent: 2 },
      ),
      minOrderSizeMicro: seldom(fc.constant(0n), fc.constant(5_000_000n)),
    }),
  });
}

/** Returns cases of up to `acts` acts and `orders` orders. */
export function cases(options: { readonly acts?: number; readonly orders?: number } & Choice = {}): fc.Arbitrary<Case> {
  const { acts = options.lists ? 10 : 30, orders = 5 } = options;
  return fc.record({
    acts: options.lists ? listActs(options) : fc.array(actOf(options), { maxLength: acts, size: "max" }),
    plans: fc.array(planOf(acts, options), { minLength: 1, maxLength: orders, size: "max" }),
    flip: fc.boolean(),
    behind: options.apart ? among(0, 1, 3) : fc.constant(null),
    beats: (options.ahead ?? true) ? fc.boolean() : fc.constant(true),
  });
}
