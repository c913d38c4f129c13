/** The settings of everything that `start` starts, looked at before any of it is: a service that finds its own wrong dies. */
import { balanceSyncEnv } from "@slipstream/balance-sync/config";
import { bookstoreEnv } from "@slipstream/bookstore/config";
import { watcherEnv } from "@slipstream/chain-watcher/config";
import { commonEnv, settingFaults } from "@slipstream/contracts/env";
import { ContractError } from "@slipstream/contracts/errors";
import type { ServiceName } from "@slipstream/contracts/subjects";
import { executorEnv } from "@slipstream/executor/config";
import { inventoryEnv } from "@slipstream/inventory/config";
import { registryEnv } from "@slipstream/registry/config";
import { riskEnv } from "@slipstream/risk/config";
import { sandboxEnv } from "@slipstream/sandbox/config";
import type { z } from "zod";
import { cliEnv } from "./config.ts";
import type { Environment } from "./serviceEnv.ts";

const services: Readonly<Record<ServiceName, z.ZodRawShape>> = {
  "chain-watcher": watcherEnv,
  "balance-sync": balanceSyncEnv,
  bookstore: bookstoreEnv,
  executor: executorEnv,
  risk: riskEnv,
  inventory: inventoryEnv,
  registry: registryEnv,
};
/** Names that begin so are nobody's but ours, so one that no program reads is misspelt. */
const OURS = /^(BOOKS|BOOKSTORE|EXECUTOR|REGISTRY|RISK|SANDBOX)_/;

/**
 * @param env - as services inherit it.
 * @param isSandbox - whether the sandbox is started as well.
 * @throws ContractError CONFIG_INVALID with each wrong setting, its value and what is allowed, and each name that is none.
 */
export function checkAllSettings(env: Environment, isSandbox: boolean): void {
  const started = [commonEnv, ...Object.values(services), ...(isSandbox ? [sandboxEnv] : [])];
  const faults = started.flatMap((shape) => settingFaults(shape, env));
  const known = [cliEnv, sandboxEnv, commonEnv, ...Object.values(services)].flatMap((shape) => Object.keys(shape));
  for (const [name, value] of Object.entries(env)) {
    if (!OURS.test(name) || value === undefined || value === "" || known.includes(name)) continue;
    faults.push(`${name} is no setting; did you mean ${nearest(name, known)}?`);
  }
  if (faults.length === 0) return;
  throw new ContractError("CONFIG_INVALID", `wrong settings:\n  ${[...new Set(faults)].join("\n  ")}`);
}

/** The one that begins most alike. */
const nearest = (name: string, known: readonly string[]): string =>
  known.reduce((best, other) => (alike(name, other) > alike(name, best) ? other : best));

function alike(one: string, other: string): number {
  let letters = 0;
  while (letters < one.length && one[letters] === other[letters]) letters += 1;
  return letters;
}
