#!/usr/bin/env node
/** Compiles sandbox/contracts with solc and writes the artefacts that genesis loads: `node sandbox/src/chain/compile.ts`. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { z } from "zod";

export const contractNames = [
  "SandboxToken",
  "StandardAdapter",
  "NegRiskAdapter",
  "StandardExchange",
  "NegRiskExchange",
  "SandboxExchangeV1",
  "SandboxFeeModule",
  "SandboxExchangeV3",
  "SandboxPositionManager",
  "SandboxOracle",
  "SandboxNegRisk",
  "SandboxBatch",
  "Multicall3",
] as const;
export type ContractName = (typeof contractNames)[number];

const contractsFolder = new URL("../../contracts/", import.meta.url);
const artifactsFolder = new URL("./artifacts/", import.meta.url);

const Output = z.object({
  errors: z.array(z.object({ formattedMessage: z.string() })).default([]),
  contracts: z
    .record(
      z.string(),
      z.record(z.string(), z.object({ evm: z.object({ deployedBytecode: z.object({ object: z.string() }) }) })),
    )
    .default({}),
});

/**
 * Returns the run-time code of every contract as 0x hex. No metadata hash is appended, so equal sources give equal code.
 * @throws Error with the compiler's text for any error or warning.
 */
export function compileContracts(): Record<ContractName, `0x${string}`> {
  const solc = createRequire(import.meta.url)("solc") as { compile: (input: string) => string };
  const sources: Record<string, { content: string }> = {};
  for (const file of readdirSync(contractsFolder)) {
    if (file.endsWith(".sol")) sources[file] = { content: readFileSync(new URL(file, contractsFolder), "utf8") };
  }
  const input = {
    language: "Solidity",
    sources,
    settings: {
      evmVersion: "cancun",
      optimizer: { enabled: true, runs: 200 },
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["evm.deployedBytecode.object"] } },
    },
  };
  const output = Output.parse(JSON.parse(solc.compile(JSON.stringify(input))));
  if (output.errors.length > 0) throw new Error(output.errors.map((error) => error.formattedMessage).join("\n"));
  const compiled = Object.assign({}, ...Object.values(output.contracts)) as (typeof output.contracts)[string];
  const code: Partial<Record<ContractName, `0x${string}`>> = {};
  for (const name of contractNames) {
    const object = compiled[name]?.evm.deployedBytecode.object;
    if (object === undefined || object === "") throw new Error(`the compiler gave no code for ${name}`);
    code[name] = `0x${object}`;
  }
  return code as Record<ContractName, `0x${string}`>;
}

/** Reads the committed code of a contract. */
export function readArtifact(name: ContractName): `0x${string}` {
  const text = readFileSync(new URL(`${name}.json`, artifactsFolder), "utf8");
  return z.object({ deployedBytecode: z.templateLiteral(["0x", z.string()]) }).parse(JSON.parse(text)).deployedBytecode;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, deployedBytecode] of Object.entries(compileContracts())) {
    writeFileSync(new URL(`${name}.json`, artifactsFolder), `${JSON.stringify({ deployedBytecode }, null, 2)}\n`);
  }
}
