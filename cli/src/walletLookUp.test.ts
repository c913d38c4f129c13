import type { Address } from "@slipstream/contracts/ids";
import type { DataApi } from "@slipstream/polymarket/dataApi";
import { deriveWallets } from "@slipstream/polymarket/wallets";
import { expect, test } from "vitest";
import { lookUpWallet } from "./walletLookUp.ts";

const wallet = `0x${"ab".repeat(20)}` as Address;
const index = (...traders: readonly Address[]): Pick<DataApi, "fills"> => ({
  fills: async (user) => {
    const fills = traders.includes(user) ? [{}] : [];
    return { listed: fills.length, listedSeconds: [], fills, unreadable: [] } as never;
  },
});

test("a wallet that trades is nothing to speak of", async () => {
  expect(await lookUpWallet(index(wallet), wallet, 1e12)).toBeNull();
});

test("a wallet that never traded is said", async () => {
  expect(await lookUpWallet(index(), wallet, 1e12)).toMatch(/has never traded, as far as the Data API knows/);
});

test("a key is told the wallet it trades with, of whatever kind", async () => {
  const { proxy, safe, deposit } = deriveWallets(wallet);
  for (const held of [proxy, safe, deposit.beacon, deposit.uups]) {
    expect(await lookUpWallet(index(held), wallet, 1e12)).toContain(`is the key of ${held}, which does`);
  }
});

test("an index that does not answer is said, and nothing else happens", async () => {
  const silent = { fills: () => Promise.reject(new Error("no answer")) };
  expect(await lookUpWallet(silent, wallet, 1e12)).toMatch(/could not be looked up: no answer/);
});
