/** What one wallet can do and see at the exchange: the actors' only way to act. */
import type { Address, ConditionId, Hash } from "@slipstream/contracts/ids";
import { type PriceMicro, type SharesMicro, type Side, sharesMicro, type UsdcMicro } from "@slipstream/contracts/money";
import {
  bestOf,
  depthOf,
  type LevelChange,
  type Outcome,
  type RestingOrder,
  type TimeInForce,
} from "../venue/engine.ts";
import {
  cancelOrder,
  deskOf,
  type Exchange,
  openMarkets,
  openOrders,
  type PlaceAnswer,
  placeOrder,
} from "../venue/exchange.ts";
import type { VenueMarket } from "../venue/market.ts";
import { freeShares, freeUsdc, ownedShares } from "../venue/purses.ts";

export type Intent = {
  readonly market: VenueMarket;
  readonly outcome: Outcome;
  readonly side: Side;
  readonly priceMicro: PriceMicro;
  readonly sizeMicro: SharesMicro;
  readonly timeInForce: TimeInForce;
};

export type Trader = {
  readonly address: Address;
  /** Those that are traded now. */
  readonly markets: readonly VenueMarket[];
  place(intent: Intent): PlaceAnswer;
  cancel(market: VenueMarket, id: Hash): void;
  open(market: VenueMarket): RestingOrder[];
  best(market: VenueMarket, outcome: Outcome, side: Side): PriceMicro | null;
  depth(market: VenueMarket, outcome: Outcome, side: Side, levels: number): LevelChange[];
  /** Shares that no own order offers. */
  free(market: VenueMarket, outcome: Outcome): SharesMicro;
  owned(market: VenueMarket, outcome: Outcome): SharesMicro;
  /** pUSD that no own order holds. */
  freeUsdc(): UsdcMicro;
};

/** @param nowMs - of the tick that is being played. */
export function createTrader(exchange: Exchange, address: Address, nowMs: () => number): Trader {
  const engineOf = (market: VenueMarket) => deskOf(exchange, market.conditionId).engine;
  const { purses } = exchange;
  return {
    address,
    get markets() {
      return openMarkets(exchange);
    },
    place: ({ market, ...order }) =>
      placeOrder(exchange, { ...order, owner: address, conditionId: market.conditionId }, nowMs()),
    cancel: (market: VenueMarket, id: Hash) => {
      cancelOrder(exchange, market.conditionId satisfies ConditionId, id);
    },
    open: (market) => openOrders(exchange, market.conditionId, address),
    best: (market, outcome, side) => bestOf(engineOf(market), outcome, side),
    depth: (market, outcome, side, levels) => depthOf(engineOf(market), outcome, side, levels),
    free: (market, outcome) => freeShares(purses, address, market.tokenIds[outcome]),
    owned: (market, outcome) => ownedShares(purses, address, market.tokenIds[outcome]),
    freeUsdc: () => freeUsdc(purses, address),
  };
}

/** Whole shares as an amount. */
export const wholeShares = (shares: number): SharesMicro => sharesMicro(BigInt(shares) * 1_000_000n);
