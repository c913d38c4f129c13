/**
 * A strict reader of the two frames that make up nearly all traffic of the market channel: price changes with their
 * entries in the one order of keys the venue uses, and books. It gives up (null) at the first character it does not
 * expect, so it never has to be right about anything else; the caller then takes the general way.
 *
 * It is faster than JSON.parse because it makes only what is kept: integers instead of decimal texts, and token ids
 * that are the same string object each time, so that a Map finds them without reading 77 characters again.
 */
import { ConditionId, TokenId } from "@slipstream/contracts/ids";
import { MICRO_NUMBER, type PriceMicro, type Side } from "@slipstream/contracts/money";
import { ABSENT, BAD, type Cursor, decimal, HASH_LENGTH, QUOTE, scanHash, scanTime, skip } from "./cursor.ts";
import type { BookEvent, MarketEvent, PriceChange, PriceChangeEvent } from "./marketChannel.ts";

const COMMA = 44;
const OPEN_ARRAY = 91;
const CLOSE_ARRAY = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Slots of the memory of ids; two ids in one slot only cost time. */
const SLOTS = 4096;

const ENTRY = '{"asset_id":"';
const PRICE = '"price":"';
const SIZE = ',"size":"';
const BUY = ',"side":"BUY","hash":"';
const SELL = ',"side":"SELL","hash":"';
const BEST_BID = '","best_bid":"';
const BEST_ASK = ',"best_ask":"';
const LEVEL = '{"price":"';

/** Makes a scanner. It returns the events of a frame, or null when the frame has any other form. */
export function createMarketScanner(): (text: string) => readonly MarketEvent[] | null {
  const cursor: Cursor = { text: "", at: 0 };
  const tokens = createMemory((text): TokenId | null => (TokenId.safeParse(text).success ? (text as TokenId) : null));
  const conditions = createMemory((text): ConditionId | null =>
    ConditionId.safeParse(text).success ? (text as ConditionId) : null,
  );
  return (text) => {
    cursor.text = text;
    cursor.at = 0;
    const first = text.charCodeAt(0);
    if (first === OPEN_OBJECT) {
      const event = scanEvent(cursor, tokens, conditions);
      return event !== null && cursor.at === text.length ? [event] : null;
    }
    if (first !== OPEN_ARRAY || text.charCodeAt(1) !== OPEN_OBJECT) return null;
    const events: MarketEvent[] = [];
    do {
      cursor.at++;
      const event = scanEvent(cursor, tokens, conditions);
      if (event === null) return null;
      events.push(event);
    } while (text.charCodeAt(cursor.at) === COMMA);
    return text.charCodeAt(cursor.at) === CLOSE_ARRAY && cursor.at + 1 === text.length ? events : null;
  };
}

/** Reads one quoted id at the cursor and stands behind its closing quote; null when it is no id. */
type Memory<Id extends string> = (cursor: Cursor) => Id | null;

function createMemory<Id extends string>(check: (text: string) => Id | null): Memory<Id> {
  const slots: (Id | undefined)[] = new Array<Id | undefined>(SLOTS).fill(undefined);
  return (cursor) => {
    const { text, at } = cursor;
    let slot = 0;
    for (let i = at + 2; i < at + 7; i++) slot = slot * 11 + text.charCodeAt(i);
    slot &= SLOTS - 1;
    const known = slots[slot];
    if (known !== undefined && text.startsWith(known, at) && text.charCodeAt(at + known.length) === QUOTE) {
      cursor.at = at + known.length + 1;
      return known;
    }
    const end = text.indexOf('"', at);
    if (end < 0) return null;
    // Its own bytes: a slice would keep the whole frame alive as long as the id.
    const id = check(Buffer.from(text.slice(at, end), "utf8").toString("utf8"));
    if (id === null) return null;
    slots[slot] = id;
    cursor.at = end + 1;
    return id;
  };
}

/** What has been read of one message; keys may come in any order. */
type Draft = {
  type: "book" | "price_change" | null;
  conditionId: ConditionId | null;
  tokenId: TokenId | null;
  tsEventMs: number;
  hash: string | null;
  bids: number[] | null;
  asks: number[] | null;
  changes: PriceChange[] | null;
  tickMicro: number | null;
  lastTradePrice: string | null;
};

function scanEvent(cursor: Cursor, tokens: Memory<TokenId>, conditions: Memory<ConditionId>): MarketEvent | null {
  const { text } = cursor;
  if (text.charCodeAt(cursor.at) !== OPEN_OBJECT) return null;
  const draft: Draft = {
    type: null,
    conditionId: null,
    tokenId: null,
    tsEventMs: BAD,
    hash: null,
    bids: null,
    asks: null,
    changes: null,
    tickMicro: null,
    lastTradePrice: null,
  };
  do {
    cursor.at++;
    if (!scanField(cursor, draft, tokens, conditions)) return null;
  } while (text.charCodeAt(cursor.at) === COMMA);
  if (text.charCodeAt(cursor.at) !== CLOSE_OBJECT) return null;
  cursor.at++;
  return draft.type === "price_change" ? finishChange(draft) : finishBook(draft);
}

/** Reads one `"key":value`. A key that comes twice is not the known form. */
function scanField(cursor: Cursor, draft: Draft, tokens: Memory<TokenId>, conditions: Memory<ConditionId>): boolean {
  const { text } = cursor;
  if (skip(cursor, '"market":"')) {
    if (draft.conditionId !== null) return false;
    draft.conditionId = conditions(cursor);
    return draft.conditionId !== null;
  }
  if (skip(cursor, '"price_changes":[')) {
    if (draft.changes !== null) return false;
    draft.changes = scanChanges(cursor, tokens);
    return draft.changes !== null;
  }
  if (skip(cursor, '"timestamp":"')) {
    if (draft.tsEventMs !== BAD) return false;
    draft.tsEventMs = scanTime(cursor);
    return draft.tsEventMs !== BAD;
  }
  if (skip(cursor, '"event_type":"')) {
    if (draft.type !== null) return false;
    if (skip(cursor, 'price_change"')) draft.type = "price_change";
    else if (skip(cursor, 'book"')) draft.type = "book";
    return draft.type !== null;
  }
  if (skip(cursor, '"asset_id":"')) {
    if (draft.tokenId !== null) return false;
    draft.tokenId = tokens(cursor);
    return draft.tokenId !== null;
  }
  if (skip(cursor, '"hash":"')) {
    if (draft.hash !== null || text.charCodeAt(cursor.at + HASH_LENGTH) !== QUOTE) return false;
    draft.hash = scanHash(cursor);
    cursor.at++;
    return draft.hash !== null;
  }
  return scanBookField(cursor, draft);
}

function scanBookField(cursor: Cursor, draft: Draft): boolean {
  if (skip(cursor, '"bids":[')) {
    if (draft.bids !== null) return false;
    draft.bids = scanLevels(cursor);
    return draft.bids !== null;
  }
  if (skip(cursor, '"asks":[')) {
    if (draft.asks !== null) return false;
    draft.asks = scanLevels(cursor);
    return draft.asks !== null;
  }
  if (skip(cursor, '"tick_size":"')) {
    if (draft.tickMicro !== null) return false;
    draft.tickMicro = decimal(cursor);
    return draft.tickMicro > 0;
  }
  if (skip(cursor, '"last_trade_price":"')) {
    if (draft.lastTradePrice !== null) return false;
    const from = cursor.at;
    if (decimal(cursor) < 0) return false;
    draft.lastTradePrice = cursor.text.slice(from, cursor.at - 1);
    return true;
  }
  return false;
}

function finishChange(draft: Draft): PriceChangeEvent | null {
  const { conditionId, tsEventMs, changes } = draft;
  if (conditionId === null || tsEventMs === BAD || changes === null || draft.tokenId !== null) return null;
  return { kind: "priceChange", conditionId, tsEventMs, changes };
}

function finishBook(draft: Draft): BookEvent | null {
  const { conditionId, tokenId, tsEventMs, hash, bids, asks, tickMicro, lastTradePrice } = draft;
  if (draft.type !== "book" || draft.changes !== null || conditionId === null || tokenId === null) return null;
  if (tsEventMs === BAD || hash === null || bids === null || asks === null) return null;
  return { kind: "book", tokenId, conditionId, tsEventMs, hash, bids, asks, tickMicro, lastTradePrice };
}

/** Stands behind "[" at the start and behind "]" at the end. */
function scanChanges(cursor: Cursor, tokens: Memory<TokenId>): PriceChange[] | null {
  const { text } = cursor;
  const changes: PriceChange[] = [];
  if (text.charCodeAt(cursor.at) === CLOSE_ARRAY) {
    cursor.at++;
    return changes;
  }
  for (;;) {
    const change = scanChange(cursor, tokens);
    if (change === null) return null;
    changes.push(change);
    const next = text.charCodeAt(cursor.at++);
    if (next === CLOSE_ARRAY) return changes;
    if (next !== COMMA) return null;
  }
}

function scanChange(cursor: Cursor, tokens: Memory<TokenId>): PriceChange | null {
  const { text } = cursor;
  if (!skip(cursor, ENTRY)) return null;
  const tokenId = tokens(cursor);
  if (tokenId === null || text.charCodeAt(cursor.at++) !== COMMA || !skip(cursor, PRICE)) return null;
  const price = decimal(cursor);
  if (price < 0 || price > MICRO_NUMBER || !skip(cursor, SIZE)) return null;
  const sizeMicro = decimal(cursor);
  if (sizeMicro < 0) return null;
  let side: Side = "BUY";
  if (!skip(cursor, BUY)) {
    if (!skip(cursor, SELL)) return null;
    side = "SELL";
  }
  const hash = scanHash(cursor);
  if (hash === null || !skip(cursor, BEST_BID)) return null;
  const bid = decimal(cursor);
  if (bid === BAD || bid > MICRO_NUMBER || !skip(cursor, BEST_ASK)) return null;
  const ask = decimal(cursor);
  if (ask === BAD || ask > MICRO_NUMBER || text.charCodeAt(cursor.at++) !== CLOSE_OBJECT) return null;
  return {
    tokenId,
    side,
    priceMicro: price as PriceMicro,
    sizeMicro,
    hash,
    bestBidMicro: bid === ABSENT ? null : (bid as PriceMicro),
    bestAskMicro: ask === ABSENT ? null : (ask as PriceMicro),
  };
}

/** Stands behind "[" at the start and behind "]" at the end. */
function scanLevels(cursor: Cursor): number[] | null {
  const { text } = cursor;
  const flat: number[] = [];
  if (text.charCodeAt(cursor.at) === CLOSE_ARRAY) {
    cursor.at++;
    return flat;
  }
  for (;;) {
    if (!skip(cursor, LEVEL)) return null;
    const price = decimal(cursor);
    if (price < 0 || price > MICRO_NUMBER || !skip(cursor, SIZE)) return null;
    const size = decimal(cursor);
    if (size < 0 || text.charCodeAt(cursor.at++) !== CLOSE_OBJECT) return null;
    flat.push(price, size);
    const next = text.charCodeAt(cursor.at++);
    if (next === CLOSE_ARRAY) return flat;
    if (next !== COMMA) return null;
  }
}
