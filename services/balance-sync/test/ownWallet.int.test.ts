/** A wallet of ours on a real log and a real chain: money and tokens, a reorg, nodes that are away, the index, a start that is refused. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { RunningService } from "@slipstream/actor/service";
import type { FactOf } from "@slipstream/contracts/facts";
import type { Address, TokenId } from "@slipstream/contracts/ids";
import { formatMicro, sharesMicro } from "@slipstream/contracts/money";
import { deriveWallets } from "@slipstream/polymarket/wallets";
import { recordedFacts, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { marketOf, startTestChain, type TestChain, walletOf } from "../../../sandbox/test/chainKit.ts";
import { balanceSyncEnv } from "../src/config.ts";
import { buildBalanceSync } from "../src/service.ts";

/** Nobody listens on the discard port: the first node of all is always away. */
const DEAD_NODE = "http://127.0.0.1:9";
let kit: TestChain;
let index: Awaited<ReturnType<typeof startIndex>>;
let testBus: TestBus;
let service: RunningService | null = null;

beforeAll(async () => {
  [kit, index] = await Promise.all([startTestChain({ finalityDepth: 6 }), startIndex()]);
});
afterEach(async () => {
  await service?.drain();
  service = null;
  await testBus?.stop();
});
afterAll(async () => {
  await Promise.all([kit?.stop(), index?.stop()]);
});

/** The venue's index: says what it is told to say. */
async function startIndex() {
  const state = { up: true, holdings: [] as { asset: TokenId; size: number }[] };
  const server = createServer((request, response) => {
    if (!state.up) return void response.writeHead(503).end("away");
    const query = new URL(request.url ?? "", "http://index").searchParams;
    const rows = state.holdings.map((row) => ({
      ...row,
      proxyWallet: query.get("user"),
      conditionId: `0x${"c".repeat(64)}`,
    }));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(rows));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    state,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

async function start(own: Readonly<Record<string, string>>): Promise<RunningService> {
  testBus = await startTestBus();
  service = await buildBalanceSync(
    testBus.context("balance-sync", balanceSyncEnv, {
      POLYGON_HTTP_URL: `${DEAD_NODE},${kit.chain.rpcHttpUrl}`,
      POLYGON_WS_URL: kit.chain.rpcWsUrl,
      DATA_API_URL: index.url,
      AQ_ONCHAIN_SYNC_INTERVAL_SECONDS: "1",
      AQ_ONCHAIN_COMPARE_SECONDS: "1",
      AQ_ONCHAIN_INDEX_SECONDS: "1",
      AQ_WALLET_ACCOUNT: "live",
      ...own,
    }),
  );
  return service;
}
const claim = (signer: Address, funder: Address, type: string) => ({
  AQ_WALLET_SIGNER: signer,
  AQ_WALLET_FUNDER: funder,
  AQ_WALLET_SIGNATURE_TYPE: type,
});

async function snapshots(): Promise<FactOf<"BalanceSnapshot">[]> {
  const facts = (await recordedFacts(testBus.bus)).map(({ fact }) => fact);
  return facts.filter((fact) => fact.type === "BalanceSnapshot");
}
type Found = (snapshot: FactOf<"BalanceSnapshot">) => boolean;
const told = (what: string, found: Found) => until(async () => (await snapshots()).findLast(found), { what });
const lists = (snapshot: FactOf<"BalanceSnapshot">, tokenId: TokenId): string | null => {
  const balance = snapshot.balances.find((one) => one.tokenId === tokenId);
  return balance === undefined ? null : formatMicro(balance.sharesMicro);
};
const gauge = (name: string): number => service?.status().gauges?.[name] ?? 0;

test("money, allowances and tokens are told at named blocks, taken back by a reorg, and the index's while no node answers", async () => {
  const { chain } = kit;
  const wallet = walletOf(chain, "first");
  const { conditionId, tokenIds } = marketOf(chain, "rain");
  const [yes, no] = tokenIds;
  await chain.split(wallet, conditionId, sharesMicro(5_000_000n));
  await chain.mine();
  await start({ ...claim(wallet.address, wallet.address, "0"), AQ_ONCHAIN_PHASE: "authoritative" });

  // A split tells both tokens; the money that it cost is read with them.
  await until(() => gauge("transfersHeard") === 1, { what: "transfers heard" });
  const begun = await told("a complete snapshot at the start", ({ complete }) => complete);
  expect(begun).toMatchObject({ account: "live", part: 1, parts: 1, source: "chain", degraded: false, balances: [] });
  expect(begun.collateralMicro).toBe(await chain.pusdOf(wallet.address));
  expect(begun.allowances?.tokens.map(({ approved }) => approved)).toEqual([true, true]);
  await chain.split(wallet, conditionId, sharesMicro(2_000_000n));
  const block = await chain.mine();
  const split = await told("the split", (snapshot) => lists(snapshot, yes) === "7");
  expect(split).toMatchObject({ blockNumber: block.number, blockHash: block.hash, account: "live" });
  expect(split.collateralMicro).toBe(await chain.pusdOf(wallet.address));

  // It never happened: tokens and money are told again, on the block that stands.
  const { added } = await chain.faults.reorg(1, { drop: block.txHashes });
  const retold = await told("the reorg", ({ afterReorg }) => afterReorg);
  expect([lists(retold, yes), lists(retold, no), retold.blockHash]).toEqual(["5", "5", added.at(-1)?.hash]);
  expect(retold.collateralMicro).toBe(await chain.pusdOf(wallet.address));

  // No node answers: what the index says, marked.
  index.state.holdings = [
    { asset: yes, size: 4.5 },
    { asset: no, size: 5 },
  ];
  chain.faults.setOutage(true);
  const fallback = await told("the index's balances", ({ source }) => source === "api");
  expect([lists(fallback, yes), fallback.degraded, fallback.blockHash, fallback.collateralMicro]).toEqual([
    "4.5",
    true,
    null,
    null,
  ]);
  expect(service?.status().problems.join()).toContain("are the Data API's, no node answers");
  expect(gauge("degradedWallets")).toBe(1);

  // Nor does the index: nothing more is told, and that is said.
  index.state.up = false;
  const count = (await snapshots()).length;
  const silent = "no node answers, nor does the Data API, nothing is told of our wallets";
  await until(() => service?.status().problems.some((problem) => problem.startsWith(silent)), {
    what: "the silence in the heartbeat",
  });
  expect(await snapshots()).toHaveLength(count);

  // The node has the last word, without being asked.
  index.state.up = true;
  chain.faults.setOutage(false);
  const recovered = await until(
    async () =>
      (await snapshots()).slice(count).findLast(({ source, degraded }) => source !== "api" && degraded === false),
    { what: "the chain's balances" },
  );
  expect([lists(recovered, yes), lists(recovered, no), recovered.complete]).toEqual(["5", "5", true]);
  await until(() => gauge("degradedWallets") === 0, { what: "no degraded wallet" });
  expect(gauge("transferDifferences")).toBe(0);
  expect(testBus.errors).toEqual([]);
});

test("in the phase that observes, differences are counted and nothing is published", async () => {
  const { chain } = kit;
  const wallet = walletOf(chain, "second");
  const [yes] = marketOf(chain, "rain").tokenIds;
  index.state.holdings = [{ asset: yes, size: 1 }];
  await start({ ...claim(wallet.address, wallet.address, "0"), AQ_WALLET_TRACKED: yes });
  // Nobody told the token's market, so it is not read either.
  await until(() => gauge("indexDifferences") === 1, { what: "a difference" });
  expect(await snapshots()).toEqual([]);
});

test("a wallet that is not the signer's ends the start with what would be right", async () => {
  const { address } = walletOf(kit.chain, "first");
  const other = walletOf(kit.chain, "second").address;
  const { safe } = deriveWallets(address);
  await expect(start(claim(address, other, "2"))).rejects.toMatchObject({
    code: "WALLET_MISMATCH",
    message: expect.stringContaining(`type 2: ${safe} (Safe)`),
  });
  await testBus.stop();
  // The sandbox has no factory of deposit wallets: which of two wallets it would be is not guessed.
  await expect(start(claim(address, deriveWallets(address).deposit.beacon, "3"))).rejects.toMatchObject({
    code: "WALLET_MISMATCH",
    message: expect.stringContaining("the factory of deposit wallets"),
  });
});
