/**
 * The exchanges on which the sandbox's venue does not trade: the first generation, which holds the history of real
 * wallets, and the third. They stand in the first block, so that logs of every generation can be had from a real EVM.
 */
import type { Address } from "@slipstream/contracts/ids";
import * as at from "./addresses.ts";
import { readArtifact } from "./compile.ts";
import { asHex } from "./ctfIds.ts";
import { type Account, ONE, slotOf, UNLIMITED, type Word } from "./slots.ts";

/** SandboxToken.sol, ConditionalTokens, SandboxPositionManager. */
const TOKEN_ALLOWANCES = 1n;
const CTF_APPROVALS = 2n;
const POSITION_APPROVALS = 1n;

const firstGeneration = [at.exchangeV1, at.negRiskExchangeV1];

type Storage = Record<Word, Word>;
const allow = (base: bigint, owners: readonly Address[], spenders: readonly Address[], value: Word): Storage =>
  Object.fromEntries(
    owners.flatMap((owner) => spenders.map((one) => [slotOf(base, asHex(owner), asHex(one)), value] as const)),
  );

/** Approvals of `owners` at the other exchanges, by the contract that keeps them. */
export function otherApprovals(owners: readonly Address[]): Record<"pusd" | "usdce" | "ctf", Storage> {
  return {
    pusd: allow(TOKEN_ALLOWANCES, [...owners, at.exchangeV3], [at.exchangeV3, at.positionManager], UNLIMITED),
    usdce: allow(
      TOKEN_ALLOWANCES,
      [...owners, ...firstGeneration],
      [...firstGeneration, at.conditionalTokens],
      UNLIMITED,
    ),
    ctf: allow(CTF_APPROVALS, owners, firstGeneration, ONE),
  };
}

/** Code and storage of the other exchanges and of what belongs to them. */
export function otherContracts(operator: Address, owners: readonly Address[]): Record<Address, Account> {
  const operated = (...operators: Address[]): Storage =>
    Object.fromEntries(operators.map((one) => [slotOf(0n, asHex(one)), ONE]));
  const contract = (code: string, storage: Storage): Account => ({ balance: "0x0", code, storage });
  const v1 = contract(readArtifact("SandboxExchangeV1"), operated(operator, at.feeModuleV1));
  return {
    [at.exchangeV1]: v1,
    [at.negRiskExchangeV1]: v1,
    [at.feeModuleV1]: contract(readArtifact("SandboxFeeModule"), operated(operator)),
    [at.exchangeV3]: contract(readArtifact("SandboxExchangeV3"), operated(operator)),
    [at.positionManager]: contract(
      readArtifact("SandboxPositionManager"),
      allow(POSITION_APPROVALS, [...owners, at.exchangeV3], [at.exchangeV3], ONE),
    ),
  };
}
