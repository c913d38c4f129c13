/** One paper order inside the engine, and the events it causes. */
import {
  minAmount,
  notional,
  type PriceMicro,
  type SharesMicro,
  subtract,
  subtractToZero,
  takerFee,
  ZERO_SHARES,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { OrderRefusal } from "@slipstream/polymarket/orderRules";
import type { OrderToPlace } from "../core/messages.ts";
import type { PaperEnd, PaperEvent } from "./events.ts";
import { type MarketLevel, mirrored, type Which, whichOf } from "./market.ts";
import type { Queue } from "./resting.ts";

/** What the log already has of an order that is taken up again after a restart. */
export type KnownFills = { readonly fills: number; readonly filledMicro: SharesMicro };
export const NO_FILLS: KnownFills = { fills: 0, filledMicro: ZERO_SHARES };

/**
 * `waiting` for the watermark to pass the time of placement → `asking` somebody else for the book of that time when our
 * own history cannot tell → `resting`.
 */
export type PaperOrder = {
  readonly order: OrderToPlace;
  readonly known: KnownFills;
  /** Place in the sequence in which the orders were handed over: the log's. */
  readonly sequence: number;
  /** Its token. */
  readonly which: Which;
  /** Side and limit in the market's coordinates. */
  readonly at: MarketLevel;
  isOver: boolean;
  phase: "waiting" | "asking" | "resting";
  leavesMicro: SharesMicro;
  /** Number of the next fill. */
  next: number;
  /** null in a hole, where nothing fills, and before it rests. */
  queue: Queue | null;
  cancelAtMs: number | null;
};

export function newPaperOrder(order: OrderToPlace, known: KnownFills, sequence: number): PaperOrder {
  const which = whichOf(order.tokens, order.tokenId);
  return {
    ...{ order, known, sequence, which },
    at: mirrored(which, { side: order.side, priceMicro: order.limitPriceMicro }),
    ...{ isOver: false, phase: "waiting", queue: null, cancelAtMs: null, next: 0 },
    leavesMicro: subtractToZero(order.sizeMicro, known.filledMicro),
  };
}

/** Best price first, then the older one: the sequence in which the venue would fill them (rule 6.8). */
export function byPriority(a: PaperOrder, b: PaperOrder): number {
  if (a.at.side !== b.at.side) return a.at.side === "BUY" ? -1 : 1;
  const byPrice = a.at.side === "BUY" ? b.at.priceMicro - a.at.priceMicro : a.at.priceMicro - b.at.priceMicro;
  return byPrice || a.order.placeAtMs - b.order.placeAtMs || a.sequence - b.sequence;
}

/**
 * Fills at most what is left, exact to the micro-share. Takers pay the market's fee, makers nothing.
 * @returns the size that was filled.
 */
export function fill(
  paper: PaperOrder,
  at: { readonly atMs: number; readonly priceMicro: PriceMicro; readonly liquiditySide: "maker" | "taker" },
  availableMicro: SharesMicro,
  events: PaperEvent[],
): SharesMicro {
  const sizeMicro = minAmount(paper.leavesMicro, availableMicro);
  if (sizeMicro <= 0n) return ZERO_SHARES;
  const { orderId, tokenId, side, fee } = paper.order;
  const { priceMicro, liquiditySide, atMs } = at;
  paper.leavesMicro = subtract(paper.leavesMicro, sizeMicro);
  events.push({
    ...{ kind: "fill", orderId, tokenId, atMs, n: paper.next, priceMicro, sizeMicro, liquiditySide },
    usdcMicro: notional(priceMicro, sizeMicro, side === "BUY" ? "ceil" : "floor"),
    feeMicro: liquiditySide === "taker" ? takerFee(fee, priceMicro, sizeMicro) : ZERO_USDC,
  });
  paper.next += 1;
  paper.isOver = paper.leavesMicro === 0n;
  return sizeMicro;
}

export function end(paper: PaperOrder, kind: PaperEnd["kind"], atMs: number, events: PaperEvent[]): void {
  const { orderId, tokenId } = paper.order;
  paper.isOver = true;
  events.push({ kind, orderId, tokenId, atMs });
}

export function refuse(paper: PaperOrder, { code, text }: OrderRefusal, events: PaperEvent[]): void {
  const { orderId, tokenId, placeAtMs } = paper.order;
  paper.isOver = true;
  events.push({ kind: "refused", orderId, tokenId, atMs: placeAtMs, code, text });
}

export const expiresAtMs = ({ order }: PaperOrder): number => order.placeAtMs + order.ttlMs;
