import type { Address } from "@slipstream/contracts/ids";
import { notional } from "@slipstream/contracts/money";
import { readSample, samplesIn } from "@slipstream/testkit/samples";
import { describe, expect, test } from "vitest";
import { createDataApi, type FillFeed } from "./dataApi.ts";
import { microDecimal } from "./decimal.ts";
import { parseExactJson } from "./exactJson.ts";
import type { HttpReader, Query } from "./http.ts";
import { readTradeRow } from "./tradeRow.ts";

const wallet = "0xab00000000000000000000000000000000000001" as Address;
const conditionId = `0x${"dd".repeat(32)}`;
const transactionHash = `0x${"9f".repeat(32)}`;
const row = {
  type: "TRADE",
  proxyWallet: "0xAB00000000000000000000000000000000000001",
  side: "BUY",
  asset: "7",
  conditionId,
  size: 10.1,
  usdcSize: 5.936835,
  price: 0.5878054646,
  timestamp: 1_790_000_000,
  transactionHash,
};

/** Answers the same text to everything, read as the service reads it. */
function serving(value: unknown) {
  const asked: string[] = [];
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const http: HttpReader = {
    get: async (path: string, query: Query = []) => {
      asked.push(`${path}?${query.map((pair) => pair.join("=")).join("&")}`);
      return parseExactJson(text);
    },
    post: async () => null,
  };
  return { api: createDataApi(http), asked };
}
const ask = (value: unknown, feed: FillFeed = "activity") =>
  serving(value).api.fills(wallet, feed, { startSeconds: 5, endSeconds: 9, limit: 10 });

describe("decimals become whole micros", () => {
  test.each([
    [10.1, 10_100_000n, true],
    ["10980911.728675", 10_980_911_728_675n, true],
    [0.000001, 1n, true],
    [1e-6, 1n, true],
    [1e-7, 0n, false],
    [4.199999999999, 4_200_000n, false],
    ["4.1999999999999995", 4_200_000n, false],
    ["0.5878054646", 587_805n, false],
    ["0.0000005", 1n, false],
    ["0.00000049999999", 0n, false],
    ["9007199254740993.000001", 9_007_199_254_740_993_000_001n, true],
    ["1.50", 1_500_000n, true],
    ["1.5e3", 1_500_000_000n, true],
    ["12.000000000", 12_000_000n, true],
  ])("%s", (value, micro, exact) => {
    expect(microDecimal(value)).toEqual({ micro, exact });
  });
  test.each([-1, "-1", "", "x", "1.", Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true])(
    "%s is none",
    (value) => {
      expect(microDecimal(value)).toBeNull();
    },
  );
});

test("JSON keeps the digits that a double would lose", () => {
  expect(parseExactJson('{"a":9007199254740993.000001,"b":[1.5,"x",null],"c":0.1,"d":1.50}')).toEqual({
    a: "9007199254740993.000001",
    b: [1.5, "x", null],
    c: 0.1,
    d: "1.50",
  });
});

describe("fills of the Data API", () => {
  test("maker fills are asked for where they would be left out, and other acts are not", async () => {
    const { api, asked } = serving([]);
    for (const feed of ["activity", "trades"] as const) {
      await api.fills(wallet, feed, { startSeconds: 5, endSeconds: 9, limit: 10 });
    }
    expect(asked).toEqual([
      `/activity?user=${wallet}&type=TRADE&limit=10&start=5&end=9`,
      `/trades?user=${wallet}&takerOnly=false&limit=10&start=5&end=9`,
    ]);
  });
  test("a row is exact, in our own words", async () => {
    const { fills } = await ask([row]);
    expect(fills).toEqual([
      {
        wallet,
        txHash: transactionHash,
        tokenId: "7",
        conditionId,
        side: "BUY",
        sharesMicro: 10_100_000n,
        priceMicro: 587_805,
        usdcMicro: 5_936_835n,
        exact: true,
        exactShares: true,
        tsEventMs: 1_790_000_000_000,
        raw: JSON.stringify(row),
      },
    ]);
  });
  test("more shares than a double holds, and what is not told", async () => {
    const text = JSON.stringify({ ...row, conditionId: "", usdcSize: undefined, price: 1.2 });
    const { fills } = await ask(`[${text.replace("10.1", "9007199254740.993001")}]`);
    expect(fills).toMatchObject([
      {
        sharesMicro: 9_007_199_254_740_993_001n,
        conditionId: null,
        usdcMicro: null,
        priceMicro: null,
      },
    ]);
  });
  test("rewards, redemptions and rebates are listed and are no fills; nor are fills of others", async () => {
    const acts = ["REWARD", "REDEEM", "MAKER_REBATE", "TAKER_REBATE", "SPLIT", "MERGE", "CONVERSION", "YIELD", "TIP"];
    const list = [
      ...acts.map((type, n) => ({ ...row, type, asset: "", side: "", timestamp: n })),
      { ...row, proxyWallet: `0x${"cd".repeat(20)}` },
      row,
    ];
    const page = await ask(list);
    expect(page.fills).toHaveLength(1);
    expect(page.unreadable).toEqual([]);
    expect(page.listedSeconds).toEqual([...acts.keys(), row.timestamp, row.timestamp]);
  });
  test("rows of /trades have no type, a row of /activity without one is no fill", async () => {
    const untyped = { ...row, type: undefined };
    expect((await ask([untyped], "trades")).fills).toHaveLength(1);
    expect((await ask([untyped], "activity")).fills).toHaveLength(0);
  });
  test.each([
    [
      "a maker's row tells what was paid",
      { size: 13.698629, price: 0.6350000427, usdcSize: 8.69863 },
      8_698_630n,
      true,
    ],
    ["a taker's row with the fee on top", { size: 7917.59, price: 0.45, usdcSize: 3660.89567 }, 3_562_915_500n, false],
    ["a taker's row with the fee taken out", { size: 100, price: 0.5, usdcSize: 48.75 }, 50_000_000n, false],
    ["nothing but a price", { size: 100, price: 0.51, usdcSize: undefined }, 51_000_000n, true],
    ["nothing but an average", { size: 3, price: 0.3333333333, usdcSize: undefined }, 1_000_000n, false],
    ["nothing but USDC", { size: 100, price: undefined, usdcSize: 51 }, 51_000_000n, false],
  ])("cost without the fee: %s", async (_name, change, usdcMicro, exact) => {
    expect((await ask([{ ...row, ...change }])).fills).toMatchObject([{ usdcMicro, exact }]);
  });
  test("equal rows stay two", async () => {
    const { fills } = await ask([row, row]);
    expect(fills).toHaveLength(2);
    expect(fills[0]).toEqual(fills[1]);
  });
  test("an unreadable row takes nothing from the others and is told", async () => {
    const page = await ask([{ ...row, side: "HOLD" }, row, { ...row, size: 0 }]);
    expect(page.fills).toHaveLength(1);
    expect(page.unreadable).toEqual([expect.stringMatching(/side/), "a fill of 0 shares"]);
  });
  test("no list cannot be read", async () => {
    await expect(ask({ error: "x" })).rejects.toMatchObject({ code: "VENUE_UNREADABLE" });
  });
  test.each([
    ["a time that is none", { timestamp: "soon" }],
    ["a time between two seconds", { timestamp: 1_790_000_000.5 }],
    ["nothing", null],
  ])("a row with %s leaves the page", async (_name, change) => {
    const page = await ask([change === null ? null : { ...row, ...change }, row]);
    expect([page.listed, page.fills.length, page.unreadable.length]).toEqual([2, 1, 1]);
    expect(page.listedSeconds).toEqual([row.timestamp]);
  });
  test.each([
    ["with zeros behind the point", JSON.stringify(row).replace("1790000000", "1790000000.0")],
    ["as text", JSON.stringify(row).replace("1790000000", '"1790000000"')],
    ["in milliseconds", JSON.stringify(row).replace("1790000000", "1790000000123")],
  ])("a time %s is the same second", async (_name, text) => {
    const page = await ask(`[${text}]`);
    expect(page.listedSeconds).toEqual([1_790_000_000]);
    expect(page.fills).toMatchObject([{ tsEventMs: 1_790_000_000_000 }]);
  });
  test("a type that is null is no fill of /activity and one of /trades", async () => {
    expect((await ask([{ ...row, type: null }])).fills).toHaveLength(0);
    expect((await ask([{ ...row, type: null }], "trades")).fills).toHaveLength(1);
  });
  test("what a trader writes of himself is not kept, and nothing of any length is", async () => {
    const bio = "x".repeat(5_000);
    const { fills } = await ask([{ ...row, bio, name: bio, outcome: bio, slug: "s".repeat(200) }]);
    const raw = fills[0]?.raw ?? "";
    expect(raw.length).toBeLessThan(3_000);
    expect(JSON.parse(raw)).toEqual({ ...row, slug: undefined });
  });
});

test("dust among holdings is asked for", async () => {
  const { api, asked } = serving(`[${JSON.stringify(row).replace("10.1", "0.40")},${JSON.stringify(row)}]`);
  await expect(api.positions(wallet)).resolves.toMatchObject({
    rows: [{ asset: "7", size: 400_000 }, { size: 10_100_000 }],
    unreadable: [],
  });
  expect(asked[0]).toContain("sizeThreshold=0");
});

test("a holding that cannot be read leaves the others", async () => {
  const { rows, unreadable } = await serving([{ ...row, size: -1 }, row, null]).api.positions(wallet);
  expect([rows.length, unreadable.length]).toEqual([1, 2]);
});

test("a row of the live feed has an address with capitals and is the same fill", () => {
  expect(readTradeRow(row)).toMatchObject({ wallet, sharesMicro: 10_100_000n });
});

const lists = samplesIn("data-api", /^activity_all\.json$/);
test.each(lists)("of the list at $path the trades are fills, to the micro, and nothing else is", async ({ path }) => {
  const text = readSample(path);
  const listed = JSON.parse(text) as { readonly type: string; readonly proxyWallet: string }[];
  const owner = listed[0]?.proxyWallet.toLowerCase() as Address;
  const page = await serving(text).api.fills(owner, "activity", { startSeconds: 0, endSeconds: 0, limit: 500 });
  expect(page.unreadable).toEqual([]);
  expect(page.listedSeconds).toHaveLength(listed.length);
  expect(page.fills).toHaveLength(listed.filter(({ type }) => type === "TRADE").length);
  expect(page.fills.length).toBeGreaterThan(40);
  // The seven rows that paid a taker's fee tell it within their USDC.
  expect(page.fills.filter(({ exact }) => !exact)).toHaveLength(7);
  for (const { priceMicro: price, usdcMicro: usdc, sharesMicro: shares } of page.fills) {
    if (price === null || usdc === null) throw new Error("not told");
    // A price to the micro is off by half of one per share at most.
    const gap = usdc - notional(price, shares, "floor");
    expect(gap < 0n ? -gap : gap).toBeLessThanOrEqual(shares / 2_000_000n + 1n);
  }
});
