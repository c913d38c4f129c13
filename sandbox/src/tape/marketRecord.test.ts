import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Address, ConditionId, TokenId } from "@slipstream/contracts/ids";
import { parseShares, priceMicro } from "@slipstream/contracts/money";
import { outcomeTokens } from "@slipstream/polymarket/ctfIds";
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import { defaultExchanges, EXCHANGE_V2, NEG_RISK_EXCHANGE_V2 } from "@slipstream/polymarket/versions";
import { describe, expect, test } from "vitest";
import { addFills, assumedStandard, type TapeLog } from "./addFills.ts";
import { defaultAssumptions, deriveMarkets } from "./deriveMarkets.ts";
import type { TapeRecord } from "./format.ts";
import { addMarket, assumedOf, marketRecord } from "./marketRecord.ts";

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

const ownOrder = "the tokens in the order of the object (their ids do not prove it)";
const byHand = { tMs: 7, feeRateMicro: 50_000 };
const definitionOf = (record: TapeRecord) => marketOfGamma(record.d, record.t);

test("a CLOB market becomes a definition with the same tick, minimum, delay and tokens", () => {
  const record = marketRecord(clob, byHand);
  expect(record).toMatchObject({ t: 7, ch: "gamma.market" });
  expect(definitionOf(record)).toMatchObject({
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
  expect(assumedOf(record.d)).toEqual([
    "a fee of 50000 / 1e6, exponent 1 (given by --fee-rate, --fee-exponent, the object does not say)",
    "version v1 (the object does not say)",
    "orders are accepted (the object does not say)",
    ownOrder,
  ]);
});

/** As `/clob-markets/{condition}` writes it. */
const short = {
  c: clob.condition_id,
  t: [
    { t: "11", o: "Yes" },
    { t: "22", o: "No" },
  ],
  mts: 0.01,
  mos: 15,
  nr: true,
  ao: true,
  sd: 1,
  mbf: 1_000,
  tbf: 1_000,
  fd: { r: 0.072, e: 2, to: true },
};
test("the short CLOB object states its own fee, and leaves out neg-risk when there is none", () => {
  const record = marketRecord(short, { tMs: 7 });
  expect(definitionOf(record)).toMatchObject({
    ...{ tickMicro: 10_000, minOrderSizeMicro: 15_000_000n, takerDelayMs: 1_000, negRisk: true },
    fee: { rateMicro: 72_000, exponent: 2, takerOnly: true },
  });
  expect(assumedOf(record.d)).toEqual(["version v1 (the object does not say)", ownOrder]);
  const { nr: _nr, ...plain } = short;
  expect(definitionOf(marketRecord(plain, { tMs: 7 }))).toMatchObject({ negRisk: false });
});

const gamma = {
  conditionId: clob.condition_id,
  outcomes: '["Yes","No"]',
  clobTokenIds: '["11","22"]',
  version: "v1",
  negRisk: false,
  orderPriceMinTickSize: 0.01,
  orderMinSize: 5,
  feesEnabled: true,
  feeSchedule: { rate: 0.05, exponent: 1, takerOnly: true },
  secondsDelay: 0,
  acceptingOrders: true,
};
test("a Gamma object that states everything stays as it is", () => {
  expect(marketRecord(gamma, { tMs: 9 })).toEqual({ t: 9, ch: "gamma.market", d: gamma });
  expect(assumedOf(gamma)).toEqual([]);
});

describe("what an object does not state", () => {
  const without = (object: Readonly<Record<string, unknown>>, ...names: string[]) =>
    Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

  test.each([
    ["the fee of a CLOB object", clob, /the fee \(--fee-rate, --fee-exponent\)/],
    ["whose base fee of 0 says nothing", { ...clob, taker_base_fee: 0, maker_base_fee: 0 }, /the fee/],
    ["the fee of a short object", without(short, "fd"), /the fee/],
    ["the fee of a Gamma object", without(gamma, "feeSchedule", "feesEnabled"), /the fee/],
    ["the fee of a Gamma object that has one", without(gamma, "feeSchedule"), /the fee/],
    ["neg-risk of a CLOB object", { ...short, ...without(clob, "neg_risk") }, /neg-risk/],
    ["neg-risk of a Gamma object", without(gamma, "negRisk"), /neg-risk \(--neg-risk yes\|no\)/],
    ["the tick", without(short, "mts"), /the tick \(--tick\)/],
    ["a tick of null", { ...gamma, orderPriceMinTickSize: null }, /the tick/],
    ["the minimum", without(gamma, "orderMinSize"), /the minimum size \(--min-size\)/],
    ["several", without(clob, "neg_risk", "minimum_order_size"), /the fee .*neg-risk .*the minimum size/],
  ])("is refused: %s", (_name, object, error) => {
    const { c: _c, ...own } = object as Record<string, unknown>;
    const json = "condition_id" in object || "conditionId" in object ? own : object;
    expect(() => marketRecord(json, { tMs: 7 })).toThrow(error);
  });

  test("can be stated by hand, and is told as assumed by every reader", () => {
    const open = without(gamma, "feesEnabled", "feeSchedule", "negRisk", "secondsDelay", "orderPriceMinTickSize");
    const stated = { feeRateMicro: 30_000, feeExponent: 2, negRisk: true, takerDelayMs: 250, tickMicro: 1_000 };
    const record = marketRecord(open, { tMs: 7, ...stated });
    expect(definitionOf(record)).toMatchObject({
      ...{ fee: { rateMicro: 30_000, exponent: 2 }, negRisk: true, takerDelayMs: 250, tickMicro: 1_000 },
    });
    const { assumed } = deriveMarkets([record], defaultAssumptions);
    expect(assumed.map((text) => text.replace(/^0x\w+: | \(.*$/g, ""))).toEqual([
      "a fee of 30000 / 1e6, exponent 2",
      "neg-risk",
      "a tick of 1000 / 1e6",
      "a taker delay of 250 ms",
    ]);
  });

  test("is taken as usual when that is asked for, and told", () => {
    const record = marketRecord(without(clob, "neg_risk", "minimum_order_size"), { tMs: 7, assume: true });
    expect(definitionOf(record)).toMatchObject({
      fee: { rateMicro: 0 },
      negRisk: false,
      minOrderSizeMicro: 5_000_000n,
    });
    expect(assumedOf(record.d).slice(0, 3)).toEqual([
      "no fee (the object does not say)",
      "no neg-risk (the object does not say)",
      "a minimum of 5000000 micro-shares (the object does not say)",
    ]);
  });

  test("a taker delay that is left out is none, which is said", () => {
    const record = marketRecord(without(gamma, "secondsDelay"), { tMs: 7 });
    expect(assumedOf(record.d)).toEqual(["a taker delay of 0 ms (the object does not say)"]);
  });

  test("is told of records that a recorder wrote", () => {
    const d = without(gamma, "feesEnabled", "feeSchedule", "negRisk", "secondsDelay", "version");
    expect(deriveMarkets([{ t: 1, ch: "gamma.market", d }], defaultAssumptions).assumed).toEqual([
      `${clob.condition_id}: no fee, no taker delay, no neg-risk, version v1 (its record does not say)`,
    ]);
  });

  test("a hand that contradicts the object is refused", () => {
    expect(() => marketRecord(short, { tMs: 7, feeRateMicro: 0 })).toThrow(/states a fee of 72000 .* says no fee/);
    expect(marketRecord(gamma, { tMs: 7, feeRateMicro: 50_000, negRisk: false }).d).toEqual(gamma);
  });
});

test("ids prove the order of the tokens, whatever the order of the object", () => {
  const [first, second] = outcomeTokens(clob.condition_id as ConditionId, true);
  const tokens = [
    { token_id: second, outcome: "No" },
    { token_id: first, outcome: "Yes" },
  ];
  const record = marketRecord({ ...clob, tokens }, byHand);
  expect(definitionOf(record)).toMatchObject({
    tokens: [
      { tokenId: first, outcome: "Yes" },
      { tokenId: second, outcome: "No" },
    ],
  });
  expect(assumedOf(record.d)).not.toContain(ownOrder);
});

test("a CLOB object from after the market's end is taken as open, and said to be", () => {
  const record = marketRecord({ ...clob, closed: true, accepting_orders: false }, byHand);
  expect(definitionOf(record)).toMatchObject({ closed: false, acceptingOrders: true });
  expect(assumedOf(record.d).at(-1)).toMatch(/^open while the tape lasts/);
  expect(definitionOf(marketRecord({ ...clob, accepting_orders: false }, byHand))).toMatchObject({
    acceptingOrders: false,
  });
});

test.each([
  ["no object", null, /no market/],
  ["one token", { ...clob, tokens: [clob.tokens[0]] }, /tokens/],
  ["no tick", { ...clob, minimum_tick_size: 0 }, /minimum_tick_size/],
  ["a delay that is no number", { ...clob, seconds_delay: -1 }, /seconds_delay/],
  ["a schedule that cannot be read", { ...short, fd: { r: 2, e: 1, to: true } }, /fd/],
  ["neg-risk that is no flag", { ...clob, neg_risk: "no" }, /neg_risk/],
  ["a Gamma object of an unknown version", { ...gamma, version: "v9" }, /no market/],
])("%s is refused", (_name, json, error) => expect(() => marketRecord(json, byHand)).toThrow(error));

test("a tape takes a market once, and then says what was assumed of it", () => {
  const tape = [{ t: 40, ch: "clob.market.ws", d: "" }] as const;
  const once = addMarket(tape, clob, byHand);
  expect(once.map(({ t, ch }) => `${t} ${ch}`)).toEqual(["40 gamma.market", "40 clob.market.ws"]);
  expect(addMarket(once, clob, byHand)).toEqual(once);
  expect(deriveMarkets(once, defaultAssumptions)).toMatchObject({ markets: [{ slug: "rain" }] });
  expect(deriveMarkets(once, defaultAssumptions).assumed).toHaveLength(4);
});

test("of a list the markets are taken that the tape names", () => {
  const tape = [{ t: 40, ch: "clob.market.ws", d: `{"market":"${short.c}"}` }] as const;
  const other = { ...short, c: `0x${"99".repeat(32)}` };
  expect(addMarket(tape, [other, short]).map(({ ch }) => ch)).toEqual(["gamma.market", "clob.market.ws"]);
  expect(() => addMarket(tape, [other])).toThrow(/no market of the list/);
});

test("a market of which frames tell too little is left out, and said to be", () => {
  const d = JSON.stringify([
    {
      event_type: "book",
      market: clob.condition_id,
      asset_id: "11",
      timestamp: "1790000000000",
      hash: "",
      bids: [],
      asks: [],
    },
  ]);
  expect(deriveMarkets([{ t: 40, ch: "clob.market.ws", d }], defaultAssumptions)).toMatchObject({
    markets: [],
    assumed: [`${clob.condition_id}: left out, the tape has neither a market record nor an opening book with its tick`],
  });
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
  const tape = addMarket([{ t: 40, ch: "clob.market.ws", d: "" }], clob, byHand);
  const fills = ["11", "99"].map((tokenId) => ({ ...fill, tokenId: tokenId as TokenId }));
  expect(assumedStandard(tape, fills)).toEqual(["99"]);
  const logs = addFills(tape, fills).flatMap(({ ch, d }) => (ch === "chain.log" ? [d as TapeLog] : []));
  expect(logs.map(({ address }) => address)).toEqual([NEG_RISK_EXCHANGE_V2, EXCHANGE_V2]);
  expect(logs.map((log) => decodeOrderFilled(log, defaultExchanges))).toMatchObject([
    { role: "TAKER", exchange: NEG_RISK_EXCHANGE_V2 },
    { role: "TAKER", exchange: EXCHANGE_V2 },
  ]);
});

const sample = resolve(
  import.meta.dirname,
  "../../..",
  process.env["SLIPSTREAM_SAMPLES"] ?? "../shared/samples",
  "clob/market-lol-ig1-lgd.json",
);
test.skipIf(!existsSync(sample))("the recorded market of a tape is read", () => {
  const object: unknown = JSON.parse(readFileSync(sample, "utf8"));
  expect(() => marketRecord(object, { tMs: 7 })).toThrow(/does not state the fee \(--fee-rate, --fee-exponent\):/);
  const { d } = marketRecord(object, byHand);
  expect(assumedOf(d)).not.toContain(ownOrder);
  expect(marketOfGamma(d, 7)).toMatchObject({ tickMicro: 10_000, minOrderSizeMicro: 5_000_000n, takerDelayMs: 1_000 });
});
