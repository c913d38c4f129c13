/** Shared by the tests of the sandbox chain: a chain that makes blocks only when asked, and readers of its logs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hash } from "@slipstream/contracts/ids";
import { type Side, sharesMicro, usdcMicro } from "@slipstream/contracts/money";
import { anvilBin } from "@slipstream/testkit/binaries";
import { decodeEventLog, parseAbi } from "viem/utils";
import WebSocket from "ws";
import { startSandboxChain } from "../src/chain/chain.ts";
import { asHex } from "../src/chain/ctfIds.ts";
import { adapterAbi, exchangeAbi } from "../src/chain/transactions.ts";
import type {
  ChainMarket,
  MatchedOrder,
  SandboxChain,
  SandboxChainOptions,
  SandboxWallet,
} from "../src/chain/types.ts";

export type TestChain = { readonly chain: SandboxChain; readonly stop: () => Promise<void> };

export async function startTestChain(changes: Partial<SandboxChainOptions> = {}): Promise<TestChain> {
  const dir = mkdtempSync(join(tmpdir(), "sandbox-chain-"));
  const forget = () => rmSync(dir, { recursive: true, force: true });
  const chain = await startSandboxChain({
    seed: "test",
    blockTimeMs: 0,
    markets: [
      { slug: "rain", negRisk: false },
      { slug: "candidate", negRisk: true, eventSlug: "election", questionIndex: 3 },
    ],
    wallets: ["active", "first", "second"].map((name) => ({ name, pusdMicro: usdcMicro(1_000_000_000n) })),
    dir,
    anvilBin: anvilBin(),
    ...changes,
  }).catch((error: unknown) => {
    forget();
    throw error;
  });
  const stop = async () => {
    await chain.stop();
    forget();
  };
  return { chain, stop };
}

export function walletOf(chain: SandboxChain, name: string): SandboxWallet {
  const wallet = chain.wallets.find((one) => one.name === name);
  if (wallet === undefined) throw new Error(`no wallet ${name}`);
  return wallet;
}

export function marketOf(chain: SandboxChain, slug: string): ChainMarket {
  const market = chain.markets.find((one) => one.slug === slug);
  if (market === undefined) throw new Error(`no market ${slug}`);
  return market;
}

/** A hash that is easy to recognise: 7 gives 0x000…07. */
export const hashOf = (n: number): Hash => Hash.parse(`0x${n.toString(16).padStart(64, "0")}`);

/** An order of whole micro amounts, without fee unless given. */
export const orderOf = (order: {
  readonly n: number;
  readonly wallet: SandboxWallet;
  readonly side: Side;
  readonly market: ChainMarket;
  readonly outcome: 0 | 1;
  readonly shares: bigint;
  readonly usdc: bigint;
  readonly fee?: bigint;
}): MatchedOrder => ({
  orderHash: hashOf(order.n),
  maker: order.wallet.address,
  side: order.side,
  tokenId: order.market.tokenIds[order.outcome],
  sharesMicro: sharesMicro(order.shares),
  usdcMicro: usdcMicro(order.usdc),
  feeMicro: usdcMicro(order.fee ?? 0n),
});

/** pUSD and both outcomes of a wallet, in micro units. */
export async function holdings(chain: SandboxChain, name: string, market: ChainMarket) {
  const { address } = walletOf(chain, name);
  const [yes, no] = await Promise.all(market.tokenIds.map((tokenId) => chain.balanceOf(address, tokenId)));
  return { pusd: await chain.pusdOf(address), yes: yes ?? 0n, no: no ?? 0n };
}

/** Acts, and returns how the holdings of each wallet changed. */
export async function change(
  chain: SandboxChain,
  names: readonly string[],
  market: ChainMarket,
  act: () => Promise<unknown>,
) {
  const before = await Promise.all(names.map((name) => holdings(chain, name, market)));
  await act();
  const after = await Promise.all(names.map((name) => holdings(chain, name, market)));
  return after.map((now, index) => {
    const then = before[index] ?? now;
    return { pusd: now.pusd - then.pusd, yes: now.yes - then.yes, no: now.no - then.no };
  });
}

/** Each wallet splits pUSD into shares, in one block. */
export async function giveShares(chain: SandboxChain, names: readonly string[], market: ChainMarket, shares: bigint) {
  for (const name of names) await chain.split(walletOf(chain, name), market.conditionId, sharesMicro(shares));
  await chain.mine();
}

/** One JSON-RPC call over HTTP. @throws Error with code and message. */
export async function rpc(url: string, method: string, params: readonly unknown[] = []): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const reply = (await response.json()) as { result?: unknown; error?: { code: number; message: string } };
  if (reply.error !== undefined) throw new Error(`${reply.error.code} ${reply.error.message}`);
  return reply.result;
}

export type RawLog = {
  readonly address: string;
  readonly topics: readonly string[];
  readonly data: string;
  readonly transactionHash: string;
  readonly blockNumber: string;
  readonly blockHash: string;
  readonly logIndex: string;
  readonly removed: boolean;
};

export async function logsOf(chain: SandboxChain, txHash: Hash): Promise<RawLog[]> {
  const receipt = (await rpc(chain.rpcHttpUrl, "eth_getTransactionReceipt", [txHash])) as { logs: RawLog[] } | null;
  if (receipt === null) throw new Error(`${txHash} is not mined`);
  return receipt.logs;
}

const eventAbi = [
  ...exchangeAbi,
  ...adapterAbi,
  ...parseAbi([
    "event Transfer(address indexed from, address indexed to, uint256 value)",
    "event TransferSingle(address indexed operator, address indexed from, address indexed to, uint256 id, uint256 value)",
    "event TransferBatch(address indexed operator, address indexed from, address indexed to, uint256[] ids, uint256[] values)",
    "event PositionSplit(address indexed stakeholder, address collateralToken, bytes32 indexed parentCollectionId, bytes32 indexed conditionId, uint256[] partition, uint256 amount)",
    "event PositionsMerge(address indexed stakeholder, address collateralToken, bytes32 indexed parentCollectionId, bytes32 indexed conditionId, uint256[] partition, uint256 amount)",
    "event PositionSplit(address indexed stakeholder, bytes32 indexed conditionId, uint256 amount)",
    "event PositionsMerge(address indexed stakeholder, bytes32 indexed conditionId, uint256 amount)",
  ]),
];

/** Decodes with viem; addresses in lower case. */
export function decode(log: RawLog): { name: string; address: string; args: Record<string, unknown> } {
  const [first, ...rest] = log.topics.map(asHex);
  if (first === undefined) throw new Error("a log without topics");
  const { eventName, args } = decodeEventLog({ abi: eventAbi, data: asHex(log.data), topics: [first, ...rest] });
  const lower = Object.entries(args).map(([field, value]) => [
    field,
    typeof value === "string" ? value.toLowerCase() : value,
  ]);
  return { name: eventName, address: log.address.toLowerCase(), args: Object.fromEntries(lower) };
}

export type Listener = {
  /** Everything the subscriptions were told, in order. */
  readonly heard: { readonly subscription: string; readonly result: RawLog }[];
  /** Sends a request and returns its result. */
  call(method: string, params: readonly unknown[]): Promise<unknown>;
  readonly closed: Promise<void>;
  close(): void;
};

/** Connects to the WebSocket endpoint. @throws Error when it refuses. */
export async function listen(url: string): Promise<Listener> {
  const socket = new WebSocket(url);
  const heard: Listener["heard"] = [];
  const waiting = new Map<number, (result: unknown) => void>();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.on("message", (data) => {
    const message = JSON.parse(String(data)) as {
      id?: number;
      result?: unknown;
      params?: { subscription: string; result: RawLog };
    };
    if (message.params !== undefined) heard.push(message.params);
    else if (message.id !== undefined) waiting.get(message.id)?.(message.result);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => undefined);
  let lastId = 0;
  return {
    heard,
    closed,
    close: () => socket.terminate(),
    call: (method, params) => {
      lastId += 1;
      const { promise, resolve } = Promise.withResolvers<unknown>();
      waiting.set(lastId, resolve);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: lastId, method, params }));
      return promise;
    },
  };
}
