/** Markets of a running world end, are paid on its chain, and others open in their place. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@slipstream/actor/clock";
import type { ConditionId } from "@slipstream/contracts/ids";
import { sharesMicro } from "@slipstream/contracts/money";
import { gammaClient, marketOfGamma } from "@slipstream/polymarket/gamma";
import { createHttpReader } from "@slipstream/polymarket/http";
import { eventually, HANGING_MS, until } from "@slipstream/testkit/until";
import { afterEach, beforeEach, expect, test } from "vitest";
import { payoutFor } from "../src/venue/deeds.ts";
import { isTraded, type Listing } from "../src/venue/listings.ts";
import type { World } from "../src/world.ts";
import { actsOnChain, actsTold, follow, readJson, startTestWorld, type TestWorld, tokensOf } from "./venueKit.ts";

const running: TestWorld[] = [];
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sandbox-churn-"));
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  rmSync(dir, { recursive: true, force: true });
});
async function start(changes: Parameters<typeof startTestWorld>[0]): Promise<World> {
  const one = await startTestWorld({ dir, ...changes });
  running.push(one);
  return one.world;
}

const fault = (world: World, body: unknown) => readJson(`${world.endpoints.clobHttpUrl}/faults`, body);
const gammaOf = (world: World) =>
  gammaClient(
    createHttpReader({
      ...{ baseUrl: world.endpoints.gammaUrl, clock: systemClock(), random: () => 0.5 },
      ...{ timeoutMs: HANGING_MS, attemptsMax: 1 },
    }),
  );
const listingOf = (world: World, conditionId: string): Listing => {
  const listing = [...world.listings()].find(({ market }) => market.conditionId === conditionId);
  if (listing === undefined) throw new Error(`no market ${conditionId}`);
  return listing;
};
const isDone = ({ isSaid, isShown, reportedBlock }: Listing) => isSaid && isShown && reportedBlock !== null;
const pausedAndSettled = async (world: World): Promise<void> => {
  await fault(world, { kind: "pauseActors", on: true });
  const head = world.chain.head().number;
  await until(() => world.chain.head().number >= head + 3, { what: "the last acts to be mined" });
};

test("a market that is resolved by hand: no orders, no books, a winner, a payout, and everybody is paid", async () => {
  const world = await start({ seed: "by hand" });
  const followed = follow(world, tokensOf(world));
  const wanted = world.markets[0];
  if (wanted === undefined) throw new Error("no market");
  const { conditionId, tokenIds } = wanted;
  const lone = follow(world, tokenIds);
  const held = async () =>
    Promise.all(
      world.chain.wallets.map(async ({ address }) => ({
        address,
        amounts: [
          sharesMicro(await world.chain.balanceOf(address, tokenIds[0])),
          sharesMicro(await world.chain.balanceOf(address, tokenIds[1])),
        ] as const,
      })),
    );
  await until(() => world.truth().some((fill) => fill.conditionId === conditionId), {
    what: "a leader in it",
  });
  const answer = await fault(world, { kind: "resolveMarket", conditionId, payouts: [1, 2], order: "chainFirst" });
  expect(answer).toEqual({ ended: [{ conditionId, slug: wanted.slug, payouts: [1, 2] }] });
  expect(world.markets.map((market) => market.slug)).not.toContain(wanted.slug);
  await until(() => isDone(listingOf(world, conditionId)), { what: "all words to be said" });

  // The venue's word, read by our own parser: a shared payout has no winner.
  await until(() => followed.lives.length > 0, { what: "the venue's word" });
  expect(followed.lives).toMatchObject([{ kind: "marketResolved", conditionId, tokenIds, winningTokenId: null }]);
  expect(followed.refused).toEqual([]);
  await until(lone.closed, { what: "the connection that has nothing more to say" });
  expect(lone.closeReason()).toBe("all subscribed assets resolved");
  const { clobHttpUrl } = world.endpoints;
  expect(await readJson(`${clobHttpUrl}/books`, [{ token_id: tokenIds[0] }])).toEqual([]);
  expect(await readJson(`${clobHttpUrl}/clob-markets/${conditionId}`)).toMatchObject({ ao: false });
  expect(await readJson(`${clobHttpUrl}/markets/${conditionId}`)).toMatchObject({
    ...{ closed: true, accepting_orders: false, tokens: [{ price: 0.333333 }, { price: 0.666667 }] },
  });
  const [object] = await gammaOf(world).byTokens([tokenIds[1]]);
  expect(object).toMatchObject({ outcomePrices: '["0.333333","0.666667"]' });
  expect(marketOfGamma(object, 0)).toMatchObject({ conditionId, closed: true, acceptingOrders: false });

  // Redemptions: everybody but a leader whose tokens would be worth nothing, which here none is.
  await until(async () => (await held()).every(({ amounts: [yes, no] }) => yes === 0n && no === 0n), {
    ...{ what: "everything to be redeemed" },
  });
  await pausedAndSettled(world);
  const redeemed = world.acts().filter((act) => act.act === "redeem");
  expect(redeemed.length).toBeGreaterThan(0);
  expect(redeemed.every((act) => act.conditionId === conditionId)).toBe(true);
  // What is mined while it is read is on one side only.
  await eventually(async () => expect(await actsOnChain(world)).toEqual(actsTold(world)));
  for (const { address } of world.leaders) {
    const url = `${world.endpoints.dataApiUrl}/positions?user=${address}&sizeThreshold=0&limit=500`;
    const assets = ((await readJson(url)) as { asset: string }[]).map(({ asset }) => asset);
    for (const tokenId of tokenIds) expect(assets).not.toContain(tokenId);
  }
  expect((await readJson(`${clobHttpUrl}/truth/markets`)) as unknown[]).toContainEqual(
    expect.objectContaining({
      conditionId,
      payouts: [1, 2],
      reportedBlock: listingOf(world, conditionId).reportedBlock,
    }),
  );
  for (const one of [followed, lone]) one.stop();
});

test("what a redemption pays is right to the micro, by the purse and by the chain", async () => {
  const world = await start({ seed: "micro" });
  await until(() => world.truth().length >= 10, { what: "some trades" });
  const event = world.markets.filter(({ negRisk }) => negRisk);
  const [green] = event;
  const ended = await fault(world, { kind: "resolveMarket", conditionId: green?.conditionId, payouts: [1, 0] });
  expect(ended).toMatchObject({ ended: [{ payouts: [1, 0] }, { payouts: [0, 1] }] });
  // The actors stand still, so that nothing else moves money: the oracle goes on, and redemptions wait.
  await pausedAndSettled(world);
  const isReported = () => event.every(({ conditionId }) => listingOf(world, conditionId).reportedBlock !== null);
  await until(isReported, { what: "the oracle's reports" });
  const maker = world.chain.wallets.find(({ name }) => name === "maker-wide");
  if (maker === undefined) throw new Error("no maker");
  for (const { conditionId, tokenIds } of event) {
    const { payouts } = listingOf(world, conditionId);
    const [yes, no] = tokenIds;
    const amounts = [
      await world.chain.balanceOf(maker.address, yes),
      await world.chain.balanceOf(maker.address, no),
    ] as const;
    const before = await world.chain.pusdOf(maker.address);
    expect((await world.chain.waitForTx(await world.chain.redeem(maker, conditionId))).status).toBe("mined");
    expect((await world.chain.pusdOf(maker.address)) - before).toBe(payoutFor(amounts, payouts ?? [0, 0]));
    expect(await world.chain.balanceOf(maker.address, yes)).toBe(0n);
  }
});

test("closing without a result: Gamma shows it, nobody pays, and a later resolution does", async () => {
  const world = await start({ seed: "closing" });
  const answer = (await fault(world, { kind: "closeMarket" })) as { ended: { conditionId: ConditionId }[] };
  const conditionId = answer.ended[0]?.conditionId as ConditionId;
  const [object] = await gammaOf(world).byConditions([conditionId]);
  expect(marketOfGamma(object, 0)).toMatchObject({ closed: true, acceptingOrders: false, payoutMicro: null });
  expect(await world.chain.isResolved(conditionId)).toBe(false);
  await fault(world, { kind: "resolveMarket", conditionId, payouts: [0, 1], order: "gammaFirst" });
  await until(() => isDone(listingOf(world, conditionId)), { what: "the resolution" });
  expect(await world.chain.isResolved(conditionId)).toBe(true);
  await expect(fault(world, { kind: "resolveMarket", conditionId })).rejects.toThrow(/is resolved/);
});

test("markets end by themselves; new ones are found through Gamma and traded; a world goes on with all of them", async () => {
  const first = await start({ seed: "churn", churn: true });
  const followed = follow(first, tokensOf(first));
  await until(() => [...first.listings()].some(isDone), { what: "an end with all its words" });
  const fresh = () => first.markets.filter(({ slug }) => slug.endsWith("-2"));
  const isTradedByLeader = (conditionId: string) => first.truth().some((fill) => fill.conditionId === conditionId);
  await until(() => fresh().some(({ conditionId }) => isTradedByLeader(conditionId)), {
    ...{ what: "a leader in a new market" },
  });
  expect(first.markets).toHaveLength(5);
  const opened = followed.lives.filter((event) => event.kind === "newMarket").map((event) => event.conditionId);
  for (const { conditionId, tokenIds, tickMicro, fee } of fresh()) {
    expect(opened).toContain(conditionId);
    const [object] = await gammaOf(first).byTokens([tokenIds[0]]);
    expect(marketOfGamma(object, 0)).toMatchObject({
      conditionId,
      tickMicro,
      fee,
      closed: false,
      acceptingOrders: true,
    });
    followed.send(JSON.stringify({ operation: "subscribe", assets_ids: tokenIds }));
  }
  const right = followed.checks.right;
  await until(() => followed.checks.right > right + 20, { what: "books of old and new markets" });
  expect([followed.checks.wrong, followed.refused]).toEqual([0, []]);
  followed.stop();

  await running.splice(0)[0]?.stop();
  const left = [...first.listings()];
  const second = await start({ seed: "churn", churn: true });
  const goneOn = [...second.listings()];
  expect(goneOn.slice(0, left.length).map(({ market }) => market.conditionId)).toEqual(
    left.map(({ market }) => market.conditionId),
  );
  for (const [index, { payouts, closedMs }] of left.entries()) {
    if (closedMs !== null) expect(goneOn[index]).toMatchObject({ payouts, closedMs });
  }
  const unfinished = left.filter((listing) => !isTraded(listing)).map(({ market }) => market.conditionId);
  await until(() => unfinished.every((id) => isDone(listingOf(second, id))), {
    what: "what was left open",
  });
  const known = second.truth().length;
  await until(() => second.truth().length > known + 2, { what: "the story to go on" });
});
