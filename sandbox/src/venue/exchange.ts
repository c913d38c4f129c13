/**
 * The venue's order desk: all markets, what wallets may spend, and what happened since the channels were last fed.
 * Pure: time and order ids come in as arguments.
 */
import { ContractError } from "@slipstream/contracts/errors";
import type { Address, ConditionId, Hash } from "@slipstream/contracts/ids";
import { add, maxTakerFee, notional, type PriceMicro, type SharesMicro } from "@slipstream/contracts/money";
import type { Engine, LevelChange, Order, OrderRefusal, RestingOrder, TimeInForce } from "./engine.ts";
import * as engines from "./engine.ts";
import { type Burst, minOrderSizeOf, type OrderIds, tickOf, type VenueMarket, type VenueTrade } from "./market.ts";
import { freeShares, freeUsdc, hold, type Purses, release } from "./purses.ts";
import { matchOf, move, movementsOf, printOf, undo } from "./trades.ts";

export type Refusal = OrderRefusal | "BALANCE_TOO_LOW" | "MARKET_CLOSED";
export type PlaceAnswer =
  | { readonly kind: "refused"; readonly code: Refusal }
  | {
      readonly kind: "placed";
      readonly orderId: Hash;
      readonly restingMicro: SharesMicro;
      readonly trade: VenueTrade | null;
    };

type Desk = {
  readonly market: VenueMarket;
  engine: Engine;
  changes: LevelChange[];
  trades: VenueTrade[];
  /** Trading has stopped: it goes when its last changes have been taken. */
  isClosed: boolean;
};

export type Exchange = {
  readonly purses: Purses;
  readonly desks: Map<ConditionId, Desk>;
  readonly orderIds: OrderIds;
  tradesMade: number;
};

/** @param orderIds - a new hash at each call. */
export const createExchange = (options: {
  readonly markets: readonly VenueMarket[];
  readonly purses: Purses;
  readonly orderIds: OrderIds;
}): Exchange => ({
  purses: options.purses,
  orderIds: options.orderIds,
  tradesMade: 0,
  desks: new Map(options.markets.map((market) => [market.conditionId, deskFor(market)])),
});

const deskFor = (market: VenueMarket): Desk => ({
  market,
  engine: engines.createEngine({ tickMicro: tickOf(market), minOrderSizeMicro: minOrderSizeOf(market) }),
  changes: [],
  trades: [],
  isClosed: false,
});

/** Trading in one more market begins. */
export function openMarket(exchange: Exchange, market: VenueMarket): void {
  exchange.desks.set(market.conditionId, deskFor(market));
}

/** Trading stops for good: every order is taken off, level by level, and no other is taken. */
export function closeMarket(exchange: Exchange, conditionId: ConditionId): void {
  const desk = deskOf(exchange, conditionId);
  for (const id of [...desk.engine.byId.keys()]) cancelOrder(exchange, conditionId, id);
  desk.isClosed = true;
}

/** Markets that are traded, in the order in which they were opened. */
export const openMarkets = (exchange: Exchange): VenueMarket[] =>
  [...exchange.desks.values()].flatMap((desk) => (desk.isClosed ? [] : [desk.market]));

/** @throws ContractError for a condition that is not traded here. */
export function deskOf(exchange: Exchange, conditionId: ConditionId): Desk {
  const desk = exchange.desks.get(conditionId);
  if (desk === undefined) throw new ContractError("ID_INVALID", `no market of the sandbox has ${conditionId}`);
  return desk;
}

export type WantedOrder = Omit<Order, "id"> & { readonly conditionId: ConditionId; readonly timeInForce: TimeInForce };

/** Places an order; what trades moves the purses at once. */
export function placeOrder(exchange: Exchange, wanted: WantedOrder, nowMs: number): PlaceAnswer {
  const { purses } = exchange;
  const desk = exchange.desks.get(wanted.conditionId);
  if (desk === undefined || desk.isClosed) return { kind: "refused", code: "MARKET_CLOSED" };
  const { market, engine } = desk;
  const { conditionId, timeInForce, ...rest } = wanted;
  const order: Order = { id: exchange.orderIds(), ...rest };
  if (!covers(purses, market, order)) return { kind: "refused", code: "BALANCE_TOO_LOW" };
  const result = engines.place(engine, order, timeInForce);
  if (typeof result === "string") return { kind: "refused", code: result };
  const { trade, restingMicro, takenOff, changes } = result;
  for (const own of takenOff) release(purses, own, market.tokenIds[own.outcome], own.leavesMicro);
  if (restingMicro > 0n) hold(purses, order, market.tokenIds[order.outcome], restingMicro);
  desk.changes.push(...changes);
  if (trade === null) return { kind: "placed", orderId: order.id, restingMicro, trade: null };
  for (const leg of trade.legs) release(purses, leg.order, market.tokenIds[leg.order.outcome], leg.sharesMicro);
  exchange.tradesMade += 1;
  const made: VenueTrade = {
    n: exchange.tradesMade,
    market,
    match: matchOf(market, trade),
    legs: trade.legs,
    activeOutcome: order.outcome,
    printMicro: printOf(trade),
    atMs: nowMs,
  };
  for (const movement of movementsOf(made)) move(purses, market, movement);
  desk.trades.push(made);
  return { kind: "placed", orderId: order.id, restingMicro, trade: made };
}

function covers(purses: Purses, market: VenueMarket, order: Order): boolean {
  if (order.side === "SELL") return freeShares(purses, order.owner, market.tokenIds[order.outcome]) >= order.sizeMicro;
  const cost = notional(order.priceMicro, order.sizeMicro, "ceil");
  const fee = maxTakerFee(market.fee, order.priceMicro, order.sizeMicro);
  return freeUsdc(purses, order.owner) >= add(cost, fee);
}

/** @returns false when no such order rests. */
export function cancelOrder(exchange: Exchange, conditionId: ConditionId, id: Hash): boolean {
  const desk = deskOf(exchange, conditionId);
  const cancelled = engines.cancel(desk.engine, id);
  if (cancelled === null) return false;
  const { order, change } = cancelled;
  release(exchange.purses, order, desk.market.tokenIds[order.outcome], order.leavesMicro);
  desk.changes.push(change);
  return true;
}

/** Resting orders of a wallet in one market, oldest first. */
export const openOrders = (exchange: Exchange, conditionId: ConditionId, owner: Address): RestingOrder[] =>
  [...deskOf(exchange, conditionId).engine.byId.values()].filter((order) => order.owner === owner);

/** From now on orders of this market may have a finer tick. */
export function changeTick(exchange: Exchange, conditionId: ConditionId, tickMicro: PriceMicro): void {
  const desk = deskOf(exchange, conditionId);
  desk.engine = { ...desk.engine, tickMicro };
}

/** Takes back a trade that the chain will never hold. */
export function undoTrade(exchange: Exchange, trade: VenueTrade): void {
  for (const movement of movementsOf(trade)) move(exchange.purses, trade.market, undo(movement));
}

/** What happened since the last call, one burst per market that changed, in the order of the markets. */
export function takeBursts(exchange: Exchange): Burst[] {
  const bursts: Burst[] = [];
  for (const desk of exchange.desks.values()) {
    if (desk.isClosed) exchange.desks.delete(desk.market.conditionId);
    if (desk.changes.length === 0 && desk.trades.length === 0) continue;
    bursts.push({ market: desk.market, changes: desk.changes, trades: desk.trades });
    desk.changes = [];
    desk.trades = [];
  }
  return bursts;
}
