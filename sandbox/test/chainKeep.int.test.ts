import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sharesMicro } from "@slipstream/contracts/money";
import { afterEach, beforeEach, expect, test } from "vitest";
import { marketOf, type RawLog, rpc, startTestChain, walletOf } from "./chainKit.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sandbox-kept-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("a kept chain goes on where it stopped: blocks, logs, balances, nonces, and reorgs of what is new", async () => {
  const first = await startTestChain({ dir, keep: true });
  const market = marketOf(first.chain, "rain");
  const split = () => ({ conditionId: market.conditionId, shares: sharesMicro(2_000_000n) });
  const txHash = await first.chain.split(walletOf(first.chain, "first"), split().conditionId, split().shares);
  await first.chain.mine();
  const head = first.chain.head();
  await first.chain.stop();

  const second = await startTestChain({ dir, keep: true });
  try {
    const { chain } = second;
    const wallet = walletOf(chain, "first");
    const block = (await rpc(chain.rpcHttpUrl, "eth_getBlockByNumber", [`0x${head.number.toString(16)}`, false])) as {
      hash: string;
    };
    expect(block.hash).toBe(head.hash);
    expect(chain.head().number).toBeGreaterThan(head.number);
    const logs = (await rpc(chain.rpcHttpUrl, "eth_getLogs", [{ fromBlock: "0x0", toBlock: "latest" }])) as RawLog[];
    expect(logs.map((log) => log.transactionHash)).toContain(txHash);
    expect(await chain.balanceOf(wallet.address, market.tokenIds[0])).toBe(2_000_000n);
    const next = await chain.split(wallet, split().conditionId, split().shares);
    await chain.mine();
    await chain.faults.reorg(4);
    expect((await chain.txStatus(next)).status).toBe("mined");
    expect(await chain.balanceOf(wallet.address, market.tokenIds[0])).toBe(4_000_000n);
  } finally {
    await second.chain.stop();
  }
});

test("a kept chain of another seed is refused", async () => {
  const first = await startTestChain({ dir, keep: true });
  await first.chain.stop();
  await expect(startTestChain({ dir, keep: true, seed: "other" })).rejects.toThrow(/another seed/);
});
