import type { Hash } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import { until } from "@slipstream/testkit/until";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ChainMarket } from "../src/chain/types.ts";
import {
  type Listener,
  listen,
  logsOf,
  marketOf,
  orderOf,
  type RawLog,
  rpc,
  startTestChain,
  type TestChain,
  walletOf,
} from "./chainKit.ts";

const ORDER_FILLED = "0xd543adfd945773f1a62f74f0ee55a5e3b9b1a28262980ba90b1a89f2ea84d8ee";
const FINALITY_DEPTH = 6;

let kit: TestChain;
let market: ChainMarket;
let watcher: Listener;
let fills: string;
let orders = 0;

beforeEach(async () => {
  kit = await startTestChain({ finalityDepth: FINALITY_DEPTH });
  market = marketOf(kit.chain, "rain");
  await kit.chain.split(walletOf(kit.chain, "first"), market.conditionId, sharesMicro(100_000_000n));
  await kit.chain.mine();
  watcher = await listen(kit.chain.rpcWsUrl);
  fills = String(
    await watcher.call("eth_subscribe", ["logs", { address: [market.exchange], topics: [[ORDER_FILLED]] }]),
  );
});
afterEach(async () => {
  watcher.close();
  await kit.stop();
});

/** "active" buys one share of "first" for 0.50. */
function buyOne(): Promise<Hash> {
  orders += 2;
  const common = { market, outcome: 0, shares: 1_000_000n, usdc: 500_000n } as const;
  return kit.chain.settle({
    conditionId: market.conditionId,
    active: orderOf({ n: orders, wallet: walletOf(kit.chain, "active"), side: "BUY", ...common }),
    resting: [orderOf({ n: orders + 1, wallet: walletOf(kit.chain, "first"), side: "SELL", ...common })],
  });
}

async function buyInOwnBlock(): Promise<Hash> {
  const txHash = await buyOne();
  await kit.chain.mine();
  return txHash;
}

const sharesOfActive = () => kit.chain.balanceOf(walletOf(kit.chain, "active").address, market.tokenIds[0]);
const brief = (log: RawLog) => ({ tx: log.transactionHash, block: Number(log.blockNumber), removed: log.removed });
const heardFills = () => watcher.heard.filter((one) => one.subscription === fills).map((one) => brief(one.result));

/** Resolves when the socket has delivered all that was sent before this call. */
const delivered = () => watcher.call("eth_blockNumber", []);

test("after a reorg of depth 3 each transaction returns one block later, and its logs are taken back first", async () => {
  const base = kit.chain.head().number;
  const [one, two, three] = [await buyInOwnBlock(), await buyInOwnBlock(), await buyInOwnBlock()];
  const before = await Promise.all([one, two, three].map((tx) => kit.chain.txStatus(tx)));
  const report = await kit.chain.faults.reorg(3);
  await delivered();

  expect(report.dropped).toEqual([]);
  expect(report.removed.map((block) => block.number)).toEqual([base + 1, base + 2, base + 3]);
  expect(report.added.map((block) => block.txHashes)).toEqual([[], [one], [two], [three]]);
  expect(report.added.slice(1).map((block) => block.parentHash)).toEqual(
    report.added.slice(0, 3).map((block) => block.hash),
  );
  // Two OrderFilled per match: the resting order's and the active one's.
  const twice = (tx: Hash, block: number, removed: boolean) => [
    { tx, block, removed },
    { tx, block, removed },
  ];
  expect(heardFills()).toEqual([
    ...twice(one, base + 1, false),
    ...twice(two, base + 2, false),
    ...twice(three, base + 3, false),
    ...twice(three, base + 3, true),
    ...twice(two, base + 2, true),
    ...twice(one, base + 1, true),
    ...twice(one, base + 2, false),
    ...twice(two, base + 3, false),
    ...twice(three, base + 4, false),
  ]);
  const after = await Promise.all([one, two, three].map((tx) => kit.chain.txStatus(tx)));
  expect(after).toEqual(
    report.added.slice(1).map((block) => ({ status: "mined", blockNumber: block.number, blockHash: block.hash })),
  );
  expect(after).not.toEqual(before);
  expect(await sharesOfActive()).toBe(3_000_000n);
});

test("a dropped settlement never returns, and the operator's later ones still do", async () => {
  const [one, two, three] = [await buyInOwnBlock(), await buyInOwnBlock(), await buyInOwnBlock()];
  const waiting = await buyOne();
  const report = await kit.chain.faults.reorg(3, { drop: [two] });

  expect(report.dropped).toEqual([two]);
  expect(await sharesOfActive()).toBe(2_000_000n);
  expect(await kit.chain.txStatus(two)).toEqual({ status: "pending" });
  expect(await rpc(kit.chain.rpcHttpUrl, "eth_getTransactionByHash", [two])).toBeNull();
  const logs = (await rpc(kit.chain.rpcHttpUrl, "eth_getLogs", [
    { address: market.exchange, topics: [ORDER_FILLED], fromBlock: "0x0", toBlock: "latest" },
  ])) as RawLog[];
  expect([...new Set(logs.map((log) => log.transactionHash))]).toEqual([one, three]);

  // What waited in the pool is mined with the next block, and new settlements follow.
  const next = await buyOne();
  await kit.chain.mine();
  expect((await kit.chain.txStatus(waiting)).status).toBe("mined");
  expect((await kit.chain.txStatus(next)).status).toBe("mined");
  expect(await sharesOfActive()).toBe(4_000_000n);
  expect((await logsOf(kit.chain, next)).length).toBeGreaterThan(0);
});

test("a transaction that lived off a dropped one returns as reverted", async () => {
  const bought = await buyInOwnBlock();
  const passedOn = await kit.chain.transferShares(walletOf(kit.chain, "active"), {
    to: walletOf(kit.chain, "second").address,
    tokenId: market.tokenIds[0],
    sharesMicro: sharesMicro(1_000_000n),
  });
  await kit.chain.mine();
  expect((await kit.chain.txStatus(passedOn)).status).toBe("mined");
  await kit.chain.faults.reorg(2, { drop: [bought] });
  expect((await kit.chain.txStatus(passedOn)).status).toBe("reverted");
});

test("empty blocks are replaced by others too, and new heads link up", async () => {
  const heads = await watcher.call("eth_subscribe", ["newHeads"]);
  for (let block = 0; block < 3; block++) await kit.chain.mine();
  const report = await kit.chain.faults.reorg(2);
  await kit.chain.mine();
  await delivered();
  const heard = watcher.heard
    .filter((one) => one.subscription === heads)
    .map((one) => one.result as unknown as { number: string; hash: string; parentHash: string });
  expect(heard).toHaveLength(3 + 3 + 1);
  expect(new Set(heard.map((head) => head.hash)).size).toBe(7);
  expect(heard[3]?.parentHash).toBe(heard[0]?.hash);
  expect(heard.slice(4).map((head) => head.parentHash)).toEqual(heard.slice(3, 6).map((head) => head.hash));
  expect(report.added.map((block) => block.hash)).toEqual(heard.slice(3, 6).map((head) => head.hash));
});

test("two reorgs in a row over the same blocks end with every transaction once", async () => {
  const sent = [await buyInOwnBlock(), await buyInOwnBlock()];
  await kit.chain.faults.reorg(2);
  await kit.chain.faults.reorg(4);
  expect((await Promise.all(sent.map((tx) => kit.chain.txStatus(tx)))).map((one) => one.status)).toEqual([
    "mined",
    "mined",
  ]);
  expect(await sharesOfActive()).toBe(2_000_000n);
});

test("reorgs end above finality", async () => {
  for (let block = 0; block < FINALITY_DEPTH; block++) await kit.chain.mine();
  const head = kit.chain.head();
  const finalized = async () =>
    Number(
      ((await rpc(kit.chain.rpcHttpUrl, "eth_getBlockByNumber", ["finalized", false])) as { number: string }).number,
    );
  expect(await finalized()).toBe(head.number - FINALITY_DEPTH);
  await expect(kit.chain.faults.reorg(FINALITY_DEPTH + 1)).rejects.toThrow(/not final/);
  await expect(kit.chain.faults.reorg(0)).rejects.toThrow(/not final/);
  const stranger = head.hash;
  await expect(kit.chain.faults.reorg(1, { drop: [stranger] })).rejects.toThrow(/cannot be dropped/);
  expect(kit.chain.head()).toEqual(head);
  await kit.chain.faults.reorg(FINALITY_DEPTH);
  expect(await finalized()).toBe(head.number - FINALITY_DEPTH + 1);
});

test("a provider that hides removed logs sends the new branch only", async () => {
  const base = kit.chain.head().number;
  const tx = await buyInOwnBlock();
  kit.chain.faults.setRemovedLogs(false);
  await kit.chain.faults.reorg(1);
  await delivered();
  expect(heardFills().map((log) => [log.block, log.removed])).toEqual([
    [base + 1, false],
    [base + 1, false],
    [base + 2, false],
    [base + 2, false],
  ]);
  expect((await kit.chain.txStatus(tx)).status).toBe("mined");
});

test("a rhythm of blocks, reorgs and settlements at once lose nothing", async () => {
  const quick = await startTestChain({ blockTimeMs: 40, seed: "rhythm" });
  try {
    const { chain } = quick;
    const rain = marketOf(chain, "rain");
    const wallet = walletOf(chain, "first");
    const sent: Hash[] = [];
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 4; n++) sent.push(await chain.split(wallet, rain.conditionId, sharesMicro(1_000_000n)));
      const start = chain.head().number;
      await until(() => chain.head().number >= start + 2, { what: "two blocks" });
      await chain.faults.reorg(3);
    }
    const all = await Promise.all(sent.map((tx) => chain.waitForTx(tx)));
    expect(all.map((one) => one.status)).toEqual(sent.map(() => "mined"));
    expect(await chain.balanceOf(wallet.address, rain.tokenIds[1])).toBe(20_000_000n);
  } finally {
    await quick.stop();
  }
});
