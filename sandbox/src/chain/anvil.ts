/** Starts and ends the chain node. */

import { existsSync, mkdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { onFreePort, startProcess, waitUntilReady } from "@slipstream/actor/process";
import { ContractError } from "@slipstream/contracts/errors";
import { CHAIN_ID } from "./addresses.ts";
import { GAS_LIMIT, type Genesis } from "./genesis.ts";
import { connectRpc, type RpcClient } from "./rpcClient.ts";

/**
 * States kept in memory unless fewer are asked for, each whole: reads and reorgs reach this far back. Without the flag anvil
 * fills the disk without bound.
 */
export const STATE_HISTORY_BLOCKS = 256;
const START_TIMEOUT_MS = 15_000;

export type AnvilOptions = {
  readonly genesis: Genesis;
  /** Existing or new parent of a temporary folder that `stop` removes. */
  readonly dir: string;
  /** File of a state to go on from; absent: from genesis. */
  readonly state?: string | undefined;
  /** Blocks whose transactions and states it holds; absent: of all, and of 256, which is for short lives. */
  readonly blocks?: number | undefined;
  /** Path of the platform's own anvil; absent: the npm package of this platform. */
  readonly binary?: string | undefined;
};

export type Anvil = {
  readonly pid: number;
  readonly wsUrl: string;
  readonly rpc: RpcClient;
  stop(): Promise<void>;
};

/**
 * Starts anvil without a mining rhythm of its own: blocks come from `evm_mine`, so that reorgs never race with one.
 * @throws ContractError when there is no anvil for this platform, Error with its output when it does not come up.
 */
export async function startAnvil({ genesis, dir, state, blocks, binary }: AnvilOptions): Promise<Anvil> {
  mkdirSync(dir, { recursive: true });
  const folder = await mkdtemp(join(resolve(dir), "anvil-"));
  try {
    const genesisFile = join(folder, "genesis.json");
    await writeFile(genesisFile, JSON.stringify(genesis));
    const flags = [
      ...["--prune-history", String(blocks ?? STATE_HISTORY_BLOCKS)],
      ...(state === undefined ? ["--init", genesisFile] : ["--load-state", state]),
      ...(blocks === undefined ? [] : ["--transaction-block-keeper", String(blocks)]),
    ];
    const command = binary ?? packagedAnvil();
    const anvil = await onFreePort((port) => startOn({ port, folder, binary: command, flags }));
    const stop = async () => {
      await anvil.stop();
      await rm(folder, { recursive: true, force: true });
    };
    return { ...anvil, stop };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startOn(options: {
  readonly port: number;
  readonly folder: string;
  readonly binary: string;
  readonly flags: readonly string[];
}): Promise<Anvil> {
  const { port, folder, binary } = options;
  const args = [
    options.flags,
    ["--host", "127.0.0.1"],
    ["--port", String(port)],
    ["--chain-id", String(CHAIN_ID)],
    ["--cache-path", join(folder, "cache")],
    ["--gas-limit", String(GAS_LIMIT)],
    ["--block-base-fee-per-gas", "0"],
    ["--order", "fifo"],
    ["--accounts", "1"],
    ["--no-mining"],
    // No page of a browser; other programs of this machine can still reach it.
    ["--no-cors"],
    ["--silent"],
  ].flat();
  // It also writes below its home.
  // A signal to the whole group (Ctrl-C) must not end it before its state is saved.
  const running = await startProcess({ name: "anvil", command: binary, args, env: { HOME: folder }, detached: true });
  const wsUrl = `ws://127.0.0.1:${port}`;
  let rpc: RpcClient | undefined;
  const connects = async () => {
    rpc = await connectRpc(wsUrl).catch(() => undefined);
    return rpc !== undefined;
  };
  try {
    await waitUntilReady(running, connects, START_TIMEOUT_MS);
    if (rpc === undefined) throw new Error("anvil was ready without a connection");
  } catch (error) {
    await running.kill9();
    throw error;
  }
  const connected: RpcClient = rpc;
  const stop = async () => {
    connected.close();
    await running.terminate();
  };
  return { pid: running.pid, wsUrl, rpc: connected, stop };
}

function packagedAnvil(): string {
  const cpu = process.arch === "x64" ? "amd64" : process.arch;
  const name = `@foundry-rs/anvil-${process.platform}-${cpu}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const binary = join(manifest, "..", "bin", process.platform === "win32" ? "anvil.exe" : "anvil");
    if (existsSync(binary)) return binary;
  } catch (cause) {
    throw new ContractError(
      "CONFIG_INVALID",
      `set ANVIL_BIN to an anvil binary: the package ${name} is not installed`,
      {
        cause,
      },
    );
  }
  throw new ContractError("CONFIG_INVALID", `set ANVIL_BIN to an anvil binary: the package ${name} holds none`);
}
