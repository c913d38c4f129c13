/** Other programs of this machine write to the chain node itself; the world goes on as if they had not. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { usdcMicro } from "@slipstream/contracts/money";
import { anvilBin } from "@slipstream/testkit/binaries";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Anvil, startAnvil } from "../src/chain/anvil.ts";
import { buildGenesis } from "../src/chain/genesis.ts";
import { type ChainLedger, openLedger } from "../src/chain/ledger.ts";
import { connectRpc, type RpcClient } from "../src/chain/rpcClient.ts";
import { deriveWallet } from "../src/chain/wallets.ts";

const wallet = deriveWallet("test", "first");
const START_S = 1_790_000_000;
let dir: string;
let anvil: Anvil;
let outside: RpcClient;
let ledger: ChainLedger;
let nowMs = START_S * 1_000;

beforeEach(async () => {
  nowMs = START_S * 1_000;
  dir = mkdtempSync(join(tmpdir(), "sandbox-foreign-"));
  const genesis = buildGenesis({
    operator: wallet.address,
    holders: [{ address: wallet.address, pusdMicro: usdcMicro(1n) }],
    timestampS: START_S,
  });
  anvil = await startAnvil({ genesis, dir, binary: anvilBin() });
  outside = await connectRpc(anvil.wsUrl);
  const keys = new Map([[wallet.address, wallet.privateKey]]);
  ledger = await openLedger({ rpc: anvil.rpc, keys, nowMs: () => nowMs, finalityDepth: 4 });
});
afterEach(async () => {
  outside?.close();
  await anvil?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const mine = () => {
  nowMs += 1_000;
  return ledger.mine();
};

test.each<[string, string, unknown[]]>([
  ["one block", "anvil_mine", ["0x1"]],
  ["two hundred blocks", "anvil_mine", ["0xc8"]],
  ["a block of next year", "evm_mine", [{ timestamp: START_S + 31_536_000 }]],
  ["mining by the second", "evm_setIntervalMining", [1]],
  ["mining at once", "evm_setAutomine", [true]],
  ["a time for the next block", "evm_setNextBlockTimestamp", [START_S + 31_536_000]],
  ["a clock that is ahead", "evm_increaseTime", [31_536_000]],
  ["an emptied pool", "anvil_dropAllTransactions", []],
])(
  "%s from outside: our blocks follow each other, in their time, with our transactions",
  async (_name, method, params) => {
    const first = await mine();
    const txHash = await ledger.send(wallet.address, { to: wallet.address, data: "0x", gas: 21_000n });
    await outside.call(method, params);
    const second = await mine();
    const third = await mine();
    expect([second.number, third.number]).toEqual([first.number + 1, first.number + 2]);
    expect([second.parentHash, third.parentHash]).toEqual([first.hash, second.hash]);
    expect(second.timestampMs).toBe(first.timestampMs + 1_000);
    if (method !== "anvil_dropAllTransactions") expect(second.txHashes).toEqual([txHash]);
  },
);

test("more blocks than the node can take back stay, and ours follow them", async () => {
  const first = await mine();
  const seen: number[] = [];
  ledger.onChange((event) => (event.type === "BlockMined" ? seen.push(event.block.number) : undefined));
  await outside.call("anvil_mine", ["0x12c"]);
  const next = await mine();
  expect(next.number).toBe(first.number + 301);
  expect(seen).toEqual(Array.from({ length: 301 }, (_, n) => first.number + 1 + n));
  expect((await mine()).parentHash).toBe(next.hash);
});

test("blocks that were taken from the node end the world with a sentence", async () => {
  await mine();
  await outside.call("anvil_rollback", [1]);
  await expect(mine()).rejects.toThrow(/another program took blocks from the sandbox's chain node/);
});
