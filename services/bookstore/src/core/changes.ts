/**
 * What the market channel does to a book: full books, level changes, prints. Changes count in the order of arrival,
 * whatever their stamps say; what came before is known again by its hash (`heard.ts`).
 */
import { lastTradeText } from "@slipstream/book/hash";
import {
  lastPosition,
  openEpoch,
  recordLevel,
  recordSnapshot,
  recordTick,
  recordTrade,
  tickInHole,
} from "@slipstream/book/history";
import { deltasAfter } from "@slipstream/book/historyAnswers";
import { gridFor, isRefusal } from "@slipstream/book/ladder";
import type { TradePrint } from "@slipstream/contracts/book";
import { type PriceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";
import type { PriceChange } from "@slipstream/polymarket/marketChannel";
import {
  type At,
  deltaOf,
  type FullBook,
  header,
  isOpen,
  type LevelChange,
  type Output,
  rememberPrice,
  type Stamped,
  type StatedBest,
  snapshotOf,
  suspect,
  type TokenBook,
} from "./tokenBook.ts";

/** Some seconds of the busiest token ever seen; beyond, the oldest go and a newer full book is waited for. */
const JOINING_MAX = 4_096;
/** Repeats come within 120 ms (reference §6.3). */
const RECENT_PRINTS = 16;

/**
 * Opens an epoch with a full book. Returns nothing when the book is refused: what was before stands. Whether changes from
 * before it may still come is for the caller to say (`opened`).
 */
export function openBook(book: TokenBook, full: FullBook, epoch: string, at: At): Output[] {
  const { bids, asks } = full;
  const known = book.nextTickMicro ?? (book.history.tickMicro > 0 ? book.history.tickMicro : null);
  // What the venue states is its tick; without it the levels may show that it has become finer.
  const tickMicro = full.tickMicro ?? (known === null ? null : gridFor(known, bids, asks));
  if (tickMicro === null) return [];
  const result = openEpoch(book.history, { epoch, seq: 0, tsEventMs: at.tsEventMs, tickMicro, bids, asks });
  if (isRefusal(result)) return [];
  book.conditionId = full.conditionId;
  learn(book, full);
  book.epoch = epoch;
  book.resolvedOn = null;
  book.seq = 0;
  book.health = "healthy";
  book.firstFailureMs = null;
  book.touch.failedMs = null;
  book.touch.crossed = null;
  book.touch.trusted = true;
  book.touch.claim = null;
  book.joining = null;
  book.nextTickMicro = null;
  book.unreadMs = null;
  book.restAhead = null;
  book.opened = null;
  book.asksStream = false;
  book.isAskedAgain = false;
  extendBurst(book, full, 1, at, null);
  const snapshot = snapshotOf(book, at);
  return snapshot === null ? [] : [snapshot];
}

/** What full books say beside the levels, for the hash. */
export function learn(book: TokenBook, full: FullBook): void {
  if (full.lastTradePrice !== null) rememberPrice(book, full.lastTradePrice);
  const { conditionId, tickMicro, minOrderSizeMicro, negRisk } = full;
  if (typeof minOrderSizeMicro === "number" && typeof negRisk === "boolean" && tickMicro !== null) {
    book.market = { conditionId, tickMicro, minOrderSizeMicro, negRisk };
  } else if (book.market !== null && tickMicro !== null && book.market.tickMicro !== tickMicro) {
    book.market = { ...book.market, tickMicro };
  }
}

/** Applies a full book of the running epoch (the venue sends one after trades) as the levels that differ. */
export function applyFullBook(book: TokenBook, full: FullBook, at: At): Output[] {
  if (!isOpen(book)) return [];
  const position = lastPosition(book.history);
  const stamp = { seq: book.seq + 1, tsEventMs: at.tsEventMs };
  const result = recordSnapshot(book.history, stamp, full.bids, full.asks);
  if (isRefusal(result)) return suspect(book, at, `refused book: ${result}`);
  const answer = deltasAfter(book.history, position);
  const changes: LevelChange[] = [];
  if (answer.kind === "entries") {
    for (const entry of answer.entries) if (entry.kind === "level") changes.push(entry);
  }
  // Levels first: they make the ladder that the tick belongs to.
  const levels = deltas(book, changes, at);
  const told = full.tickMicro === null ? [] : tellTick(book, full.tickMicro, at);
  learn(book, full);
  extendBurst(book, full, 1, at, null);
  return [...levels, ...told];
}

/** The venue states the market's tick. Nothing is lost: the levels stay, and the proof goes on with the new tick. */
export function tellTick(book: TokenBook, tickMicro: number, at: At): Output[] {
  if (book.market !== null && book.market.tickMicro !== tickMicro) {
    book.market = { ...book.market, tickMicro };
    // Which of the two ticks its hash carries cannot be known.
    book.burst = null;
  }
  // Also a tick that it had before: in a hole nobody knows which tick it has.
  tickInHole(book.history, at.tsEventMs);
  if (!isOpen(book) || book.joining !== null) {
    book.nextTickMicro = tickMicro;
    return [];
  }
  if (book.history.tickMicro === tickMicro) return [];
  recordTick(book.history, { seq: book.seq + 1, tsEventMs: at.tsEventMs }, tickMicro);
  return [deltaOf(book, [], at)];
}

/** A change of one token under one hash, with the best prices that it states. */
export type Told = Stamped & { readonly levels: readonly LevelChange[]; readonly stated?: StatedBest | null };

/** Takes a change that is no repeat: applies it, or keeps it for the full book that is awaited. */
export function takeChanges(book: TokenBook, told: Told, at: At): Output[] {
  const { joining } = book;
  if (joining === null) return applyChanges(book, told, at);
  if (at.tsInitMs < joining.fromMs) return [];
  const { tsEventMs, hash, levels } = told;
  // Some are dropped: a book from before them cannot be joined any more.
  const kept = joining.entries.length < JOINING_MAX ? joining.entries : joining.entries.slice(1);
  const sinceMs = kept.length === 0 ? at.tsInitMs : joining.sinceMs;
  book.joining = { ...joining, sinceMs, entries: [...kept, { tsEventMs, hash, levels }] };
  return [];
}

/** Applies the changes of one price_change frame that concern this token and carry one hash. */
export function applyChanges(book: TokenBook, told: Told, at: At): Output[] {
  if (!isOpen(book)) return [];
  const { levels, stated = null } = told;
  const applied: LevelChange[] = [];
  const { tickMicro } = book.history;
  // A price off the ladder tells a finer tick, also when its level is what it was.
  const tell = (): Output[] =>
    book.history.tickMicro === tickMicro ? deltas(book, applied, at) : [deltaOf(book, applied, at)];
  for (const change of levels) {
    const { side, priceMicro, sizeMicro } = change;
    const stamp = { seq: book.seq + 1, tsEventMs: at.tsEventMs };
    const result = recordLevel(book.history, stamp, side, priceMicro, sizeMicro);
    if (isRefusal(result)) return [...tell(), ...suspect(book, at, `refused level: ${result}`)];
    if (result === "changed") applied.push(change);
  }
  extendBurst(book, told, levels.length, at, stated);
  return tell();
}

const deltas = (book: TokenBook, applied: readonly LevelChange[], at: At): Output[] =>
  applied.length === 0 ? [] : [deltaOf(book, applied, at)];

export function applyTrade(
  book: TokenBook,
  trade: {
    readonly side: Side;
    readonly priceMicro: PriceMicro;
    readonly sizeMicro: number;
    readonly tsEventMs: number;
    readonly txHash: string | null;
  },
  at: At,
): Output[] {
  const { side, priceMicro, sizeMicro } = trade;
  const key = `${trade.txHash} ${trade.tsEventMs} ${side} ${priceMicro} ${sizeMicro}`;
  if (book.prints.includes(key)) return [];
  book.prints = [key, ...book.prints].slice(0, RECENT_PRINTS);
  rememberPrice(book, lastTradeText(priceMicro));
  if (!isOpen(book)) return [];
  recordTrade(book.history, { seq: book.seq, tsEventMs: at.tsEventMs }, side, priceMicro, sizeMicro);
  const print: TradePrint = {
    ...header(book, at),
    type: "TradePrint",
    side,
    priceMicro,
    sizeMicro: sharesMicro(BigInt(sizeMicro)),
  };
  return [print];
}

/** Takes a message into the running burst when it carries its hash, else begins one: the burst before is proved by then. */
function extendBurst(
  book: TokenBook,
  { tsEventMs, hash }: Stamped,
  entries: number,
  { tsEventMs: sinceMs, tsInitMs }: At,
  stated: StatedBest | null,
): void {
  const { burst } = book;
  book.last = { tsEventMs, hash };
  book.isMissing = false;
  book.burst =
    burst !== null && burst.hash === hash
      ? { ...burst, entries: burst.entries + entries, tsInitMs, stated: stated ?? burst.stated }
      : { tsEventMs, hash, entries, tsInitMs, sinceMs, stated };
}

/** The changes of one token under one hash are one update; tokens take turns in a frame. */
export function byTokenAndHash(changes: readonly PriceChange[]): PriceChange[][] {
  const groups = new Map<string, PriceChange[]>();
  for (const change of changes) {
    const key = `${change.tokenId} ${change.hash}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [change]);
    else group.push(change);
  }
  return [...groups.values()];
}
