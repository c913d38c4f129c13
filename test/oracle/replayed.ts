/** Reads what a replay told (`--events-out`): the orders it handed to the engine, and what became of them there. */
import type { TapeMarket } from "./tape.ts";
import type { EndKind, Fill, Order, OrderResult, Side, TimeInForce } from "./types.ts";

type Fields = { readonly [key: string]: unknown };
export type Replayed = {
  /** By condition id; `orders` in the sequence of the log, `results` beside them. */
  readonly byMarket: ReadonlyMap<string, { readonly orders: Order[]; readonly results: OrderResult[] }>;
  /** Orders that never reached the engine (denied, abandoned). */
  readonly notPlaced: number;
  /** Conditions of orders whose market is not on the tape. */
  readonly unknownMarkets: ReadonlySet<string>;
};

/** Ends that the engine decides; anything else that was canceled was so by us. */
const ENGINE_ENDS: readonly string[] = [
  "MARKET_CLOSED",
  "BLIND",
  "FAK_REMAINDER",
  "FOK_KILLED",
  "MARKET_NOT_ACCEPTING_ORDERS",
  "PRICE_OFF_TICK",
  "AMOUNT_PRECISION",
  "SIZE_BELOW_MINIMUM",
  "MARKETABLE_BELOW_MINIMUM",
];
const WORDS: { readonly [word: string]: EndKind } = { filled: "FILLED", expired: "EXPIRED", canceled: "CANCELED" };

function endOf(told: Fields | undefined): OrderResult["end"] {
  if (told === undefined) return null;
  const atMs = Number(told["atMs"]);
  const reason = String(told["reason"]);
  const kind = ENGINE_ENDS.includes(reason) ? (reason as EndKind) : WORDS[String(told["end"])];
  return { kind: kind ?? (`${String(told["end"])} ${reason}` as EndKind), atMs };
}

const fillOf = (told: Fields): Fill => ({
  n: Number(told["n"]),
  atMs: Number(told["atMs"]),
  priceMicro: BigInt(String(told["priceMicro"])),
  sizeMicro: BigInt(String(told["sizeMicro"])),
  usdcMicro: BigInt(String(told["usdcMicro"])),
  feeMicro: BigInt(String(told["feeMicro"])),
  liquiditySide: told["liquiditySide"] === "maker" ? "maker" : "taker",
});

/** Takes the events of a replay, one a line. Placements of one millisecond keep the sequence of the log. */
export function replayedOf(records: readonly Fields[], markets: ReadonlyMap<string, TapeMarket>): Replayed {
  const of = (event: string): Fields[] => records.filter((record) => record["event"] === event);
  const fills = Map.groupBy(of("fill"), (told) => String(told["orderId"]));
  const ends = new Map(of("end").map((told) => [String(told["orderId"]), told]));
  const byMarket = new Map<string, { orders: Order[]; results: OrderResult[] }>();
  const unknownMarkets = new Set<string>();
  const placed = of("placed").toSorted((a, b) => Number(a["seq"]) - Number(b["seq"]));
  for (const told of placed) {
    const orderId = String(told["orderId"]);
    const condition = String(told["conditionId"]).toLowerCase();
    const market = markets.get(condition);
    if (market === undefined) {
      unknownMarkets.add(condition);
      continue;
    }
    const end = endOf(ends.get(orderId));
    const group = byMarket.get(condition) ?? { orders: [], results: [] };
    byMarket.set(condition, group);
    group.orders.push({
      orderId,
      account: String(told["account"]),
      tokenId: String(told["tokenId"]),
      side: told["side"] as Side,
      limitMicro: BigInt(String(told["limitPriceMicro"])),
      sizeMicro: BigInt(String(told["sizeMicro"])),
      timeInForce: told["timeInForce"] as TimeInForce,
      placeAtMs: Number(told["atMs"]),
      ttlMs: Number(told["ttlMs"]),
      ...(end?.kind === "CANCELED" ? { cancelAtMs: end.atMs } : {}),
      fee: market.fee,
      minOrderSizeMicro: market.minOrderSizeMicro,
    });
    group.results.push({ orderId, fills: (fills.get(orderId) ?? []).map(fillOf), end });
  }
  const ids = new Set(placed.map((told) => String(told["orderId"])));
  const notPlaced = [...ends.keys()].filter((orderId) => !ids.has(orderId)).length;
  return { byMarket, notPlaced, unknownMarkets };
}
