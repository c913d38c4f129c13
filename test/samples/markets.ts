/** Markets as Gamma and the CLOB list them, and REST books whose hashes are right. */
import { createHash } from "node:crypto";
import type { ConditionId, TokenId } from "../../libs/contracts/src/ids.ts";
import { createRandom } from "../../sandbox/src/actors/random.ts";
import { gammaMarket } from "../../sandbox/src/venue/gammaObject.ts";
import type { TapeMarket } from "./tapes.ts";

const hex = (n: number): string => `0x${n.toString(16).padStart(64, "0")}`;

/** The CLOB's object of a market of a tape. */
export const clobMarket = (market: TapeMarket, slug: string) => ({
  enable_order_book: true,
  active: true,
  closed: false,
  accepting_orders: true,
  minimum_order_size: Number(market.minOrderSize),
  minimum_tick_size: Number(market.tickSize),
  condition_id: market.conditionId,
  question_id: hex(0x9e57),
  question: "Will it rain?",
  market_slug: slug,
  seconds_delay: 1,
  maker_base_fee: 1_000,
  taker_base_fee: 1_000,
  neg_risk: market.negRisk,
  neg_risk_market_id: "",
  tokens: market.tokens.map((token_id, at) => ({
    token_id,
    outcome: at === 0 ? "Yes" : "No",
    price: 0.5,
    winner: false,
  })),
});

/** One Gamma object; `n` gives its ids, its fee, its tick and whether it is a neg-risk market. */
function gammaObject(n: number): Record<string, unknown> {
  return gammaMarket(
    {
      id: String(5_000 + n),
      eventId: String(100 + n),
      eventTitle: "Invented",
      conditionId: hex(0xaa00 + n) as ConditionId,
      questionId: null,
      question: `Invented market ${n}?`,
      slug: `invented-${n}`,
      eventSlug: "invented",
      outcomes: ["Up", "Down"],
      tokenIds: [String(9_000 + 2 * n) as TokenId, String(9_001 + 2 * n) as TokenId],
      tickMicro: n % 2 === 0 ? 10_000 : 1_000,
      minOrderSizeMicro: 5_000_000,
      negRisk: n % 5 === 4,
      negRiskMarketId: null,
      fee: { rateMicro: n % 3 === 0 ? 70_000 : 0, exponent: 1, takerOnly: true },
      takerDelayMs: n % 4 === 0 ? 1_000 : 0,
      createdMs: 1_790_000_000_000 + n * 300_000,
    },
    { bestBidMicro: null, bestAskMicro: null, lastTradeMicro: null },
  );
}

/** Markets that ended, one a line, as a collector keeps them. */
export function endedMarkets(count: number): string {
  const lines = Array.from({ length: count }, (_, n) => {
    const raw: Record<string, unknown> = { ...gammaObject(n), closed: true, acceptingOrders: false };
    return JSON.stringify({
      slug: raw["slug"],
      raw: { ...raw, outcomePrices: n % 2 === 0 ? '["1", "0"]' : '["0", "1"]' },
    });
  });
  return `${lines.join("\n")}\n`;
}

/** Single objects: an open one, one of before the order book, one whose fees nobody can know. */
export function gammaObjects(): Readonly<Record<string, unknown>> {
  const { outcomes: _outcomes, clobTokenIds: _tokens, ...withoutTokens } = gammaObject(40);
  return {
    "gamma_market.json": gammaObject(41),
    "gamma_market_closed_legacy.json": { ...withoutTokens, closed: true, outcomes: null },
    "gamma_market_fee_unknown.json": { ...gammaObject(42), feesEnabled: true, feeSchedule: null },
  };
}

/** REST books of a neg-risk event with tick 0.001; the hash is made by the venue's recipe alone. */
export function restBooks(count: number): readonly Readonly<Record<string, unknown>>[] {
  const random = createRandom("rest books");
  return Array.from({ length: count }, (_, n) => {
    const mid = random.integer(50, 950);
    const levels = (from: number, step: number, worst: number) => {
      const list: { price: string; size: string }[] = [];
      for (let price = from; step > 0 ? price <= worst : price >= worst; price += step * random.integer(1, 60)) {
        list.unshift({ price: String(price / 1_000), size: String(random.integer(100, 99_999_999) / 100) });
      }
      return list;
    };
    const book = {
      market: hex(0xbb00 + n),
      asset_id: String(7_000 + n),
      timestamp: String(1_790_000_000_000 + n * 777),
      hash: "",
      bids: levels(mid, -1, 1),
      asks: levels(mid + 1, 1, 999),
      min_order_size: "5",
      tick_size: "0.001",
      neg_risk: true,
      last_trade_price: (random.integer(1, 999) / 1_000).toFixed(3),
    };
    return { ...book, hash: createHash("sha1").update(JSON.stringify(book)).digest("hex") };
  });
}
