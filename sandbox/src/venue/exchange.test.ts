import type { Address, Hash } from "@slipstream/contracts/ids";
import { parseShares, parseUsdc, priceMicro, type Side } from "@slipstream/contracts/money";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deriveMarket } from "../chain/ctfIds.ts";
import { settleCall } from "../chain/transactions.ts";
import { venueMarket, worldMarkets } from "../markets.ts";
import type { Outcome, TimeInForce } from "./engine.ts";
import { cancelOrder, createExchange, type Exchange, openOrders, placeOrder, undoTrade } from "./exchange.ts";
import type { VenueMarket, VenueTrade } from "./market.ts";
import { createPurses, credit, creditShares, freeShares, freeUsdc } from "./purses.ts";

const owners = [1, 2, 3].map((n) => `0x${n.toString(16).padStart(40, "0")}` as Address);
/** The first takes a fee of 5 %. */
const [spec] = worldMarkets;
if (spec === undefined) throw new Error("the world has no market");
const chainMarket = deriveMarket("test", spec.chain);
const market: VenueMarket = venueMarket(spec, chainMarket, 0, 1_700_000_000_000);

function funded(shares = "100"): Exchange {
  const purses = createPurses();
  for (const owner of owners) {
    credit(purses, owner, parseUsdc("1000"));
    for (const token of market.tokenIds) creditShares(purses, owner, token, parseShares(shares));
  }
  let orders = 0;
  const orderIds = () => {
    orders += 1;
    return `0x${orders.toString(16).padStart(64, "0")}` as Hash;
  };
  return createExchange({ markets: [market], purses, orderIds });
}

type Wish = { owned: number; outcome: Outcome; side: Side; cents: number; shares: string; timeInForce?: TimeInForce };
function place(exchange: Exchange, { owned, cents, shares, timeInForce = "GTC", ...rest }: Wish) {
  const owner = owners[owned];
  if (owner === undefined) throw new Error("no such owner");
  const order = { owner, ...rest, priceMicro: priceMicro(cents * 10_000), sizeMicro: parseShares(shares), timeInForce };
  return placeOrder(exchange, { ...order, conditionId: market.conditionId }, 1);
}

const purseOf = (exchange: Exchange, owner: Address) => ({
  usdc: freeUsdc(exchange.purses, owner),
  yes: freeShares(exchange.purses, owner, market.tokenIds[0]),
  no: freeShares(exchange.purses, owner, market.tokenIds[1]),
});

describe("orders and purses", () => {
  test("a resting order holds what it may cost, a cancelled one gives it back", () => {
    const exchange = funded();
    const [owner] = owners;
    if (owner === undefined) throw new Error("no owner");
    place(exchange, { owned: 0, outcome: 0, side: "BUY", cents: 40, shares: "10" });
    place(exchange, { owned: 0, outcome: 1, side: "SELL", cents: 70, shares: "25" });
    expect(purseOf(exchange, owner)).toEqual({
      usdc: parseUsdc("996"),
      yes: parseShares("100"),
      no: parseShares("75"),
    });
    for (const order of openOrders(exchange, market.conditionId, owner)) {
      expect(cancelOrder(exchange, market.conditionId, order.id)).toBe(true);
    }
    expect(purseOf(exchange, owner)).toEqual({
      usdc: parseUsdc("1000"),
      yes: parseShares("100"),
      no: parseShares("100"),
    });
  });

  test("nobody offers what he does not own, or what another order offers", () => {
    const exchange = funded();
    expect(place(exchange, { owned: 0, outcome: 0, side: "SELL", cents: 60, shares: "60" }).kind).toBe("placed");
    expect(place(exchange, { owned: 0, outcome: 0, side: "SELL", cents: 61, shares: "60" })).toEqual({
      kind: "refused",
      code: "BALANCE_TOO_LOW",
    });
    expect(place(exchange, { owned: 1, outcome: 0, side: "BUY", cents: 50, shares: "2000" }).kind).toBe("refused");
  });

  test("a mint takes both prices, and the taker pays the fee", () => {
    const exchange = funded();
    place(exchange, { owned: 0, outcome: 1, side: "BUY", cents: 60, shares: "10" });
    const answer = place(exchange, { owned: 1, outcome: 0, side: "BUY", cents: 45, shares: "10", timeInForce: "FAK" });
    const [maker, taker] = owners.map((owner) => purseOf(exchange, owner));
    expect(answer).toMatchObject({ trade: { printMicro: 400_000, legs: [{ kind: "MINT" }] } });
    expect(maker).toEqual({ usdc: parseUsdc("994"), yes: parseShares("100"), no: parseShares("110") });
    // 10 × 0.05 × 0.4 × 0.6 = 0.12
    expect(taker).toEqual({ usdc: parseUsdc("995.88"), yes: parseShares("110"), no: parseShares("100") });
  });
});

const wish = fc.record({
  owned: fc.integer({ min: 0, max: 2 }),
  outcome: fc.constantFrom<Outcome>(0, 1),
  side: fc.constantFrom<Side>("BUY", "SELL"),
  cents: fc.integer({ min: 45, max: 55 }),
  shares: fc.integer({ min: 500, max: 4_000 }).map((hundredths) => (hundredths / 100).toFixed(2)),
  timeInForce: fc.constantFrom<TimeInForce>("GTC", "FAK"),
});

test("money and pairs are conserved, every trade is a match the chain takes, and undoing all restores every purse", () => {
  fc.assert(
    fc.property(fc.array(wish, { maxLength: 40 }), (wishes) => {
      const exchange = funded();
      const before = owners.map((owner) => purseOf(exchange, owner));
      const trades: VenueTrade[] = [];
      for (const one of wishes) {
        const answer = place(exchange, one);
        if (answer.kind === "placed" && answer.trade !== null) trades.push(answer.trade);
      }
      for (const trade of trades) expect(() => settleCall(chainMarket, trade.match)).not.toThrow();
      for (const owner of owners) {
        for (const order of openOrders(exchange, market.conditionId, owner)) {
          cancelOrder(exchange, market.conditionId, order.id);
        }
      }
      const after = owners.map((owner) => purseOf(exchange, owner));
      const total = (name: "usdc" | "yes" | "no") => after.reduce((sum, purse) => sum + purse[name], 0n);
      const fees = trades.reduce((sum, trade) => sum + trade.match.active.feeMicro, 0n);
      expect(total("yes")).toBe(total("no"));
      // A pair is worth one pUSD: minted pairs took it, merged pairs gave it back.
      expect(total("usdc") + total("yes") + fees).toBe(parseUsdc("3000") + parseShares("300"));
      for (const trade of trades) undoTrade(exchange, trade);
      expect(owners.map((owner) => purseOf(exchange, owner))).toEqual(before);
    }),
    { numRuns: 100 },
  );
});
