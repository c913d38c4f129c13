/** Writes small histories of one market as the venue sends them. Prices and sizes are decimal texts. */
import type { Market, Message, Order, OrderResult, Side } from "./types.ts";

export const FIRST = "1001";
export const SECOND = "1002";
export const CONDITION = `0x${"abcd".padStart(64, "0")}`;
export const market: Market = { tokens: [FIRST, SECOND], tickMicro: 10_000n };

/** Price and size. */
export type Row = readonly [string, string];
type Fields = { readonly [key: string]: unknown };

/** One frame of the channel; several messages come as an array. Received 40 ms after `atMs`. */
export const frame = (atMs: number, ...messages: readonly Fields[]): Message => ({
  kind: "frame",
  atMs: atMs + 40,
  text: JSON.stringify(messages.length === 1 ? messages[0] : messages),
});

const rows = (levels: readonly Row[]): Fields[] => levels.map(([price, size]) => ({ price, size }));

/** `tick`: opening books have it. */
export const book = (token: string, ts: number, bids: readonly Row[], asks: readonly Row[], tick?: string): Fields => ({
  event_type: "book",
  market: CONDITION,
  asset_id: token,
  timestamp: String(ts),
  hash: "",
  bids: rows(bids),
  asks: rows(asks),
  ...(tick === undefined ? {} : { tick_size: tick, last_trade_price: "0.500" }),
});

/** Token, side of the book, price, new total and hash. */
export type Entry = readonly [string, Side, string, string, string?];
export const changes = (ts: number, ...entries: readonly Entry[]): Fields => ({
  event_type: "price_change",
  market: CONDITION,
  timestamp: String(ts),
  price_changes: entries.map(([asset_id, side, price, size, hash = ""]) => ({ asset_id, side, price, size, hash })),
});

/** 1 − price, as a text. */
export function complement(price: string): string {
  const ten = 10n ** 6n;
  const [, decimals = ""] = price.split(".");
  const other = ten - BigInt(decimals.padEnd(6, "0"));
  return `0.${other.toString().padStart(6, "0")}`.replace(/0+$/, "");
}

/** A change of the first token's level as the venue tells it: of both tokens. */
export const mirrored = (ts: number, side: Side, price: string, size: string): Fields =>
  changes(ts, [FIRST, side, price, size], [SECOND, side === "BUY" ? "SELL" : "BUY", complement(price), size]);

export const print = (token: string, ts: number, side: Side, price: string, size: string, tx?: string): Fields => ({
  event_type: "last_trade_price",
  market: CONDITION,
  asset_id: token,
  timestamp: String(ts),
  side,
  price,
  size,
  fee_rate_bps: "0",
  ...(tx === undefined ? {} : { transaction_hash: tx }),
});

export const tickChange = (token: string, ts: number, from: string, to: string): Fields => ({
  event_type: "tick_size_change",
  market: CONDITION,
  asset_id: token,
  timestamp: String(ts),
  old_tick_size: from,
  new_tick_size: to,
});

export const resolved = (ts: number): Fields => ({
  event_type: "market_resolved",
  id: "1",
  market: CONDITION,
  assets_ids: [FIRST, SECOND],
  winning_asset_id: FIRST,
  winning_outcome: "Yes",
  timestamp: String(ts),
});

/** Both opening books in one frame; the second token mirrors the first. */
export function opening(ts: number, bids: readonly Row[], asks: readonly Row[], tick = "0.01"): Message {
  const mirror = (levels: readonly Row[]): Row[] => levels.map(([price, size]) => [complement(price), size]);
  return frame(ts, book(FIRST, ts, bids, asks, tick), book(SECOND, ts, mirror(asks), mirror(bids), tick));
}

const millionths = (text: string): bigint => {
  const [whole = "0", decimals = ""] = text.split(".");
  return BigInt(whole) * 1_000_000n + BigInt(decimals.padEnd(6, "0"));
};

type OrderText = Omit<Partial<Order>, "limitMicro" | "sizeMicro"> & { readonly limit: string; readonly size: string };

/** A BUY of the first token, GTD for 5 s, without fee and minimum unless it says otherwise. */
export const order = ({ limit, size, ...rest }: OrderText): Order => ({
  orderId: "a",
  account: "paper",
  tokenId: FIRST,
  side: "BUY",
  timeInForce: "GTD",
  placeAtMs: 1_000,
  ttlMs: 5_000,
  fee: { rateMicro: 0n, exponent: 1 },
  minOrderSizeMicro: 0n,
  ...rest,
  limitMicro: millionths(limit),
  sizeMicro: millionths(size),
});

const decimal = (micro: bigint): string => String(Number(micro) / 1e6);

/** One line an order: `0.5x100 taker @1000, …; FILLED @1000`. */
export const told = (results: readonly OrderResult[]): string[] =>
  results.map(({ fills, end }) => {
    const parts = fills.map((f) => `${decimal(f.priceMicro)}x${decimal(f.sizeMicro)} ${f.liquiditySide} @${f.atMs}`);
    return `${[...parts, end === null ? "open" : `${end.kind} @${end.atMs}`].join("; ")}`;
  });
