/** The fold of one market: both tokens' histories and the orders' own moments, in venue time (rules 3, 5, 6). */
import { bookAfter, bookAt, type HistoryEntry } from "@slipstream/book/historyAnswers";
import { type Book, sizeAt } from "@slipstream/book/ladder";
import type { AccountId, ConditionId } from "@slipstream/contracts/ids";
import {
  add,
  minAmount,
  otherSide,
  type PriceMicro,
  type SharesMicro,
  sharesMicro,
  subtractToZero,
  ZERO_SHARES,
} from "@slipstream/contracts/money";
import type { PaperEvent } from "./events.ts";
import { type KnownMarket, mirrored, type Tokens, type Which } from "./market.ts";
import { byPriority, end, expiresAtMs, fill, type PaperOrder } from "./orders.ts";
import { type BookThen, crossing, displayed, isClosedFor, place } from "./placement.ts";
import { queueAt } from "./queueAt.ts";
import { backOf, crosses, isBeyond, onLevel, onPrintAtPrice, onPrintBeyond } from "./resting.ts";
import {
  noteTotal,
  onFullBook,
  onTotal,
  onTotals,
  type TakenDepth,
  type TotalsByLevel,
  take,
  takenAt,
} from "./taken.ts";
import { type Feed, type Happening, newFeed, type Print, readOn } from "./timeline.ts";

export type MarketDesk = {
  readonly conditionId: ConditionId;
  readonly tokens: Tokens;
  /** In the sequence in which they were handed over. */
  orders: PaperOrder[];
  /** Those that rest, in the sequence in which the venue would fill them. */
  resting: PaperOrder[];
  readonly taken: TakenDepth;
  readonly feeds: readonly [Feed, Feed];
  /** The token whose totals tell what is still taken (rule 5.4); null before one of the books is known. */
  teller: Which | null;
  /** A gap or a full book may have changed who tells: decided after both tokens' changes of that millisecond. */
  retelling: Retelling | null;
  /** Venue time up to which everything is decided. */
  foldedMs: number;
};

type Retelling = {
  readonly atMs: number;
  /** Tokens whose full book came: new totals of all levels if the token tells from now on. */
  readonly byFullBook: readonly [boolean, boolean];
  /** Last totals of the levels that changed since, as each token told them. */
  readonly totals: readonly [TotalsByLevel, TotalsByLevel];
};

export const createMarketDesk = (conditionId: ConditionId, tokens: Tokens): MarketDesk => ({
  ...{ conditionId, tokens, orders: [], resting: [], taken: new Map(), feeds: [newFeed(), newFeed()] },
  ...{ teller: null, retelling: null, foldedMs: Number.NEGATIVE_INFINITY },
});

/** Folds everything up to the watermark. */
export function foldMarket(desk: MarketDesk, known: KnownMarket, events: PaperEvent[]): void {
  // What was before the first order's placement concerns none of them.
  const isFirst = desk.foldedMs === Number.NEGATIVE_INFINITY;
  const firstMs = Math.min(known.watermarkMs, ...desk.orders.map(({ order }) => order.placeAtMs));
  const happenings = readOn(desk.feeds, known, isFirst ? firstMs : desk.foldedMs, desk.foldedMs);
  // A token that is read for the first time may be known already.
  const teller = tellerOf(desk);
  if (teller !== desk.teller) tellFrom(desk, teller, desk.foldedMs);
  let at = 0;
  let act = nextAct(desk, known);
  for (;;) {
    const next = happenings[at];
    const { retelling } = desk;
    if (retelling !== null && isMillisecondOver(retelling, next)) retell(desk, retelling, known);
    if (act !== null && (next === undefined || comesFirst(act, next))) {
      perform(desk, act, known, events);
      act = nextAct(desk, known);
    } else if (next !== undefined) {
      const told = events.length;
      happen(desk, next, known, events);
      if (events.length > told) act = nextAct(desk, known);
      at += 1;
    } else break;
  }
  desk.foldedMs = known.watermarkMs;
}

/** In the sequence of one millisecond (rule 3.1). */
const ACT_KINDS = ["close", "cancel", "expire", "place"] as const;
type Act = { readonly kind: (typeof ACT_KINDS)[number]; readonly atMs: number; readonly paper: PaperOrder };

/** The earliest moment of an order's own up to the watermark, older orders first. */
function nextAct(desk: MarketDesk, known: KnownMarket): Act | null {
  let first: Act | null = null;
  const rank = ({ kind }: Act): number => ACT_KINDS.indexOf(kind);
  for (const paper of desk.orders) {
    if (paper.isOver) continue;
    for (const act of actsOf(paper, desk, known)) {
      if (act.atMs > known.watermarkMs) continue;
      if (first === null || act.atMs < first.atMs || (act.atMs === first.atMs && rank(act) < rank(first))) first = act;
    }
  }
  return first;
}

function actsOf(paper: PaperOrder, { foldedMs }: MarketDesk, { closedMs }: KnownMarket): Act[] {
  const acts: Act[] = [];
  const { cancelAtMs, phase } = paper;
  // What it was at the time of placement comes first.
  if (phase === "asking") return acts;
  if (cancelAtMs !== null) acts.push({ kind: "cancel", atMs: cancelAtMs, paper });
  if (phase === "resting") {
    acts.push({ kind: "expire", atMs: expiresAtMs(paper), paper });
    // Told late, it ends what is open and takes nothing back.
    if (closedMs !== null) acts.push({ kind: "close", atMs: Math.max(closedMs, foldedMs), paper });
  }
  if (phase === "waiting") acts.push({ kind: "place", atMs: paper.order.placeAtMs, paper });
  return acts;
}

const comesFirst = (act: Act, { tsMs }: Happening): boolean =>
  act.kind === "place" ? act.atMs < tsMs : act.atMs <= tsMs;

function perform(desk: MarketDesk, { kind, atMs, paper }: Act, known: KnownMarket, events: PaperEvent[]): void {
  if (kind === "close") end(paper, "closed", atMs, events);
  else if (kind === "cancel") end(paper, "canceled", atMs, events);
  else if (kind === "expire") end(paper, "expired", atMs, events);
  else {
    const history = known.histories[paper.which];
    const answer = history === null ? null : bookAt(history, atMs, known.watermarkMs);
    if (answer?.kind === "book") placeAndRest(desk, paper, answer, known, events);
    else if (isClosedFor(paper, known.closedMs)) placeAndRest(desk, paper, null, known, events);
    else paper.phase = "asking";
  }
}

/** @param known - null: nothing of the market is known now. */
export function placeAndRest(
  desk: MarketDesk,
  paper: PaperOrder,
  then: BookThen | null,
  known: KnownMarket | null,
  events: PaperEvent[],
): void {
  if (!place(paper, then, desk.taken, known?.closedMs ?? null, events)) return;
  const { order } = paper;
  desk.resting = [...desk.resting.filter(({ isOver }) => !isOver), paper].sort(byPriority);
  if (known === null) return;
  const isNow = then !== null && order.placeAtMs >= desk.foldedMs;
  if (isNow) paper.queue = queueAt(paper, known, displayed(then.book, order.side, order.limitPriceMicro));
  else rejoin(desk, paper, bookNow(desk, paper.which, known), desk.foldedMs, events);
}

/** A token's book where the fold stands; null in a gap. */
function bookNow({ feeds }: MarketDesk, which: Which, { histories }: KnownMarket): Book | null {
  const history = histories[which];
  if (history === null || !feeds[which].isLive) return null;
  const answer = bookAfter(history, feeds[which].position);
  return answer.kind === "book" ? answer.book : null;
}

/** After a gap: at the back of its level, and what crosses it by now has met it (rule 6.9). */
function rejoin(desk: MarketDesk, paper: PaperOrder, book: Book | null, atMs: number, events: PaperEvent[]): void {
  const { side, limitPriceMicro } = paper.order;
  paper.queue = book === null ? null : backOf(displayed(book, side, limitPriceMicro));
  if (book === null || atMs >= expiresAtMs(paper) || (paper.cancelAtMs !== null && atMs >= paper.cancelAtMs)) return;
  for (const level of crossing(paper, book, paper.leavesMicro, desk.taken)) meet(desk, paper, level, atMs, events);
}

type Offered = { readonly priceMicro: PriceMicro; readonly sizeMicro: SharesMicro };

/** Liquidity of the other side has come to our price: it trades with us there (rule 6.10). */
function meet(
  { taken }: MarketDesk,
  paper: PaperOrder,
  { priceMicro, sizeMicro }: Offered,
  atMs: number,
  events: PaperEvent[],
): void {
  const { account, side, limitPriceMicro } = paper.order;
  const filled = fill(paper, { atMs, priceMicro: limitPriceMicro, liquiditySide: "maker" }, sizeMicro, events);
  if (filled > 0n) take(taken, account, mirrored(paper.which, { side: otherSide(side), priceMicro }), filled);
}

function happen(desk: MarketDesk, { which, tsMs, entry }: Happening, known: KnownMarket, events: PaperEvent[]): void {
  const feed = desk.feeds[which];
  if (entry.kind === "trade") {
    printed(desk, which, entry, tsMs, events);
    return;
  }
  feed.position = entry.position;
  switch (entry.kind) {
    case "tick":
      return;
    case "hole":
      feed.isLive = false;
      for (const paper of desk.resting) if (paper.which === which) paper.queue = null;
      if (desk.teller === which) tellFrom(desk, null, tsMs);
      return;
    case "epoch":
      reopened(desk, which, known, tsMs, events);
      return;
    case "level":
      levelChanged(desk, which, entry, tsMs, events);
  }
}

/** A full book ends a gap. */
function reopened(desk: MarketDesk, which: Which, known: KnownMarket, atMs: number, events: PaperEvent[]): void {
  desk.feeds[which].isLive = true;
  const book = bookNow(desk, which, known);
  desk.feeds[which].isLive = book !== null;
  // The first token's book tells whenever it is known, the second's without it.
  if (book !== null && (which === 0 || desk.teller !== 0)) tellFrom(desk, which, atMs);
  for (const paper of desk.resting) {
    if (paper.which === which && !paper.isOver) rejoin(desk, paper, book, atMs, events);
  }
}

/** Until the millisecond is over nobody tells what is taken. @param opened - whose full book came; null: a gap did. */
function tellFrom(desk: MarketDesk, opened: Which | null, atMs: number): void {
  const [first, second] = desk.retelling?.byFullBook ?? [false, false];
  const totals = desk.retelling?.totals ?? ([new Map(), new Map()] as const);
  desk.retelling = { atMs, byFullBook: [first || opened === 0, second || opened === 1], totals };
  desk.teller = null;
}

const tellerOf = ({ feeds: [first, second] }: MarketDesk): Which | null =>
  first.isLive ? 0 : second.isLive ? 1 : null;

const isMillisecondOver = ({ atMs }: Retelling, next: Happening | undefined): boolean =>
  next === undefined || next.tsMs > atMs || next.entry.kind === "trade";

/**
 * The first token tells what is taken while its book is known, else the second. Only a full book tells all levels anew: of
 * a book that merely takes over what it changes counts, as it may be behind with the rest, and what it does not show yet
 * must not be taken again when it does (rule 5.5).
 */
function retell(desk: MarketDesk, { byFullBook, totals }: Retelling, known: KnownMarket): void {
  const teller = tellerOf(desk);
  desk.teller = teller;
  desk.retelling = null;
  if (teller === null || desk.taken.size === 0) return;
  const book = bookNow(desk, teller, known);
  if (book === null) return;
  if (!byFullBook[teller]) onTotals(desk.taken, totals[teller]);
  else {
    onFullBook(desk.taken, (level) => {
      const { side, priceMicro } = mirrored(teller, level);
      return sizeAt(book, side, priceMicro);
    });
  }
}

function levelChanged(
  desk: MarketDesk,
  which: Which,
  { side, priceMicro, sizeMicro: total }: Extract<HistoryEntry, { kind: "level" }>,
  atMs: number,
  events: PaperEvent[],
): void {
  const level = mirrored(which, { side, priceMicro });
  if (desk.teller === which) onTotal(desk.taken, level, total);
  if (desk.retelling !== null) noteTotal(desk.retelling.totals[which], level, total);
  const sizeMicro = sharesMicro(BigInt(total));
  for (const paper of desk.resting) {
    const { queue, order } = paper;
    if (queue === null || paper.which !== which || paper.isOver) continue;
    if (side === order.side) {
      if (priceMicro === order.limitPriceMicro) onLevel(queue, sizeMicro, atMs);
    } else if (crosses(order.side, order.limitPriceMicro, priceMicro)) {
      const available = subtractToZero(sizeMicro, takenAt(desk.taken, order.account, level));
      meet(desk, paper, { priceMicro, sizeMicro: available }, atMs, events);
    }
  }
}

/** A print fills the resting orders that its taker would have met, on both tokens; those of one account share it (6.8). */
function printed(desk: MarketDesk, which: Which, print: Print, atMs: number, events: PaperEvent[]): void {
  const { side, priceMicro } = mirrored(which, print);
  const sizeMicro = sharesMicro(BigInt(print.sizeMicro));
  const filled = new Map<AccountId, SharesMicro>();
  for (const paper of desk.resting) {
    const { queue, order, at } = paper;
    if (queue === null || at.side === side || paper.isOver) continue;
    let reachingMicro: SharesMicro;
    if (isBeyond(at.side, at.priceMicro, priceMicro)) {
      onPrintBeyond(queue);
      reachingMicro = sizeMicro;
    } else if (at.priceMicro === priceMicro) {
      reachingMicro = onPrintAtPrice(queue, sizeMicro, atMs);
    } else continue;
    const beforeMicro = filled.get(order.account) ?? ZERO_SHARES;
    const share = minAmount(paper.leavesMicro, subtractToZero(reachingMicro, beforeMicro));
    const as = { atMs, priceMicro: order.limitPriceMicro, liquiditySide: "maker" as const };
    filled.set(order.account, add(beforeMicro, fill(paper, as, share, events)));
  }
}
