/** What leaders of a running world do besides trading: what the world says is what the logs of the chain say. */
import { actFilters, actsOf, isFillTransfer, type TxLog } from "@slipstream/polymarket/acts";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RawLog, rpc } from "./chainKit.ts";
import { readJson, startTestWorld, type TestWorld } from "./venueKit.ts";

let running: TestWorld;
beforeAll(async () => {
  running = await startTestWorld({ seed: "deeds" });
});
afterAll(() => running.stop());

const fault = (body: unknown) => readJson(`${running.world.endpoints.clobHttpUrl}/faults`, body);

/** Reads the acts of all leaders as a watcher does: filters, then receipts. */
async function actsOnChain(): Promise<string[]> {
  const { world } = running;
  const url = world.endpoints.rpcHttpUrl;
  const wallets = world.leaders.map(({ address }) => address);
  const txs = new Set<string>();
  for (const { address, topics } of actFilters(wallets)) {
    const logs = (await rpc(url, "eth_getLogs", [{ address, topics, fromBlock: "0x0" }])) as RawLog[];
    for (const log of logs) if (!isFillTransfer(log, defaultExchanges)) txs.add(log.transactionHash);
  }
  const found: string[] = [];
  for (const txHash of txs) {
    const receipt = (await rpc(url, "eth_getTransactionReceipt", [txHash])) as { logs: RawLog[]; blockHash: string };
    const logs = receipt.logs.map((log): TxLog => ({ ...log, logIndex: Number(log.logIndex) }));
    for (const wallet of wallets) {
      for (const { act, direction, tokenId, sharesMicro } of actsOf(logs, wallet, defaultExchanges)) {
        found.push([wallet, act, direction, tokenId, sharesMicro, txHash, receipt.blockHash].join(" "));
      }
    }
  }
  return found.sort();
}

const told = (): string[] =>
  running.world
    .acts()
    .map(({ wallet, act, direction, tokenId, sharesMicro, txHash, blockHash }) =>
      [wallet, act, direction, tokenId, sharesMicro, txHash, blockHash].join(" "),
    )
    .sort();

async function settled(): Promise<void> {
  await fault({ kind: "pauseActors", on: true });
  const head = running.world.chain.head().number;
  await until(() => running.world.chain.head().number >= head + 2, { what: "the last acts to be mined" });
}

test("leaders split, merge, convert and send; the truth is the chain's, also after a reorg", async () => {
  const { world } = running;
  const kinds = () => new Set(world.acts().map(({ act }) => act));
  await until(() => world.acts().length >= 6 && kinds().size >= 3, { what: "three kinds of acts" });
  await settled();
  expect(await actsOnChain()).toEqual(told());

  await fault({ kind: "reorg", depth: 5 });
  await settled();
  expect(await actsOnChain()).toEqual(told());

  const rows = (await readJson(`${world.endpoints.clobHttpUrl}/truth/acts`)) as { sharesMicro: string }[];
  expect(rows.map(({ sharesMicro }) => sharesMicro)).toEqual(world.acts().map((act) => act.sharesMicro.toString()));
  for (const { address } of world.leaders) {
    const url = `${world.endpoints.dataApiUrl}/positions?user=${address}&sizeThreshold=0&limit=500`;
    const held = new Map(
      ((await readJson(url)) as { asset: string; size: number }[]).map((row) => [row.asset, row.size]),
    );
    for (const tokenId of world.markets.flatMap(({ tokenIds }) => tokenIds)) {
      const onChain = await world.chain.balanceOf(address, tokenId);
      expect(Math.round((held.get(tokenId) ?? 0) * 1e6)).toBe(Number(onChain));
    }
  }
});
