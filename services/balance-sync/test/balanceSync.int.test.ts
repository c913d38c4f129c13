/** Balance-sync on a real log and a real chain: transfers, polling, a reorg, an outage, a restart. */
import { ask } from "@slipstream/actor/ask";
import type { RunningService } from "@slipstream/actor/service";
import type { FactOf } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { formatMicro, sharesMicro } from "@slipstream/contracts/money";
import { LeaderConfig } from "@slipstream/contracts/policy";
import { append, recordedFacts, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { marketOf, startTestChain, type TestChain, walletOf } from "../../../sandbox/test/chainKit.ts";
import { balanceSyncEnv } from "../src/config.ts";
import { buildBalanceSync } from "../src/service.ts";

let testBus: TestBus;
let kit: TestChain;
let bus: TestBus["bus"];
let service: RunningService;

const start = (): Promise<RunningService> =>
  buildBalanceSync(
    testBus.context("balance-sync", balanceSyncEnv, {
      POLYGON_HTTP_URL: kit.chain.rpcHttpUrl,
      POLYGON_WS_URL: kit.chain.rpcWsUrl,
      AQ_ONCHAIN_SYNC_INTERVAL_SECONDS: "1",
    }),
  );

beforeAll(async () => {
  [testBus, kit] = await Promise.all([startTestBus(), startTestChain({ finalityDepth: 6 })]);
  ({ bus } = testBus);
  service = await start();
});
afterAll(async () => {
  await service?.drain();
  await Promise.all([kit?.stop(), testBus?.stop()]);
});

async function snapshots(): Promise<FactOf<"BalanceSnapshot">[]> {
  return (await recordedFacts(bus)).map(({ fact }) => fact).filter((fact) => fact.type === "BalanceSnapshot");
}
/** What snapshots tell that the one before did not: complete ones repeat what did not move. */
async function said(): Promise<string[]> {
  const news: string[] = [];
  let before = "";
  for (const { source, balances, afterReorg } of await snapshots()) {
    const shares = balances.map((balance) => formatMicro(balance.sharesMicro)).join(" ");
    if (shares === "" || (shares === before && !afterReorg)) continue;
    before = shares;
    news.push(`${source}${afterReorg ? " reorg" : ""} ${shares}`);
  }
  return news;
}
const isSaid = (count: number) =>
  until(async () => (await said()).length >= count, { what: `${count} snapshots with news` });
const gauge = (name: string): number => service.status().gauges?.[name] ?? 0;

test("a followed wallet is told as the chain moves it, takes it back, and only news after a restart", async () => {
  const { chain } = kit;
  const wallet = walletOf(chain, "first");
  const market = marketOf(chain, "rain");
  const followed: FactOf<"ConfigChanged"> = {
    type: "ConfigChanged",
    v: 1,
    id: factId("ConfigChanged", `leaders.${wallet.address}`, 1),
    tsEventMs: 1,
    tsInitMs: 1,
    key: `leaders.${wallet.address}`,
    revision: 1,
    value: LeaderConfig.encode({ leader: wallet.address, enabled: true }),
  };
  await append(bus, followed);
  await until(() => service.status().role === "owner" && gauge("transfersHeard") === 1, {
    what: "transfers heard",
  });

  // Nobody traded these tokens: only the transfer can tell.
  await chain.split(wallet, market.conditionId, sharesMicro(7_000_000n));
  const block = await chain.mine();
  await isSaid(1);
  expect(await said()).toEqual(["transfer 7 7"]);
  expect((await snapshots())[0]).toMatchObject({ blockNumber: block.number, blockHash: block.hash });

  // The split never happened: each balance is told again, on the block that stands.
  const { added } = await chain.faults.reorg(1, { drop: block.txHashes });
  await isSaid(2);
  expect((await said())[1]).toBe("chain reorg 0 0");
  const retold = (await snapshots()).find(({ afterReorg }) => afterReorg);
  expect(retold?.blockHash).toBe(added.at(-1)?.hash);

  // While the node is away nothing is said, and the silence shows.
  chain.faults.setOutage(true);
  await until(() => (service.status().lagMs ?? 0) > 2_000, { what: "lag" });
  await until(() => gauge("transfersHeard") === 0, { what: "the socket's end" });
  chain.faults.setOutage(false);
  await chain.split(wallet, market.conditionId, sharesMicro(3_000_000n));
  await chain.mine();
  await isSaid(3);
  await until(() => (service.status().lagMs ?? 0) < 2_000, { what: "no lag" });

  // What changed during a restart is told afterwards, and nothing else.
  await service.drain();
  await chain.split(wallet, market.conditionId, sharesMicro(1_000_000n));
  await chain.mine();
  service = await start();
  await isSaid(4);
  expect((await said())[3]).toBe("chain 4 4");
  const head = await until(
    async () => {
      const answer = await ask(
        bus,
        "balance-sync",
        "now",
        { address: wallet.address, tokenIds: [...market.tokenIds] },
        2_000,
      );
      return answer.ok ? answer.value : false;
    },
    { what: "an answer" },
  );
  expect(head).toEqual({ blockNumber: chain.head().number });
  expect(await said()).toHaveLength(4);
  expect(testBus.errors).toEqual([]);
});
