/**
 * Which wallet holds what a key trades with: the key's own account, or a contract whose address follows from the key.
 *
 * Money, tokens, events and the venue's index all name the holder (the funder), never the key (the signer). A funder that
 * the key does not control would be watched in vain, so it is derived and compared before anything is read.
 * @see docs/venue.md, Contract reads
 */
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { keccak256 } from "@slipstream/contracts/keccak";
import { addressToWord } from "./abi.ts";
import { type RpcReader, RpcRefusedError } from "./rpc.ts";
import { ZERO_ADDRESS } from "./versions.ts";
import { addressWord } from "./words.ts";

/** How an order is signed and who holds: 0 the account itself, 1 proxy, 2 Safe, 3 deposit wallet. */
export type SignatureType = 0 | 1 | 2 | 3;
/** Two kinds of contract were rolled out as deposit wallets; the factory tells which one it makes now. */
export type DepositFlavour = "beacon" | "uups";

export type DerivedWallets = {
  readonly eoa: Address;
  readonly proxy: Address;
  readonly safe: Address;
  readonly deposit: Readonly<Record<DepositFlavour, Address>>;
};

/** A wallet as it is configured. */
export type WalletClaim = {
  readonly signer: Address;
  readonly funder: Address;
  readonly signatureType: SignatureType;
};

const lower = (text: string): Address => text.toLowerCase() as Address;

const PROXY_FACTORY = lower("0xaB45c5A4B0c941a2F231C04C3f49182e1A254052");
const SAFE_FACTORY = lower("0xaacFeEa03eb1561C4e67d661e40682Bd20E3541b");
export const DEPOSIT_WALLET_FACTORY = lower("0x00000000000Fb5C9ADea0298D729A0CB3823Cc07");
export const DEPOSIT_WALLET_BEACON = lower("0x7A18EDfe055488A3128f01F563e5B479D92ffc3a");
const DEPOSIT_WALLET_IMPLEMENTATION = lower("0x58CA52ebe0DadfdF531Cde7062e76746de4Db1eB");

/** Of the code that the factories deploy; it is the same for everybody. */
const PROXY_CODE_HASH = "d21df8dc65880a8606f09fe0ce3df9b8869287ab0b058be05aa9e8af6330a00b";
const SAFE_CODE_HASH = "2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf";

/**
 * Creation code of the two minimal ERC-1967 proxies with constant arguments behind their code (32 bytes each here: factory
 * and owner): push the length, copy, then `head` with the target, the code itself, the arguments.
 */
const CREATION = {
  uups: {
    target: DEPOSIT_WALLET_IMPLEMENTATION,
    codeLength: 0x3d,
    code:
      "60095155f3363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076" +
      "cc3735a920a3ca505d382bbc545af43d6000803e6038573d6000fd5b3d6000f3",
  },
  beacon: {
    target: DEPOSIT_WALLET_BEACON,
    codeLength: 0x52,
    code:
      "60195155f3363d3d373d3d363d602036600436635c60da" +
      "1b60e01b36527fa3f0ad74e5423aebfd80d3ef4346578335a9a72aeaee59ff6c" +
      "b3582b35133d50545afa5036515af43d6000803e604d573d6000fd5b3d6000f3",
  },
} as const;

/** Returns the address of every kind of wallet that belongs to a key. Pure: the rules are the factories'. */
export function deriveWallets(signer: Address): DerivedWallets {
  return {
    eoa: signer,
    proxy: create2(PROXY_FACTORY, keccak(signer.slice(2)), PROXY_CODE_HASH),
    safe: create2(SAFE_FACTORY, keccak(addressToWord(signer)), SAFE_CODE_HASH),
    deposit: { beacon: depositWallet(signer, "beacon"), uups: depositWallet(signer, "uups") },
  };
}

function depositWallet(signer: Address, flavour: DepositFlavour): Address {
  const args = addressToWord(DEPOSIT_WALLET_FACTORY) + addressToWord(signer);
  const { target, codeLength, code } = CREATION[flavour];
  const length = (codeLength + args.length / 2).toString(16).padStart(4, "0");
  const initCode = `61${length}3d8160233d3973${target.slice(2)}${code}${args}`;
  return create2(DEPOSIT_WALLET_FACTORY, keccak(args), keccak(initCode));
}

const keccak = (hex: string): string => Buffer.from(keccak256(Buffer.from(hex, "hex"))).toString("hex");

const create2 = (factory: Address, salt: string, codeHash: string): Address =>
  `0x${keccak(`ff${factory.slice(2)}${salt}${codeHash}`).slice(24)}` as Address;

/** A view of the deposit-wallet factory that answers the beacon of the wallets it makes; older ones do not have it. */
const ENCODED_FACTORY_BEACON = "0x49493a4d";

/**
 * Asks the factory which flavour it makes.
 * @throws ContractError WALLET_MISMATCH when it names a beacon that this program does not know, or there is no factory;
 *   what the node throws passes through, a refusal to run the call apart: then the factory is the older one.
 */
export async function readDepositFlavour(rpc: RpcReader): Promise<DepositFlavour> {
  let answer: unknown;
  try {
    answer = await rpc.call("eth_call", [{ to: DEPOSIT_WALLET_FACTORY, data: ENCODED_FACTORY_BEACON }, "latest"]);
  } catch (error) {
    // Code 3 is a revert; some nodes say it in words only.
    if (error instanceof RpcRefusedError && (error.rpcCode === 3 || /revert/i.test(error.message))) return "uups";
    throw error;
  }
  const beacon = typeof answer === "string" ? addressWord(answer, 2) : null;
  if (beacon === DEPOSIT_WALLET_BEACON) return "beacon";
  if (beacon === ZERO_ADDRESS) return "uups";
  throw new ContractError(
    "WALLET_MISMATCH",
    `the factory of deposit wallets ${DEPOSIT_WALLET_FACTORY} answers ${beacon ?? JSON.stringify(answer)}; this program ` +
      `knows wallets of the beacon ${DEPOSIT_WALLET_BEACON} and wallets without one`,
  );
}

/**
 * Checks that the funder is the signer's wallet of the given type. A deposit wallet must be of the flavour that the
 * factory makes now, or be deployed already as the other.
 * @throws ContractError WALLET_MISMATCH that says what is configured, what the signer's wallets are and what to change;
 *   what the node throws passes through (only type 3 asks it).
 */
export async function checkWallet(claim: WalletClaim, rpc: RpcReader): Promise<void> {
  const derived = deriveWallets(claim.signer);
  if (claim.signatureType !== 3) {
    const expected = [derived.eoa, derived.proxy, derived.safe][claim.signatureType];
    if (claim.funder !== expected) throw mismatch(claim, derived, null);
    return;
  }
  const flavour = await readDepositFlavour(rpc);
  if (claim.funder === derived.deposit[flavour]) return;
  const other = flavour === "beacon" ? "uups" : "beacon";
  if (claim.funder === derived.deposit[other] && (await isDeployed(rpc, claim.funder))) return;
  throw mismatch(claim, derived, flavour);
}

async function isDeployed(rpc: RpcReader, address: Address): Promise<boolean> {
  const code = await rpc.call("eth_getCode", [address, "latest"]);
  if (typeof code !== "string") throw new TransientError("RPC_UNREACHABLE", "eth_getCode: the answer is no text");
  return code !== "0x";
}

/** @param flavour - what the factory makes now; null: not asked. */
function mismatch({ signer, funder, signatureType }: WalletClaim, of: DerivedWallets, flavour: DepositFlavour | null) {
  const fits: readonly (readonly [SignatureType, string, Address])[] = [
    [0, "the account itself", of.eoa],
    [1, "proxy wallet", of.proxy],
    [2, "Safe", of.safe],
    [3, `deposit wallet, beacon${flavour === "beacon" ? ", as the factory makes them now" : ""}`, of.deposit.beacon],
    [3, `deposit wallet, UUPS${flavour === "uups" ? ", as the factory makes them now" : ""}`, of.deposit.uups],
  ];
  const found = fits.find(([, , address]) => address === funder);
  const lines = fits.map(([type, words, address]) => `  type ${type}: ${address} (${words})`);
  return new ContractError(
    "WALLET_MISMATCH",
    [
      `the funder ${funder} is not the type ${signatureType} wallet of the signer ${signer}. The signer's wallets are:`,
      ...lines,
      found === undefined
        ? "set AQ_WALLET_FUNDER to one of these and AQ_WALLET_SIGNATURE_TYPE to its type, or AQ_WALLET_SIGNER to the key of the funder"
        : found[0] === signatureType
          ? "this deposit wallet is not deployed and the factory makes the other kind: set AQ_WALLET_FUNDER to that one"
          : `the funder is the signer's ${found[1]}: set AQ_WALLET_SIGNATURE_TYPE to ${found[0]}`,
    ].join("\n"),
  );
}
