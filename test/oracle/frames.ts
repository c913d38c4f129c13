/** Reads the text of a frame of the market channel; nothing here is shared with the bookstore. */
import type { Side } from "./types.ts";

export type Level = { readonly priceMicro: bigint; readonly sizeMicro: bigint };
export type VenueMessage =
  | {
      readonly kind: "book";
      readonly tokenId: string;
      readonly tsMs: number;
      readonly bids: readonly Level[];
      readonly asks: readonly Level[];
      readonly tickMicro: bigint | null;
      readonly hash: string;
    }
  | {
      readonly kind: "priceChange";
      readonly tsMs: number;
      readonly changes: readonly (Level & { readonly tokenId: string; readonly side: Side; readonly hash: string })[];
    }
  | {
      readonly kind: "print";
      readonly tokenId: string;
      readonly tsMs: number;
      readonly takerSide: Side;
      readonly priceMicro: bigint;
      readonly sizeMicro: bigint;
      readonly transaction: string | null;
    }
  | { readonly kind: "tick"; readonly tokenId: string; readonly tsMs: number; readonly tickMicro: bigint }
  | { readonly kind: "resolved"; readonly tsMs: number }
  /** A book or a change that cannot be read; null: nobody can say of which tokens it was. */
  | { readonly kind: "unreadable"; readonly tokens: readonly string[] | null };

/** Returns the micro-units of a decimal text such as "0.005", or null when it is none or not exact. */
export function micro(text: unknown): bigint | null {
  const parts = /^(\d+)(?:\.(\d+))?$/.exec(String(text)) ?? /^()\.(\d+)$/.exec(String(text));
  if (parts === null) return null;
  const decimals = (parts[2] ?? "").replace(/0+$/, "");
  if (decimals.length > 6) return null;
  return BigInt(parts[1] === "" ? "0" : (parts[1] ?? "0")) * 1_000_000n + BigInt(decimals.padEnd(6, "0"));
}

type Fields = { readonly [key: string]: unknown };

function required<T>(value: T | null): T {
  if (value === null) throw new TypeError("a number or a word is missing");
  return value;
}
const stamp = (value: unknown): number => Number(required(/^\d+$/.test(String(value)) ? String(value) : null));
const sideOf = (value: unknown): Side => required(value === "BUY" || value === "SELL" ? value : null);
/** A price that no order can have is no price. */
function priceOf(value: unknown): bigint {
  const price = required(micro(value));
  if (price <= 0n || price >= 1_000_000n) throw new TypeError("a price is between 0 and 1");
  return price;
}
const levels = (value: unknown): Level[] =>
  (value as Fields[]).map((level) => ({
    priceMicro: priceOf(level["price"]),
    sizeMicro: required(micro(level["size"])),
  }));

function read(fields: Fields): VenueMessage | null {
  const tokenId = String(fields["asset_id"]);
  const tsMs = (): number => stamp(fields["timestamp"]);
  switch (fields["event_type"]) {
    case "book": {
      const tick = fields["tick_size"];
      const tickMicro = tick === undefined || tick === null || tick === "" ? null : required(micro(tick));
      return {
        kind: "book",
        tokenId,
        tsMs: tsMs(),
        bids: levels(fields["bids"]),
        asks: levels(fields["asks"]),
        tickMicro,
        hash: String(fields["hash"] ?? ""),
      };
    }
    case "price_change": {
      const entries = fields["price_changes"] as Fields[];
      const changes = entries.map((entry) => ({
        tokenId: String(entry["asset_id"]),
        side: sideOf(entry["side"]),
        priceMicro: priceOf(entry["price"]),
        sizeMicro: required(micro(entry["size"])),
        hash: String(entry["hash"] ?? ""),
      }));
      return { kind: "priceChange", tsMs: tsMs(), changes };
    }
    case "last_trade_price": {
      const transaction = fields["transaction_hash"];
      return {
        kind: "print",
        tokenId,
        tsMs: tsMs(),
        takerSide: sideOf(fields["side"]),
        priceMicro: priceOf(fields["price"]),
        sizeMicro: required(micro(fields["size"])),
        transaction: typeof transaction === "string" ? transaction : null,
      };
    }
    case "tick_size_change":
      return { kind: "tick", tokenId, tsMs: tsMs(), tickMicro: required(micro(fields["new_tick_size"])) };
    case "market_resolved":
      return { kind: "resolved", tsMs: tsMs() };
    default:
      return null;
  }
}

const isName = (value: unknown): value is string => typeof value === "string" && /^\d+$/.test(value);
const LOSES: readonly unknown[] = ["book", "price_change", "tick_size_change"];

/** Of which books a message is that cannot be read (1.11): prints and what is no message of books are of none. */
function unreadable(item: unknown): VenueMessage | null {
  const fields = (typeof item === "object" && item !== null ? item : {}) as Fields;
  if (!LOSES.includes(fields["event_type"])) return null;
  const entries = Array.isArray(fields["price_changes"]) ? (fields["price_changes"] as (Fields | null)[]) : [];
  const tokens = [fields["asset_id"], ...entries.map((entry) => entry?.["asset_id"])].filter(isName);
  if (tokens.length === 0 && fields["event_type"] === "tick_size_change") return null;
  return { kind: "unreadable", tokens: tokens.length === 0 ? null : tokens };
}

/** Returns the messages of a frame in their order; a keep-alive, and what concerns no book, have none. */
export function messagesOf(text: string): VenueMessage[] {
  // Words of the venue are no frame; what begins as one and cannot be read may have been of any book.
  if (!/^\s*[[{]/.test(text)) return [];
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [{ kind: "unreadable", tokens: null }];
  }
  const messages: VenueMessage[] = [];
  for (const item of Array.isArray(json) ? json : [json]) {
    let message: VenueMessage | null;
    try {
      message = read(item as Fields);
    } catch {
      message = unreadable(item);
    }
    if (message !== null) messages.push(message);
  }
  return messages;
}
