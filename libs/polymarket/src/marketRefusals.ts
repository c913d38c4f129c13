/**
 * Whose books a message of the market channel may have changed that cannot be read. Only what is a book, or a change of one,
 * says anything of books; the rest of what the venue sends (new markets of everybody, answers in words, errors as objects)
 * is nobody's loss. What is a book or a change and does not say whose may have been any: it counts as a lost frame.
 * @see docs/venue.md, Market channel
 */
import { ConditionId, TokenId } from "@slipstream/contracts/ids";
import type { FrameRefusal } from "./marketChannel.ts";
import type { Fields } from "./marketMessages.ts";
import { ownText } from "./ownText.ts";

type Code = FrameRefusal["code"];

const DETAIL_MAX = 120;
const nothing: readonly never[] = [];

export const noBookRefusal = (code: Code, detail: string): FrameRefusal => ({
  ...{ kind: "refused", code, detail },
  ...{ concerns: "noBook", tokenIds: nothing, conditionId: null },
});

const named = (
  code: Code,
  detail: string,
  tokenIds: readonly TokenId[],
  conditionId: ConditionId | null,
): FrameRefusal => ({
  ...{ kind: "refused", code, detail },
  ...{ concerns: tokenIds.length > 0 || conditionId !== null ? "named" : "anyBook", tokenIds, conditionId },
});

const tokenOf = (value: unknown): TokenId | null => TokenId.safeParse(value).data ?? null;
const conditionOf = (value: unknown): ConditionId | null => ConditionId.safeParse(value).data ?? null;

/** True for what carries levels, whatever it calls itself. */
export const hasBookShape = (fields: Fields): boolean =>
  Array.isArray(fields["price_changes"]) || (Array.isArray(fields["bids"]) && Array.isArray(fields["asks"]));

/** A full book is of one token. */
export function bookRefusal(fields: Fields, code: Code, detail: string): FrameRefusal {
  const tokenId = tokenOf(fields["asset_id"]);
  return tokenId === null
    ? named(code, detail, nothing, conditionOf(fields["market"]))
    : named(code, detail, [tokenId], null);
}

/** @param entries - those that cannot be read; one that does not name its token may be of any of the market. */
export function changeRefusal(fields: Fields, code: Code, detail: string, entries: unknown): FrameRefusal {
  const list = Array.isArray(entries) ? (entries as unknown[]) : [];
  const inEntries = list.map((entry) => tokenOf((entry as Fields | null)?.["asset_id"]));
  const outside = tokenOf(fields["asset_id"]);
  const tokens = new Set([...inEntries, outside].filter((tokenId) => tokenId !== null));
  const isUnnamed = tokens.size === 0 || inEntries.includes(null);
  const conditionId = isUnnamed ? conditionOf(fields["market"]) : null;
  // An entry of no token in a message of no market: whose it is nobody can say.
  if (isUnnamed && conditionId === null) return named(code, detail, nothing, null);
  return named(code, detail, [...tokens], conditionId);
}

/** A change of the tick changes no level; without token and market it is found by the hash, which covers the tick. */
export function tickRefusal(fields: Fields, code: Code, detail: string): FrameRefusal {
  const refusal = bookRefusal(fields, code, detail);
  return refusal.concerns === "anyBook" ? noBookRefusal(code, detail) : refusal;
}

/** Keys and types by which a text shows, though it is no JSON, that it was a book or a change. */
const OF_BOOKS = /"(?:price_changes?|bids|asks|best_bid|changes)"|"event_type"\s*:\s*"book"/;
/** Types and keys of messages that are neither. */
const OF_OTHERS =
  /"event_type"\s*:\s*"(?!book"|price_change")[a-z_]+"|"(?:error|message|question|slug|assets_ids|winning_asset_id)"/;
/** How books and changes begin: so little of one that it might be any. */
const BEGINNING = '{"market":"';
const MARKET = /"market"\s*:\s*"(0x[0-9a-fA-F]{64})"/;

/**
 * A text that is no JSON: the venue's words, or what is left of a frame. A frame that begins as books do, or has something
 * of one, was one most likely; when it is one message and names its market, it is of that market alone.
 */
export function refusalOfText(text: string): FrameRefusal {
  const detail = ownText(text, DETAIL_MAX);
  const trimmed = text.trim();
  const isArray = trimmed.startsWith("[");
  if (!isArray && !trimmed.startsWith("{")) return noBookRefusal("NOT_JSON", detail);
  const one = isArray ? trimmed.slice(1).trimStart() : trimmed;
  const begun = one.replaceAll(/\s/g, "").slice(0, BEGINNING.length);
  const mayBeBook = OF_BOOKS.test(trimmed) || (BEGINNING.startsWith(begun) && !OF_OTHERS.test(trimmed));
  if (!mayBeBook) return noBookRefusal("NOT_JSON", detail);
  // An array may have had books of other markets behind what is left.
  const market = isArray ? undefined : MARKET.exec(trimmed)?.[1];
  return named("NOT_JSON", detail, nothing, conditionOf(market));
}
