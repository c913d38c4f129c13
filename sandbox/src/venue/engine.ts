/**
 * Price-time matching of one market. Both outcomes are one book: a bid for YES at p is an ask for NO at 1 - p, so every
 * order is kept by its YES side and YES price, and how a pair settles follows from sides and tokens.
 *
 * Invariants
 * 1. After every call the best bid is below the best ask.
 * 2. Shares are conserved: placed = traded + resting + taken off.
 * 3. An order never trades with one of the same owner: the resting one is taken off instead.
 */
import { InvariantError } from "@slipstream/contracts/errors";
import type { Address, Hash } from "@slipstream/contracts/ids";
import {
  add,
  isOnTick,
  MICRO_NUMBER,
  minAmount,
  otherSide,
  type PriceMicro,
  priceMicro,
  type SharesMicro,
  SIZE_STEP_MICRO,
  type Side,
  subtract,
  ZERO_SHARES,
} from "@slipstream/contracts/money";

/** Index in the market's token pair: 0 is YES. */
export type Outcome = 0 | 1;
/** GTC rests what does not trade at once, FAK drops it. */
export type TimeInForce = "GTC" | "FAK";
export type MatchKind = "COMPLEMENTARY" | "MINT" | "MERGE";

export type Order = {
  readonly id: Hash;
  readonly owner: Address;
  readonly outcome: Outcome;
  readonly side: Side;
  /** Of the order's own token. */
  readonly priceMicro: PriceMicro;
  /** Whole hundredths of a share. */
  readonly sizeMicro: SharesMicro;
};
export type RestingOrder = Order & { readonly leavesMicro: SharesMicro };

/** What one resting order gave to a trade, at its own price. */
export type TradeLeg = { readonly order: Order; readonly sharesMicro: SharesMicro; readonly kind: MatchKind };
/** One active order against at least one resting one. */
export type Trade = { readonly active: Order; readonly sharesMicro: SharesMicro; readonly legs: readonly TradeLeg[] };

/** New total of a level in YES terms: BUY is the YES bids, which are also the NO asks. */
export type LevelChange = { readonly side: Side; readonly priceMicro: PriceMicro; readonly sizeMicro: SharesMicro };

export type OrderRefusal = "PRICE_OFF_TICK" | "SIZE_BELOW_MINIMUM" | "SIZE_NOT_WHOLE";
export type Placed = {
  readonly kind: "placed";
  readonly trade: Trade | null;
  /** What now rests in the book; zero for FAK. */
  readonly restingMicro: SharesMicro;
  /** Own orders taken off because the new one would have met them. */
  readonly takenOff: readonly RestingOrder[];
  /** In the order they happened: applied one by one they never cross the book. */
  readonly changes: readonly LevelChange[];
};

type Resting = Order & { leavesMicro: SharesMicro };
type Level = { readonly priceMicro: PriceMicro; readonly queue: Resting[] };

export type Engine = {
  readonly tickMicro: PriceMicro;
  readonly minOrderSizeMicro: SharesMicro;
  /** Best first, in YES terms. */
  readonly bids: Level[];
  readonly asks: Level[];
  readonly byId: Map<Hash, Resting>;
};

export const createEngine = (market: Pick<Engine, "tickMicro" | "minOrderSizeMicro">): Engine => ({
  ...market,
  bids: [],
  asks: [],
  byId: new Map(),
});

export const complementPrice = (price: PriceMicro): PriceMicro => priceMicro(MICRO_NUMBER - price);

/** Side and price of an order, or of a level of its token, in YES terms; its own inverse. */
export const inYesTerms = <T extends { outcome: Outcome; side: Side; priceMicro: PriceMicro }>({
  outcome,
  side,
  priceMicro: price,
}: T): { readonly side: Side; readonly priceMicro: PriceMicro } =>
  outcome === 0 ? { side, priceMicro: price } : { side: otherSide(side), priceMicro: complementPrice(price) };

/** Trades what crosses, then rests or drops the remainder. */
export function place(engine: Engine, order: Order, timeInForce: TimeInForce): Placed | OrderRefusal {
  if (!isOnTick(order.priceMicro, engine.tickMicro)) return "PRICE_OFF_TICK";
  if (order.sizeMicro % SIZE_STEP_MICRO !== 0n) return "SIZE_NOT_WHOLE";
  if (order.sizeMicro < engine.minOrderSizeMicro) return "SIZE_BELOW_MINIMUM";
  const { side, priceMicro: limit } = inYesTerms(order);
  const against = side === "BUY" ? engine.asks : engine.bids;
  const legs: TradeLeg[] = [];
  const takenOff: RestingOrder[] = [];
  const changes: LevelChange[] = [];
  let leaves = order.sizeMicro;
  for (let best = against[0]; best !== undefined && leaves > 0n; best = against[0]) {
    if (side === "BUY" ? best.priceMicro > limit : best.priceMicro < limit) break;
    leaves = tradeAtLevel({ engine, level: best, order, leaves, legs, takenOff });
    if (best.queue.length === 0) against.shift();
    changes.push({ side: otherSide(side), priceMicro: best.priceMicro, sizeMicro: levelSize(best) });
  }
  const restingMicro = timeInForce === "GTC" ? leaves : ZERO_SHARES;
  if (restingMicro > 0n) changes.push(rest(engine, { ...order, leavesMicro: restingMicro }));
  const trade = legs.length === 0 ? null : { active: order, sharesMicro: subtract(order.sizeMicro, leaves), legs };
  return { kind: "placed", trade, restingMicro, takenOff, changes };
}

/** @returns what is left of the active order. */
function tradeAtLevel(match: {
  readonly engine: Engine;
  readonly level: Level;
  readonly order: Order;
  readonly leaves: SharesMicro;
  readonly legs: TradeLeg[];
  readonly takenOff: RestingOrder[];
}): SharesMicro {
  const { engine, level, order, legs, takenOff } = match;
  let { leaves } = match;
  for (let first = level.queue[0]; first !== undefined && leaves > 0n; first = level.queue[0]) {
    if (first.owner === order.owner) {
      takenOff.push({ ...first });
    } else {
      const sharesMicro = minAmount(leaves, first.leavesMicro);
      leaves = subtract(leaves, sharesMicro);
      first.leavesMicro = subtract(first.leavesMicro, sharesMicro);
      legs.push({ order: first, sharesMicro, kind: matchKind(order, first) });
      if (first.leavesMicro > 0n) break;
    }
    level.queue.shift();
    engine.byId.delete(first.id);
  }
  return leaves;
}

const matchKind = (active: Order, resting: Order): MatchKind => {
  if (active.outcome === resting.outcome) return "COMPLEMENTARY";
  return active.side === "BUY" ? "MINT" : "MERGE";
};

function rest(engine: Engine, order: Resting): LevelChange {
  const { side, priceMicro: price } = inYesTerms(order);
  const levels = side === "BUY" ? engine.bids : engine.asks;
  const at = levels.findIndex((level) => (side === "BUY" ? level.priceMicro <= price : level.priceMicro >= price));
  let level = levels[at];
  if (level?.priceMicro !== price) {
    level = { priceMicro: price, queue: [] };
    levels.splice(at === -1 ? levels.length : at, 0, level);
  }
  level.queue.push(order);
  engine.byId.set(order.id, order);
  return { side, priceMicro: price, sizeMicro: levelSize(level) };
}

/** @returns null when no such order rests. */
export function cancel(
  engine: Engine,
  id: Hash,
): { readonly order: RestingOrder; readonly change: LevelChange } | null {
  const order = engine.byId.get(id);
  if (order === undefined) return null;
  const { side, priceMicro: price } = inYesTerms(order);
  const levels = side === "BUY" ? engine.bids : engine.asks;
  const at = levels.findIndex((level) => level.priceMicro === price);
  const level = levels[at];
  if (level === undefined) throw new InvariantError("a resting order has no level");
  level.queue.splice(level.queue.indexOf(order), 1);
  if (level.queue.length === 0) levels.splice(at, 1);
  engine.byId.delete(id);
  return { order: { ...order }, change: { side, priceMicro: price, sizeMicro: levelSize(level) } };
}

const levelSize = (level: Level): SharesMicro => add(ZERO_SHARES, ...level.queue.map((order) => order.leavesMicro));

/** Best prices and sizes of one token's side, best first. */
export function depthOf(engine: Engine, outcome: Outcome, side: Side, levelsMax: number): LevelChange[] {
  const yesSide = outcome === 0 ? side : otherSide(side);
  const levels = yesSide === "BUY" ? engine.bids : engine.asks;
  return levels.slice(0, levelsMax).map((level) => ({
    side,
    priceMicro: outcome === 0 ? level.priceMicro : complementPrice(level.priceMicro),
    sizeMicro: levelSize(level),
  }));
}

/** The best price of one token's side; null when nobody quotes. */
export const bestOf = (engine: Engine, outcome: Outcome, side: Side): PriceMicro | null =>
  depthOf(engine, outcome, side, 1)[0]?.priceMicro ?? null;
