/** Starts and ends the chain node. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ContractError, TransientError } from "@slipstream/contracts/errors";
import { CHAIN_ID } from "./addresses.ts";
import { GAS_LIMIT, type Genesis } from "./genesis.ts";
import { connectRpc, type RpcClient } from "./rpcClient.ts";

/** States kept in memory: reads and reorgs reach this far back. More costs disk without bound. */
export const STATE_HISTORY_BLOCKS = 256;
const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 3_000;

export type Anvil = {
  readonly wsUrl: string;
  readonly rpc: RpcClient;
  stop(): Promise<void>;
};

/**
 * Starts anvil without a mining rhythm of its own: blocks come from `evm_mine`, so that reorgs never race with one.
 * @param dir - existing or new parent of a temporary folder that `stop` removes.
 * @throws ContractError when there is no anvil for this platform, TransientError when it does not come up.
 */
export async function startAnvil(genesis: Genesis, dir: string): Promise<Anvil> {
  const folder = await mkdtemp(join(resolve(dir), "anvil-"));
  const genesisFile = join(folder, "genesis.json");
  await writeFile(genesisFile, JSON.stringify(genesis));
  const port = await freePort();
  const flags = [
    ["--host", "127.0.0.1"],
    ["--port", String(port)],
    ["--chain-id", String(CHAIN_ID)],
    ["--init", genesisFile],
    ["--prune-history", String(STATE_HISTORY_BLOCKS)],
    ["--cache-path", join(folder, "cache")],
    ["--gas-limit", String(GAS_LIMIT)],
    ["--block-base-fee-per-gas", "0"],
    ["--order", "fifo"],
    ["--accounts", "1"],
    ["--no-mining"],
    ["--silent"],
  ].flat();
  const child = spawn(anvilBinary(), flags, { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString("utf8")).slice(-2_000);
  });
  let spawnError: Error | undefined;
  child.on("error", (error) => {
    spawnError = error;
  });
  const gone = () => spawnError !== undefined || child.exitCode !== null || child.signalCode !== null;
  const end = async () => {
    if (!gone()) {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(timer);
    }
    await rm(folder, { recursive: true, force: true });
  };
  const wsUrl = `ws://127.0.0.1:${port}`;
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      const rpc = await connectRpc(wsUrl);
      let stopped: Promise<void> | undefined;
      const stop = () => {
        rpc.close();
        stopped ??= end();
        return stopped;
      };
      return { wsUrl, rpc, stop };
    } catch (cause) {
      if (gone() || performance.now() > deadline) {
        await end();
        throw new TransientError("RPC_UNREACHABLE", `anvil did not start: ${spawnError?.message ?? complaint}`, {
          cause,
        });
      }
      await delay(10);
    }
  }
}

/** ANVIL_BIN, else the npm package of this platform. */
function anvilBinary(): string {
  const wanted = process.env["ANVIL_BIN"];
  if (wanted !== undefined && wanted !== "") return wanted;
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

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new TransientError("RPC_UNREACHABLE", "no free port");
  return address.port;
}
