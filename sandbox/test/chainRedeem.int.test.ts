/** Resolution and redemption on the chain: what is paid is what the payouts say, to the micro. */
import { sharesMicro } from "@slipstream/contracts/money";
import { actsOf, type TxLog } from "@slipstream/polymarket/acts";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ChainMarketSpec } from "../src/chain/types.ts";
import type { Payouts } from "../src/churn/schedule.ts";
import { payoutFor } from "../src/venue/deeds.ts";
import { change, giveShares, holdings, rpc, startTestChain, type TestChain, walletOf } from "./chainKit.ts";

let running: TestChain;
beforeAll(async () => {
  running = await startTestChain({ markets: [] });
});
afterAll(() => running.stop());

const NAMES = ["first", "second"];
const SPLIT = 10_000_003n;
const SENT = 3_333_331n;

const cases: readonly (readonly [string, boolean, Payouts])[] = [
  ["whole", false, [1, 0]],
  ["whole, the other one", false, [0, 1]],
  ["halves", false, [1, 1]],
  ["uneven", false, [1, 2]],
  ["uneven, nearly whole", false, [9, 1]],
  ["a question of an event", true, [1, 0]],
  ["a question of an event that is not true", true, [0, 1]],
  ["a question that is halved", true, [1, 1]],
];

test.each(cases)("%s", async (name, negRisk, payouts) => {
  const { chain } = running;
  const slug = name.replaceAll(/\W/g, "-");
  const spec: ChainMarketSpec = negRisk
    ? { slug, negRisk, eventSlug: `event-${slug}`, questionIndex: 2 }
    : { slug, negRisk };
  const market = await chain.prepareMarket(spec);
  const { conditionId, tokenIds } = market;
  // Asked for twice, it is there once.
  expect(await chain.prepareMarket(spec)).toBe(market);
  await giveShares(chain, ["first"], market, SPLIT);
  const [first, second] = NAMES.map((one) => walletOf(chain, one));
  if (first === undefined || second === undefined) throw new Error("two wallets are needed");
  const sent = { to: second.address, tokenId: tokenIds[0], sharesMicro: sharesMicro(SENT) };
  await chain.transferShares(first, sent);
  await chain.mine();
  expect(await chain.isResolved(conditionId)).toBe(false);
  await chain.resolve(conditionId, payouts);
  await chain.mine();
  expect(await chain.isResolved(conditionId)).toBe(true);

  const held = await Promise.all(NAMES.map((one) => holdings(chain, one, market)));
  const txs: string[] = [];
  const changes = await change(chain, NAMES, market, async () => {
    txs.push(await chain.redeem(first, conditionId), await chain.redeem(second, conditionId));
    await chain.mine();
  });
  for (const [index, { yes, no }] of held.entries()) {
    const pusd = payoutFor([sharesMicro(yes), sharesMicro(no)], payouts);
    expect(changes[index]).toEqual({ pusd, yes: -yes, no: -no });
    const receipt = (await rpc(chain.rpcHttpUrl, "eth_getTransactionReceipt", [txs[index]])) as { logs: TxLog[] };
    const logs = receipt.logs.map((log) => ({ ...log, logIndex: Number(log.logIndex) }));
    const acts = actsOf(logs, NAMES[index] === "first" ? first.address : second.address, defaultExchanges);
    expect(acts.map(({ act, tokenId, sharesMicro: shares }) => [act, tokenId, shares])).toEqual(
      [yes, no].flatMap((shares, outcome) => (shares === 0n ? [] : [["redeem", tokenIds[outcome], shares]])),
    );
  }
});
