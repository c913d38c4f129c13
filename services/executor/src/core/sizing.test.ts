import type { AccountPolicy } from "@slipstream/contracts/policy";
import { describe, expect, test } from "vitest";
import { market, policy, price, shares, tokenId, usdc } from "./facts.testing.ts";
import { entrySize, targetOf } from "./sizing.ts";

describe("our part of a leader's fill", () => {
  test.each<[string, Partial<AccountPolicy>, { role: "MAKER" | "TAKER" | "UNKNOWN"; size: number }, number, number]>([
    ["a tenth of it", {}, { role: "TAKER", size: 123 }, 1_000_000, 12.3],
    ["half of that for a maker's fill", { makerRatioMicro: 500_000 }, { role: "MAKER", size: 100 }, 1_000_000, 5],
    ["and for one of unknown role", { makerRatioMicro: 500_000 }, { role: "UNKNOWN", size: 100 }, 1_000_000, 5],
    ["less under degrade", {}, { role: "TAKER", size: 100 }, 250_000, 2.5],
    [
      "the same cost each time",
      { sizing: { kind: "fixed", usdcMicro: usdc(10) } },
      { role: "TAKER", size: 3 },
      1e6,
      20,
    ],
  ])("%s", (_name, over, { role, size }, riskFactorMicro, expected) => {
    const fill = { role, sharesMicro: shares(size) };
    const sized = targetOf({ policy: { ...policy, ...over }, fill, limitMicro: price(0.5), riskFactorMicro });
    expect(sized.targetMicro).toBe(shares(expected));
  });
});

const caps = (over: Partial<AccountPolicy["caps"]>): AccountPolicy => ({
  ...policy,
  caps: { ...policy.caps, ...over },
});
const size = (options: {
  policy?: AccountPolicy;
  limit?: number;
  wanted: number;
  bucket?: number;
  token?: number;
  gross?: number;
  others?: number;
}) =>
  entrySize({
    policy: options.policy ?? policy,
    market,
    tokenId,
    limitMicro: price(options.limit ?? 0.5),
    wantedMicro: shares(options.wanted),
    bucketMicro: shares(options.bucket ?? 0),
    exposure: {
      tokenMicro: usdc(options.token ?? 0),
      grossMicro: usdc(options.gross ?? 0),
      tokens: new Set(Array.from({ length: options.others ?? 0 }, (_, n) => `${100 + n}` as typeof tokenId)),
    },
  });

describe("caps only shrink, the minimum never enlarges", () => {
  test.each<[string, Parameters<typeof size>[0], unknown]>([
    ["two decimals, rounded down", { wanted: 12.3456 }, order(12.34)],
    ["the cap of an order", { wanted: 100, policy: caps({ orderUsdcMicro: usdc(10) }) }, order(20)],
    ["what is left of the token's cap", { wanted: 100, token: 990 }, order(20)],
    ["what is left of the account's", { wanted: 100, gross: 995 }, order(10)],
    ["a bucket that is full enough is used", { wanted: 4, bucket: 3 }, order(7, 3)],
    [
      "a bucket is used as far as the cap allows",
      { wanted: 4, bucket: 30, policy: caps({ orderUsdcMicro: usdc(5) }) },
      order(10, 10),
    ],
    ["below the market's minimum it is saved up", { wanted: 2, bucket: 2.5 }, below(2, 5, 4.5)],
    ["a cheap share needs a dollar's worth", { wanted: 20, limit: 0.03 }, below(20, 33.34, 20)],
    ["a cap that leaves too little is the reason", { wanted: 100, token: 998 }, full("token", usdc(1_000))],
    ["as many tokens as allowed", { wanted: 100, others: 10 }, tooMany(10)],
  ])("%s", (_name, options, expected) => {
    expect(size(options)).toEqual(expected);
  });
});

function order(sizeMicro: number, used = 0) {
  return { kind: "order", sizeMicro: shares(sizeMicro), bucketUsedMicro: shares(used) };
}
function below(sizeMicro: number, minimum: number, bucket: number) {
  const numbers = { sizeMicro: shares(sizeMicro), minimumMicro: shares(minimum), bucketMicro: shares(bucket) };
  return { kind: "skip", reason: { code: "BELOW_MINIMUM", ...numbers }, bucketAddMicro: shares(sizeMicro) };
}
function full(cap: string, capMicro: bigint) {
  return { kind: "skip", reason: { code: "CAP_REACHED", cap, capMicro }, bucketAddMicro: 0n };
}
function tooMany(open: number) {
  return { kind: "skip", reason: { code: "POSITIONS_FULL", open, openMax: open }, bucketAddMicro: 0n };
}
