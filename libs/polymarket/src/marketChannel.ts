/**
 * Frames of the market channel, as text, into events with integers.
 *
 * Nearly all frames are price changes and books of one known form: a strict scanner reads those. Whatever it does not
 * recognise to the last character goes through JSON.parse and a field by field reading; what that cannot read either is
 * refused as a value. Nothing is thrown and nothing disappears: a frame ends in events, refusals or a count.
 * @see docs/venue.md, Market channel
 */
import type { ConditionId, Hash, TokenId } from "@slipstream/contracts/ids";
import type { PriceMicro, Side } from "@slipstream/contracts/money";
import { readMessage } from "./marketMessages.ts";
import { refusalOfText } from "./marketRefusals.ts";
import { createMarketScanner } from "./marketScanner.ts";
import { ownText } from "./ownText.ts";

/** The whole book of a token. Levels are [price, size, …] in 1e-6, worst first as the venue sends them. */
export type BookEvent = {
  readonly kind: "book";
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId;
  /** Venue time; in an opening book the time of the last change, maybe long ago. */
  readonly tsEventMs: number;
  /** Empty when the venue sent none. */
  readonly hash: string;
  readonly bids: readonly number[];
  readonly asks: readonly number[];
  /** Opening books only. */
  readonly tickMicro: number | null;
  /** Opening books only; the venue's text, which its book hash covers. */
  readonly lastTradePrice: string | null;
};

export type PriceChange = {
  readonly tokenId: TokenId;
  readonly side: Side;
  readonly priceMicro: PriceMicro;
  /** New total of the level in 1e-6 share; 0: the level is gone. */
  readonly sizeMicro: number;
  /** Of the token's book at the end of the burst. */
  readonly hash: string;
  /** null when the venue left it empty. */
  readonly bestBidMicro: PriceMicro | null;
  readonly bestAskMicro: PriceMicro | null;
};

/** Names both tokens of the market as a rule, whichever was subscribed. */
export type PriceChangeEvent = {
  readonly kind: "priceChange";
  readonly conditionId: ConditionId;
  readonly tsEventMs: number;
  readonly changes: readonly PriceChange[];
};

/** A print. The book already contains it. */
export type TradeEvent = {
  readonly kind: "trade";
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId;
  readonly tsEventMs: number;
  /** The taker's, as recorders read it; the venue does not define it. */
  readonly side: Side;
  readonly priceMicro: PriceMicro;
  /** 1e-6 share. */
  readonly sizeMicro: number;
  readonly txHash: Hash | null;
};

/** The book of the token is void; a fresh one follows. */
export type TickSizeChangeEvent = {
  readonly kind: "tickSizeChange";
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId;
  readonly tsEventMs: number;
  /** null: absent, or no tick. */
  readonly oldTickMicro: number | null;
  readonly newTickMicro: number;
};

/** Best prices of a token as the venue sees them: they prove a book, or not, and are no level of it. */
export type BestPricesEvent = {
  readonly kind: "bestPrices";
  readonly tokenId: TokenId;
  readonly conditionId: ConditionId;
  readonly tsEventMs: number;
  /** null when the venue left it empty. */
  readonly bestBidMicro: PriceMicro | null;
  readonly bestAskMicro: PriceMicro | null;
};

/** What it names is closed, whatever else of the message can be read: it names its market or a token at least. */
export type MarketResolvedEvent = {
  readonly kind: "marketResolved";
  /** null: absent, or no condition. */
  readonly conditionId: ConditionId | null;
  readonly tokenIds: readonly TokenId[];
  /** null: the message names none, or none that can be read. */
  readonly winningTokenId: TokenId | null;
  readonly winningOutcome: string;
  /** null: absent, or no time. */
  readonly tsEventMs: number | null;
};

/** Sent for every new market of the venue. */
export type NewMarketEvent = {
  readonly kind: "newMarket";
  readonly conditionId: ConditionId;
  readonly tokenIds: readonly TokenId[];
  readonly slug: string;
  readonly tsEventMs: number;
};

export type MarketEvent =
  | BookEvent
  | PriceChangeEvent
  | TradeEvent
  | TickSizeChangeEvent
  | BestPricesEvent
  | MarketResolvedEvent
  | NewMarketEvent;

export type FrameRefusal = {
  readonly kind: "refused";
  /** OLD_SHAPE: a price_change of before 2025-09. TOO_LARGE: more than FRAME_MAX characters, not looked into. */
  readonly code: "TOO_LARGE" | "NOT_JSON" | "NOT_AN_EVENT" | "OLD_SHAPE" | "FIELD_INVALID";
  /** The field and what stood there. */
  readonly detail: string;
  /**
   * Which books it may have changed. "noBook": it is no book and no change of one. "named": those of `tokenIds`, and of all
   * tokens of `conditionId`. "anyBook": a book or a change most likely, and nobody can say whose; counts as a lost frame.
   */
  readonly concerns: "noBook" | "named" | "anyBook";
  readonly tokenIds: readonly TokenId[];
  readonly conditionId: ConditionId | null;
};

export type ParsedFrame = {
  readonly events: readonly MarketEvent[];
  readonly refused: readonly FrameRefusal[];
  /** The text PONG: the answer to a ping, queued behind all data before it. */
  readonly pong: boolean;
};

export type MarketParser = {
  readonly parse: (text: string) => ParsedFrame;
  readonly counts: MarketCounts;
};

export type MarketCounts = {
  frames: number;
  /** Read by the scanner alone. */
  scanned: number;
  pongs: number;
  /** Nothing inside: an empty text or an empty array. */
  empty: number;
  refused: number;
  /** By event type: known ones that carry nothing we use, and unknown ones. */
  readonly ignored: Map<string, number>;
};

/**
 * The longest frame that is read, in characters. Reading blocks the loop for some 10 ms per MB; the opening books of a
 * connection with 200 tokens are 0.8 MB.
 */
export const FRAME_MAX = 8_388_608;
/** Bound of the distinct unknown types that are counted by name. */
const IGNORED_TYPES_MAX = 64;
const nothing: readonly never[] = [];
const emptyFrame: ParsedFrame = { events: nothing, refused: nothing, pong: false };
const pongFrame: ParsedFrame = { events: nothing, refused: nothing, pong: true };

/** Makes a parser: one per connection, since it remembers the connection's token ids. */
export function createMarketParser(): MarketParser {
  const scan = createMarketScanner();
  const counts: MarketCounts = { frames: 0, scanned: 0, pongs: 0, empty: 0, refused: 0, ignored: new Map() };
  const parse = (text: string): ParsedFrame => {
    counts.frames++;
    if (text.length > FRAME_MAX) {
      counts.refused++;
      return { events: nothing, refused: [tooLarge(text.length)], pong: false };
    }
    const events = scan(text);
    if (events !== null) {
      counts.scanned++;
      return { events, refused: nothing, pong: false };
    }
    const trimmed = text.trim();
    if (trimmed === "PONG") {
      counts.pongs++;
      return pongFrame;
    }
    if (trimmed === "" || trimmed === "[]") {
      counts.empty++;
      return emptyFrame;
    }
    return parseSlowly(text, counts);
  };
  return { parse, counts };
}

function parseSlowly(text: string, counts: MarketCounts): ParsedFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    counts.refused++;
    return { events: nothing, refused: [refusalOfText(text)], pong: false };
  }
  const events: MarketEvent[] = [];
  const refused: FrameRefusal[] = [];
  for (const message of Array.isArray(value) ? (value as unknown[]) : [value]) {
    const read = readMessage(message);
    if (read.event !== null) events.push(read.event);
    if (read.refused !== null) refused.push(read.refused);
    if (read.ignored !== null) countIgnored(counts, read.ignored);
  }
  counts.refused += refused.length;
  return { events, refused, pong: false };
}

function countIgnored(counts: MarketCounts, eventType: string): void {
  const known = counts.ignored.has(eventType) || counts.ignored.size < IGNORED_TYPES_MAX;
  const name = known ? ownText(eventType, 40) : "others";
  counts.ignored.set(name, (counts.ignored.get(name) ?? 0) + 1);
}

const tooLarge = (characters: number): FrameRefusal => ({
  ...{ kind: "refused", code: "TOO_LARGE", detail: `${characters} characters` },
  ...{ concerns: "anyBook", tokenIds: nothing, conditionId: null },
});
