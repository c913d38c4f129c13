import type { Address } from "@slipstream/contracts/ids";
import { AccountPolicy, LeaderConfig } from "@slipstream/contracts/policy";
import { expect, test } from "vitest";
import { z } from "zod";
import { checkConfig } from "./configBucket.ts";

const wallet = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed" as Address;
const leader = { leader: wallet, enabled: true };
const caps = {
  orderUsdcMicro: "500000000",
  tokenUsdcMicro: "2000000000",
  grossUsdcMicro: "8000000000",
  openPositionsMax: 50,
};
const paper = {
  ...{ account: "paper", mode: "paper", enabled: true, initialCollateralMicro: "10000000000" },
  sizing: { kind: "percentage", ratioMicro: 100_000 },
  ...{
    signalAgeMsMax: 15_000,
    makerRatioMicro: 1_000_000,
    priceGuardBps: 200,
    priceGuardTicks: 2,
    priceGuardMaxBps: 500,
  },
  exits: { kind: "book" },
  ...{ bucketAgeMsMax: 3_600_000, timeInForce: "GTD", ttlMs: 5_000, submitLatencyMs: 150, caps },
  ...{ minPriceMicro: 20_000, maxPriceMicro: 980_000, onRetract: "keep", dustMicro: "10000" },
};

test("what is right is accepted", () => {
  expect(LeaderConfig.safeParse(leader).success && AccountPolicy.safeParse(paper).success).toBe(true);
  expect(z.encode(AccountPolicy, AccountPolicy.parse(paper))).toEqual(paper);
  expect(checkConfig("accounts.paper", JSON.stringify(paper))).toMatchObject({ ok: true, value: paper });
  expect(checkConfig(`leaders.${wallet}`, JSON.stringify(leader))).toMatchObject({ ok: true, value: leader });
});

test.each<[string, string, unknown, string]>([
  ["another account than the key", "accounts.whale", paper, 'accounts.whale: the value says account "paper"'],
  ["a key that goes on", "accounts.paper.x", paper, "an account's name is made of"],
  ["another leader than the key", `leaders.0x${"1".repeat(40)}`, leader, "which is another than the key names"],
  ["a key with capitals", "leaders.0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", leader, "written in lower case"],
  ["a key that is mistyped", "leaders.0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", leader, "EIP-55"],
  ["nobody", `leaders.0x${"0".repeat(40)}`, { leader: `0x${"0".repeat(40)}`, enabled: true }, "0x0 is nobody's"],
  ["a key of another kind", "account.paper", paper, "a key is leaders or accounts"],
  ["an unknown field", "accounts.paper", { ...paper, enable: false }, '"enable"'],
  [
    "an unknown cap",
    "accounts.paper",
    { ...paper, caps: { ...caps, orderUsdc: "5" } },
    'caps: Unrecognized key: "orderUsdc"',
  ],
  ["an unknown field of sizing", "accounts.paper", { ...paper, sizing: { ...paper.sizing, max: 1 } }, '"max"'],
  ["an unknown field of exits", "accounts.paper", { ...paper, exits: { kind: "book", floorBps: 1 } }, '"floorBps"'],
  ["an unknown field of a leader", `leaders.${wallet}`, { ...leader, lable: "x" }, '"lable"'],
  ["min above max", "accounts.paper", { ...paper, minPriceMicro: 990_000 }, "no price lies between them"],
  [
    "a fixed size of nothing",
    "accounts.paper",
    { ...paper, sizing: { kind: "fixed", usdcMicro: "0" } },
    "sizing.usdcMicro 0",
  ],
  [
    "a cap in dollars",
    "accounts.paper",
    { ...paper, caps: { ...caps, orderUsdcMicro: "500" } },
    "500 is 0.0005 USDC (amounts are",
  ],
  ["a cap of nothing", "accounts.paper", { ...paper, caps: { ...caps, grossUsdcMicro: "0" } }, '"enabled": false'],
  ["null", "accounts.paper", null, "delete the key instead"],
])("%s is refused in words", (_name, key, value, text) => {
  const checked = checkConfig(key, JSON.stringify(value));
  expect(checked.ok ? "accepted" : checked.text).toContain(text);
});
