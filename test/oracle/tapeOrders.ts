/** Makes orders for a tape: seeded, near what the books showed, of both tokens and all kinds. */
import { messagesOf } from "./frames.ts";
import type { TapeMarket } from "./tape.ts";
import type { Message, Order, Side, TimeInForce } from "./types.ts";

/** Numbers in [0, 1) that follow from the seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A touch that a book showed; a moment around which orders are placed. */
type Seen = { readonly tsMs: number; readonly tokenId: string; readonly bidMicro: bigint; readonly askMicro: bigint };

function touches(market: TapeMarket, messages: readonly Message[]): Seen[] {
  const books = new Map(
    market.tokens.map((token) => [token, { BUY: new Map<bigint, bigint>(), SELL: new Map<bigint, bigint>() }]),
  );
  const seen: Seen[] = [];
  const look = (tokenId: string, tsMs: number): void => {
    const book = books.get(tokenId);
    if (book === undefined) return;
    const bids = [...book.BUY].filter(([, size]) => size > 0n).map(([price]) => price);
    const asks = [...book.SELL].filter(([, size]) => size > 0n).map(([price]) => price);
    if (bids.length === 0 || asks.length === 0) return;
    const bidMicro = bids.reduce((a, b) => (a > b ? a : b));
    const askMicro = asks.reduce((a, b) => (a < b ? a : b));
    seen.push({ tsMs, tokenId, bidMicro, askMicro });
  };
  for (const message of messages) {
    if (message.kind !== "frame") continue;
    for (const said of messagesOf(message.text)) {
      if (said.kind === "book") {
        const book = books.get(said.tokenId);
        if (book === undefined) continue;
        book.BUY = new Map(said.bids.map((level) => [level.priceMicro, level.sizeMicro]));
        book.SELL = new Map(said.asks.map((level) => [level.priceMicro, level.sizeMicro]));
        look(said.tokenId, said.tsMs);
      }
      if (said.kind === "priceChange") {
        for (const { tokenId, side, priceMicro, sizeMicro } of said.changes) {
          books.get(tokenId)?.[side].set(priceMicro, sizeMicro);
          look(tokenId, said.tsMs);
        }
      }
    }
  }
  return seen;
}

/** 1e-6 shares; the largest are ten times what a level usually holds. */
const SIZES = [1_000_000n, 5_000_000n, 11_370_000n, 100_000_000n, 1_000_000_000n, 30_000_000_000n, 300_000_000_000n];

/**
 * Returns `count` orders of a market of a tape, in the sequence of their placement.
 * @param seed - the same seed makes the same orders.
 */
export function tapeOrders(market: TapeMarket, messages: readonly Message[], seed: number, count: number): Order[] {
  const random = seeded(seed);
  const pick = <T>(list: readonly T[]): T => {
    const item = list[Math.floor(random() * list.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  };
  const seen = touches(market, messages);
  const orders: Order[] = [];
  for (let n = 0; n < count; n += 1) {
    const { tsMs, tokenId, bidMicro, askMicro } = pick(seen);
    const side = pick<Side>(["BUY", "SELL"]);
    const [touch, own] = side === "BUY" ? [askMicro, bidMicro] : [bidMicro, askMicro];
    const steps = BigInt(Math.floor(random() * 4)) * market.tickMicro * (side === "BUY" ? 1n : -1n);
    const wished = pick([touch, touch + steps, own, own - steps, own + steps]);
    const highest = 1_000_000n - market.tickMicro;
    const limitMicro = wished < market.tickMicro ? market.tickMicro : wished > highest ? highest : wished;
    const placeAtMs = tsMs + pick([0, 1, 50, 100, 250, 500, 1_000]);
    const sizeMicro = pick([...SIZES, BigInt(1 + Math.floor(random() * 10_000)) * 10_000n]);
    orders.push({
      orderId: `made-${seed}-${n}`,
      account: pick(["one", "two", "three"]),
      tokenId,
      side,
      limitMicro,
      sizeMicro,
      timeInForce: pick<TimeInForce>(["GTD", "GTD", "GTD", "FAK", "FOK"]),
      placeAtMs,
      ttlMs: pick([5_000, 60_000]),
      ...(random() < 0.15 ? { cancelAtMs: placeAtMs + Math.floor(random() * 4_000) - 100 } : {}),
      fee: market.fee,
      minOrderSizeMicro: pick([0n, market.minOrderSizeMicro]),
    });
  }
  return orders.sort((a, b) => a.placeAtMs - b.placeAtMs);
}

/**
 * Returns fills of a leader for `tape add-fills`, one JSON line each, near what the books showed: what a replay copies.
 * @param sizes - shares of a fill, one is picked for each.
 */
export function leaderFills(
  market: TapeMarket,
  messages: readonly Message[],
  { seed, count, sizes }: { readonly seed: number; readonly count: number; readonly sizes: readonly string[] },
): string[] {
  const random = seeded(seed);
  const seen = touches(market, messages);
  const fills = Array.from({ length: count }, () => {
    const at = seen[Math.floor(random() * seen.length)];
    const size = sizes[Math.floor(random() * sizes.length)];
    if (at === undefined || size === undefined) throw new RangeError("the tape shows no touch");
    const side = random() < 0.6 ? "BUY" : "SELL";
    const price = String(Number(side === "BUY" ? at.askMicro : at.bidMicro) / 1e6);
    const leader = `0x${(0xa1 + Math.floor(random() * 3)).toString(16).padStart(40, "0")}`;
    return { leader, tokenId: at.tokenId, side, price, size, t: at.tsMs, role: "TAKER" };
  });
  return fills.sort((a, b) => a.t - b.t).map((fill) => JSON.stringify(fill));
}
