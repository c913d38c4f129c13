/**
 * The first block: code, storage and balances at the mainnet addresses. Nothing is deployed by transactions, so the
 * contracts survive every reorg.
 */
import { createRequire } from "node:module";
import type { Address } from "@slipstream/contracts/ids";
import type { UsdcMicro } from "@slipstream/contracts/money";
import { z } from "zod";
import * as at from "./addresses.ts";
import { readArtifact } from "./compile.ts";
import { asHex } from "./ctfIds.ts";
import { otherApprovals, otherContracts } from "./genesisOther.ts";
import { type Account, ONE, slotOf, UNLIMITED, type Word, word } from "./slots.ts";

export type Genesis = { readonly [field: string]: unknown; readonly alloc: Record<string, Account> };

export const GAS_LIMIT = 300_000_000;
/** A million of the native coin: gas for everything the sandbox will ever send. */
const GAS_MONEY = `0x${(10n ** 24n).toString(16)}`;
/** ConditionalTokens: ERC165 0, balances 1, operator approvals 2. */
const CTF_INTERFACES = 0n;
const CTF_APPROVALS = 2n;
/** SandboxToken.sol. */
const TOKEN_BALANCES = 0n;
const TOKEN_ALLOWANCES = 1n;
const TOKEN_SUPPLY = 2n;
const TOKEN_MINTERS = 3n;
/** ERC-165 itself and ERC-1155: its constructor would have registered them. */
const INTERFACES = ["0x01ffc9a7", "0xd9b67a26"];

export type GenesisWish = {
  readonly operator: Address;
  /** Each gets gas, its pUSD, and the approvals trading needs: pUSD and outcome tokens to exchanges and adapters. */
  readonly holders: readonly { readonly address: Address; readonly pusdMicro: UsdcMicro }[];
  readonly timestampS: number;
};

export function buildGenesis(wish: GenesisWish): Genesis {
  const exchanges = [at.standardExchange, at.negRiskExchange];
  const adapters = [at.standardAdapter, at.negRiskCollateralAdapter];
  const operators = Object.fromEntries([wish.operator, at.batchWallet].map((one) => [slotOf(0n, asHex(one)), ONE]));
  const minters = [wish.operator, ...adapters, at.negRiskAdapter].map((minter) => slotOf(TOKEN_MINTERS, asHex(minter)));
  const token: Record<Word, Word> = Object.fromEntries(minters.map((slot) => [slot, ONE]));
  const owners = [...wish.holders.map((holder) => holder.address), at.batchWallet];
  const others = otherApprovals(owners);
  const pusd: Record<Word, Word> = { ...token, ...others.pusd };
  const ctf: Record<Word, Word> = { ...others.ctf };
  let supply = 0n;
  for (const { address, pusdMicro } of wish.holders) {
    supply += pusdMicro;
    pusd[slotOf(TOKEN_BALANCES, asHex(address))] = word(pusdMicro);
  }
  pusd[word(TOKEN_SUPPLY)] = word(supply);
  for (const owner of [...owners, ...exchanges]) {
    for (const spender of [...exchanges, ...adapters]) {
      pusd[slotOf(TOKEN_ALLOWANCES, asHex(owner), asHex(spender))] = UNLIMITED;
      ctf[slotOf(CTF_APPROVALS, asHex(owner), asHex(spender))] = ONE;
    }
  }
  // Users may go to the neg-risk adapter themselves; the venue's own adapter always does.
  const negRiskUsers = [...owners, at.negRiskCollateralAdapter].map(asHex);
  for (const user of negRiskUsers) ctf[slotOf(CTF_APPROVALS, user, asHex(at.negRiskAdapter))] = ONE;
  const forNegRisk = negRiskUsers.map((user) => [slotOf(TOKEN_ALLOWANCES, user, asHex(at.negRiskAdapter)), UNLIMITED]);
  for (const selector of INTERFACES) ctf[slotOf(CTF_INTERFACES, asHex(selector.padEnd(66, "0")))] = ONE;
  const collateral = (adapter: Address) => ({
    ...token,
    [slotOf(TOKEN_ALLOWANCES, asHex(adapter), asHex(at.conditionalTokens))]: UNLIMITED,
  });
  const contract = (code: string, storage: Record<Word, Word> = {}): Account => ({ balance: "0x0", code, storage });
  const alloc: Record<string, Account> = {
    [at.conditionalTokens]: contract(conditionalTokensCode(), ctf),
    [at.pusd]: contract(readArtifact("SandboxToken"), pusd),
    [at.usdce]: contract(readArtifact("SandboxToken"), {
      ...collateral(at.standardAdapter),
      ...others.usdce,
      ...Object.fromEntries(forNegRisk),
    }),
    [at.wcol]: contract(readArtifact("SandboxToken"), collateral(at.negRiskAdapter)),
    [at.standardExchange]: contract(readArtifact("StandardExchange"), operators),
    [at.negRiskExchange]: contract(readArtifact("NegRiskExchange"), operators),
    [at.standardAdapter]: contract(readArtifact("StandardAdapter")),
    [at.negRiskCollateralAdapter]: contract(readArtifact("NegRiskAdapter")),
    [at.umaAdapter]: contract(readArtifact("SandboxOracle"), operators),
    [at.negRiskAdapter]: contract(readArtifact("SandboxNegRisk"), operators),
    [at.batchWallet]: contract(readArtifact("SandboxBatch")),
    [at.multicall3]: contract(readArtifact("Multicall3")),
    ...otherContracts(wish.operator, owners),
  };
  for (const address of [wish.operator, ...wish.holders.map((holder) => holder.address)]) {
    alloc[address] = { balance: GAS_MONEY };
  }
  return {
    config: { chainId: at.CHAIN_ID },
    nonce: "0x0",
    timestamp: `0x${wish.timestampS.toString(16)}`,
    extraData: "0x",
    gasLimit: `0x${GAS_LIMIT.toString(16)}`,
    difficulty: "0x0",
    mixHash: word(0n),
    coinbase: `0x${"0".repeat(40)}`,
    alloc,
  };
}

function conditionalTokensCode(): string {
  const artifact: unknown = createRequire(import.meta.url)(
    "@gnosis.pm/conditional-tokens-contracts/build/contracts/ConditionalTokens.json",
  );
  return z.object({ deployedBytecode: z.string().startsWith("0x") }).parse(artifact).deployedBytecode;
}
