/** A real anvil (a local Ethereum node, chain id 137) for one test file. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onFreePort, type RunningProcess, waitUntilReady } from "@slipstream/actor/process";
import { anvilBin } from "./binaries.ts";
import { makeFolder, removeFolder, startCounted } from "./processes.ts";

export type AnvilOptions = {
  /** As of geth; `timestamp` is set to now when absent. */
  readonly genesis?: Readonly<Record<string, unknown>>;
  /** Seconds, fractions allowed; absent: a block for every transaction. */
  readonly blockTime?: number;
  /** Blocks only by `evm_mine`. */
  readonly noMining?: boolean;
  /** `finalized` is the head less twice this; default 4, so reorgs up to 8 deep do not cross it. */
  readonly slotsInAnEpoch?: number;
  readonly flags?: readonly string[];
};

export type TestAnvil = {
  readonly httpUrl: string;
  readonly wsUrl: string;
  readonly port: number;
  readonly pid: number;
  /** One JSON-RPC call. @throws Error with the node's message and code. */
  rpc(method: string, params?: readonly unknown[]): Promise<unknown>;
  /** Harmless the second time. */
  stop(): Promise<void>;
};

/** Against hanging only. */
const READY_TIMEOUT_MS = 120_000;
const EPOCH_SLOTS_DEFAULT = 4;

/**
 * Starts anvil on a free port of 127.0.0.1 and resolves when it answers.
 * `--prune-history 256` keeps states in memory only: with the default it writes up to 0.5 MB per block to disk, and
 * deep reorgs lose contract code; with no number reorgs fail.
 * @throws Error with its output when it does not get ready.
 */
export async function startAnvil(options: AnvilOptions = {}): Promise<TestAnvil> {
  const folder = makeFolder("anvil");
  try {
    const { port, running } = await onFreePort((free) => startOn(free, options, folder));
    return {
      httpUrl: `http://127.0.0.1:${port}`,
      wsUrl: `ws://127.0.0.1:${port}`,
      port,
      pid: running.pid,
      rpc: (method, params = []) => call(port, method, params),
      stop: async () => {
        await running.terminate();
        removeFolder(folder);
      },
    };
  } catch (error) {
    removeFolder(folder);
    throw error;
  }
}

async function startOn(
  port: number,
  options: AnvilOptions,
  folder: string,
): Promise<{ port: number; running: RunningProcess }> {
  const running = await startCounted({
    name: "anvil",
    command: anvilBin(),
    args: argumentsOf(options, folder, port),
    // It also writes below its home.
    env: { ...process.env, HOME: folder },
  });
  try {
    await waitUntilReady(running, () => answers(port), READY_TIMEOUT_MS);
    return { port, running };
  } catch (error) {
    await running.kill9();
    throw error;
  }
}

function argumentsOf(options: AnvilOptions, folder: string, port: number): string[] {
  const { genesis, blockTime, noMining = false, slotsInAnEpoch = EPOCH_SLOTS_DEFAULT, flags = [] } = options;
  const args = ["--host", "127.0.0.1", "--port", `${port}`, "--chain-id", "137", "--silent"];
  args.push(
    "--prune-history",
    "256",
    "--cache-path",
    join(folder, "cache"),
    "--slots-in-an-epoch",
    `${slotsInAnEpoch}`,
  );
  if (blockTime !== undefined) args.push("--block-time", `${blockTime}`);
  if (noMining) args.push("--no-mining");
  if (genesis !== undefined) {
    const file = join(folder, "genesis.json");
    const timestamp = `0x${Math.floor(Date.now() / 1000).toString(16)}`;
    writeFileSync(file, JSON.stringify({ timestamp, ...genesis }));
    args.push("--init", file);
  }
  return [...args, ...flags];
}

const answers = (port: number): Promise<boolean> =>
  call(port, "eth_chainId", []).then(
    () => true,
    () => false,
  );

type RpcReply = { readonly result?: unknown; readonly error?: { readonly code: number; readonly message: string } };

async function call(port: number, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    signal: AbortSignal.timeout(READY_TIMEOUT_MS),
  });
  const reply = (await response.json()) as RpcReply;
  if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message} (${reply.error.code})`);
  return reply.result;
}
