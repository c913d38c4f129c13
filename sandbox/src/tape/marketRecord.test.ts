import type { Address, TokenId } from "@slipstream/contracts/ids";
import { parseShares, priceMicro } from "@slipstream/contracts/money";
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import { defaultExchanges, EXCHANGE_V2, NEG_RISK_EXCHANGE_V2 } from "@slipstream/polymarket/versions";
import { readSample, samplesIn } from "@slipstream/testkit/samples";
import { expect, test } from "vitest";
import { addFills, type TapeLog } from "./addFills.ts";
import { defaultAssumptions, deriveMarkets } from "./deriveMarkets.ts";
import { addMarket, marketRecord } from "./marketRecord.ts";

const clob = {
  condition_id: `0x${"cd".repeat(32)}`,
  question_id: `0x${"ef".repeat(32)}`,
  question: "Rain?",
  market_slug: "rain",
  minimum_order_size: 5,
  minimum_tick_size: 0.001,
  neg_risk: true,
  neg_risk_market_id: `0x${"12".repeat(32)}`,
  seconds_delay: 3,
  tokens: [
    { token_id: "11", outcome: "Yes" },
    { token_id: "22", outcome: "No" },
  ],
};

test("a CLOB market becomes a definition with the same tick, minimum, delay and tokens", () => {
  const record = marketRecord(clob, { tMs: 7, feeRateMicro: 50_000 });
  expect(record).toMatchObject({ t: 7, ch: "gamma.market" });
  expect(marketOfGamma(record.d, 7)).toMatchObject({
    conditionId: clob.condition_id,
    slug: "rain",
    tickMicro: 1_000,
    minOrderSizeMicro: 5_000_000n,
    takerDelayMs: 3_000,
    negRisk: true,
    negRiskMarketId: clob.neg_risk_market_id,
    fee: { rateMicro: 50_000, exponent: 1 },
    tokens: [
      { tokenId: "11", outcome: "Yes" },
      { tokenId: "22", outcome: "No" },
    ],
    acceptingOrders: true,
  });
});

test("a Gamma object stays as it is", () => {
  const { d } = marketRecord(clob, { tMs: 7 });
  expect(marketRecord(d, { tMs: 9 })).toEqual({ t: 9, ch: "gamma.market", d });
});

test.each([
  ["no object", null, /no market/],
  ["one token", { ...clob, tokens: [clob.tokens[0]] }, /tokens/],
  ["no tick", { ...clob, minimum_tick_size: 0 }, /minimum_tick_size/],
  ["a Gamma object of an unknown version", { conditionId: clob.condition_id }, /no market/],
])("%s is refused", (_name, json, error) => expect(() => marketRecord(json, { tMs: 7 })).toThrow(error));

test("a tape takes a market once, and then needs no assumptions about it", () => {
  const tape = [{ t: 40, ch: "clob.market.ws", d: "" }] as const;
  const once = addMarket(tape, clob);
  expect(once.map(({ t, ch }) => `${t} ${ch}`)).toEqual(["40 gamma.market", "40 clob.market.ws"]);
  expect(addMarket(once, clob)).toEqual(once);
  expect(deriveMarkets(once, defaultAssumptions)).toMatchObject({ markets: [{ slug: "rain" }], assumed: [] });
});

test("fills of a neg-risk market are logs of the neg-risk exchange", () => {
  const fill = {
    leader: `0x${"1e".repeat(20)}` as Address,
    side: "BUY",
    priceMicro: priceMicro(500_000),
    sizeMicro: parseShares("10"),
    t: 50,
    role: "TAKER",
  } as const;
  const tape = addMarket([{ t: 40, ch: "clob.market.ws", d: "" }], clob);
  const fills = ["11", "99"].map((tokenId) => ({ ...fill, tokenId: tokenId as TokenId }));
  const logs = addFills(tape, fills).flatMap(({ ch, d }) => (ch === "chain.log" ? [d as TapeLog] : []));
  expect(logs.map(({ address }) => address)).toEqual([NEG_RISK_EXCHANGE_V2, EXCHANGE_V2]);
  expect(logs.map((log) => decodeOrderFilled(log, defaultExchanges))).toMatchObject([
    { role: "TAKER", exchange: NEG_RISK_EXCHANGE_V2 },
    { role: "TAKER", exchange: EXCHANGE_V2 },
  ]);
});

test.each(samplesIn("clob", /^market-.*\.json$/))("the market of a tape is read: $name", ({ path }) => {
  const { d } = marketRecord(JSON.parse(readSample(path)), { tMs: 7 });
  expect(marketOfGamma(d, 7)).toMatchObject({ tickMicro: 10_000, minOrderSizeMicro: 5_000_000n, takerDelayMs: 1_000 });
});
