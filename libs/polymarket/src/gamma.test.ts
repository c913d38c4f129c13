import type { ConditionId, TokenId } from "@slipstream/contracts/ids";
import { readSample, samplesIn } from "@slipstream/testkit/samples";
import { afterEach, describe, expect, test, vi } from "vitest";
import { gammaClient, marketOfGamma, stoppedMarket } from "./gamma.ts";
import type { HttpReader } from "./http.ts";

afterEach(() => vi.unstubAllGlobals());

const market = {
  conditionId: `0x${"ab".repeat(32)}`,
  question: "Up or down?",
  slug: "up-or-down",
  outcomes: '["Up", "Down"]',
  outcomePrices: '["0.5", "0.5"]',
  clobTokenIds: '["11", "22"]',
  orderPriceMinTickSize: 0.01,
  orderMinSize: 5,
  acceptingOrders: true,
  feesEnabled: true,
  feeSchedule: { rate: 0.07, exponent: 1, takerOnly: true, rebateRate: 0.2 },
  secondsDelay: 1,
  events: [{ id: "9" }],
};

test("a market with fees, every number exact", () => {
  expect(marketOfGamma(market, 5)).toMatchObject({
    tokens: [
      { tokenId: "11", outcome: "Up" },
      { tokenId: "22", outcome: "Down" },
    ],
    version: "v1",
    tickMicro: 10_000,
    minOrderSizeMicro: 5_000_000n,
    fee: { rateMicro: 70_000, exponent: 1, takerOnly: true },
    takerDelayMs: 1_000,
    eventId: "9",
    payoutMicro: null,
  });
});

test.each([
  ["a closed market that is settled", { closed: true, outcomePrices: '["0", "1"]' }, { payoutMicro: [0, 1_000_000] }],
  ["a closed market that is not settled yet", { closed: true, outcomePrices: '["0.4", "0.6"]' }, { payoutMicro: null }],
  ["a closed market that nobody traded", { closed: true, outcomePrices: '["0.5", "0.5"]' }, { payoutMicro: null }],
  [
    "a closed market that is settled to halves",
    { closed: true, outcomePrices: '["0.5", "0.5"]', umaResolutionStatus: "resolved" },
    { payoutMicro: [500_000, 500_000] },
  ],
  [
    "a closed market that pays both outcomes, unequally",
    { closed: true, outcomePrices: '["0.25", "0.75"]', umaResolutionStatus: "resolved" },
    { payoutMicro: [250_000, 750_000] },
  ],
  ["no fees and no schedule", { feesEnabled: false, feeSchedule: null }, { fee: { rateMicro: 0 } }],
  ["fees on without a schedule", { feeSchedule: null }, { kind: "refused", code: "FEE_UNKNOWN" }],
  ["a schedule without its exponent", { feeSchedule: { rate: 0.07, takerOnly: true } }, { code: "FEE_UNKNOWN" }],
  ["a schedule that does not say who pays", { feeSchedule: { rate: 0.07, exponent: 1 } }, { code: "FEE_UNKNOWN" }],
  [
    "null for what is not said",
    { question: null, events: null, negRisk: null, secondsDelay: null, version: null, active: null, updatedAt: null },
    { question: "", eventId: null, negRisk: false, takerDelayMs: 0, version: "v1", acceptingOrders: true },
  ],
  ["words with escape sequences", { question: "\u001b[2JWho?\n" }, { question: "[2JWho?" }],
  ["an unknown version", { version: "v3" }, { kind: "refused", code: "VERSION_UNKNOWN" }],
  ["three outcomes", { outcomes: '["a","b","c"]' }, { kind: "refused", code: "MALFORMED" }],
  ["tokens that are no JSON", { clobTokenIds: "11,22" }, { kind: "refused", code: "MALFORMED" }],
  ["a tick beyond the venue's", { orderPriceMinTickSize: 0.5 }, { kind: "refused", code: "MALFORMED" }],
  ["a tick of 0", { orderPriceMinTickSize: 0 }, { kind: "refused", code: "MALFORMED" }],
])("%s", (_name, change, expected) => expect(marketOfGamma({ ...market, ...change }, 5)).toMatchObject(expected));

test.each(samplesIn("gamma", /\.jsonl\.gz$/))("every market of $name is a definition", ({ path }) => {
  const lines = readSample(path).trim().split("\n");
  const definitions = lines.map((line) => marketOfGamma((JSON.parse(line) as { raw: unknown }).raw, 5));
  expect(definitions.filter((item) => "kind" in item)).toEqual([]);
});

test.each(samplesIn("gamma", /^gamma_market.*\.json$/))(
  "$name is a definition or a refusal with a reason",
  ({ path }) => {
    const result = marketOfGamma(JSON.parse(readSample(path)), 5);
    if ("kind" in result) expect(result.text).not.toBe("");
    else expect(result.tokens[0].tokenId).not.toBe(result.tokens[1].tokenId);
  },
);

describe("a known market that becomes unreadable", () => {
  const known = marketOfGamma(market, 5);
  if ("kind" in known) throw new Error(known.text);
  const odd = { ...market, orderPriceMinTickSize: null };
  test.each([
    ["takes no orders", odd, { acceptingOrders: false, closed: false, payoutMicro: null }],
    ["is closed when that can be read", { ...odd, closed: true }, { acceptingOrders: false, closed: true }],
    [
      "shows its prices when those can be read",
      { ...odd, closed: true, outcomePrices: '["1","0"]' },
      { closed: true, payoutMicro: [1_000_000, 0] },
    ],
    ["stays as it was otherwise", { conditionId: market.conditionId }, { question: known.question, closed: false }],
  ])("%s", (_name, json, expected) => {
    expect(marketOfGamma(json, 9)).toMatchObject({ kind: "refused" });
    expect(stoppedMarket(known, json, 9)).toMatchObject({ ...expected, tsInitMs: 9, tickMicro: known.tickMicro });
  });
});

test("what was not asked for is no answer", async () => {
  const other = { ...market, conditionId: `0x${"ee".repeat(32)}`, clobTokenIds: '["8","9"]' };
  const http: HttpReader = { get: async () => [null, 7, other, market], post: async () => null };
  const gamma = gammaClient(http);
  const [asked = ""] = JSON.parse(market.clobTokenIds) as string[];
  expect(await gamma.byTokens([asked as TokenId])).toEqual([market, market]);
  expect(await gamma.byConditions([market.conditionId as ConditionId])).toEqual([market, market]);
});

test("markets are looked for among the open and the closed, in addresses of bounded length", async () => {
  const asked: URLSearchParams[] = [];
  const http: HttpReader = {
    get: async (_path, query = []) => {
      const params = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value]));
      asked.push(params);
      return params
        .getAll("clob_token_ids")
        .map((id) => ({ clobTokenIds: JSON.stringify([id]), from: params.get("closed") }));
    },
    post: async () => null,
  };
  const tokens = Array.from({ length: 41 }, (_, i) => "9".repeat(76) + String(i + 10)) as TokenId[];
  const found = (await gammaClient(http).byTokens(tokens)) as { from: string }[];
  expect([...new Set(found.map(({ from }) => from))]).toEqual(["false", "true"]);
  expect(found).toHaveLength(2 * tokens.length);
  expect(asked.flatMap((params) => params.getAll("clob_token_ids"))).toHaveLength(2 * tokens.length);
  expect(Math.max(...asked.map((params) => params.toString().length))).toBeLessThan(4_900);
});

test("pages of open markets follow the cursor; an address that is not there is no empty page", async () => {
  const asked: string[] = [];
  const answers: unknown[] = [{ markets: [1], next_cursor: "c" }, { markets: [2] }, null];
  const http: HttpReader = {
    get: async (path, query = []) => {
      asked.push([path, ...query.map(([name, value]) => `${name}=${value}`)].join(" "));
      return answers.shift();
    },
    post: async () => null,
  };
  const gamma = gammaClient(http);
  expect(await gamma.openPage(null, 2)).toEqual({ markets: [1], nextCursor: "c" });
  expect(await gamma.openPage("c", 2)).toEqual({ markets: [2], nextCursor: null });
  await expect(gamma.openPage("d")).rejects.toMatchObject({ code: "VENUE_REFUSED" });
  expect(asked.slice(0, 2)).toEqual([
    "/markets/keyset limit=2 closed=false",
    "/markets/keyset limit=2 closed=false after_cursor=c",
  ]);
});

test.each([5, {}, true])("a page whose cursor is %j is a page all the same, the last one", async (next_cursor) => {
  const http: HttpReader = { get: async () => ({ markets: [{}, {}], next_cursor }), post: async () => null };
  expect(await gammaClient(http).openPage(null)).toEqual({ markets: [{}, {}], nextCursor: null });
});
