import { ContractError } from "@slipstream/contracts/errors";
import { Address } from "@slipstream/contracts/ids";
import fc from "fast-check";
import { encodeAbiParameters, getContractAddress, type Hex, keccak256, type Address as ViemAddress } from "viem";
import { describe, expect, test } from "vitest";
import { type RpcReader, RpcRefusedError } from "./rpc.ts";
import {
  checkWallet,
  DEPOSIT_WALLET_BEACON,
  DEPOSIT_WALLET_FACTORY,
  deriveWallets,
  readDepositFlavour,
  type SignatureType,
} from "./wallets.ts";

const address = (text: string): Address => Address.parse(text.toLowerCase());
// Wallets of a key that every local chain knows; computed with the venue's own rules.
const signer = address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
const wallets = {
  eoa: signer,
  proxy: address("0x365f0CA36Ae1f641E02fE3B7743673da42A13A70"),
  safe: address("0xd93B25cb943D14d0d34FBaF01Fc93a0f8b5F6E47"),
  deposit: {
    beacon: address("0xBc0fF067b7740Eff76C1ca93c875Ba6B890d6B50"),
    uups: address("0xdf8b9E8f9AB23f261F6e1B171B7454ae6E46Ba76"),
  },
};

const word = (text: string): string => `0x${text.slice(2).padStart(64, "0")}`;
/** A node whose factory answers this; an Error is thrown. `deployed` have code. */
function node(factory: unknown, deployed: readonly string[] = []): RpcReader {
  return {
    call: async (method, params = []) => {
      if (method === "eth_getCode") return deployed.includes(String(params[0])) ? "0x01" : "0x";
      expect(params[0]).toEqual({ to: DEPOSIT_WALLET_FACTORY, data: "0x49493a4d" });
      if (factory instanceof Error) throw factory;
      return factory;
    },
  };
}
const beaconFactory = node(word(DEPOSIT_WALLET_BEACON));
const reverts = new RpcRefusedError("eth_call", { code: 3, message: "execution reverted" });
const unasked: RpcReader = {
  call: async () => {
    throw new Error("nobody asked");
  },
};

test("the wallets of a key", () => {
  expect(deriveWallets(signer)).toEqual(wallets);
});

test("proxy and Safe follow the rule of CREATE2 for any key", () => {
  const hex = (value: string) => value as Hex;
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{40}$/), (digits) => {
      const key = address(`0x${digits}`);
      const of = (from: string, salt: Hex, bytecodeHash: string) =>
        getContractAddress({ opcode: "CREATE2", from: hex(from), salt, bytecodeHash: hex(bytecodeHash) }).toLowerCase();
      expect(deriveWallets(key)).toMatchObject({
        proxy: of(
          "0xaB45c5A4B0c941a2F231C04C3f49182e1A254052",
          keccak256(hex(key)),
          "0xd21df8dc65880a8606f09fe0ce3df9b8869287ab0b058be05aa9e8af6330a00b",
        ),
        safe: of(
          "0xaacFeEa03eb1561C4e67d661e40682Bd20E3541b",
          keccak256(encodeAbiParameters([{ type: "address" }], [key as ViemAddress])),
          "0x2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf",
        ),
      });
    }),
    { numRuns: Number(process.env["FC_RUNS"] ?? 25) },
  );
});

describe("the flavour of deposit wallets", () => {
  test.each([
    ["the known beacon", word(DEPOSIT_WALLET_BEACON), "beacon"],
    ["no beacon", word("0x0"), "uups"],
    ["a refusal to run", reverts, "uups"],
  ])("%s", async (_name, answer, flavour) => {
    expect(await readDepositFlavour(node(answer))).toBe(flavour);
  });

  test.each([
    ["another beacon", word(`0x${"ab".repeat(20)}`)],
    ["no contract there", "0x"],
    ["no text", 7],
  ])("%s is refused", async (_name, answer) => {
    await expect(readDepositFlavour(node(answer))).rejects.toMatchObject({ code: "WALLET_MISMATCH" });
  });

  test("a node that is away says nothing about the factory", async () => {
    const busy = new RpcRefusedError("eth_call", { code: -32005, message: "limit exceeded" });
    await expect(readDepositFlavour(node(busy))).rejects.toBe(busy);
  });
});

describe("checking a wallet", () => {
  test.each<[SignatureType, Address, RpcReader]>([
    [0, wallets.eoa, unasked],
    [1, wallets.proxy, unasked],
    [2, wallets.safe, unasked],
    [3, wallets.deposit.beacon, beaconFactory],
    [3, wallets.deposit.uups, node(reverts)],
    [3, wallets.deposit.uups, node(word(DEPOSIT_WALLET_BEACON), [wallets.deposit.uups])],
  ])("type %i holds at %s", async (signatureType, funder, rpc) => {
    await checkWallet({ signer, funder, signatureType }, rpc);
  });

  const refusal = async (signatureType: SignatureType, funder: Address, rpc: RpcReader): Promise<string> => {
    const error = await checkWallet({ signer, funder, signatureType }, rpc).catch((thrown: unknown) => thrown);
    if (!(error instanceof ContractError)) throw new Error("accepted", { cause: error });
    expect(error.code).toBe("WALLET_MISMATCH");
    return error.message;
  };

  test("a wrong type is named with the right one", async () => {
    const text = await refusal(1, wallets.safe, unasked);
    expect(text).toContain(`the funder ${wallets.safe} is not the type 1 wallet of the signer ${signer}`);
    expect(text).toContain("set AQ_WALLET_SIGNATURE_TYPE to 2");
    for (const known of [wallets.eoa, wallets.proxy, wallets.safe, ...Object.values(wallets.deposit)]) {
      expect(text).toContain(known);
    }
  });

  test("somebody else's wallet is refused with what would be right", async () => {
    const text = await refusal(3, address(`0x${"77".repeat(20)}`), beaconFactory);
    expect(text).toContain("set AQ_WALLET_FUNDER to one of these");
    expect(text).toContain(`${wallets.deposit.beacon} (deposit wallet, beacon, as the factory makes them now)`);
  });

  test("a deposit wallet of the other flavour counts only where it is deployed", async () => {
    expect(await refusal(3, wallets.deposit.uups, beaconFactory)).toContain("the factory makes the other kind");
  });
});
