/**
 * Tapes of invented markets as the venue would have sent them: one book seen from two tokens, frames of one to three
 * changes, trades with the books and the print that follow them, quiet times. Hashes are made by the venue's recipe
 * alone, without our own book, so that a fault of ours cannot hide in them.
 */
import { createHash } from "node:crypto";
import { createRandom, type Random } from "../../sandbox/src/actors/random.ts";

/** What the hash covers beside the levels; texts as the venue writes them. */
export type TapeMarket = {
  readonly conditionId: string;
  readonly tokens: readonly [string, string];
  readonly tickSize: string;
  readonly minOrderSize: string;
  readonly negRisk: boolean;
};
export type TapeStory = {
  readonly market: TapeMarket;
  readonly startMs: number;
  readonly forMs: number;
  /** Mean time between two changes. */
  readonly everyMs: number;
  /** From the venue's clock to the recorder's. */
  readonly delayMs: (random: Random) => number;
  /** From this part of the time on (0 to 1) there are prices between the ticks, which nobody announces. */
  readonly finerFrom: number;
};

type Side = "BUY" | "SELL";
/** Of the first token: price in 0.001, size in 0.01 share, 0 takes the level away. */
type Change = { readonly side: Side; readonly price: number; readonly size: number };
type Line = { readonly t: number; readonly ch: "clob.market.ws"; readonly d: string };

const TICK = 10;
const LEVELS = 12;
/** The walk turns here: nearer to the ends nobody can be copied. */
const [LOWEST, HIGHEST] = [250, 750];
const QUIET_MS = 30_000;
const PRINT_AFTER_MS = 85;

const decimal = (value: number, unit: number): string => String(value / unit);
const level = (price: number, size: number) => ({ price: decimal(price, 1_000), size: decimal(size, 100) });
const mirrored = ({ side, price, size }: Change): Change => ({
  side: side === "BUY" ? "SELL" : "BUY",
  price: 1_000 - price,
  size,
});

/** The book of the first token; the second one's is its mirror image. */
function createBook(market: TapeMarket) {
  const levels = { BUY: new Map<number, number>(), SELL: new Map<number, number>() };
  const best = (side: Side): number =>
    side === "BUY" ? Math.max(...levels.BUY.keys()) : Math.min(...levels.SELL.keys());
  const wireLevels = (side: Side, isFirst: boolean) => {
    const own: Side = isFirst ? side : side === "BUY" ? "SELL" : "BUY";
    const seen = [...levels[own]].map(([price, size]): [number, number] => [isFirst ? price : 1_000 - price, size]);
    // The venue's order: the best one is the last.
    seen.sort(([a], [b]) => (side === "BUY" ? a - b : b - a));
    return seen.map(([price, size]) => level(price, size));
  };
  /** As the token in this place sees them. */
  const sides = (at: number) => ({ bids: wireLevels("BUY", at === 0), asks: wireLevels("SELL", at === 0) });
  return {
    best,
    sides,
    sizeAt: (side: Side, price: number): number => levels[side].get(price) ?? 0,
    apply: ({ side, price, size }: Change): void => {
      if (size === 0) levels[side].delete(price);
      else levels[side].set(price, size);
    },
    bests: (at: number) => ({
      best_bid: decimal(at === 0 ? best("BUY") : 1_000 - best("SELL"), 1_000),
      best_ask: decimal(at === 0 ? best("SELL") : 1_000 - best("BUY"), 1_000),
    }),
    hash: (at: number, tsMs: number, lastTradePrice: string): string => {
      const head = { market: market.conditionId, asset_id: market.tokens[at], timestamp: String(tsMs), hash: "" };
      const rest = { min_order_size: market.minOrderSize, tick_size: market.tickSize, neg_risk: market.negRisk };
      const text = JSON.stringify({ ...head, ...sides(at), ...rest, last_trade_price: lastTradePrice });
      return createHash("sha1").update(text).digest("hex");
    },
  };
}
type Book = ReturnType<typeof createBook>;

/** The venue's side: what it says of its book, as frames received a little later. */
function createSpeaker(seed: string, { market, startMs, delayMs }: TapeStory, book: Book, random: Random) {
  const lines: Line[] = [];
  let receivedMs = 0;
  const now = { tsMs: startMs, lastTradePrice: "0.500" };
  const say = (value: unknown): void => {
    receivedMs = Math.max(receivedMs, now.tsMs + delayMs(random));
    lines.push({ t: receivedMs, ch: "clob.market.ws", d: value === "" ? "" : JSON.stringify(value) });
  };
  const bookOf = (at: number) => ({
    market: market.conditionId,
    asset_id: market.tokens[at],
    timestamp: String(now.tsMs),
    hash: book.hash(at, now.tsMs, now.lastTradePrice),
    ...book.sides(at),
  });
  return {
    lines,
    now,
    keepAlive: () => say(""),
    opening: () => {
      const more = { tick_size: market.tickSize, event_type: "book", last_trade_price: now.lastTradePrice };
      say([0, 1].map((at) => ({ ...bookOf(at), ...more })));
    },
    books: () => {
      for (const at of [0, 1]) say({ ...bookOf(at), event_type: "book" });
    },
    /** A burst: all its entries carry the hash and the best prices of its end, in one frame or in several. */
    burst: (changes: readonly Change[], frames: "one" | "eachToken" | "eachChange"): void => {
      for (const change of changes) book.apply(change);
      const hashes = [0, 1].map((at) => book.hash(at, now.tsMs, now.lastTradePrice));
      const entries = changes.map((change) =>
        [change, mirrored(change)].map(({ side, price, size }, at) => ({
          asset_id: market.tokens[at],
          ...level(price, size),
          side,
          hash: hashes[at],
          ...book.bests(at),
        })),
      );
      const frame = (price_changes: unknown) => ({
        market: market.conditionId,
        price_changes,
        timestamp: String(now.tsMs),
        event_type: "price_change",
      });
      if (frames === "one") say(frame(entries.flat()));
      else if (frames === "eachChange") for (const pair of entries) say(frame(pair));
      else for (const at of [0, 1]) say(frame(entries.map((pair) => pair[at])));
    },
    print: (side: Side, price: number, size: number): void =>
      say({
        market: market.conditionId,
        asset_id: market.tokens[0],
        ...level(price, size),
        fee_rate_bps: "0",
        side,
        timestamp: String(now.tsMs),
        event_type: "last_trade_price",
        transaction_hash: `0x${createHash("sha256").update(`${seed} ${now.tsMs}`).digest("hex")}`,
      }),
  };
}

/** What people do to a book: the changes of one moment. */
function createPeople(book: Book, random: Random) {
  const shares = (): number => 100 * random.integer(20, 900) + (random.pick([0, 0, 50, 55, 7]) ?? 0);
  return {
    begin: (): void => {
      const mid = random.integer(40, 60) * TICK;
      for (let away = 1; away <= LEVELS; away++) {
        book.apply({ side: "BUY", price: mid - away * TICK, size: shares() });
        book.apply({ side: "SELL", price: mid + (away - 1) * TICK, size: shares() });
      }
    },
    /** A level near the touch comes, goes or changes; the touch itself only changes its size. */
    usual: (isFiner: boolean): Change => {
      const side: Side = random.chance(0.5) ? "BUY" : "SELL";
      const away = random.integer(0, LEVELS - 1) * TICK + (isFiner && random.chance(0.3) ? TICK / 2 : 0);
      const price = book.best(side) + (side === "BUY" ? -away : away);
      return { side, price, size: away > 0 && random.chance(0.3) ? 0 : shares() };
    },
    /** The best level goes and the other side takes its place. */
    move: (): Change[] => {
      const up = book.best("BUY") < LOWEST || (book.best("SELL") < HIGHEST && random.chance(0.5));
      const [from, to]: [Side, Side] = up ? ["SELL", "BUY"] : ["BUY", "SELL"];
      const price = book.best(from);
      const next = price + (up ? TICK : -TICK);
      const filled: Change[] = book.sizeAt(from, next) > 0 ? [] : [{ side: from, price: next, size: shares() }];
      return [{ side: from, price, size: 0 }, { side: to, price, size: shares() }, ...filled];
    },
  };
}

/** Makes the lines of a tape; the same seed makes the same lines. */
export function makeTape(seed: string, story: TapeStory): string {
  const random = createRandom(seed);
  const book = createBook(story.market);
  const people = createPeople(book, random);
  const venue = createSpeaker(seed, story, book, random);
  const { now } = venue;
  /** Somebody takes a part of the best level: its change, both books, and then the print. */
  const trade = (): void => {
    const taker: Side = random.chance(0.5) ? "BUY" : "SELL";
    const resting: Side = taker === "BUY" ? "SELL" : "BUY";
    const price = book.best(resting);
    const there = book.sizeAt(resting, price);
    const size = Math.max(1, Math.floor(there * random.next()));
    now.lastTradePrice = (price / 1_000).toFixed(3);
    venue.burst([{ side: resting, price, size: Math.max(1, there - size) }], "one");
    venue.books();
    now.tsMs += PRINT_AFTER_MS;
    venue.print(taker, price, size);
  };

  people.begin();
  venue.opening();
  venue.keepAlive();
  while (now.tsMs < story.startMs + story.forMs) {
    now.tsMs += random.chance(0.02) ? QUIET_MS : random.integer(2, 2 * story.everyMs);
    const isFiner = now.tsMs >= story.startMs + story.forMs * story.finerFrom;
    if (random.chance(0.05)) venue.keepAlive();
    if (random.chance(0.06)) trade();
    else if (random.chance(0.08)) venue.burst(people.move(), random.chance(0.5) ? "one" : "eachToken");
    else {
      const count = random.chance(0.2) ? random.integer(2, 3) : 1;
      const changes = Array.from({ length: count }, () => people.usual(isFiner));
      venue.burst(changes, random.pick(["one", "eachToken", "eachChange"] as const) ?? "one");
    }
  }
  return venue.lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}
