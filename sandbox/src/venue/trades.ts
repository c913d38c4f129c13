/** What a matching means in money and tokens: for the chain, for the purses, for the print. Pure. */
import { InvariantError } from "@slipstream/contracts/errors";
import {
  add,
  negate,
  notional,
  type PriceMicro,
  type SharesMicro,
  type Side,
  subtract,
  takerFee,
  type UsdcMicro,
  ZERO_USDC,
} from "@slipstream/contracts/money";
import type { Match, MatchedOrder } from "../chain/types.ts";
import { complementPrice, type Order, type Trade, type TradeLeg } from "./engine.ts";
import type { Movement, VenueMarket, VenueTrade } from "./market.ts";
import { credit, creditShares, type Purses } from "./purses.ts";

/** What the active order pays or is paid per share in a pair, in its own token. */
const activePrice = (active: Order, { order }: TradeLeg): PriceMicro =>
  order.outcome === active.outcome ? order.priceMicro : complementPrice(order.priceMicro);

/** Price of the last pair, the worst of the trade. */
export function printOf({ active, legs }: Trade): PriceMicro {
  const last = legs.at(-1);
  if (last === undefined) throw new InvariantError("a trade has at least one pair");
  return activePrice(active, last);
}

/** Sizes are hundredths of a share and prices on tick, so the cost has no fraction of a micro. */
function exact(price: PriceMicro, size: SharesMicro): UsdcMicro {
  const cost = notional(price, size, "floor");
  if (cost !== notional(price, size, "ceil")) throw new InvariantError("a trade costs a fraction of a micro-USDC");
  return cost;
}

/** The match that the chain settles: executed amounts, the taker's fee on the active order. */
export function matchOf(market: VenueMarket, trade: Trade): Match {
  const { active, legs } = trade;
  const prices = legs.map((leg) => ({ price: activePrice(active, leg), shares: leg.sharesMicro }));
  const matched = (order: Order, shares: SharesMicro, usdc: UsdcMicro, fee: UsdcMicro): MatchedOrder => ({
    orderHash: order.id,
    maker: order.owner,
    side: order.side,
    tokenId: market.tokenIds[order.outcome],
    sharesMicro: shares,
    usdcMicro: usdc,
    feeMicro: fee,
  });
  const usdc = add(ZERO_USDC, ...prices.map(({ price, shares }) => exact(price, shares)));
  const fee = add(ZERO_USDC, ...prices.map(({ price, shares }) => takerFee(market.fee, price, shares)));
  return {
    conditionId: market.conditionId,
    active: matched(active, trade.sharesMicro, usdc, fee),
    resting: legs.map(({ order, sharesMicro: shares }) =>
      matched(order, shares, exact(order.priceMicro, shares), ZERO_USDC),
    ),
  };
}

/** What every wallet of a trade gives and gets. */
export function movementsOf({ market, match }: VenueTrade): Movement[] {
  return [match.active, ...match.resting].map((order) => ({
    owner: order.maker,
    outcome: order.tokenId === market.tokenIds[0] ? 0 : 1,
    ...signed(order.side, order.sharesMicro, order.usdcMicro, order.feeMicro),
  }));
}

function signed(side: Side, shares: SharesMicro, usdc: UsdcMicro, fee: UsdcMicro) {
  return side === "BUY"
    ? { sharesMicro: shares, usdcMicro: negate(add(usdc, fee)) }
    : { sharesMicro: negate(shares), usdcMicro: subtract(usdc, fee) };
}

/** The same movement backwards. */
export const undo = (movement: Movement): Movement => ({
  ...movement,
  sharesMicro: negate(movement.sharesMicro),
  usdcMicro: negate(movement.usdcMicro),
});

export function move(purses: Purses, market: VenueMarket, movement: Movement): void {
  credit(purses, movement.owner, movement.usdcMicro);
  creditShares(purses, movement.owner, market.tokenIds[movement.outcome], movement.sharesMicro);
}
