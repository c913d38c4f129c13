/** The factory of deposit wallets on a real node: what it answers, and how a node says that it cannot. */
import { Address } from "@slipstream/contracts/ids";
import { startAnvil, type TestAnvil } from "@slipstream/testkit/anvil";
import { HANGING_MS } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { httpRpc, type RpcReader } from "../src/rpc.ts";
import {
  checkWallet,
  DEPOSIT_WALLET_BEACON,
  DEPOSIT_WALLET_FACTORY,
  deriveWallets,
  readDepositFlavour,
} from "../src/wallets.ts";

let anvil: TestAnvil;
let rpc: RpcReader;
beforeAll(async () => {
  anvil = await startAnvil();
  rpc = httpRpc(anvil.httpUrl, { timeoutMs: HANGING_MS });
});
afterAll(() => anvil?.stop());

const place = (address: string, code: string) => anvil.rpc("anvil_setCode", [address, code]);
/** Code that answers one word to everything. */
const answering = (word: string): string => `0x7f${word.slice(2).padStart(64, "0")}5f5260205ff3`;
const REVERTS = "0x5f5ffd";

test("a deposit wallet is checked against what the factory says on the chain", async () => {
  const signer = Address.parse(`0x${"5a".repeat(20)}`);
  const { deposit } = deriveWallets(signer);
  const check = (funder: Address) => checkWallet({ signer, funder, signatureType: 3 }, rpc);
  await expect(readDepositFlavour(rpc)).rejects.toMatchObject({ code: "WALLET_MISMATCH" });

  await place(DEPOSIT_WALLET_FACTORY, answering(DEPOSIT_WALLET_BEACON));
  expect(await readDepositFlavour(rpc)).toBe("beacon");
  await check(deposit.beacon);
  await expect(check(deposit.uups)).rejects.toMatchObject({ code: "WALLET_MISMATCH" });
  await place(deposit.uups, REVERTS);
  await check(deposit.uups);

  await place(DEPOSIT_WALLET_FACTORY, REVERTS);
  expect(await readDepositFlavour(rpc)).toBe("uups");
  await expect(check(deposit.beacon)).rejects.toMatchObject({ code: "WALLET_MISMATCH" });
});
