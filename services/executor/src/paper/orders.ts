/** One paper order inside the engine, and the events it causes. */
import {
  floorToStep,
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
import type { OrderToPlace } from "../core/messages.ts";
import type { PaperEnd, PaperEvent } from "./events.ts";
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
  phase: "waiting" | "asking" | "resting";
  leavesMicro: SharesMicro;
  /** Number of the next fill. */
  next: number;
  /** null in a hole, where nothing fills, and before it rests. */
  queue: Queue | null;
  cancelAtMs: number | null;
};

export const newPaperOrder = (order: OrderToPlace, known: KnownFills): PaperOrder => ({
  ...{ order, known, phase: "waiting", queue: null, cancelAtMs: null, next: 0 },
  leavesMicro: subtractToZero(order.sizeMicro, known.filledMicro),
});

/**
 * Fills at most what is left, in whole steps. Takers pay the market's fee, makers nothing.
 * @returns the size that was filled.
 */
export function fill(
  paper: PaperOrder,
  at: { readonly atMs: number; readonly priceMicro: PriceMicro; readonly liquiditySide: "maker" | "taker" },
  availableMicro: SharesMicro,
  events: PaperEvent[],
): SharesMicro {
  const sizeMicro = floorToStep(minAmount(paper.leavesMicro, availableMicro));
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
  return sizeMicro;
}

export const endOf = ({ order }: PaperOrder, kind: PaperEnd["kind"], atMs: number): PaperEnd => ({
  kind,
  orderId: order.orderId,
  tokenId: order.tokenId,
  atMs,
});

export const expiresAtMs = ({ order }: PaperOrder): number => order.placeAtMs + order.ttlMs;
