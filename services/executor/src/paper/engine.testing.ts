/** A small market of two tokens, an order and an engine for tests. */
import {
  type BookHistory,
  createHistory,
  openEpoch,
  openHole,
  recordClosing,
  recordLevel,
  recordTick,
  recordTrade,
} from "@slipstream/book/history";
import type { AccountId, Address, ClientOrderId, ConditionId, TokenId } from "@slipstream/contracts/ids";
import { otherSide, type PriceMicro, parsePrice, type Side, sharesMicro } from "@slipstream/contracts/money";
import type { OrderToPlace } from "../core/messages.ts";
import { advance, createPaperEngine, placeOrder } from "./engine.ts";
import type { PaperEvent } from "./events.ts";
import { BOTH, type KnownMarket, type Which } from "./market.ts";

export const YES = "7" as TokenId;
export const NO = "8" as TokenId;
export const conditionId = `0x${"c".repeat(64)}` as ConditionId;
export const shares = (n: number) => sharesMicro(BigInt(Math.round(n * 1e6)));
const micro = (cents: number): number => Math.round(cents * 10_000);
export const cents = (n: number): PriceMicro => parsePrice(String(micro(n) / 1e6));
export const flat = (levels: Levels): number[] => levels.flatMap(([at, size]) => [micro(at), Math.round(size * 1e6)]);
export type Levels = readonly (readonly [number, number])[];

/** A book from 1,000 ms on: bids 48 × 50, 47 × 100; asks 50 × 20, 51 × 30, 52 × 100. Prices in cents of the first token. */
export const BIDS: Levels = [
  [48, 50],
  [47, 100],
];
export const ASKS: Levels = [
  [50, 20],
  [51, 30],
  [52, 100],
];
const mirror = (levels: Levels): Levels => levels.map(([at, size]) => [100 - at, size] as const);

/** The venue tells each change on both tokens; what only one of them tells is said with `on`. */
export function world(bids: Levels = BIDS, asks: Levels = ASKS) {
  const histories: [BookHistory, BookHistory] = [createHistory({ tokenId: YES }), createHistory({ tokenId: NO })];
  let seq = 0;
  let epochs = 1;
  let closedMs: number | null = null;
  const epoch = (atMs: number, b: Levels, a: Levels, on: readonly Which[] = BOTH): void => {
    for (const which of on) {
      const [bidsOf, asksOf] = which === 0 ? [b, a] : [mirror(a), mirror(b)];
      const opening = { epoch: `1.${epochs++}`, seq: 0, tsEventMs: atMs, tickMicro: 10_000 };
      openEpoch(histories[which], { ...opening, bids: flat(bidsOf), asks: flat(asksOf) });
    }
  };
  epoch(1_000, bids, asks);
  const engine = createPaperEngine();
  const events: PaperEvent[] = [];
  const known = (watermarkMs: number): KnownMarket => ({
    histories,
    watermarkMs,
    closedMs: closedMs ?? histories[0].closedTsMs,
  });
  return {
    engine,
    histories,
    events,
    known,
    epoch,
    /** @param provenThroughMs - the watermark at that moment. */
    hole: (on: readonly Which[] = BOTH, provenThroughMs?: number): void => {
      for (const which of on) openHole(histories[which], provenThroughMs);
    },
    /** Prices and sides of the first token. */
    level: (atMs: number, side: Side, at: number, size: number, on: readonly Which[] = BOTH): void => {
      seq += 1;
      const stamp = { seq, tsEventMs: atMs };
      for (const which of on) {
        const [sideOf, atOf] = which === 0 ? [side, at] : [otherSide(side), 100 - at];
        recordLevel(histories[which], stamp, sideOf, micro(atOf), Math.round(size * 1e6));
      }
    },
    /** In the coordinates of the token it names. */
    print: (atMs: number, taker: Side, at: number, size: number, which: Which = 0): void =>
      recordTrade(histories[which], { seq, tsEventMs: atMs }, taker, micro(at), Math.round(size * 1e6)),
    tick: (atMs: number, tickMicro: number): void => {
      for (const history of histories) recordTick(history, { seq, tsEventMs: atMs }, tickMicro);
    },
    resolve: (atMs: number): void => {
      for (const history of histories) recordClosing(history, atMs);
    },
    /** The market's definition says so. */
    close: (atMs: number): void => {
      closedMs = atMs;
    },
    order: (over: Partial<OrderToPlace> = {}): ClientOrderId => {
      const placed = { ...order, ...over };
      placeOrder(engine, placed);
      return placed.orderId;
    },
    until: (watermarkMs: number): void => {
      events.push(...advance(engine, conditionId, known(watermarkMs)));
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
  tokenId: YES,
  conditionId,
  tokens: [YES, NO],
  minOrderSizeMicro: shares(1),
  restMicro: shares(0),
  side: "BUY",
  limitPriceMicro: cents(51),
  sizeMicro: shares(30),
  timeInForce: "GTD",
  ttlMs: 5_000,
  placeAtMs: 2_000,
  fee: { rateMicro: 0, exponent: 1, takerOnly: true },
};
export const id = (text: string): ClientOrderId => text as ClientOrderId;

export function short(event: PaperEvent): string {
  switch (event.kind) {
    case "fill":
      return `${event.orderId} ${event.liquiditySide} ${Number(event.sizeMicro) / 1e6}@${event.priceMicro / 1e4} t${event.atMs}`;
    case "refused":
      return `${event.orderId} refused ${event.code} t${event.atMs}`;
    default:
      return `${event.orderId} ${event.kind} t${event.atMs}`;
  }
}

/** Rests 30 at 48 behind 50. */
export const resting = (over: Partial<OrderToPlace> = {}) => {
  const made = world();
  made.order({ limitPriceMicro: cents(48), ...over });
  made.until(2_000);
  return made;
};
