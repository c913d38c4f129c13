import { parseEnv } from "@slipstream/contracts/env";
import { describe, expect, test } from "vitest";
import { balanceSyncEnv, providerUrls, walletsOf } from "./config.ts";

const address = (digit: string): string => `0x${digit.repeat(40)}`;
const read = (env: Readonly<Record<string, string>>) => parseEnv(balanceSyncEnv, env);
const wallet = { AQ_WALLET_SIGNER: address("a"), AQ_WALLET_FUNDER: address("b"), AQ_WALLET_SIGNATURE_TYPE: "2" };

test("nodes for balances come first, several in their order", () => {
  expect(providerUrls(read({ POLYGON_HTTP_URL: "http://a" }))).toEqual(["http://a"]);
  const both = { POLYGON_HTTP_URL: "http://a", AQ_ONCHAIN_PROVIDER_URL: "http://b, http://c" };
  expect(providerUrls(read(both))).toEqual(["http://b", "http://c"]);
});

describe("our own wallets", () => {
  test("none, one, several", () => {
    expect(walletsOf(read({}))).toEqual([]);
    const claim = { signer: address("a"), funder: address("b"), signatureType: 2 };
    expect(walletsOf(read(wallet))).toEqual([{ address: address("b"), account: null, tokens: [], claim }]);
    const two = {
      AQ_WALLET_SIGNER: `${address("a")}, ${address("A")}`,
      AQ_WALLET_FUNDER: `${address("b")},${address("C")}`,
      AQ_WALLET_SIGNATURE_TYPE: "2,3",
      AQ_WALLET_ACCOUNT: "live,second",
      AQ_WALLET_TRACKED: "11,22",
    };
    expect(walletsOf(read(two))).toMatchObject([
      { address: address("b"), account: "live", tokens: ["11", "22"] },
      { address: address("c"), account: "second", claim: { signer: address("a"), signatureType: 3 } },
    ]);
  });

  test.each([
    ["half a wallet", { AQ_WALLET_SIGNER: address("a") }, "one of them is missing"],
    ["an account without a wallet", { AQ_WALLET_ACCOUNT: "live" }, "one of them is missing"],
    ["lists of different lengths", { ...wallet, AQ_WALLET_ACCOUNT: "live,second" }, "got 1, 1, 1 and 2 values"],
    [
      "one wallet twice",
      {
        AQ_WALLET_SIGNER: `${address("a")},${address("a")}`,
        AQ_WALLET_FUNDER: `${address("b")},${address("b")}`,
        AQ_WALLET_SIGNATURE_TYPE: "2,2",
      },
      "no wallet or account twice",
    ],
  ])("%s is refused", (_name, env, text) => {
    expect(() => walletsOf(read(env))).toThrow(text);
  });

  test("a type that is not known is refused with its name", () => {
    expect(() => read({ ...wallet, AQ_WALLET_SIGNATURE_TYPE: "4" })).toThrow("AQ_WALLET_SIGNATURE_TYPE");
  });
});
