/**
 * Small histories of a market, and orders in them, for the property test. A history is a list of acts that a play turns
 * into messages; leaving acts out or making them smaller keeps it a history, so that fast-check can shrink it.
 */
import fc from "fast-check";
import * as s from "./story.testing.ts";
import type { Market, Message, Order, Side } from "./types.ts";

type Told = "both" | "swapped" | "first" | "second";
export type Act = { readonly dtMs: number } & (
  | {
      readonly kind: "level";
      readonly side: Side;
      readonly price: bigint;
      readonly size: string;
      readonly told: Told;
      readonly lateMs: number;
    }
  /** A taker of `side` on the first token takes from the best level; the print comes `printMs` after the change, or before it. */
  | {
      readonly kind: "trade";
      readonly side: Side;
      readonly size: string;
      readonly printMs: number;
      readonly names: 0 | 1;
      readonly told: Told;
    }
  | {
      readonly kind: "print";
      readonly side: Side;
      readonly price: bigint;
      readonly size: string;
      readonly names: 0 | 1;
      readonly lateMs: number;
      readonly twice: boolean;
    }
  | {
      readonly kind: "book";
      readonly token: 0 | 1;
      readonly edits: readonly (readonly [Side, bigint, string])[];
      readonly lateMs: number;
      readonly tick: boolean;
    }
  | { readonly kind: "gap"; readonly tokens: "first" | "second" | "all" }
  | { readonly kind: "tick"; readonly tick: bigint; readonly tokens: "first" | "second" | "all" }
  | { readonly kind: "finer"; readonly price: bigint; readonly side: Side; readonly size: string; readonly told: Told }
  | { readonly kind: "repeat"; readonly back: number }
  | { readonly kind: "pong" }
  | { readonly kind: "resolved"; readonly lateMs: number }
  | { readonly kind: "definition"; readonly lateMs: number }
);

/** An order's times hang on an act: `at` is the number of the act, taken modulo their count. */
export type OrderPlan = {
  readonly at: number;
  readonly offsetMs: number;
  readonly cancelMs: number | null;
  readonly rest: Omit<Order, "orderId" | "placeAtMs" | "cancelAtMs">;
};
export type Case = { readonly acts: readonly Act[]; readonly plans: readonly OrderPlan[] };

const START_MS = 1_790_000_000_000;
const ONE = 1_000_000n;
const textOf = (micro: bigint): string => {
  const decimals = (micro % ONE).toString().padStart(6, "0").replace(/0+$/, "");
  return decimals === "" ? (micro / ONE).toString() : `${micro / ONE}.${decimals}`;
};
const microOf = (text: string): bigint => {
  const [whole = "0", decimals = ""] = text.split(".");
  return BigInt(whole) * ONE + BigInt(decimals.padEnd(6, "0"));
};
const other = (side: Side): Side => (side === "BUY" ? "SELL" : "BUY");
const TOKENS = [s.FIRST, s.SECOND] as const;
const tokensOf = (which: "first" | "second" | "all"): (0 | 1)[] =>
  which === "all" ? [0, 1] : which === "first" ? [0] : [1];

type Shown = { readonly BUY: Map<bigint, bigint>; readonly SELL: Map<bigint, bigint> };
type Entry = { readonly token: 0 | 1; readonly side: Side; readonly price: bigint; readonly size: bigint };

/** Turns acts into messages; remembers what each token's book was told to be. */
class Play {
  nowMs = START_MS;
  /** A PONG has proved this much: nothing may be stamped before. */
  provedMs = 0;
  newestMs = 0;
  prints = 0;
  readonly messages: Message[] = [];
  readonly times: number[] = [];
  readonly shown: readonly [Shown, Shown] = [
    { BUY: new Map(), SELL: new Map() },
    { BUY: new Map(), SELL: new Map() },
  ];
  tick = 10_000n;

  stamp(lateMs: number): number {
    return Math.max(this.nowMs - lateMs, this.provedMs + 1);
  }

  send(...said: Parameters<typeof s.frame>[1][]): void {
    this.messages.push(s.frame(this.nowMs, ...said));
  }

  bookOf(token: 0 | 1, ts: number, tick: boolean): Parameters<typeof s.frame>[1] {
    const rows = (side: Side): s.Row[] =>
      [...this.shown[token][side]]
        .filter(([, size]) => size > 0n)
        .sort(([a], [b]) => (a < b === (side === "BUY") ? -1 : 1))
        .map(([price, size]) => [textOf(price), textOf(size)]);
    return s.book(TOKENS[token], ts, rows("BUY"), rows("SELL"), tick ? textOf(this.tick) : undefined);
  }

  open(): void {
    for (const [side, price, size] of [
      ["BUY", 480_000n, 100n],
      ["BUY", 470_000n, 20n],
      ["SELL", 520_000n, 100n],
      ["SELL", 530_000n, 5n],
    ] as const) {
      this.shown[0][side].set(price, size * ONE);
      this.shown[1][other(side)].set(ONE - price, size * ONE);
    }
    this.send(this.bookOf(0, this.nowMs, true), this.bookOf(1, this.nowMs, true));
  }

  /** The entries of a change of a level of the first token. */
  entries(side: Side, price: bigint, size: bigint, told: Told): Entry[] {
    const first: Entry = { token: 0, side, price, size };
    const second: Entry = { token: 1, side: other(side), price: ONE - price, size };
    return { both: [first, second], swapped: [second, first], first: [first], second: [second] }[told];
  }

  changes(ts: number, entries: readonly Entry[]): void {
    for (const { token, side, price, size } of entries) this.shown[token][side].set(price, size);
    this.newestMs = Math.max(this.newestMs, ts);
    const hash = `h${this.messages.length}`;
    const rows = entries.map(
      ({ token, side, price, size }): s.Entry => [TOKENS[token], side, textOf(price), textOf(size), hash],
    );
    this.send(s.changes(ts, ...rows));
  }

  print(ts: number, names: 0 | 1, side: Side, price: bigint, size: string, twice: boolean): void {
    this.prints += 1;
    const [named, at] = names === 0 ? [side, price] : [other(side), ONE - price];
    const said = s.print(TOKENS[names], ts, named, textOf(at), size, `0x${this.prints}`);
    this.send(said);
    if (twice) this.send(said);
  }

  trade({ side, size, printMs, names, told }: Act & { kind: "trade" }): void {
    const hit = other(side);
    const best = [...this.shown[0][hit]]
      .filter(([, there]) => there > 0n)
      .sort(([a], [b]) => (a < b === (side === "BUY") ? -1 : 1))[0];
    if (best === undefined) return;
    const [price, there] = best;
    const left = there - microOf(size);
    const change = (): void => this.changes(this.stamp(0), this.entries(hit, price, left > 0n ? left : 0n, told));
    if (printMs < 0) {
      this.print(this.nowMs, names, side, price, size, false);
      this.nowMs -= printMs;
      change();
    } else {
      change();
      this.nowMs += printMs;
      this.print(this.nowMs, names, side, price, size, false);
    }
  }

  act(act: Act): void {
    this.nowMs += act.dtMs;
    this.times.push(this.nowMs);
    switch (act.kind) {
      case "level":
      case "finer": {
        const lateMs = act.kind === "level" ? act.lateMs : 0;
        return this.changes(this.stamp(lateMs), this.entries(act.side, act.price, microOf(act.size), act.told));
      }
      case "trade":
        return this.trade(act);
      case "print":
        return this.print(this.nowMs - act.lateMs, act.names, act.side, act.price, act.size, act.twice);
      case "book": {
        for (const [side, price, size] of act.edits) this.shown[act.token][side].set(price, microOf(size));
        return this.send(this.bookOf(act.token, this.stamp(act.lateMs), act.tick));
      }
      case "gap": {
        const tokens = act.tokens === "all" ? null : tokensOf(act.tokens).map((token) => TOKENS[token]);
        this.messages.push({ kind: "gap", atMs: this.nowMs, tokens });
        return;
      }
      case "tick": {
        const before = this.tick;
        this.tick = act.tick;
        for (const token of tokensOf(act.tokens)) {
          this.send(s.tickChange(TOKENS[token], this.stamp(0), textOf(before), textOf(act.tick)));
        }
        return;
      }
      case "repeat": {
        const told = this.messages.filter(({ kind }, n) => kind === "frame" && n > 0);
        const again = told.at(-1 - act.back);
        if (again !== undefined) this.messages.push({ ...again, atMs: this.nowMs });
        return;
      }
      case "pong": {
        this.provedMs = Math.max(this.provedMs, this.nowMs - 1);
        this.messages.push({ kind: "pong", atMs: this.nowMs, upToMs: this.provedMs });
        return;
      }
      case "resolved":
        return this.send(s.resolved(this.nowMs - act.lateMs));
      case "definition":
        this.messages.push({ kind: "definition", atMs: this.nowMs, closedMs: this.nowMs - act.lateMs });
    }
  }
}

/** Returns the messages and orders of a case. */
export function played({ acts, plans }: Case): { market: Market; messages: Message[]; orders: Order[] } {
  const play = new Play();
  play.open();
  for (const act of acts) play.act(act);
  const times = [START_MS, ...play.times];
  const orders = plans.map(({ at, offsetMs, cancelMs, rest }, n): Order => {
    const placeAtMs = (times[at % times.length] ?? START_MS) + offsetMs;
    const cancel = cancelMs === null ? {} : { cancelAtMs: placeAtMs + cancelMs };
    return { orderId: `order-${n}`, placeAtMs, ...cancel, ...rest };
  });
  return { market: s.market, messages: play.messages, orders };
}

const side = fc.constantFrom<Side>("BUY", "SELL");
const price = fc.constantFrom(500_000n, 480_000n, 490_000n, 510_000n, 520_000n, 470_000n, 530_000n);
/** Between the steps of a tick of 0.01. */
const finerPrice = fc.constantFrom(485_000n, 505_000n, 487_500n, 501_000n, 517_500n, 499_900n);
const size = fc.constantFrom("10", "1", "5", "20", "40", "100", "0.5", "3.333333", "0.000001", "1000");
const total = fc.oneof({ arbitrary: size, weight: 4 }, { arbitrary: fc.constant("0"), weight: 1 });
const told = fc.oneof(
  { arbitrary: fc.constant<Told>("both"), weight: 4 },
  { arbitrary: fc.constantFrom<Told>("swapped", "first", "second"), weight: 2 },
);
const dtMs = fc.constantFrom(0, 1, 10, 100, 500, 998, 999, 1_000, 1_001, 3_000);
const lateMs = fc.oneof(
  { arbitrary: fc.constant(0), weight: 5 },
  { arbitrary: fc.constantFrom(1, 50, 700), weight: 1 },
);
const names = fc.constantFrom<0 | 1>(0, 1);
const which = fc.constantFrom("first", "second", "all");
const edit = fc.tuple(side, price, total);
const tick = fc.constantFrom(10_000n, 1_000n, 5_000n, 2_500n, 100n, 100_000n);

/** Which acts a history may have; a narrower choice shows where two tellings part. */
export type Choice = {
  readonly gaps?: boolean;
  readonly ticks?: boolean;
  readonly ends?: boolean;
  readonly pongs?: boolean;
};

function actOf({ gaps = true, ticks = true, ends = true, pongs = true }: Choice): fc.Arbitrary<Act> {
  const weighed: (fc.WeightedArbitrary<Act> | null)[] = [
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant("level" as const), dtMs, side, price, size: total, told, lateMs }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("trade" as const),
        ...{ dtMs, side, size, names, told },
        printMs: fc.constantFrom(0, 1, 80, -1, -80, 999, 1_000, 1_001, -1_000, -1_001),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("print" as const),
        dtMs,
        side,
        price,
        size,
        names,
        lateMs,
        twice: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("book" as const),
        ...{ dtMs, token: names, lateMs, tick: gaps ? fc.boolean() : fc.constant(false) },
        edits: fc.array(edit, { maxLength: 3 }),
      }),
    },
    gaps ? { weight: 1, arbitrary: fc.record({ kind: fc.constant("gap" as const), dtMs, tokens: which }) } : null,
    ticks
      ? { weight: 1, arbitrary: fc.record({ kind: fc.constant("tick" as const), dtMs, tick, tokens: which }) }
      : null,
    ticks
      ? {
          weight: 1,
          arbitrary: fc.record({
            kind: fc.constant("finer" as const),
            dtMs,
            side,
            price: finerPrice,
            size: total,
            told,
          }),
        }
      : null,
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("repeat" as const), dtMs, back: fc.nat(2) }) },
    pongs ? { weight: 1, arbitrary: fc.record({ kind: fc.constant("pong" as const), dtMs }) } : null,
    ends ? { weight: 0.2, arbitrary: fc.record({ kind: fc.constant("resolved" as const), dtMs, lateMs }) } : null,
    ends ? { weight: 0.2, arbitrary: fc.record({ kind: fc.constant("definition" as const), dtMs, lateMs }) } : null,
  ].map((one) => (one === null ? null : { ...one, weight: Math.round(one.weight * 10) }));
  return fc.oneof(...weighed.filter((one) => one !== null));
}

const planOf = (acts: number, ticks: boolean): fc.Arbitrary<OrderPlan> =>
  fc.record({
    at: fc.nat(acts),
    offsetMs: fc.constantFrom(0, 1, -1, 50, 500, 1_000),
    cancelMs: fc.oneof(
      { arbitrary: fc.constant(null), weight: 5 },
      { arbitrary: fc.constantFrom(0, -10, 1, 100, 1_000, 5_000), weight: 1 },
    ),
    rest: fc.record({
      account: fc.constantFrom("one", "two"),
      tokenId: fc.constantFrom(...TOKENS),
      side,
      limitMicro: ticks ? fc.oneof({ arbitrary: price, weight: 6 }, { arbitrary: finerPrice, weight: 1 }) : price,
      sizeMicro: fc.oneof(
        { arbitrary: fc.constantFrom(10_000_000n, 100_000_000n, 5_000_000n, 40_000_000n, 1_000_000_000n), weight: 8 },
        { arbitrary: fc.constantFrom(1_000_000n, 1_500_000n, 7_230_000n, 5_001_000n), weight: 1 },
      ),
      timeInForce: fc.oneof(
        { arbitrary: fc.constant("GTD" as const), weight: 4 },
        { arbitrary: fc.constantFrom("FAK" as const, "FOK" as const), weight: 1 },
      ),
      ttlMs: fc.oneof(
        { arbitrary: fc.constantFrom(5_000, 60_000), weight: 5 },
        { arbitrary: fc.constantFrom(1, 50, 1_000, 1_001), weight: 1 },
      ),
      fee: fc.constantFrom(
        { rateMicro: 0n, exponent: 1 },
        { rateMicro: 50_000n, exponent: 1 },
        { rateMicro: 72_000n, exponent: 2 },
      ),
      minOrderSizeMicro: fc.constantFrom(0n, 0n, 0n, 5_000_000n),
    }),
  });

/** Returns cases of up to `acts` acts and `orders` orders. */
export function cases(options: { readonly acts?: number; readonly orders?: number } & Choice = {}): fc.Arbitrary<Case> {
  const { acts = 25, orders = 5 } = options;
  return fc.record({
    acts: fc.array(actOf(options), { maxLength: acts, size: "max" }),
    plans: fc.array(planOf(acts, options.ticks ?? true), { minLength: 1, maxLength: orders, size: "max" }),
  });
}

/** A case as a person reads it: messages in short, then the orders. */
export function caseText(one: Case): string {
  const { messages, orders } = played(one);
  const short = messages.map((message) => {
    if (message.kind !== "frame") return JSON.stringify(message);
    return message.text.replace(
      /"(market|hash|fee_rate_bps|last_trade_price|event_type|timestamp)":"(0x[0-9a-f]{64}|0?\.?500|)",?/g,
      "",
    );
  });
  const json = (value: unknown): string =>
    JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? item.toString() : item));
  return [...short, ...orders.map(json)].join("\n");
}
