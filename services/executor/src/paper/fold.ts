/** The fold of one token: its book's history and its orders' own moments, in venue time. */
import { entryTs } from "@slipstream/book/entryRing";
import type { BookHistory } from "@slipstream/book/history";
import { bookAfter, bookAt, deltasAfter, type HistoryEntry } from "@slipstream/book/historyAnswers";
import { type Book, sizeAt } from "@slipstream/book/ladder";
import { sweep } from "@slipstream/book/sweep";
import type { AccountId } from "@slipstream/contracts/ids";
import {
  floorToStep,
  minAmount,
  otherSide,
  type SharesMicro,
  type Side,
  sharesMicro,
  subtractToZero,
} from "@slipstream/contracts/money";
import { type ConsumedDepth, consume, consumedAt, onLevelSize } from "./consumed.ts";
import type { PaperEvent } from "./events.ts";
import { endOf, expiresAtMs, fill, type PaperOrder } from "./orders.ts";
import { backOf, crosses, isBeyond, onLevel, onPrintAtPrice } from "./resting.ts";

export type TokenDesk = {
  /** In the order they came. */
  orders: PaperOrder[];
  readonly consumed: ConsumedDepth;
  /** Last history entry folded. */
  position: number;
  /** Venue time up to which everything is decided. */
  foldedMs: number;
};

export const createDesk = (): TokenDesk => ({
  orders: [],
  consumed: new Map(),
  position: -1,
  foldedMs: Number.NEGATIVE_INFINITY,
});

/** A reservation's bound of the fee counts on it; no limit within a price guard spans more levels. */
const SWEEP_LEVELS_MAX = 64;

/** Folds everything up to the watermark. */
export function foldDesk(desk: TokenDesk, history: BookHistory, watermarkMs: number, events: PaperEvent[]): void {
  const entries = newEntries(desk, history, watermarkMs, events);
  let at = 0;
  for (;;) {
    const entry = entries[at];
    const act = nextAct(desk, watermarkMs, events);
    if (act !== null && (entry === undefined || comesFirst(act, entry)))
      perform(desk, act, history, watermarkMs, events);
    else if (entry !== undefined) {
      desk.position = entry.position;
      applyEntry(desk, entry, history, events);
      at += 1;
    } else break;
  }
  desk.foldedMs = watermarkMs;
}

/** A desk begins at its first order's placement or the watermark: what was before concerns none of its orders. */
function newEntries(
  desk: TokenDesk,
  history: BookHistory,
  watermarkMs: number,
  events: PaperEvent[],
): readonly HistoryEntry[] {
  if (desk.foldedMs === Number.NEGATIVE_INFINITY) {
    const firstMs = Math.min(watermarkMs, ...desk.orders.map(({ order }) => order.placeAtMs));
    desk.position = positionAt(history, firstMs);
  }
  const answer = deltasAfter(history, desk.position, watermarkMs);
  if (answer.kind === "entries") return answer.entries;
  // The history dropped entries before they were read: a hole of our own making.
  desk.consumed.clear();
  desk.position = answer.oldestPosition - 1;
  rejoin(desk, history, desk.foldedMs, events);
  const rest = deltasAfter(history, desk.position, watermarkMs);
  return rest.kind === "entries" ? rest.entries : [];
}

/** Last entry with a time <= `tsMs`. */
function positionAt({ ring }: BookHistory, tsMs: number): number {
  let position = ring.end - 1;
  while (position >= ring.first && entryTs(ring, position) > tsMs) position -= 1;
  return position;
}

type Act = { readonly kind: "place" | "expire" | "cancel"; readonly atMs: number; readonly paper: PaperOrder };

const isOver = (paper: PaperOrder, events: readonly PaperEvent[]): boolean =>
  paper.leavesMicro === 0n || events.some(({ kind, orderId }) => kind !== "fill" && orderId === paper.order.orderId);

/** The earliest moment of an order's own, ends before placements, older orders first. */
function nextAct(desk: TokenDesk, watermarkMs: number, events: readonly PaperEvent[]): Act | null {
  let first: Act | null = null;
  for (const paper of desk.orders) {
    for (const act of actsOf(paper)) {
      if (act.atMs > watermarkMs) continue;
      const isEarlier = first === null || act.atMs < first.atMs;
      const isEndAtSameTime =
        first !== null && act.atMs === first.atMs && act.kind !== "place" && first.kind === "place";
      if ((isEarlier || isEndAtSameTime) && !isOver(paper, events)) first = act;
    }
  }
  return first;
}

function actsOf(paper: PaperOrder): Act[] {
  const acts: Act[] = [];
  if (paper.cancelAtMs !== null) acts.push({ kind: "cancel", atMs: paper.cancelAtMs, paper });
  if (paper.phase === "resting") acts.push({ kind: "expire", atMs: expiresAtMs(paper), paper });
  if (paper.phase === "waiting") acts.push({ kind: "place", atMs: paper.order.placeAtMs, paper });
  return acts;
}

const comesFirst = (act: Act, entry: HistoryEntry): boolean =>
  act.kind === "place" ? act.atMs < entry.tsEventMs : act.atMs <= entry.tsEventMs;

function perform(
  desk: TokenDesk,
  { kind, atMs, paper }: Act,
  history: BookHistory,
  watermarkMs: number,
  events: PaperEvent[],
): void {
  if (kind !== "place") {
    events.push(endOf(paper, kind === "expire" ? "expired" : "canceled", atMs));
    return;
  }
  const answer = bookAt(history, atMs, watermarkMs);
  if (answer.kind === "book") place(desk, paper, answer.book, history, events);
  else paper.phase = "asking";
}

/**
 * Sweeps the book of the time of placement; null: nobody knows it. Fills that the log already has are counted, not made
 * again: the same book gives the same fills with the same numbers.
 */
export function place(
  desk: TokenDesk,
  paper: PaperOrder,
  book: Book | null,
  history: BookHistory | null,
  events: PaperEvent[],
): void {
  const { order, known } = paper;
  const atMs = order.placeAtMs;
  if (book === null && (known.fills === 0 || order.timeInForce !== "GTD")) {
    events.push(endOf(paper, "blind", atMs));
    return;
  }
  if (book !== null && !takeLiquidity(desk, paper, book, events)) return;
  paper.next = Math.max(paper.next, known.fills);
  if (paper.leavesMicro === 0n) return;
  if (order.timeInForce !== "GTD") {
    events.push(endOf(paper, "remainder", atMs));
    return;
  }
  paper.phase = "resting";
  const isNow = book !== null && atMs >= desk.foldedMs;
  if (isNow) paper.queue = backOf(displayed(book, order.side, order.limitPriceMicro));
  else if (history !== null) rejoinOne(desk, paper, bookNow(desk, history), desk.foldedMs, events);
}

/** @returns false when it was a FOK that could not be filled at once. */
function takeLiquidity(desk: TokenDesk, paper: PaperOrder, book: Book, events: PaperEvent[]): boolean {
  const { order, known } = paper;
  const { account, side } = order;
  const levelSide = otherSide(side);
  const levels = sweep(book, order, (at, price) => consumedAt(desk.consumed, account, at, price))
    .fills.slice(0, SWEEP_LEVELS_MAX)
    .map(({ priceMicro, sizeMicro }) => ({ priceMicro, sizeMicro: floorToStep(sizeMicro) }))
    .filter(({ sizeMicro }) => sizeMicro > 0n);
  const missing = levels.reduce((left, { sizeMicro }) => subtractToZero(left, sizeMicro), order.sizeMicro);
  if (order.timeInForce === "FOK" && missing > 0n && known.fills === 0) {
    events.push(endOf(paper, "killed", order.placeAtMs));
    return false;
  }
  for (const { priceMicro, sizeMicro } of levels) {
    consume(desk.consumed, { account, side: levelSide, priceMicro }, sizeMicro);
    if (paper.next < known.fills) paper.next += 1;
    else fill(paper, { atMs: order.placeAtMs, priceMicro, liquiditySide: "taker" }, sizeMicro, events);
  }
  return true;
}

const displayed = (book: Book, side: Side, price: PaperOrder["order"]["limitPriceMicro"]): SharesMicro =>
  sharesMicro(BigInt(sizeAt(book, side, price)));

/** The book where the fold stands; null in a hole. */
function bookNow(desk: TokenDesk, history: BookHistory): Book | null {
  const answer = bookAfter(history, desk.position);
  return answer.kind === "book" ? answer.book : null;
}

/** After a hole: every resting order is at the back of its level, and what crosses it by now has met it. */
function rejoin(desk: TokenDesk, history: BookHistory, atMs: number, events: PaperEvent[]): void {
  const book = bookNow(desk, history);
  for (const paper of desk.orders) {
    if (paper.phase === "resting" && !isOver(paper, events)) rejoinOne(desk, paper, book, atMs, events);
  }
}

function rejoinOne(desk: TokenDesk, paper: PaperOrder, book: Book | null, atMs: number, events: PaperEvent[]): void {
  const { order } = paper;
  if (book === null) {
    paper.queue = null;
    return;
  }
  paper.queue = backOf(displayed(book, order.side, order.limitPriceMicro));
  if (atMs >= expiresAtMs(paper)) return;
  const crossing = sweep(book, { ...order, sizeMicro: paper.leavesMicro }, (side, price) =>
    consumedAt(desk.consumed, order.account, side, price),
  );
  for (const level of crossing.fills) meet(desk, paper, level, atMs, events);
}

/** Liquidity of the other side has come to our price: it trades with us there. */
function meet(
  desk: TokenDesk,
  paper: PaperOrder,
  level: { readonly priceMicro: PaperOrder["order"]["limitPriceMicro"]; readonly sizeMicro: SharesMicro },
  atMs: number,
  events: PaperEvent[],
): void {
  const { account, side, limitPriceMicro } = paper.order;
  const at = { atMs, priceMicro: limitPriceMicro, liquiditySide: "maker" as const };
  const filled = fill(paper, at, level.sizeMicro, events);
  if (filled > 0n) consume(desk.consumed, { account, side: otherSide(side), priceMicro: level.priceMicro }, filled);
}

function applyEntry(desk: TokenDesk, entry: HistoryEntry, history: BookHistory, events: PaperEvent[]): void {
  switch (entry.kind) {
    case "hole":
      for (const paper of desk.orders) paper.queue = null;
      break;
    case "epoch":
      desk.consumed.clear();
      rejoin(desk, history, entry.tsEventMs, events);
      break;
    case "level":
      onLevelSize(desk.consumed, entry.side, entry.priceMicro, entry.sizeMicro);
      for (const paper of desk.orders) if (!isOver(paper, events)) levelChanged(desk, paper, entry, events);
      break;
    case "trade":
      printed(desk, entry, events);
      break;
  }
}

function levelChanged(
  desk: TokenDesk,
  paper: PaperOrder,
  entry: Extract<HistoryEntry, { kind: "level" }>,
  events: PaperEvent[],
): void {
  const { queue, order } = paper;
  if (queue === null) return;
  const { side, priceMicro, tsEventMs } = entry;
  const sizeMicro = sharesMicro(BigInt(entry.sizeMicro));
  if (side === order.side) {
    if (priceMicro === order.limitPriceMicro) onLevel(queue, sizeMicro, tsEventMs);
    return;
  }
  if (!crosses(order.side, order.limitPriceMicro, priceMicro)) return;
  const available = subtractToZero(sizeMicro, consumedAt(desk.consumed, order.account, side, priceMicro));
  meet(desk, paper, { priceMicro, sizeMicro: available }, tsEventMs, events);
}

/** A print fills the resting orders that its taker would have met. Orders of one account share it, older ones first. */
function printed(desk: TokenDesk, entry: Extract<HistoryEntry, { kind: "trade" }>, events: PaperEvent[]): void {
  const sizeMicro = sharesMicro(BigInt(entry.sizeMicro));
  const left = new Map<AccountId, SharesMicro>();
  for (const paper of desk.orders) {
    const { queue, order } = paper;
    if (queue === null || order.side === entry.side || isOver(paper, events)) continue;
    const { account, limitPriceMicro, side } = order;
    const share = left.get(account) ?? sizeMicro;
    let reaching: SharesMicro;
    if (isBeyond(side, limitPriceMicro, entry.priceMicro)) {
      queue.aheadMicro = sharesMicro(0n);
      reaching = share;
    } else if (entry.priceMicro === limitPriceMicro) {
      reaching = minAmount(share, onPrintAtPrice(queue, sizeMicro, entry.tsEventMs));
    } else continue;
    const at = { atMs: entry.tsEventMs, priceMicro: limitPriceMicro, liquiditySide: "maker" as const };
    left.set(account, subtractToZero(share, fill(paper, at, reaching, events)));
  }
}
