/** A chain of many blocks is as small as a new one: its past is on disk, its node is replaced, its state is pruned. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Hash } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import { until } from "@slipstream/testkit/until";
import { encodeFunctionData, parseAbi } from "viem/utils";
import { afterEach, beforeEach, expect, test } from "vitest";
import { asHex } from "../src/chain/ctfIds.ts";
import { NODE_BLOCKS } from "../src/chain/nodeState.ts";
import type { SandboxChain, SandboxChainOptions } from "../src/chain/types.ts";
import { marketOf, rpc, startTestChain, walletOf } from "./chainKit.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sandbox-history-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const SPLIT = sharesMicro(1_000_000n);
const quantity = (value: number): string => `0x${value.toString(16)}`;
const startKept = (changes: Partial<SandboxChainOptions> = {}) => startTestChain({ dir, keep: true, ...changes });

async function splitInBlock(chain: SandboxChain): Promise<{ txHash: Hash; number: number; hash: Hash }> {
  const txHash = await chain.split(walletOf(chain, "first"), marketOf(chain, "rain").conditionId, SPLIT);
  const { number, hash } = await chain.mine();
  return { txHash, number, hash };
}

async function mineUntil(chain: SandboxChain, number: number): Promise<void> {
  while (chain.head().number < number) await chain.mine();
}

/** Everything that a provider answers about a block, and about what lies in it. */
const questions = (block: { txHash: Hash; number: number; hash: Hash }) =>
  [
    ["eth_getBlockByNumber", [quantity(block.number), false]],
    ["eth_getBlockByNumber", [quantity(block.number), true]],
    ["eth_getBlockByHash", [block.hash, false]],
    ["eth_getBlockByHash", [block.hash, true]],
    ["eth_getBlockTransactionCountByNumber", [quantity(block.number)]],
    ["eth_getBlockReceipts", [quantity(block.number)]],
    ["eth_getBlockReceipts", [block.hash]],
    ["eth_getTransactionReceipt", [block.txHash]],
    ["eth_getTransactionByHash", [block.txHash]],
    ["eth_getLogs", [{ blockHash: block.hash }]],
    ["eth_getLogs", [{ fromBlock: quantity(block.number - 2), toBlock: quantity(block.number + 2) }]],
  ] as const;

const answersOf = (chain: SandboxChain, block: { txHash: Hash; number: number; hash: Hash }) =>
  Promise.all(questions(block).map(async ([method, params]) => [method, await rpc(chain.rpcHttpUrl, method, params)]));

test("a block is described the same while the node has it, from the history, and after a start", async () => {
  const first = await startKept({ nodeLifeBlocks: 40 });
  const block = await splitInBlock(first.chain);
  await mineUntil(first.chain, block.number + 2);
  const fresh = await answersOf(first.chain, block);
  await mineUntil(first.chain, block.number + 3 * NODE_BLOCKS);
  expect(await answersOf(first.chain, block)).toEqual(fresh);
  await first.chain.stop();

  const second = await startKept();
  try {
    expect(await answersOf(second.chain, block)).toEqual(fresh);
  } finally {
    await second.chain.stop();
  }
});

test("after many blocks, each with a transaction, what is kept is bounded, and what is too old is refused", async () => {
  const limits = { nodeLifeBlocks: 50, historyBlocks: 60 };
  const { chain } = await startKept(limits);
  const old = chain.head().number;
  while (chain.head().number < 600) await splitInBlock(chain);
  const oldest = async () => {
    const block = (await rpc(chain.rpcHttpUrl, "eth_getBlockByNumber", ["earliest", false])) as { number: string };
    return Number(block.number);
  };
  await until(async () => (await oldest()) > 600 - 60 - 150, { what: "old blocks forgotten" });
  const everything = { fromBlock: quantity(old), toBlock: "latest" };
  await expect(rpc(chain.rpcHttpUrl, "eth_getLogs", [everything])).rejects.toThrow(/holds blocks from \d+ on/);
  expect(await rpc(chain.rpcHttpUrl, "eth_getBlockByNumber", [quantity(old), false])).toBeNull();
  await chain.stop();

  const state = JSON.parse(readFileSync(join(dir, "chain-state.json"), "utf8")) as Record<string, unknown[]>;
  expect(state.blocks?.length).toBeLessThanOrEqual(NODE_BLOCKS + limits.nodeLifeBlocks + 40);
  expect(state.transactions?.length).toBeLessThanOrEqual(2 * NODE_BLOCKS);

  const again = await startKept(limits);
  try {
    const wallet = walletOf(again.chain, "first");
    const held = await again.chain.balanceOf(wallet.address, marketOf(again.chain, "rain").tokenIds[0]);
    expect(held).toBe(BigInt(600 - old) * SPLIT);
  } finally {
    await again.chain.stop();
  }
});

test("when the node is replaced, waiting transactions wait on, old states are read, and a reorg goes as deep as ever", async () => {
  const { chain } = await startKept({ nodeLifeBlocks: 30 });
  try {
    const [tokenId] = marketOf(chain, "rain").tokenIds;
    const { address } = walletOf(chain, "first");
    const data = encodeFunctionData({
      abi: parseAbi(["function balanceOf(address account, uint256 id) view returns (uint256)"]),
      args: [asHex(address), BigInt(tokenId)],
    });
    const call = { to: "0x4d97dcd97ec945f40cf65f87097ace5ea0476045", data };
    const heldAt = async (block: unknown) => BigInt(String(await rpc(chain.rpcHttpUrl, "eth_call", [call, block])));
    const hashOf = new Map<number, Hash>([[chain.head().number, chain.head().hash]]);
    for (let round = 0; round < 100; round++) {
      const waiting = await chain.split(walletOf(chain, "first"), marketOf(chain, "rain").conditionId, SPLIT);
      const now = await heldAt("latest");
      const { number, hash } = await chain.mine();
      hashOf.set(number, hash);
      expect((await chain.txStatus(waiting)).status).toBe("mined");
      expect(await heldAt(quantity(number))).toBe(now + SPLIT);
      // Eight blocks back, by number and by hash: what a reader of final states asks for.
      const before = hashOf.get(number - 8);
      if (before === undefined) continue;
      expect(await heldAt(quantity(number - 8))).toBe(now - 7n * SPLIT);
      expect(await heldAt({ blockHash: before })).toBe(now - 7n * SPLIT);
    }
    for (let round = 0; round < 40; round++) {
      const { removed, dropped } = await chain.faults.reorg(6);
      expect([removed.length, dropped.length]).toEqual([6, 0]);
    }
    const { head } = chain;
    const shown = await rpc(chain.rpcHttpUrl, "eth_getBlockByNumber", ["latest", false]);
    expect(shown).toMatchObject({ hash: head().hash });
  } finally {
    await chain.stop();
  }
});
