/** What leaders of a running world do besides trading: what the world says is what the logs of the chain say. */
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { actsOnChain, actsTold, readJson, startTestWorld, type TestWorld } from "./venueKit.ts";

let running: TestWorld;
beforeAll(async () => {
  running = await startTestWorld({ seed: "deeds" });
});
afterAll(() => running.stop());

const fault = (body: unknown) => readJson(`${running.world.endpoints.clobHttpUrl}/faults`, body);

const told = (): string[] => actsTold(running.world);

async function settled(): Promise<void> {
  await fault({ kind: "pauseActors", on: true });
  const head = running.world.chain.head().number;
  await until(() => running.world.chain.head().number >= head + 2, { what: "the last acts to be mined" });
}

test("leaders split, merge, convert and send; the truth is the chain's, also after a reorg", async () => {
  const { world } = running;
  const kinds = () => new Set(world.acts().map(({ act }) => act));
  await until(() => world.acts().length >= 6 && kinds().size >= 3, { what: "three kinds of acts", timeoutMs: 40_000 });
  await settled();
  expect(await actsOnChain(running.world)).toEqual(told());

  await fault({ kind: "reorg", depth: 5 });
  await settled();
  expect(await actsOnChain(running.world)).toEqual(told());

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
}, 60_000);
