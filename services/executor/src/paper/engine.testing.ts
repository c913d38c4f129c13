/** A small book, an order and an engine for tests. */
import {
  type BookHistory,
  createHistory,
  openEpoch,
  openHole,
  recordLevel,
  recordTrade,
} from "@slipstream/book/history";
import type { AccountId, Address, ClientOrderId, ConditionId, TokenId } from "@slipstream/contracts/ids";
import { type PriceMicro, priceMicro, type Side, sharesMicro } from "@slipstream/contracts/money";
import type { OrderToPlace } from "../core/messages.ts";
import { advance, createPaperEngine, placeOrder } from "./engine.ts";
import type { PaperEvent } from "./events.ts";

export const tokenId = "7" as TokenId;
export const shares = (n: number) => sharesMicro(BigInt(Math.round(n * 1e6)));
export const cents = (n: number): PriceMicro => priceMicro(n * 10_000);
export const flat = (levels: readonly (readonly [number, number])[]): number[] =>
  levels.flatMap(([at, size]) => [at * 10_000, size * 1e6]);
export type Levels = readonly (readonly [number, number])[];

/** A book from 1,000 ms on: bids 48 × 50, 47 × 100; asks 50 × 20, 51 × 30, 52 × 100. Prices in cents. */
export const BIDS: Levels = [
  [48, 50],
  [47, 100],
];
export const ASKS: Levels = [
  [50, 20],
  [51, 30],
  [52, 100],
];

export function world(bids: Levels = BIDS, asks: Levels = ASKS) {
  const history: BookHistory = createHistory({ tokenId });
  let seq = 0;
  let epochs = 1;
  const epoch = (atMs: number, b: Levels, a: Levels): void => {
    const tickMicro = 10_000;
    openEpoch(history, { epoch: `1.${epochs++}`, seq: 0, tsEventMs: atMs, tickMicro, bids: flat(b), asks: flat(a) });
  };
  epoch(1_000, bids, asks);
  const engine = createPaperEngine();
  const events: PaperEvent[] = [];
  return {
    engine,
    history,
    events,
    epoch,
    hole: () => openHole(history),
    level: (atMs: number, side: Side, at: number, size: number): void => {
      seq += 1;
      recordLevel(history, { seq, tsEventMs: atMs }, side, at * 10_000, size * 1e6);
    },
    print: (atMs: number, taker: Side, at: number, size: number): void =>
      recordTrade(history, { seq, tsEventMs: atMs }, taker, at * 10_000, size * 1e6),
    order: (over: Partial<OrderToPlace> = {}): ClientOrderId => {
      const placed = { ...order, ...over };
      placeOrder(engine, placed);
      return placed.orderId;
    },
    until: (watermarkMs: number): void => {
      events.push(...advance(engine, tokenId, history, watermarkMs));
    },
    /** What happened, in short. */
    told: () => events.map(short),
  };
}

export const order: OrderToPlace = {
  orderId: "a" as ClientOrderId,
  account: "paper" as AccountId,
  mode: "paper",
  leader: `0x${"11".repeat(20)}` as Address,
  tokenId,
  conditionId: `0x${"c".repeat(64)}` as ConditionId,
  side: "BUY",
  limitPriceMicro: cents(51),
  sizeMicro: shares(30),
  timeInForce: "GTD",
  ttlMs: 5_000,
  placeAtMs: 2_000,
  fee: { rateMicro: 0, exponent: 1, takerOnly: true },
};
export const short = (event: PaperEvent): string =>
  event.kind === "fill"
    ? `${event.orderId} ${event.liquiditySide} ${Number(event.sizeMicro) / 1e6}@${event.priceMicro / 1e4} t${event.atMs}`
    : `${event.orderId} ${event.kind} t${event.atMs}`;

/** Rests 30 at 48 behind 50. */
export const resting = (over: Partial<OrderToPlace> = {}) => {
  const made = world();
  made.order({ limitPriceMicro: cents(48), ...over });
  made.until(2_000);
  return made;
};
