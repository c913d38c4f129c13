/** One message of the market channel, already JSON, read field by field: the path for whatever the scanner does not know. */
import { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { isTick, MICRO_NUMBER, type PriceMicro, type Side } from "@slipstream/contracts/money";
import { microOfJson } from "./decimal.ts";
import type { BookEvent, FrameRefusal, MarketEvent, PriceChange } from "./marketChannel.ts";

export type Ignored = { readonly kind: "ignored"; readonly eventType: string };
/** A JSON object whose fields nobody has looked at. */
export type Fields = Readonly<Record<string, unknown>>;

/** Leaves the reading of one message; never leaves this package's readers. */
export class FieldInvalid extends Error {
  readonly code: "NOT_AN_EVENT" | "OLD_SHAPE" | "FIELD_INVALID";
  constructor(detail: string, code: FieldInvalid["code"] = "FIELD_INVALID") {
    super(detail);
    this.code = code;
  }
}

/** Reads one message. Never throws. */
export function readMessage(message: unknown): MarketEvent | Ignored | FrameRefusal {
  try {
    return read(asFields(message, "message"));
  } catch (error) {
    if (!(error instanceof FieldInvalid)) throw error;
    return { kind: "refused", code: error.code, detail: error.message, tokenIds: namedTokens(message) };
  }
}

function read(fields: Fields): MarketEvent | Ignored {
  const eventType = fields["event_type"];
  switch (eventType) {
    case "book":
      return readBook(fields);
    case "price_change":
      return readPriceChange(fields);
    case "last_trade_price":
      return readTrade(fields);
    case "tick_size_change":
      return {
        kind: "tickSizeChange",
        ...tokenHead(fields),
        oldTickMicro: positive(fields, "old_tick_size"),
        newTickMicro: tick(fields, "new_tick_size"),
      };
    case "market_resolved":
      return {
        kind: "marketResolved",
        ...head(fields),
        tokenIds: tokenList(fields, "assets_ids"),
        // No outcome wins alone where the payout is shared; the books end all the same.
        winningTokenId: isAbsent(fields["winning_asset_id"]) ? null : token(fields, "winning_asset_id"),
        winningOutcome: textOr(fields["winning_outcome"], ""),
      };
    case "new_market":
      return {
        kind: "newMarket",
        ...head(fields),
        tokenIds: tokenList(fields, "assets_ids"),
        slug: textOr(fields["slug"], ""),
      };
    default:
      if (typeof eventType !== "string") throw new FieldInvalid("event_type is missing", "NOT_AN_EVENT");
      return { kind: "ignored", eventType };
  }
}

/**
 * Reads a book of the channel or of REST, which have the same fields.
 * @throws FieldInvalid
 */
export function readBook(fields: Fields): BookEvent {
  const last = fields["last_trade_price"];
  return {
    kind: "book",
    ...tokenHead(fields),
    hash: textOr(fields["hash"], ""),
    bids: levels(fields, "bids"),
    asks: levels(fields, "asks"),
    tickMicro: isAbsent(fields["tick_size"]) ? null : tick(fields, "tick_size"),
    lastTradePrice: typeof last === "string" && last !== "" ? last : null,
  };
}

function readPriceChange(fields: Fields): MarketEvent {
  const list = fields["price_changes"];
  if (!Array.isArray(list)) {
    const old = "changes" in fields || "price" in fields;
    throw new FieldInvalid("price_changes is no array", old ? "OLD_SHAPE" : "FIELD_INVALID");
  }
  return {
    kind: "priceChange",
    ...head(fields),
    changes: list.map((entry) => readChange(asFields(entry, "price_changes"))),
  };
}

const readChange = (fields: Fields): PriceChange => ({
  tokenId: token(fields, "asset_id"),
  side: side(fields),
  priceMicro: price(fields, "price"),
  sizeMicro: micro(fields, "size"),
  hash: textOr(fields["hash"], ""),
  bestBidMicro: isAbsent(fields["best_bid"]) ? null : price(fields, "best_bid"),
  bestAskMicro: isAbsent(fields["best_ask"]) ? null : price(fields, "best_ask"),
});

function readTrade(fields: Fields): MarketEvent {
  const hash = Hash.safeParse(fields["transaction_hash"]);
  return {
    kind: "trade",
    ...tokenHead(fields),
    side: side(fields),
    priceMicro: price(fields, "price"),
    sizeMicro: micro(fields, "size"),
    txHash: hash.success ? hash.data : null,
  };
}

const head = (fields: Fields) => ({ conditionId: condition(fields), tsEventMs: time(fields) });
const tokenHead = (fields: Fields) => ({ tokenId: token(fields, "asset_id"), ...head(fields) });

/** @throws FieldInvalid unless `value` is a JSON object. */
export function asFields(value: unknown, name: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new FieldInvalid(`${name} is no object`, name === "message" ? "NOT_AN_EVENT" : "FIELD_INVALID");
}

/** The venue leaves a decimal empty where it has none. */
export const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === "";
const textOr = (value: unknown, otherwise: string): string => (typeof value === "string" ? value : otherwise);

function invalid(fields: Fields, name: string): never {
  throw new FieldInvalid(`${name}: ${described(fields[name])}`);
}

/** Few words for any value: one that is deep or long is not written out, which would cost a stack or a second. */
function described(value: unknown): string {
  if (value === undefined) return "absent";
  if (typeof value === "string") return JSON.stringify(ownText(value, 100));
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? `an array of ${value.length}` : "an object";
}

/** The first characters of a text as a text of their own: a slice would keep all of it in memory. */
export const ownText = (text: string, max: number): string => Buffer.from(text.slice(0, max), "utf8").toString("utf8");

function token(fields: Fields, name: string): TokenId {
  const parsed = TokenId.safeParse(fields[name]);
  return parsed.success ? parsed.data : invalid(fields, name);
}

function tokenList(fields: Fields, name: string): TokenId[] {
  const parsed = TokenId.array().safeParse(fields[name]);
  return parsed.success ? parsed.data : invalid(fields, name);
}

function condition(fields: Fields): ConditionId {
  const parsed = ConditionId.safeParse(fields["market"]);
  return parsed.success ? parsed.data : invalid(fields, "market");
}

function time(fields: Fields): number {
  const text = fields["timestamp"];
  return typeof text === "string" && /^\d{13}$/.test(text) ? Number(text) : invalid(fields, "timestamp");
}

function side(fields: Fields): Side {
  const value = fields["side"];
  return value === "BUY" || value === "SELL" ? value : invalid(fields, "side");
}

/** @throws FieldInvalid unless the field is a decimal >= 0 with at most six decimals. */
export function micro(fields: Fields, name: string): number {
  const value = microOfJson(fields[name]);
  return value >= 0 ? value : invalid(fields, name);
}

function positive(fields: Fields, name: string): number {
  const value = micro(fields, name);
  return value > 0 ? value : invalid(fields, name);
}

function tick(fields: Fields, name: string): number {
  const value = micro(fields, name);
  return isTick(value) ? value : invalid(fields, name);
}

function price(fields: Fields, name: string): PriceMicro {
  const value = micro(fields, name);
  return value <= MICRO_NUMBER ? (value as PriceMicro) : invalid(fields, name);
}

function levels(fields: Fields, name: string): number[] {
  const list = fields[name];
  if (!Array.isArray(list)) return invalid(fields, name);
  const flat: number[] = [];
  for (const entry of list) {
    const level = asFields(entry, name);
    flat.push(price(level, "price"), micro(level, "size"));
  }
  return flat;
}

/** Every token id in a message that could not be read. */
function namedTokens(message: unknown): TokenId[] {
  if (typeof message !== "object" || message === null) return [];
  const found = new Set<TokenId>();
  const fields = message as Fields;
  const entries = Array.isArray(fields["price_changes"]) ? (fields["price_changes"] as unknown[]) : [];
  for (const holder of [fields, ...entries]) {
    if (typeof holder !== "object" || holder === null) continue;
    const parsed = TokenId.safeParse((holder as Fields)["asset_id"]);
    if (parsed.success) found.add(parsed.data);
  }
  return [...found];
}
