import { sharesMicro } from "@slipstream/contracts/money";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as at from "../src/chain/addresses.ts";
import type { SandboxChain } from "../src/chain/types.ts";
import { listen, marketOf, type RawLog, rpc, startTestChain, type TestChain, walletOf } from "./chainKit.ts";

let kit: TestChain;
let chain: SandboxChain;
beforeEach(async () => {
  kit = await startTestChain({ finalityDepth: 4 });
  chain = kit.chain;
});
afterEach(() => kit.stop());

const blockNumber = async () => Number(await rpc(chain.rpcHttpUrl, "eth_blockNumber"));
const getLogs = async (filter: object) => (await rpc(chain.rpcHttpUrl, "eth_getLogs", [filter])) as RawLog[];

async function split() {
  const market = marketOf(chain, "rain");
  const txHash = await chain.split(walletOf(chain, "first"), market.conditionId, sharesMicro(1_000_000n));
  await chain.mine();
  return txHash;
}

test("an outage fails every request, cuts and refuses sockets, and ends", async () => {
  const listener = await listen(chain.rpcWsUrl);
  chain.faults.setOutage(true);
  await listener.closed;
  await expect(blockNumber()).rejects.toThrow("HTTP 503");
  await expect(listen(chain.rpcWsUrl)).rejects.toThrow("503");
  await chain.mine();
  chain.faults.setOutage(false);
  expect(await blockNumber()).toBe(chain.head().number);
  const again = await listen(chain.rpcWsUrl);
  expect(await again.call("eth_chainId", [])).toBe("0x89");
  again.close();
});

test("too wide a range of getLogs is refused, a narrow one answered", async () => {
  const txHash = await split();
  chain.faults.setMaxRange(2);
  const head = chain.head().number;
  const range = (from: number) => ({
    address: at.conditionalTokens,
    fromBlock: `0x${from.toString(16)}`,
    toBlock: "latest",
  });
  await expect(getLogs(range(head - 2))).rejects.toThrow(/-32005 block range too large/);
  const logs = await getLogs(range(head - 1));
  expect(new Set(logs.map((log) => log.transactionHash))).toEqual(new Set([txHash]));
  chain.faults.setMaxRange(null);
  expect(await getLogs(range(0))).not.toHaveLength(0);
});

test("a lagging endpoint stands still, hides newer blocks everywhere, and catches up", async () => {
  const listener = await listen(chain.rpcWsUrl);
  await listener.call("eth_subscribe", ["logs", { address: at.conditionalTokens }]);
  const shown = await blockNumber();
  chain.faults.setLagBlocks(2);
  expect(await blockNumber()).toBe(shown);
  const txHash = await split();
  await chain.mine();
  expect(await blockNumber()).toBe(shown);
  expect(await rpc(chain.rpcHttpUrl, "eth_getTransactionReceipt", [txHash])).toBeNull();
  expect(await rpc(chain.rpcHttpUrl, "eth_getBlockByNumber", [`0x${(shown + 1).toString(16)}`, false])).toBeNull();
  expect(
    await getLogs({ fromBlock: `0x${(shown + 1).toString(16)}`, toBlock: `0x${(shown + 2).toString(16)}` }),
  ).toEqual([]);
  const market = marketOf(chain, "rain");
  const token = BigInt(market.tokenIds[0]).toString(16).padStart(64, "0");
  const data = `0x00fdd58e${walletOf(chain, "first").address.slice(2).padStart(64, "0")}${token}`;
  const balance = () => rpc(chain.rpcHttpUrl, "eth_call", [{ to: at.conditionalTokens, data }, "latest"]);
  expect(BigInt(String(await balance()))).toBe(0n);
  expect(listener.heard).toEqual([]);

  await chain.mine();
  expect(await blockNumber()).toBe(shown + 1);
  await listener.call("eth_chainId", []);
  const heard = listener.heard.length;
  expect(heard).toBeGreaterThan(0);
  chain.faults.setLagBlocks(0);
  expect(await blockNumber()).toBe(shown + 3);
  expect(BigInt(String(await balance()))).toBe(1_000_000n);
  await listener.call("eth_chainId", []);
  expect(listener.heard).toHaveLength(heard);
  listener.close();
});

test("a reorg behind a lag is heard only in its final form", async () => {
  const listener = await listen(chain.rpcWsUrl);
  await listener.call("eth_subscribe", ["logs", { address: at.conditionalTokens }]);
  chain.faults.setLagBlocks(3);
  const txHash = await split();
  await chain.faults.reorg(1);
  chain.faults.setLagBlocks(0);
  await listener.call("eth_chainId", []);
  const status = await chain.txStatus(txHash);
  expect(new Set(listener.heard.map(({ result }) => `${result.removed} ${result.blockHash}`))).toEqual(
    new Set([`false ${"blockHash" in status ? status.blockHash : ""}`]),
  );
  listener.close();
});

test("sockets can be dropped, and logs doubled", async () => {
  const first = await listen(chain.rpcWsUrl);
  chain.faults.dropSockets();
  await first.closed;
  const second = await listen(chain.rpcWsUrl);
  const logs = await second.call("eth_subscribe", ["logs", { address: at.pusd }]);
  await split();
  chain.faults.setDuplicateLogs(true);
  await split();
  expect(await second.call("eth_unsubscribe", [logs])).toBe(true);
  await split();
  await second.call("eth_chainId", []);
  const perTx = Map.groupBy(second.heard, ({ result }) => `${result.transactionHash} ${result.logIndex}`);
  expect([...perTx.values()].map((same) => same.length)).toEqual([1, 1, 2, 2]);
  second.close();
});

test("filters pick by address and by topics in each position", async () => {
  const listener = await listen(chain.rpcWsUrl);
  const transfer = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
  const from = `0x${walletOf(chain, "first").address.slice(2).padStart(64, "0")}`;
  const other = `0x${"9".repeat(64)}`;
  const subscribe = (filter: object) => listener.call("eth_subscribe", ["logs", filter]);
  const matching = [
    await subscribe({ topics: [transfer, from] }),
    await subscribe({
      address: at.pusd.toUpperCase().replace("0X", "0x"),
      topics: [
        [transfer, other],
        [other, from],
      ],
    }),
    await subscribe({ address: [at.pusd, at.wcol], topics: [null, [from]] }),
  ];
  await subscribe({ address: at.wcol, topics: [transfer, from] });
  await subscribe({ address: at.pusd, topics: [transfer, null, null, other] });
  await subscribe({ address: at.pusd, topics: [transfer, other] });
  await split();
  await listener.call("eth_chainId", []);
  expect(new Set(listener.heard.map((one) => one.subscription))).toEqual(new Set(matching));
  expect(listener.heard).toHaveLength(3);
  listener.close();
});

test("the endpoint speaks JSON-RPC as providers do", async () => {
  await expect(rpc(chain.rpcHttpUrl, "anvil_reset", [])).rejects.toThrow(/-32601/);
  await expect(rpc(chain.rpcHttpUrl, "evm_mine", [])).rejects.toThrow(/-32601/);
  await expect(rpc(chain.rpcHttpUrl, "eth_getBlockByNumber", ["newest", false])).rejects.toThrow(/-32602/);
  await expect(rpc(chain.rpcHttpUrl, "eth_subscribe", ["newHeads"])).rejects.toThrow(/-32601/);
  await expect(rpc(chain.rpcHttpUrl, "eth_getLogs", [{ topics: [Array(1_001).fill("0x00")] }])).rejects.toThrow(
    /-32602/,
  );
  await expect(rpc(chain.rpcHttpUrl, "eth_sendRawTransaction", ["0x1234"])).rejects.toThrow(/-32/);
  const post = async (body: string) => (await fetch(chain.rpcHttpUrl, { method: "POST", body })).json();
  expect(await post("{")).toMatchObject({ error: { code: -32700 } });
  expect(await post(JSON.stringify([{ jsonrpc: "2.0", id: "a", method: "eth_chainId" }, { id: 2 }]))).toMatchObject([
    { id: "a", result: "0x89" },
    { error: { code: -32600 } },
  ]);
  const health = await fetch(`${chain.rpcHttpUrl}/health`);
  expect(health.status).toBe(200);
});

test("the same seed gives the same world", async () => {
  const twin = await startTestChain({ finalityDepth: 4 });
  try {
    expect(twin.chain.wallets).toEqual(chain.wallets);
    expect(twin.chain.markets).toEqual(chain.markets);
    expect(twin.chain.operator).toBe(chain.operator);
  } finally {
    await twin.stop();
  }
});

test("each node of a chain fails by itself", async () => {
  const other = await chain.addNode();
  const headOf = async (url: string) => Number(await rpc(url, "eth_blockNumber"));
  other.faults.setLagBlocks(2);
  chain.faults.setOutage(true);
  const before = await headOf(other.rpcHttpUrl);
  await chain.mine();
  await expect(blockNumber()).rejects.toThrow("HTTP 503");
  expect(await headOf(other.rpcHttpUrl)).toBe(before);
  chain.faults.setOutage(false);
  expect(await blockNumber()).toBe(before + 1);
  other.faults.setLagBlocks(0);
  expect(await headOf(other.rpcHttpUrl)).toBe(before + 1);
});

test("a lying node gives no logs, by range, by hash or by socket, and the receipts give it away", async () => {
  const listener = await listen(chain.rpcWsUrl);
  await listener.call("eth_subscribe", ["logs", { address: at.conditionalTokens }]);
  chain.faults.setHiddenLogs(true);
  const txHash = await split();
  const { hash } = chain.head();
  expect(await getLogs({ fromBlock: "latest", toBlock: "latest" })).toEqual([]);
  expect(await getLogs({ blockHash: hash })).toEqual([]);
  await listener.call("eth_chainId", []);
  expect(listener.heard).toEqual([]);
  const receipts = (await rpc(chain.rpcHttpUrl, "eth_getBlockReceipts", [hash])) as { logs: RawLog[] }[];
  const hidden = receipts.flatMap(({ logs }) => logs);
  expect(new Set(hidden.map(({ transactionHash }) => transactionHash))).toEqual(new Set([txHash]));
  chain.faults.setHiddenLogs(false);
  expect(await getLogs({ blockHash: hash })).toHaveLength(hidden.length);
  listener.close();
});

test("a silent node answers requests and tells its subscribers nothing; refusals of logs come as often as asked", async () => {
  const listener = await listen(chain.rpcWsUrl);
  await listener.call("eth_subscribe", ["newHeads"]);
  chain.faults.setSilent(true);
  await chain.mine();
  expect(await listener.call("eth_blockNumber", [])).toBe(`0x${chain.head().number.toString(16)}`);
  expect(listener.heard).toEqual([]);
  chain.faults.setSilent(false);
  const { number } = await chain.mine();
  await listener.call("eth_chainId", []);
  expect(listener.heard.map(({ result }) => Number((result as unknown as { number: string }).number))).toEqual([
    number,
  ]);
  listener.close();

  chain.faults.refuseLogs(1);
  await expect(getLogs({ fromBlock: "latest" })).rejects.toThrow("-32603");
  expect(await getLogs({ fromBlock: "latest" })).toEqual([]);
});

test("matches of one transaction must be of one exchange", async () => {
  await expect(chain.settleAll([])).rejects.toThrow("exactly one exchange");
});
