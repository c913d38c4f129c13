/**
 * Section 1 and 3: gives everything that came its time, and puts it, with the orders' placements and ends, into the one
 * sequence in which it happens. The whole past is kept; nothing is decided here.
 */
import { type Level, messagesOf, type VenueMessage } from "./frames.ts";
import type { Market, Message, Order, Side } from "./types.ts";
import { type Ladder, namePrice, openLadder, pricesOf, tellTick } from "./world.ts";

/** 0 is the first token, 1 the second (1.1). */
export type TokenIndex = 0 | 1;
type Book = { readonly bids: readonly Level[]; readonly asks: readonly Level[] };
export type What =
  | { readonly kind: "closing" }
  | { readonly kind: "cancel" | "expiry" | "placement"; readonly order: number }
  | { readonly kind: "change"; readonly token: TokenIndex; readonly side: Side; readonly level: Level }
  | { readonly kind: "laterBook"; readonly token: TokenIndex; readonly book: Book; readonly tickMicro: bigint | null }
  | { readonly kind: "openingBook"; readonly token: TokenIndex; readonly book: Book; readonly tickMicro: bigint | null }
  | { readonly kind: "tick"; readonly token: TokenIndex; readonly tickMicro: bigint }
  | { readonly kind: "gap"; readonly token: TokenIndex }
  | { readonly kind: "print"; readonly token: TokenIndex; readonly takerSide: Side; readonly level: Level };

/** Within one millisecond (3.1). A closing told too late comes at the end of the last decided one (3.7). */
const RANK = { closing: 0, end: 1, book: 2, print: 3, placement: 4, lateClosing: 5 } as const;
/** `sub`: the token (3.2), or cancels before expiries; `seq`: the venue's order, or the log's. */
type Key = { readonly atMs: number; readonly rank: number; readonly sub: number; readonly seq: number };
export type Happening = Key & { readonly what: What };

/** 1.3, 1.14: what one connection has told. */
type Connection = { newestMs: number; watermarkMs: number };

/** 1.5: what came of a token, by hash or content, and the last of it. */
type Heard = { readonly times: Map<string, { readonly tsMs: number; readonly receivedMs: number }>; last: string };

const isBook = (what: What): what is What & { kind: "laterBook" | "openingBook" } =>
  what.kind === "laterBook" || what.kind === "openingBook";

/** 1.5: for so long a message that comes again is a repeat. */
const REPEAT_MS = 2_000;
/** 1.5: a change that was told before. */
function isRepeat({ times, last }: Heard, name: string, tsMs: number, receivedMs: number): boolean {
  const before = name === last ? undefined : times.get(name);
  return before !== undefined && before.tsMs === tsMs && receivedMs - before.receivedMs <= REPEAT_MS;
}

function hear(heard: Heard, name: string, tsMs: number, receivedMs: number): void {
  if (name === heard.last) return;
  heard.times.set(name, { tsMs, receivedMs });
  heard.last = name;
}

type Change = (VenueMessage & { kind: "priceChange" })["changes"][number];

const nameOf = (tsMs: number, hash: string, changes: readonly Change[]): string =>
  hash !== ""
    ? hash
    : [tsMs, ...changes.flatMap(({ side, priceMicro, sizeMicro }) => [side, priceMicro, sizeMicro])].join(" ");

/** 1.3: further than this from its receipt a timestamp is none; further ahead than the other it counts as that. */
const FAR_MS = 60_000;
const AHEAD_MS = 1_000;
/** 1.5: for so long after an opening book, and by so much before it, changes are inside it. */
const INSIDE_MS = 1_000;

type Opened = { readonly tsMs: number; readonly untilMs: number };

class Feed {
  readonly market: Market;
  happenings: Happening[] = [];
  seq = 0;
  connections = new Map<string, Connection>();
  /** Since a gap came and until a full book comes. */
  inGap: [boolean, boolean] = [false, false];
  /** Time of each token's last opening book or tick change: nothing of it is before that (1.4, 1.7). */
  ladderMs: [number, number] = [-Infinity, -Infinity];
  /** Ticks as far as they were told: a change to the tick there is is none (1.11). */
  readonly ladders: readonly [Ladder, Ladder];
  gapBegan: [number, number] = [-Infinity, -Infinity];
  /** When nobody knows a token's book: after the one time, before the other. */
  readonly blind: { readonly token: TokenIndex; readonly afterMs: number; untilMs: number }[] = [];
  hadBook: [boolean, boolean] = [false, false];
  readonly heard: readonly [Heard, Heard] = [
    { times: new Map(), last: "" },
    { times: new Map(), last: "" },
  ];
  /** 1.5: the opening book while what came before it may still come. */
  readonly opened: [Opened | null, Opened | null] = [null, null];
  /** When the message came that is being read. */
  receivedMs = 0;
  printsSeen = new Set<string>();
  /** Connections that have said that the market is resolved: of it nothing more is known from them (1.13). */
  readonly resolvedOn = new Set<string>();

  constructor(market: Market) {
    this.market = market;
    const { tickMicro } = market;
    this.ladders = [
      { tickMicro, gridMicro: tickMicro },
      { tickMicro, gridMicro: tickMicro },
    ];
    for (const name of [this.connectionOf(0), this.connectionOf(1)]) this.connection(name);
  }

  connectionOf(token: TokenIndex): string {
    return this.market.connections?.[token] ?? "only";
  }

  connection(name: string): Connection {
    const known = this.connections.get(name);
    if (known !== undefined) return known;
    const made = { newestMs: -Infinity, watermarkMs: -Infinity };
    this.connections.set(name, made);
    return made;
  }

  marketWatermarkMs(): number {
    return Math.min(
      this.connection(this.connectionOf(0)).watermarkMs,
      this.connection(this.connectionOf(1)).watermarkMs,
    );
  }

  add(key: Omit<Key, "seq">, what: What): void {
    this.seq += 1;
    this.happenings.push({ ...key, seq: this.seq, what });
  }

  /** The token when it is one of this market that is followed on this connection. */
  token(tokenId: string, connection: string): TokenIndex | null {
    const index = this.market.tokens.indexOf(tokenId);
    if ((index !== 0 && index !== 1) || this.resolvedOn.has(connection)) return null;
    return this.connectionOf(index) === connection ? index : null;
  }

  /** 1.11, 1.12. A gap of a token that is in one already is no other: nothing was known. */
  gap(token: TokenIndex): void {
    const name = this.connectionOf(token);
    if (this.inGap[token] || this.resolvedOn.has(name)) return;
    const { watermarkMs } = this.connection(name);
    const ofLadder = this.happenings.filter(
      ({ what }) => (what.kind === "change" || what.kind === "tick" || isBook(what)) && what.token === token,
    );
    const beginsMs = Math.max(watermarkMs + 1, ...ofLadder.map(({ atMs }) => atMs));
    this.happenings = this.happenings.filter(
      ({ atMs, what }) => !(what.kind === "print" && what.token === token && atMs >= beginsMs),
    );
    this.inGap[token] = true;
    this.gapBegan[token] = beginsMs;
    this.blind.push({ token, afterMs: watermarkMs, untilMs: Infinity });
    this.add({ atMs: beginsMs, rank: RANK.book, sub: token }, { kind: "gap", token });
  }

  /** @param name - the connection on which something was lost; left out: wherever the tokens are. */
  gapOf(tokens: readonly string[] | null, name?: string): void {
    for (const token of [0, 1] as const) {
      if (name !== undefined && this.connectionOf(token) !== name) continue;
      if (tokens === null || tokens.includes(this.market.tokens[token])) this.gap(token);
    }
  }

  closing(closedMs: number): void {
    const decidedMs = this.marketWatermarkMs();
    if (closedMs > decidedMs) this.add({ atMs: closedMs, rank: RANK.closing, sub: 0 }, { kind: "closing" });
    else this.add({ atMs: decidedMs, rank: RANK.lateClosing, sub: 0 }, { kind: "closing" });
  }

  book(message: VenueMessage & { kind: "book" }, name: string): void {
    const connection = this.connection(name);
    const token = this.token(message.tokenId, name);
    if (token === null) return;
    const { bids, asks, tickMicro, hash } = message;
    const tsMs = this.bounded(message.tsMs);
    const book = { bids, asks };
    const isOpening = !this.hadBook[token] || this.inGap[token];
    if (message.tsMs > this.receivedMs + FAR_MS || (!isOpening && this.isFar(message.tsMs))) return this.gap(token);
    if (isOpening) {
      // Only a subscription brings changes from before its book; a recording tells of none but the first.
      const isFirst = !this.hadBook[token];
      this.opened[token] = isFirst ? { tsMs: message.tsMs, untilMs: this.receivedMs + INSIDE_MS } : null;
      this.hadBook[token] = true;
      this.inGap[token] = false;
      hear(this.heard[token], nameOf(message.tsMs, hash, []), message.tsMs, this.receivedMs);
      const atMs = Math.max(tsMs, this.changeMs(token), this.gapBegan[token]);
      this.ladderMs[token] = atMs;
      openLadder(this.ladders[token], tickMicro, pricesOf(book));
      for (const blind of this.blind) {
        if (blind.token === token) blind.untilMs = Math.min(blind.untilMs, atMs);
      }
      this.add({ atMs, rank: RANK.book, sub: token }, { kind: "openingBook", token, book, tickMicro });
      return;
    }
    const told = nameOf(message.tsMs, hash, []);
    if (hash !== "" && isRepeat(this.heard[token], told, message.tsMs, this.receivedMs)) return;
    hear(this.heard[token], told, message.tsMs, this.receivedMs);
    this.opened[token] = null;
    connection.newestMs = Math.max(connection.newestMs, tsMs);
    for (const { priceMicro, sizeMicro } of [...bids, ...asks]) {
      if (sizeMicro > 0n) namePrice(this.ladders[token], priceMicro);
    }
    if (tickMicro !== null) tellTick(this.ladders[token], tickMicro);
    const what = { kind: "laterBook", token, book, tickMicro } as const;
    this.add({ atMs: this.changeMs(token), rank: RANK.book, sub: token }, what);
  }

  isFar(tsMs: number): boolean {
    return Math.abs(tsMs - this.receivedMs) > FAR_MS;
  }

  bounded(tsMs: number): number {
    return Math.min(tsMs, this.receivedMs + AHEAD_MS);
  }

  /** The time of a change that comes now: never before the book it changes, nor up to the watermark (1.4). */
  changeMs(token: TokenIndex): number {
    const { newestMs, watermarkMs } = this.connection(this.connectionOf(token));
    return Math.max(newestMs, watermarkMs + 1, this.ladderMs[token]);
  }

  /** 1.5: what an opening book has already. */
  isInside(token: TokenIndex, tsMs: number): boolean {
    const opened = this.opened[token];
    if (opened === null) return false;
    const beforeMs = opened.tsMs - tsMs;
    const isSoon = this.receivedMs < opened.untilMs;
    if (isSoon && beforeMs > 0 && beforeMs <= INSIDE_MS) return true;
    if (!isSoon || beforeMs !== 0) this.opened[token] = null;
    return false;
  }

  priceChange({ tsMs, changes }: VenueMessage & { kind: "priceChange" }, name: string): void {
    const connection = this.connection(name);
    const own = changes.filter(({ tokenId }) => this.market.tokens.includes(tokenId));
    // What is told of other markets is of tokens that are followed there too.
    const isFollowed = own.length === 0 || own.some(({ tokenId }) => this.token(tokenId, name) !== null);
    if (isFollowed && !this.isFar(tsMs)) connection.newestMs = Math.max(connection.newestMs, this.bounded(tsMs));
    const groups = new Map<string, Change[]>();
    for (const change of changes) {
      const key = `${change.tokenId} ${change.hash}`;
      groups.set(key, [...(groups.get(key) ?? []), change]);
    }
    for (const group of groups.values()) {
      const [{ tokenId, hash }] = group as [Change];
      const token = this.token(tokenId, name);
      const told = nameOf(tsMs, hash, group);
      if (token === null || isRepeat(this.heard[token], told, tsMs, this.receivedMs)) continue;
      if (this.isFar(tsMs)) {
        this.gap(token);
        continue;
      }
      hear(this.heard[token], told, tsMs, this.receivedMs);
      // What comes in a gap, or before the first book, changes a book that nobody knows.
      if (this.isInside(token, tsMs) || !this.hadBook[token] || this.inGap[token]) continue;
      for (const { side, priceMicro, sizeMicro } of group) {
        namePrice(this.ladders[token], priceMicro);
        const what = { kind: "change", token, side, level: { priceMicro, sizeMicro } } as const;
        this.add({ atMs: this.changeMs(token), rank: RANK.book, sub: token }, what);
      }
    }
  }

  print(message: VenueMessage & { kind: "print" }, name: string): void {
    const token = this.token(message.tokenId, name);
    if (token === null) return;
    const { takerSide, priceMicro, sizeMicro, transaction } = message;
    if (this.isFar(message.tsMs)) return;
    const tsMs = this.bounded(message.tsMs);
    const same = [token, transaction, tsMs, takerSide, priceMicro, sizeMicro].join(" ");
    if (this.printsSeen.has(same)) return;
    this.printsSeen.add(same);
    if (this.inGap[token]) return;
    const atMs = Math.max(tsMs, this.changeMs(token));
    const level = { priceMicro, sizeMicro };
    this.add({ atMs, rank: RANK.print, sub: token }, { kind: "print", token, takerSide, level });
  }

  venueMessage(message: VenueMessage, name: string): void {
    const { newestMs } = this.connection(name);
    switch (message.kind) {
      case "book":
        return this.book(message, name);
      case "priceChange":
        return this.priceChange(message, name);
      case "print":
        return this.print(message, name);
      case "resolved":
        this.closing(this.isFar(message.tsMs) ? newestMs : Math.max(this.bounded(message.tsMs), newestMs));
        this.resolvedOn.add(name);
        return;
      case "unreadable":
        return this.gapOf(message.tokens, name);
      case "tick": {
        const token = this.token(message.tokenId, name);
        if (token === null) return;
        const { tickMicro } = message;
        if (this.isFar(message.tsMs)) return this.gap(token);
        const isKnown = this.hadBook[token] && !this.inGap[token];
        if (isKnown && this.ladders[token].tickMicro === tickMicro) return;
        tellTick(this.ladders[token], tickMicro);
        const atMs = Math.max(this.bounded(message.tsMs), this.changeMs(token));
        this.ladderMs[token] = atMs;
        return this.add({ atMs, rank: RANK.book, sub: token }, { kind: "tick", token, tickMicro });
      }
    }
  }

  message(message: Message): void {
    if (message.kind === "gap") return this.gapOf(message.tokens);
    if (message.kind === "definition") return this.closing(message.closedMs);
    const name = message.connection ?? "only";
    const connection = this.connection(name);
    if (message.kind === "pong") {
      connection.watermarkMs = Math.max(connection.watermarkMs, message.upToMs);
      return;
    }
    this.receivedMs = message.atMs;
    for (const said of messagesOf(message.text)) this.venueMessage(said, name);
    connection.watermarkMs = Math.max(connection.watermarkMs, connection.newestMs - 1);
  }

  orders(orders: readonly Order[]): void {
    for (const [order, { placeAtMs, ttlMs, cancelAtMs, timeInForce }] of orders.entries()) {
      this.add({ atMs: placeAtMs, rank: RANK.placement, sub: 0 }, { kind: "placement", order });
      if (cancelAtMs !== undefined) this.add({ atMs: cancelAtMs, rank: RANK.end, sub: 0 }, { kind: "cancel", order });
      if (timeInForce === "GTD") {
        this.add({ atMs: placeAtMs + ttlMs, rank: RANK.end, sub: 1 }, { kind: "expiry", order });
      }
    }
  }
}

const sooner = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Returns everything that happens, in the order in which it happens (3.1 to 3.3), and whether a token's book at a time is
 * one that nobody knows because of a gap (1.11).
 */
export function happeningsOf(
  market: Market,
  messages: readonly Message[],
  orders: readonly Order[],
): { readonly happenings: readonly Happening[]; readonly isBlind: (token: TokenIndex, atMs: number) => boolean } {
  const feed = new Feed(market);
  for (const message of messages) feed.message(message);
  feed.orders(orders);
  const happenings = feed.happenings.sort(
    (a, b) => sooner(a.atMs, b.atMs) || a.rank - b.rank || a.sub - b.sub || a.seq - b.seq,
  );
  const isBlind = (token: TokenIndex, atMs: number): boolean =>
    feed.blind.some((blind) => blind.token === token && atMs > blind.afterMs && atMs < blind.untilMs);
  return { happenings, isBlind };
}
