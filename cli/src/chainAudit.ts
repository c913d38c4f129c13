/** Reads the leaders' fills from the chain itself, on a way of its own, to judge what chain-watcher told. */
import { TransientError } from "@slipstream/contracts/errors";
import type { Address } from "@slipstream/contracts/ids";
import { ORDER_FILLED_V1, ORDER_FILLED_V2 } from "@slipstream/polymarket/topics";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import type { ChainFill } from "./report.ts";

const TIMEOUT_MS = 10_000;
const RANGE_MAX = 1_000;

type Log = { topics: string[]; blockHash: string; blockNumber: string; logIndex: string };

/** Asks the first node that answers. @param rpcUrls - at least one, in the order of preference. */
async function call<T>(rpcUrls: readonly string[], method: string, params: readonly unknown[]): Promise<T> {
  let failure: unknown;
  for (const rpcUrl of rpcUrls) {
    try {
      return await callOne<T>(rpcUrl, method, params);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

async function callOne<T>(rpcUrl: string, method: string, params: readonly unknown[]): Promise<T> {
  const response = await fetch(rpcUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body = (await response.json()) as { result?: T; error?: { message: string } };
  if (body.result === undefined)
    throw new TransientError("RPC_REFUSED", `${method}: ${body.error?.message ?? "no result"}`);
  return body.result;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

export const readHead = async (rpcUrls: readonly string[]): Promise<number> =>
  Number(await call<string>(rpcUrls, "eth_blockNumber", []));

/** Blocks that may be forgotten while the others are read. */
const FORGOTTEN_MEANWHILE = 256;

/** The first block that nodes answer for; 0: all of them. A node may hold only the newest, as that of the sandbox does. */
export async function readOldest(rpcUrls: readonly string[]): Promise<number> {
  const earliest = await call<{ number: string } | null>(rpcUrls, "eth_getBlockByNumber", ["earliest", false]);
  const oldest = Number(earliest?.number ?? 0);
  return oldest === 0 ? 0 : oldest + FORGOTTEN_MEANWHILE;
}

/** Every OrderFilled log with one of the leaders as maker, from `fromBlock` to `toBlock`, both included. */
export async function readChainFills(
  rpcUrls: readonly string[],
  leaders: readonly Address[],
  range: { readonly fromBlock: number; readonly toBlock: number },
): Promise<ChainFill[]> {
  if (leaders.length === 0) return [];
  const fills: ChainFill[] = [];
  const makers = leaders.map((leader) => `0x${leader.slice(2).padStart(64, "0")}`);
  for (let from = range.fromBlock; from <= range.toBlock; from += RANGE_MAX) {
    const to = Math.min(range.toBlock, from + RANGE_MAX - 1);
    const logs = await call<Log[]>(rpcUrls, "eth_getLogs", [
      {
        address: defaultExchanges.rows.map((row) => row.address),
        topics: [[ORDER_FILLED_V1, ORDER_FILLED_V2], null, makers],
        fromBlock: hex(from),
        toBlock: hex(to),
      },
    ]);
    for (const log of logs) {
      fills.push({
        leader: `0x${(log.topics[2] ?? "").slice(26)}` as Address,
        blockHash: log.blockHash,
        blockNumber: Number(log.blockNumber),
        logIndex: Number(log.logIndex),
      });
    }
  }
  return fills;
}
