/**
 * The venue's book hash: evidence that a local book equals the venue's. Undocumented and may change, so a failed check
 * is a reason to look again, never the only reason to act. One check of a 50-level book costs some 10 µs: at the end of
 * a burst, not for every frame (entries of one burst all carry the hash of its end).
 * The recipe: SHA-1 of the compact JSON of the whole book, keys in a fixed order, hash empty (venue clients; proved on recordings).
 */
import { createHash, hash as hashOnce } from "node:crypto";
import { formatMicro, type Side } from "@slipstream/contracts/money";
import { type Book, forEachLevel } from "./ladder.ts";

/** What the hash covers beside the levels. */
export type HashedMarket = {
  /** The venue's `market`. */
  readonly conditionId: string;
  /** Comes from REST only. */
  readonly minOrderSizeMicro: number;
  /** As the venue states it; the ladder may be finer. */
  readonly tickMicro: number;
  /** Comes from REST only. */
  readonly negRisk: boolean;
};

export type HashCheck = {
  readonly book: Book;
  readonly market: HashedMarket;
  /** Time of the message that carried the hash, ms. */
  readonly tsEventMs: number;
  /** Lower-case hex. */
  readonly expected: string;
  /** Last trade prices to try, likeliest first, as the venue writes them (`lastTradeText`). */
  readonly lastTradePrices: readonly string[];
  /**
   * "full" also tries 0.000 to 1.000 and no price at all, some 2 ms: on busy markets the price in the hash follows no
   * announced trade. A match still proves every level.
   */
  readonly search: "given" | "full";
};
export type HashResult = { readonly kind: "match"; readonly lastTradePrice: string } | { readonly kind: "mismatch" };

/** Above this, a double of whole shares with six decimals may need a 16th digit; below, its shortest text is exact. */
const SHORT_TEXT_EXACT_MAX = 1e15;

/** Canonical decimal of an amount in 1e-6 units: as `formatMicro`, without a bigint on the way for usual sizes. */
export function decimalText(micro: number): string {
  // Nearly all sizes and prices have two decimals: the text of a double costs several times that of two small integers.
  if (micro % CENT === 0 && micro < CENTS_EXACT_MAX) return centsText(micro / CENT);
  return micro < SHORT_TEXT_EXACT_MAX ? String(micro / 1e6) : formatMicro(micro);
}

const CENT = 10_000;
/** So that cents fit the engine's small integers. */
const CENTS_EXACT_MAX = 2 ** 30 * CENT;

function centsText(cents: number): string {
  const rest = cents % 100;
  const whole = (cents - rest) / 100;
  if (rest === 0) return String(whole);
  if (rest % 10 === 0) return `${whole}.${rest / 10}`;
  return rest < 10 ? `${whole}.0${rest}` : `${whole}.${rest}`;
}

/** The venue writes last trade prices with at least three decimals: 620000 is "0.620". */
export function lastTradeText(priceMicro: number): string {
  return priceMicro % 1_000 === 0 ? (priceMicro / 1e6).toFixed(3) : decimalText(priceMicro);
}

/**
 * Returns the venue's hash of a book.
 * @param lastTradePrice - the venue's text, see `lastTradeText`.
 */
export function bookHash(check: {
  readonly book: Book;
  readonly market: HashedMarket;
  readonly tsEventMs: number;
  readonly lastTradePrice: string;
}): string {
  return finish(hashedText(check.book, check.market, check.tsEventMs), check.lastTradePrice);
}

/** Looks for a last trade price under which the book has the expected hash. */
export function checkBookHash(check: HashCheck): HashResult {
  const text = hashedText(check.book, check.market, check.tsEventMs);
  const [likeliest, ...others] = check.lastTradePrices;
  // Nearly always the first: one call without a hash object is the cheapest way.
  if (likeliest !== undefined && finish(text, likeliest) === check.expected) {
    return { kind: "match", lastTradePrice: likeliest };
  }
  if (others.length === 0 && check.search === "given") return { kind: "mismatch" };
  const fits = endings(text, check.expected);
  const found = others.find(fits) ?? (check.search === "full" ? searchAll(fits) : undefined);
  return found === undefined ? { kind: "mismatch" } : { kind: "match", lastTradePrice: found };
}

/** Tells for a price whether the hash fits, hashing again only what follows the levels. */
function endings(text: string, expected: string): (price: string) => boolean {
  const levels = createHash("sha1").update(text, "utf8");
  return (price) => levels.copy().update(`${price}"}`).digest("hex") === expected;
}

function searchAll(fits: (price: string) => boolean): string | undefined {
  if (fits("")) return "";
  for (let thousandths = 0; thousandths <= 1_000; thousandths++) {
    const price = lastTradeText(thousandths * 1_000);
    if (fits(price)) return price;
  }
  return undefined;
}

/** Everything up to the value of last_trade_price. */
function hashedText(book: Book, market: HashedMarket, tsEventMs: number): string {
  return (
    `{"market":"${market.conditionId}","asset_id":"${book.tokenId}","timestamp":"${tsEventMs}","hash":"",` +
    `"bids":[${levelsText(book, "BUY")}],"asks":[${levelsText(book, "SELL")}],` +
    `"min_order_size":"${decimalText(market.minOrderSizeMicro)}","tick_size":"${decimalText(market.tickMicro)}",` +
    `"neg_risk":${market.negRisk},"last_trade_price":"`
  );
}

const finish = (text: string, lastTradePrice: string): string => hashOnce("sha1", `${text}${lastTradePrice}"}`, "hex");

function levelsText(book: Book, side: Side): string {
  let text = "";
  forEachLevel(book, side, "worstFirst", (price, size) => {
    text += `${text === "" ? "" : ","}{"price":"${decimalText(price)}","size":"${decimalText(size)}"}`;
  });
  return text;
}
