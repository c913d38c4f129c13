/**
 * Turns a plan of a small history into messages of the market channel and orders. A history is a list of acts; leaving
 * acts out or making them smaller keeps it a history, so that it can be shrunk.
 */
import type { Act, Case, Told, Which } from "./acts.ts";
import * as s from "./story.testing.ts";
import type { Market, Message, Order, Side } from "./types.ts";

const TICKS = [100_000n, 10_000n, 5_000n, 2_500n, 1_000n, 100n];
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
const tokensOf = (which: Which): (0 | 1)[] => (which === "all" ? [0, 1] : which === "first" ? [0] : [1]);

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
  readonly beats: boolean;

  constructor(beats: boolean) {
    this.beats = beats;
  }

  /** @param lateMs - below 0: it is stamped later than now, and ahead of the newest time. */
  stamp(lateMs: number): number {
    const late = this.beats ? Math.max(0, lateMs) : lateMs;
    return Math.max(this.nowMs - late, this.provedMs + 1);
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
    const said = s.print(TOKENS[names], ts, named, textOf(at), size, `0x${this.prints.toString(16).padStart(64, "0")}`);
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

  beat(): void {
    if (!this.beats) return;
    const before = this.shown[0].BUY.get(10_000n) ?? 0n;
    this.changes(this.stamp(0), this.entries("BUY", 10_000n, before === ONE ? 2n * ONE : ONE, "both"));
  }

  act(act: Act): void {
    this.nowMs += act.dtMs;
    this.times.push(this.nowMs);
    if (act.kind === "tick" || act.kind === "resolved" || act.kind === "book") this.beat();
    switch (act.kind) {
      case "level":
      case "finer": {
        if (act.kind === "finer")
          this.tick = TICKS.find((one) => act.price % one === 0n && this.tick % one === 0n) ?? this.tick;
        const lateMs = act.kind === "level" ? act.lateMs : 0;
        return this.changes(this.stamp(lateMs), this.entries(act.side, act.price, microOf(act.size), act.told));
      }
      case "shrink": {
        const left = (this.shown[0][act.side].get(act.price) ?? 0n) - microOf(act.size);
        return this.changes(this.stamp(0), this.entries(act.side, act.price, left > 0n ? left : 0n, act.told));
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
      case "unreadable": {
        const named = act.tokens === "all" ? {} : { asset_id: act.tokens === "first" ? s.FIRST : s.SECOND };
        return this.send({ event_type: "book", ...named, timestamp: "never" });
      }
      case "outage": {
        this.act({ kind: "gap", dtMs: 0, tokens: act.tokens });
        this.nowMs += act.waitMs;
        this.beat();
        for (const token of tokensOf(act.tokens)) {
          for (const [side, price, size] of act.edits) {
            const at = token === 0 ? ([side, price] as const) : ([other(side), ONE - price] as const);
            this.shown[token][at[0]].set(at[1], microOf(size));
          }
          this.send(this.bookOf(token, this.stamp(act.lateMs), true));
        }
        return;
      }
      case "flicker": {
        const { side, price, told, sizes } = act;
        for (const size of sizes) this.changes(this.stamp(0), this.entries(side, price, microOf(size), told));
        const again = this.messages.at(-1 - act.again);
        if (again !== undefined) this.messages.push(again);
        return;
      }
      case "tick": {
        const before = this.tick;
        this.tick = act.tick;
        for (const token of tokensOf(act.tokens)) {
          this.send(s.tickChange(TOKENS[token], this.stamp(act.lateMs), textOf(before), textOf(act.tick)));
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
        return this.send(s.resolved(this.beats ? this.nowMs - Math.max(0, act.lateMs) : this.nowMs - act.lateMs));
      case "definition":
        this.messages.push({ kind: "definition", atMs: this.nowMs, closedMs: this.nowMs - act.lateMs });
    }
  }
}

/** The same messages on two connections, of which the second one's come later. What is no message of one is of both. */
function apart(messages: readonly Message[], behind: number): Message[] {
  const both: Message[] = [];
  const late: Message[] = [];
  for (const message of messages) {
    if (message.kind === "frame") late.push({ ...message, connection: "second" });
    const kept = message.kind === "frame" ? behind : 0;
    if (message.kind !== "frame") both.push(...late.splice(0));
    both.push(message.kind === "frame" || message.kind === "pong" ? { ...message, connection: "first" } : message);
    if (message.kind === "pong") both.push({ ...message, connection: "second" });
    both.push(...late.splice(0, Math.max(0, late.length - kept)));
  }
  return [...both, ...late];
}

/** Returns the messages and orders of a case. */
export function played({ acts, plans, flip, beats, behind }: Case): {
  market: Market;
  messages: Message[];
  orders: Order[];
} {
  const play = new Play(beats);
  play.open();
  play.beat();
  for (const act of acts) play.act(act);
  const times = [START_MS, ...play.times];
  const timeOf = (at: number): number => times[at % times.length] ?? START_MS;
  const orders = plans.map(({ at, offsetMs, cancel, token, side, price, rest }, n): Order => {
    const placeAtMs = timeOf(at) + offsetMs;
    const own = token === 0 ? { side, limitMicro: price } : { side: other(side), limitMicro: ONE - price };
    return {
      orderId: `order-${n}`,
      tokenId: TOKENS[token],
      ...own,
      placeAtMs,
      ...(cancel === null ? {} : { cancelAtMs: "at" in cancel ? timeOf(cancel.at) : placeAtMs + cancel.afterMs }),
      ...rest,
    };
  });
  const market: Market = flip ? { ...s.market, tokens: [s.SECOND, s.FIRST] } : s.market;
  if (behind === null) return { market, messages: play.messages, orders };
  return { market: { ...market, connections: ["first", "second"] }, messages: apart(play.messages, behind), orders };
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
