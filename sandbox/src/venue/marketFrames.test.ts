/** What the sandbox's venue says of a market's life is what the product's own readers understand. */
import { type PriceMicro, priceMicro } from "@slipstream/contracts/money";
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { createMarketParser } from "@slipstream/polymarket/marketChannel";
import { expect, test } from "vitest";
import { deriveMarket } from "../chain/ctfIds.ts";
import { successor, venueMarket } from "../markets.ts";
import { gammaMarket, type MarketLife } from "./gammaObject.ts";
import { newMarketFrame, resolvedFrame } from "./marketFrames.ts";

const NOW_MS = 1_700_000_000_000;
const markets = [0, 1, 2, 3, 4].map((slot) => {
  const described = successor(slot, 1);
  return venueMarket(described, deriveMarket("test", described.chain), slot, NOW_MS, 1);
});

test.each(markets)("$slug is new, and is resolved with and without a winner", (market) => {
  const { conditionId, tokenIds, slug, outcomes } = market;
  const parse = (text: string) => createMarketParser().parse(text);
  const head = { conditionId, tokenIds, tsEventMs: NOW_MS };
  expect(parse(newMarketFrame(market, NOW_MS))).toEqual({
    ...{ events: [{ kind: "newMarket", ...head, slug }], refused: [], pong: false },
  });
  for (const winner of [0, 1, null] as const) {
    const names =
      winner === null
        ? { winningTokenId: null, winningOutcome: "" }
        : { winningTokenId: tokenIds[winner], winningOutcome: outcomes[winner] };
    expect(parse(resolvedFrame(market, winner, NOW_MS))).toEqual({
      ...{ events: [{ kind: "marketResolved", ...head, ...names }], refused: [], pong: false },
    });
  }
});

const quotes = { bestBidMicro: null, bestAskMicro: null, lastTradeMicro: priceMicro(420_000) as PriceMicro | null };

test.each(markets)("Gamma's object of $slug follows its life", (market) => {
  const life: MarketLife = { endMs: NOW_MS + 60_000, closedMs: null, isClosed: false, payoutMicro: null };
  const read = (changes: Partial<MarketLife>) =>
    marketOfGamma(gammaMarket(market, quotes, { ...life, ...changes }), NOW_MS);
  expect(read({})).toMatchObject({ closed: false, acceptingOrders: true, payoutMicro: null });
  expect(read({ closedMs: NOW_MS })).toMatchObject({ closed: false, acceptingOrders: false });
  expect(read({ closedMs: NOW_MS, isClosed: true })).toMatchObject({
    ...{ closed: true, acceptingOrders: false, payoutMicro: null },
  });
  for (const payoutMicro of [0, 500_000, 1_000_000]) {
    expect(read({ closedMs: NOW_MS, isClosed: true, payoutMicro })).toMatchObject({
      ...{ closed: true, acceptingOrders: false, payoutMicro: [payoutMicro, 1_000_000 - payoutMicro] },
    });
  }
  expect(gammaMarket(market, quotes, { ...life, endMs: 1_893_456_000_000 })).toMatchObject({
    ...{ endDate: "2030-01-01T00:00:00.000Z", endDateIso: "2030-01-01" },
  });
});
