/** One message of the market channel, already JSON, read field by field: the path for whatever the scanner does not know. */
import { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import { isTick, MICRO_NUMBER, type PriceMicro, type Side } from "@slipstream/contracts/money";
import { microOfJson } from "./decimal.ts";
import type { BookEvent, FrameRefusal, MarketEvent, PriceChange, PriceChangeEvent } from "./marketChannel.ts";
import { bookRefusal, changeRefusal, hasBookShape, noBookRefusal, tickRefusal } from "./marketRefusals.ts";
import { ownText } from "./ownText.ts";

/** What one message comes to: a price change of which entries cannot be read is an event and a refusal. */
export type ReadMessage = {
  readonly event: MarketEvent | null;
  readonly refused: FrameRefusal | null;
  /** Its type, when it carries nothing we use. */
  readonly ignored: string | null;
};
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

const event = (read: MarketEvent): ReadMessage => ({ event: read, refused: null, ignored: null });
const refused = (refusal: FrameRefusal): ReadMessage => ({ event: null, refused: refusal, ignored: null });
const ignored = (eventType: string): ReadMessage => ({ event: null, refused: null, ignored: eventType });

/** Reads one message. Never throws. */
export function readMessage(message: unknown): ReadMessage {
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    return refused(noBookRefusal("NOT_AN_EVENT", "message is no object"));
  }
  const fields = message as Fields;
  const eventType = fields["event_type"];
  switch (eventType) {
    case "book":
      return readOr(fields, bookRefusal, () => readBook(fields));
    case "price_change":
      return readPriceChange(fields);
    // What is wrong with a print, or with a market that is new, touches no level of any book.
    case "last_trade_price":
      return readOr(fields, noBook, () => readTrade(fields));
    case "best_bid_ask":
      return readOr(fields, noBook, () => readBestPrices(fields));
    case "market_resolved":
      return readOr(fields, noBook, () => readResolved(fields));
    case "tick_size_change":
      return readOr(fields, tickRefusal, () => readTick(fields));
    case "new_market":
      return readNewMarket(fields);
  }
  const code = typeof eventType === "string" ? "FIELD_INVALID" : "NOT_AN_EVENT";
  const detail = typeof eventType === "string" ? `event_type: ${described(eventType)}` : "event_type is missing";
  if (hasBookShape(fields)) return refused(changeRefusal(fields, code, detail, fields["price_changes"]));
  return typeof eventType === "string" ? ignored(eventType) : refused(noBookRefusal(code, detail));
}

type Refuse = (fields: Fields, code: FieldInvalid["code"], detail: string) => FrameRefusal;
const noBook: Refuse = (_fields, code, detail) => noBookRefusal(code, detail);

function readOr(fields: Fields, refuse: Refuse, read: () => MarketEvent): ReadMessage {
  try {
    return event(read());
  } catch (error) {
    if (!(error instanceof FieldInvalid)) throw error;
    return refused(refuse(fields, error.code, error.message));
  }
}

/** The value, or null when the field cannot be read. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof FieldInvalid) return null;
    throw error;
  }
}

const readTick = (fields: Fields): MarketEvent => ({
  kind: "tickSizeChange",
  ...tokenHead(fields),
  oldTickMicro: readable(() => tick(fields, "old_tick_size")),
  newTickMicro: tick(fields, "new_tick_size"),
});

const readBestPrices = (fields: Fields): MarketEvent => ({
  kind: "bestPrices",
  ...tokenHead(fields),
  bestBidMicro: isAbsent(fields["best_bid"]) ? null : price(fields, "best_bid"),
  bestAskMicro: isAbsent(fields["best_ask"]) ? null : price(fields, "best_ask"),
});

/** No outcome wins alone where the payout is shared; the books end all the same, whatever else is wrong with the words. */
function readResolved(fields: Fields): MarketEvent {
  const list = fields["assets_ids"];
  const tokenIds = (Array.isArray(list) ? (list as unknown[]) : []).flatMap((value) => {
    const parsed = TokenId.safeParse(value);
    return parsed.success ? [parsed.data] : [];
  });
  const conditionId = readable(() => condition(fields));
  if (conditionId === null && tokenIds.length === 0) return invalid(fields, "market");
  return {
    kind: "marketResolved",
    conditionId,
    tokenIds,
    winningTokenId: readable(() => token(fields, "winning_asset_id")),
    winningOutcome: textOr(fields["winning_outcome"], ""),
    tsEventMs: readable(() => time(fields)),
  };
}

/** Every new market of the venue is told: one that cannot be read is nobody's loss, it will be listed. */
function readNewMarket(fields: Fields): ReadMessage {
  const read = readable(
    (): MarketEvent => ({
      kind: "newMarket",
      ...head(fields),
      tokenIds: tokenList(fields, "assets_ids"),
      slug: textOr(fields["slug"], ""),
    }),
  );
  return read === null ? ignored("new_market") : event(read);
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

/** One entry that cannot be read takes no other with it: its token's book is lost, the sibling's goes on. */
function readPriceChange(fields: Fields): ReadMessage {
  const list = fields["price_changes"];
  if (!Array.isArray(list)) {
    const code = "changes" in fields || "price" in fields ? "OLD_SHAPE" : "FIELD_INVALID";
    return refused(changeRefusal(fields, code, "price_changes is no array", []));
  }
  const entries = list as unknown[];
  const times = readOr(
    fields,
    (_, code, detail) => changeRefusal(fields, code, detail, entries),
    () => ({
      kind: "priceChange",
      ...head(fields),
      changes: [],
    }),
  );
  if (times.event === null) return times;
  const changes: PriceChange[] = [];
  const bad: unknown[] = [];
  let why: FieldInvalid | null = null;
  for (const entry of entries) {
    try {
      changes.push(readChange(asFields(entry, "price_changes")));
    } catch (error) {
      if (!(error instanceof FieldInvalid)) throw error;
      why ??= error;
      bad.push(entry);
    }
  }
  const read: PriceChangeEvent = { ...(times.event as PriceChangeEvent), changes };
  if (why === null) return event(read);
  const refusal = changeRefusal(fields, why.code, why.message, bad);
  return { event: changes.length === 0 ? null : read, refused: refusal, ignored: null };
}

const readChange = (fields: Fields): PriceChange => ({
  tokenId: token(fields, "asset_id"),
  side: side(fields),
  priceMicro: price(fields, "price"),
  sizeMicro: micro(fields, "size"),
  hash: textOr(fields["hash"], ""),
  // They are no level: what is wrong with them takes nothing of the change.
  bestBidMicro: readable(() => price(fields, "best_bid")),
  bestAskMicro: readable(() => price(fields, "best_ask")),
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

/** Unix milliseconds of 2001 to 2286, as text, or as the number that the text would be. */
function time(fields: Fields): number {
  const stamp = fields["timestamp"];
  const isStamp = typeof stamp === "string" || typeof stamp === "number";
  return isStamp && /^\d{13}$/.test(String(stamp)) ? Number(stamp) : invalid(fields, "timestamp");
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
