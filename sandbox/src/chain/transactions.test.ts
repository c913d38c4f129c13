import { Address, Hash } from "@slipstream/contracts/ids";
import { sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { expect, test } from "vitest";
import { standardExchange } from "./addresses.ts";
import { deriveMarket } from "./ctfIds.ts";
import { settleCall } from "./transactions.ts";
import type { MatchedOrder } from "./types.ts";

const market = deriveMarket("s", { slug: "rain", negRisk: false });
const foreign = deriveMarket("s", { slug: "snow", negRisk: false });
const buy: MatchedOrder = {
  orderHash: Hash.parse(`0x${"1".repeat(64)}`),
  maker: Address.parse(`0x${"2".repeat(40)}`),
  side: "BUY",
  tokenId: market.tokenIds[0],
  sharesMicro: sharesMicro(1_000_000n),
  usdcMicro: usdcMicro(500_000n),
  feeMicro: usdcMicro(0n),
};
const sell: MatchedOrder = { ...buy, side: "SELL" };
const call = (active: MatchedOrder, resting: readonly MatchedOrder[]) =>
  settleCall(market, { conditionId: market.conditionId, active, resting });

test.each<{ name: string; active: MatchedOrder; resting: MatchedOrder[] }>([
  { name: "opposite sides of one token", active: buy, resting: [sell] },
  { name: "two buys of both tokens", active: buy, resting: [{ ...buy, tokenId: market.tokenIds[1] }] },
  { name: "two sells of both tokens", active: sell, resting: [{ ...sell, tokenId: market.tokenIds[1] }] },
])("$name settle on the market's exchange", ({ active, resting }) => {
  expect(call(active, resting).to).toBe(standardExchange);
});

test.each<{ name: string; resting: MatchedOrder[]; error: RegExp }>([
  { name: "no resting order", resting: [], error: /needs a resting order/ },
  { name: "the same side of one token", resting: [buy], error: /do not cross/ },
  { name: "opposite sides of both tokens", resting: [{ ...sell, tokenId: market.tokenIds[1] }], error: /do not cross/ },
  { name: "a token of another market", resting: [{ ...sell, tokenId: foreign.tokenIds[0] }], error: /foreign token/ },
  {
    name: "too few shares",
    resting: [{ ...sell, sharesMicro: sharesMicro(1n) }],
    error: /1 resting shares for 1000000/,
  },
  { name: "a negative fee", resting: [{ ...sell, feeMicro: usdcMicro(-1n) }], error: /below zero/ },
])("a match with $name is refused before it is sent", ({ resting, error }) => {
  expect(() => call(buy, resting)).toThrow(error);
});
