/**
 * What the market channel does to a book: full books, level changes, prints. Changes count in the order of arrival; a
 * change stamped before one that is already applied is a repeat of the venue, which never sends them out of order.
 */
import { lastTradeText } from "@slipstream/book/hash";
import { lastPosition, openEpoch, openHole, recordLevel, recordSnapshot, recordTrade } from "@slipstream/book/history";
import { deltasAfter } from "@slipstream/book/historyAnswers";
import { type ApplyResult, finerTick, flatLevels, isRefusal } from "@slipstream/book/ladder";
import type { TradePrint } from "@slipstream/contracts/book";
import { type PriceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";
import {
  type At,
  deltaOf,
  type FullBook,
  header,
  isOpen,
  type LevelChange,
  type NextEpoch,
  type Output,
  rememberPrice,
  type Stamped,
  snapshotOf,
  suspect,
  type TokenBook,
} from "./tokenBook.ts";

const HASHES_OF_ONE_MS = 8;
/** Some seconds of the busiest token ever seen; beyond, the oldest go and a newer full book is waited for. */
const JOINING_MAX = 4_096;
/** Repeats come within 120 ms (reference §6.3). */
const RECENT_PRINTS = 16;

/** Opens an epoch with a full book. Returns nothing when the book is refused: what was before stands. */
export function openBook(book: TokenBook, full: FullBook, epoch: string, at: At): Output[] {
  const stated = full.tickMicro ?? book.market?.tickMicro ?? book.history.book?.tickMicro;
  const tickMicro = stated === undefined ? null : tickFor(stated, full);
  if (tickMicro === null) return [];
  const { bids, asks } = full;
  const result = openEpoch(book.history, { epoch, seq: 0, tsEventMs: at.tsEventMs, tickMicro, bids, asks });
  if (isRefusal(result)) return [];
  book.conditionId = full.conditionId;
  learn(book, full);
  book.epoch = epoch;
  book.seq = 0;
  book.health = "healthy";
  book.firstFailureMs = null;
  book.touch.failedMs = null;
  book.touch.crossed = null;
  book.touch.trusted = true;
  book.joining = null;
  book.restAheadMs = null;
  extendBurst(book, full, 1, at);
  const snapshot = snapshotOf(book, at);
  return snapshot === null ? [] : [snapshot];
}

/** The ladder's step: the venue's stated tick, or the finer one that the levels need. */
function tickFor(stated: number, { bids, asks }: FullBook): number | null {
  let tick: number | null = stated;
  for (const levels of [bids, asks]) {
    for (let at = 0; at < levels.length && tick !== null; at += 2) {
      const price = levels[at] ?? 0;
      if (price % tick !== 0) tick = finerTick(tick, price);
    }
  }
  return tick;
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
export function applyFullBook(book: TokenBook, full: FullBook, nextEpoch: NextEpoch, at: At): Output[] {
  if (!isOpen(book)) return [];
  const position = lastPosition(book.history);
  const stamp = { seq: book.seq + 1, tsEventMs: at.tsEventMs };
  const result = recordSnapshot(book.history, stamp, full.bids, full.asks);
  if (result === "PRICE_OFF_TICK") {
    openHole(book.history, at.tsEventMs - 1);
    return openBook(book, full, nextEpoch(), at);
  }
  if (isRefusal(result)) return suspect(book, at, `refused book: ${result}`);
  learn(book, full);
  extendBurst(book, full, 1, at);
  if (result === "unchanged") return [];
  const answer = deltasAfter(book.history, position);
  const changes: LevelChange[] = [];
  if (answer.kind === "entries") {
    for (const entry of answer.entries) if (entry.kind === "level") changes.push(entry);
  }
  return [deltaOf(book, changes, at)];
}

/** Applies the changes of one price_change frame that concern this token and carry one hash. */
export function applyChanges(
  book: TokenBook,
  changes: readonly LevelChange[],
  stamped: Stamped,
  nextEpoch: NextEpoch,
  at: At,
): Output[] {
  if (isRepeat(book, stamped)) return [];
  if (book.joining !== null) {
    noteNewest(book, stamped);
    const { entries } = book.joining;
    entries.push({ ...stamped, levels: changes });
    if (entries.length > JOINING_MAX) {
      const [gone] = entries.splice(0, 1);
      book.joining = { ...book.joining, sinceMs: gone?.tsEventMs ?? book.joining.sinceMs };
    }
    return [];
  }
  if (!isOpen(book)) return [];
  noteNewest(book, stamped);
  const applied: LevelChange[] = [];
  const outputs: Output[] = [];
  for (const change of changes) {
    let result = applyLevel(book, change, at);
    if (result === "PRICE_OFF_TICK") {
      // The snapshot of the finer epoch has what was applied so far.
      const snapshot = refine(book, change.priceMicro, nextEpoch(), at);
      if (snapshot.length > 0) applied.length = 0;
      outputs.push(...snapshot);
      result = applyLevel(book, change, at);
    }
    if (isRefusal(result))
      return [...outputs, ...deltas(book, applied, at), ...suspect(book, at, `refused level: ${result}`)];
    if (result === "changed") applied.push(change);
  }
  extendBurst(book, stamped, changes.length, at);
  outputs.push(...deltas(book, applied, at));
  return outputs;
}

const deltas = (book: TokenBook, applied: readonly LevelChange[], at: At): Output[] =>
  applied.length === 0 ? [] : [deltaOf(book, applied, at)];

function applyLevel(book: TokenBook, { side, priceMicro, sizeMicro }: LevelChange, at: At): ApplyResult {
  const stamp = { seq: book.seq + 1, tsEventMs: at.tsEventMs };
  return recordLevel(book.history, stamp, side, priceMicro, sizeMicro);
}

/** A price off the ladder: the market's tick became finer, which the venue does not always announce. */
function refine(book: TokenBook, priceMicro: number, epoch: string, at: At): Output[] {
  const live = book.history.book;
  const tickMicro = live === null ? null : finerTick(live.tickMicro, priceMicro);
  if (live === null || tickMicro === null) return [];
  const levels = { bids: flatLevels(live, "BUY"), asks: flatLevels(live, "SELL") };
  // Nothing was lost: the epoch before is known up to this moment.
  openHole(book.history, at.tsEventMs - 1);
  openEpoch(book.history, { epoch, seq: 0, tsEventMs: at.tsEventMs, tickMicro, ...levels });
  book.epoch = epoch;
  book.seq = 0;
  const snapshot = snapshotOf(book, at);
  return snapshot === null ? [] : [snapshot];
}

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

/** True for a change that the book has, or that came before one it has. */
export function isRepeat({ newest }: TokenBook, { tsEventMs, hash }: Stamped): boolean {
  if (tsEventMs !== newest.tsEventMs) return tsEventMs < newest.tsEventMs;
  return newest.hashes.includes(hash) && newest.hashes.at(-1) !== hash;
}

function noteNewest(book: TokenBook, { tsEventMs, hash }: Stamped): void {
  const { newest } = book;
  if (newest.tsEventMs === tsEventMs && newest.hashes.at(-1) === hash) return;
  const hashes = newest.tsEventMs === tsEventMs ? newest.hashes.slice(1 - HASHES_OF_ONE_MS) : [];
  book.newest = { tsEventMs, hashes: [...hashes, hash] };
}

/** Takes a message into the running burst when it carries its hash, else begins one: the burst before is proved by then. */
function extendBurst(book: TokenBook, { tsEventMs, hash }: Stamped, entries: number, { tsInitMs }: At): void {
  const { burst } = book;
  book.last = { tsEventMs, hash };
  book.burst =
    burst !== null && burst.hash === hash
      ? { ...burst, entries: burst.entries + entries, tsInitMs }
      : { tsEventMs, hash, entries, tsInitMs };
}
