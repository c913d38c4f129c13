/** Wallets of the sandbox: keys follow from (seed, name), so the same seed always gives the same addresses. */
import { Address } from "@slipstream/contracts/ids";
import { privateKeyToAddress } from "viem/accounts";
import { keccak256, stringToHex } from "viem/utils";
import type { SandboxWallet } from "./types.ts";

export function deriveWallet(seed: string, name: string): SandboxWallet {
  const privateKey = keccak256(stringToHex(`slipstream sandbox|${seed}|wallet|${name}`));
  return { name, privateKey, address: Address.parse(privateKeyToAddress(privateKey).toLowerCase()) };
}
