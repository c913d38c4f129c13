/**
 * The slow, exact, independent reference of the paper engine, written from docs/paper-engine.md alone. Its whole input is
 * there from the start; it goes through all that happens in one sequence and keeps the names and numbers of the rules.
 */
import { type Happening, happeningsOf, type TokenIndex } from "./feed.ts";
import type { Level } from "./frames.ts";
import { refusalOf, takerFeeOf, usdcOf } from "./rules.ts";
import type { EndKind, Fill, Market, Message, Order, OrderResult, Side } from "./types.ts";
import {
  aboveZero,
  bestFirst,
  displayedAt,
  type Entry,
  inMarket,
  inSequence,
  least,
  listsAtPlacement,
  namePrice,
  newTokenBook,
  openLadder,
  otherSide,
  pricesOf,
  type Resting,
  reaches,
  Taken,
  tellTick,
  useUp,
} from "./world.ts";

/** 4.2. */
const LEVELS_MAX = 64;
type Told = { readonly fills: Fill[]; end: { kind: EndKind; atMs: number } | null };

class Reference {
  readonly orders: readonly Order[];
  readonly tokens: readonly [string, string];
  readonly books = [newTokenBook(), newTokenBook()] as const;
  readonly taken = new Taken();
  readonly told: readonly Told[];
  closed = false;
  resting: Resting[] = [];
  /** 5.4: the token that tells what is taken; null also while the millisecond of a gap or an opening book lasts. */
  telling: TokenIndex | null = null;
  /** That millisecond, and the tokens whose opening books came in it (5.5). */
  retelling: {
    readonly atMs: number;
    readonly opened: TokenIndex[];
    readonly changed: { token: TokenIndex; side: Side; priceMicro: bigint }[];
  } | null = null;
  readonly isBlind: (token: TokenIndex, atMs: number) => boolean;

  constructor(market: Market, orders: readonly Order[], isBlind: (token: TokenIndex, atMs: number) => boolean) {
    this.isBlind = isBlind;
    this.tokens = market.tokens;
    // Until a book or a change tells another.
    for (const book of this.books) book.tickMicro = market.tickMicro;
    this.orders = orders;
    this.told = orders.map(() => ({ fills: [], end: null }));
  }

  happen({ atMs, what }: Happening): void {
    const ofBooks = what.kind === "change" || what.kind === "laterBook" || what.kind === "openingBook";
    const isIn = this.retelling?.atMs === atMs && (ofBooks || what.kind === "gap" || what.kind === "tick");
    if (this.retelling !== null && !isIn) this.retell();
    switch (what.kind) {
      case "closing":
        this.closed = true;
        for (const { number } of this.resting) this.end(number, "MARKET_CLOSED", atMs);
        return;
      case "cancel":
        return this.end(what.order, "CANCELED", atMs);
      case "expiry":
        return this.end(what.order, "EXPIRED", atMs);
      case "placement":
        return this.place(what.order, atMs);
      case "change":
        return this.change(what.token, what.side, what.level, atMs);
      case "laterBook":
        this.laterBook(what.token, what.book, atMs);
        if (what.tickMicro !== null) tellTick(this.books[what.token], what.tickMicro);
        return;
      case "openingBook":
        return this.openingBook(what.token, what.book, what.tickMicro, atMs);
      case "tick":
        return tellTick(this.books[what.token], what.tickMicro);
      case "gap":
        return this.gap(what.token, atMs);
      case "print":
        return this.print(what.token, what.takerSide, what.level, atMs);
    }
  }

  end(number: number, kind: EndKind, atMs: number): void {
    const told = this.told[number];
    if (told === undefined || told.end !== null) return;
    told.end = { kind, atMs };
    this.resting = this.resting.filter((resting) => resting.number !== number);
  }

  /** One fill; the order ends when it was the last. */
  fill(one: Resting, liquiditySide: "taker" | "maker", level: Level, atMs: number): void {
    const { order, number } = one;
    const { priceMicro, sizeMicro } = level;
    const fills = this.told[number]?.fills ?? [];
    fills.push({
      n: fills.length,
      atMs,
      priceMicro,
      sizeMicro,
      usdcMicro: usdcOf(order.side, priceMicro, sizeMicro),
      feeMicro: liquiditySide === "maker" ? 0n : takerFeeOf(order.fee, priceMicro, sizeMicro),
      liquiditySide,
    });
    one.leavesMicro -= sizeMicro;
    if (one.leavesMicro === 0n) this.end(number, "FILLED", atMs);
  }

  /** 4, 7. */
  place(number: number, atMs: number): void {
    const order = this.orders[number];
    if (order === undefined || this.told[number]?.end !== null) return;
    const { account, side, limitMicro, sizeMicro, timeInForce } = order;
    const token: TokenIndex = order.tokenId === this.tokens[0] ? 0 : 1;
    const book = this.books[token];
    const { closed } = this;
    if (!book.known || this.isBlind(token, atMs)) {
      return this.end(number, closed ? "MARKET_NOT_ACCEPTING_ORDERS" : "BLIND", atMs);
    }
    const bestAskMicro = bestFirst(book, "SELL")[0]?.priceMicro ?? null;
    const refused = refusalOf(order, { closed, tickMicro: book.tickMicro, bestAskMicro });
    if (refused !== null) return this.end(number, refused, atMs);

    const there = otherSide(side);
    const sweep = bestFirst(book, there)
      .filter(({ priceMicro }) => reaches(side, limitMicro, priceMicro))
      .map(({ priceMicro, sizeMicro: displayed }) => ({
        priceMicro,
        sizeMicro: aboveZero(displayed - this.taken.of(account, token, there, priceMicro)),
      }))
      .filter((level) => level.sizeMicro > 0n)
      .slice(0, LEVELS_MAX);
    const held = sweep.reduce((sum, level) => sum + level.sizeMicro, 0n);
    if (timeInForce === "FOK" && held < sizeMicro) return this.end(number, "FOK_KILLED", atMs);

    const one: Resting = { order, token, number, leavesMicro: sizeMicro, aheadMicro: 0n, early: [], moved: [] };
    for (const { priceMicro, sizeMicro: left } of sweep) {
      const size = least(one.leavesMicro, left);
      if (size === 0n) break;
      this.taken.add(account, token, { side: there, priceMicro, sizeMicro: size });
      this.fill(one, "taker", { priceMicro, sizeMicro: size }, atMs);
    }
    if (one.leavesMicro === 0n) return;
    if (timeInForce !== "GTD") return this.end(number, "FAK_REMAINDER", atMs);
    one.aheadMicro = displayedAt(book, side, limitMicro);
    listsAtPlacement(this.books[token], one, atMs);
    this.resting.push(one);
  }

  /** 5.4, 5.5: a gap or an opening book of the token is in this millisecond. */
  tellAnew(atMs: number, opened: readonly TokenIndex[]): void {
    const { opened: before = [], changed = [] } = this.retelling ?? {};
    this.retelling = { atMs, opened: [...before, ...opened], changed };
    this.telling = null;
  }

  /** Both tokens' changes of that millisecond are done. */
  retell(): void {
    const { opened = [], changed = [] } = this.retelling ?? {};
    this.retelling = null;
    const telling = this.books[0].known ? 0 : this.books[1].known ? 1 : null;
    this.telling = telling;
    if (telling === null) return;
    const book = this.books[telling];
    if (opened.includes(telling)) return this.taken.newTotals(telling, book);
    for (const { token, side, priceMicro } of changed) {
      if (token === telling) this.taken.newTotal(token, side, priceMicro, displayedAt(book, side, priceMicro));
    }
  }

  change(token: TokenIndex, side: Side, { priceMicro, sizeMicro }: Level, atMs: number): void {
    const book = this.books[token];
    const before = displayedAt(book, side, priceMicro);
    // The price is named, whatever it says of the level.
    namePrice(book, priceMicro);
    if (before === sizeMicro) return;
    if (sizeMicro === 0n) book.levels[side].delete(priceMicro);
    else book.levels[side].set(priceMicro, sizeMicro);

    const decrease = aboveZero(before - sizeMicro);
    if (decrease > 0n) {
      book.past.push({ kind: "decrease", atMs, side, priceMicro, amountMicro: decrease, displayedMicro: sizeMicro });
    }
    if (this.telling === token) this.taken.newTotal(token, side, priceMicro, sizeMicro);
    this.retelling?.changed.push({ token, side, priceMicro });
    for (const one of this.resting) {
      const { order } = one;
      if (one.token !== token || order.side !== side || order.limitMicro !== priceMicro) continue;
      const fromAhead = aboveZero(one.aheadMicro - sizeMicro);
      one.aheadMicro = least(one.aheadMicro, sizeMicro);
      if (decrease === 0n) continue;
      const explained = useUp(one.early, decrease, atMs);
      one.moved.push({ atMs, amountMicro: least(fromAhead, decrease - explained) });
    }
    for (const one of inSequence(this.ofToken(token))) this.meet(one, side, { priceMicro, sizeMicro }, atMs);
  }

  /** 6.10: the level of `side` shows this total. */
  meet(one: Resting, side: Side, level: Level, atMs: number): void {
    const { order, token } = one;
    const crosses = order.side !== side && reaches(order.side, order.limitMicro, level.priceMicro);
    if (!crosses) return;
    const left = aboveZero(level.sizeMicro - this.taken.of(order.account, token, side, level.priceMicro));
    const size = least(one.leavesMicro, left);
    if (size === 0n) return;
    this.taken.add(order.account, token, { side, priceMicro: level.priceMicro, sizeMicro: size });
    this.fill(one, "maker", { priceMicro: order.limitMicro, sizeMicro: size }, atMs);
  }

  /** Resting orders of a token; of both sides, as they never meet the same level the sequence is each side's own. */
  ofToken(token: TokenIndex): Resting[] {
    const own = this.resting.filter((one) => one.token === token);
    const buys = inSequence(own.filter((one) => one.order.side === "BUY"));
    return [...buys, ...inSequence(own.filter((one) => one.order.side === "SELL"))];
  }

  /** 1.4: bids before asks, on each side what is gone first. */
  laterBook(token: TokenIndex, told: { bids: readonly Level[]; asks: readonly Level[] }, atMs: number): void {
    for (const side of ["BUY", "SELL"] as const) {
      const now = (side === "BUY" ? told.bids : told.asks).filter((level) => level.sizeMicro > 0n);
      const gone = bestFirst(this.books[token], side).filter(
        (level) => !now.some((other) => other.priceMicro === level.priceMicro),
      );
      for (const { priceMicro } of gone) this.change(token, side, { priceMicro, sizeMicro: 0n }, atMs);
      // The others in the sequence in which the venue lists them (3.2).
      for (const level of now) this.change(token, side, level, atMs);
    }
  }

  openingBook(
    token: TokenIndex,
    told: { bids: readonly Level[]; asks: readonly Level[] },
    tickMicro: bigint | null,
    atMs: number,
  ): void {
    const book = this.books[token];
    book.known = true;
    for (const side of ["BUY", "SELL"] as const) {
      book.levels[side].clear();
      for (const { priceMicro, sizeMicro } of side === "BUY" ? told.bids : told.asks) {
        if (sizeMicro > 0n) book.levels[side].set(priceMicro, sizeMicro);
      }
    }
    openLadder(book, tickMicro, pricesOf(told));
    book.past = [];
    if (token === 0 || this.telling !== 0) this.tellAnew(atMs, [token]);
    for (const one of this.ofToken(token)) {
      one.aheadMicro = displayedAt(book, one.order.side, one.order.limitMicro);
      one.early = [];
      one.moved = [];
    }
    for (const one of this.ofToken(token)) {
      const side = otherSide(one.order.side);
      for (const level of bestFirst(book, side)) this.meet(one, side, level, atMs);
    }
  }

  gap(token: TokenIndex, atMs: number): void {
    this.books[token].known = false;
    if (this.telling === token) this.tellAnew(atMs, []);
  }

  /** 6.6 to 6.8, and the past of both tokens' levels for 6.11. */
  print(token: TokenIndex, takerSide: Side, { priceMicro, sizeMicro }: Level, atMs: number): void {
    // The level that was hit is of the side that the taker is not on.
    const hit = inMarket(token, otherSide(takerSide), priceMicro);
    for (const each of [0, 1] as const) {
      const book = this.books[each];
      if (!book.known) continue;
      // The same reckoning leads from the market's coordinates to each token's.
      const level = inMarket(each, hit.side, hit.priceMicro);
      const displayedMicro = displayedAt(book, level.side, level.priceMicro);
      book.past.push({ kind: "print", atMs, ...level, amountMicro: sizeMicro, displayedMicro });
    }
    const concerned = this.resting.filter(({ token: own, order }) => {
      const at = inMarket(own, order.side, order.limitMicro);
      return this.books[own].known && at.side === hit.side && reaches(at.side, at.priceMicro, hit.priceMicro);
    });
    const filledOf = new Map<string, bigint>();
    for (const one of inSequence(concerned)) {
      const { account } = one.order;
      const before = filledOf.get(account) ?? 0n;
      const reaching = this.reaching(one, hit.priceMicro, sizeMicro, atMs);
      const size = least(one.leavesMicro, aboveZero(reaching - before));
      if (size === 0n) continue;
      filledOf.set(account, before + size);
      this.fill(one, "maker", { priceMicro: one.order.limitMicro, sizeMicro: size }, atMs);
    }
  }

  /** How much of a print reaches an order (6.6, 6.7). */
  reaching(one: Resting, hitMicro: bigint, sizeMicro: bigint, atMs: number): bigint {
    const { side, limitMicro } = one.order;
    if (inMarket(one.token, side, limitMicro).priceMicro !== hitMicro) {
      one.aheadMicro = 0n;
      return sizeMicro;
    }
    const displayed = displayedAt(this.books[one.token], side, limitMicro);
    const explained = useUp(one.moved, sizeMicro, atMs);
    const rest = sizeMicro - explained;
    const early: Entry = { atMs, amountMicro: least(rest, displayed) };
    one.early.push(early);
    const reaching = aboveZero(rest - one.aheadMicro);
    one.aheadMicro = aboveZero(one.aheadMicro - rest);
    return reaching;
  }
}

/**
 * Returns what becomes of each order, in the sequence of `orders`.
 * @param options.untilMs - the last decided time; left out: everything is decided, as at the end of a tape.
 */
export function runReference(
  market: Market,
  messages: readonly Message[],
  orders: readonly Order[],
  options: { readonly untilMs?: number } = {},
): OrderResult[] {
  const { untilMs = Infinity } = options;
  const { happenings, isBlind } = happeningsOf(market, messages, orders);
  const reference = new Reference(market, orders, isBlind);
  for (const happening of happenings) {
    if (happening.atMs <= untilMs) reference.happen(happening);
  }
  return orders.map(({ orderId }, number) => {
    const told = reference.told[number];
    return { orderId, fills: told?.fills ?? [], end: told?.end ?? null };
  });
}
