/** The whole sandbox world on a real chain node, seen as its users see it. */
import { flatLevels } from "@slipstream/book/ladder";
import { marketOfGamma } from "@slipstream/polymarket/gamma";
import { decodeOrderFilled } from "@slipstream/polymarket/orderFilled";
import { ORDER_FILLED_V2 } from "@slipstream/polymarket/topics";
import { defaultExchanges } from "@slipstream/polymarket/versions";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RawLog, rpc } from "./chainKit.ts";
import { follow, readJson, startTestWorld, type TestWorld, tokensOf } from "./venueKit.ts";

let running: TestWorld;
beforeAll(async () => {
  running = await startTestWorld();
});
afterAll(() => running.stop());

const pauseActors = (on: boolean) =>
  readJson(`${running.world.endpoints.clobHttpUrl}/faults`, { kind: "pauseActors", on });
const padded = (address: string): string => `0x${address.slice(2).padStart(64, "0")}`;

test("tells where it is", async () => {
  const { clobHttpUrl } = running.world.endpoints;
  const answer = await readJson(`${clobHttpUrl.replace("127.0.0.1", "localhost")}/world`);
  expect(answer).toEqual({
    endpoints: Object.fromEntries(
      Object.entries(running.world.endpoints).map(([name, url]) => [name, url.replace("127.0.0.1", "localhost")]),
    ),
    leaders: running.world.leaders,
  });
});

test("leaders' fills are OrderFilled logs of the chain, and the truth is those logs", async () => {
  const { world } = running;
  await until(() => world.truth().length >= 10, { what: "ten leader fills" });
  await pauseActors(true);
  const before = world.chain.head().number;
  await until(() => world.chain.head().number >= before + 2, { what: "two blocks" });
  const topics = [ORDER_FILLED_V2, null, world.leaders.map(({ address }) => padded(address))];
  const logs = (await rpc(world.endpoints.rpcHttpUrl, "eth_getLogs", [{ fromBlock: "0x0", topics }])) as (RawLog & {
    blockHash: string;
  })[];
  const seen = logs.map((log) => {
    const fill = decodeOrderFilled(log, defaultExchanges);
    if (fill.kind !== "orderFilled") throw new Error(fill.code);
    const { maker, role, side, tokenId, sharesMicro, usdcMicro } = fill;
    return [
      log.transactionHash,
      Number(log.logIndex),
      log.blockHash,
      maker,
      role,
      side,
      tokenId,
      sharesMicro,
      usdcMicro,
    ];
  });
  const told = world
    .truth()
    .map((fill) => [
      fill.txHash,
      fill.logIndex,
      fill.blockHash,
      fill.wallet,
      fill.role,
      fill.side,
      fill.tokenId,
      fill.sharesMicro,
      fill.usdcMicro,
    ]);
  expect(told).toEqual(seen);
  await pauseActors(false);
});

describe("the market channel", () => {
  test("opens with all known books, and every burst ends in the book its hash says; REST shows the same", async () => {
    const { world } = running;
    const tokens = tokensOf(world);
    const stranger = "1234" as (typeof tokens)[number];
    const followed = follow(world, [...tokens, stranger]);
    try {
      const isEnough = () => followed.checks.right >= 60 && followed.trades.length >= 5;
      await until(isEnough, { what: "sixty ends of bursts" });
      await pauseActors(true);
      followed.send("PING");
      // A print of the last trades may still come behind it.
      await until(() => followed.texts.includes("PONG"), { what: "the end of the data" });
      expect(followed.refused).toEqual([]);
      expect(followed.checks.wrong).toBe(0);
      expect(JSON.parse(followed.texts[0] ?? "")).toHaveLength(tokens.length);
      const rest = (await readJson(
        `${world.endpoints.clobHttpUrl}/books`,
        [...tokens, stranger].map((token) => ({ token_id: token })),
      )) as { asset_id: string; bids: { price: string; size: string }[]; asks: { price: string; size: string }[] }[];
      expect(rest.map((book) => book.asset_id)).toEqual(tokens);
      for (const book of rest) {
        const own = followed.books.get(book.asset_id as (typeof tokens)[number]);
        if (own === undefined) throw new Error("a book is missing");
        const flat = (levels: typeof book.bids) =>
          levels
            .toReversed()
            .flatMap(({ price, size }) => [Math.round(Number(price) * 1e6), Math.round(Number(size) * 1e6)]);
        expect([flat(book.bids), flat(book.asks)]).toEqual([flatLevels(own, "BUY"), flatLevels(own, "SELL")]);
      }
    } finally {
      followed.stop();
      await pauseActors(false);
    }
  });

  test("repeats frames, holds them back, says nonsense and ends connections in good order on request", async () => {
    const { world } = running;
    const fault = (body: unknown) => readJson(`${world.endpoints.clobHttpUrl}/faults`, body);
    const followed = follow(world, tokensOf(world));
    const frames = (): string[] => followed.texts.filter((text) => text.includes('"price_change"'));
    const repeats = (): number => frames().length - new Set(frames()).size;
    try {
      await until(() => frames().length > 10, { what: "changes" });
      expect(repeats()).toBe(0);
      await fault({ kind: "doubleDelta", count: 5 });
      await until(() => repeats() === 5, { what: "five repeats" });
      await fault({ kind: "delayMarket", ms: 300 });
      const askedMs = performance.now();
      followed.send("PING");
      await until(() => followed.texts.includes("PONG"), { what: "the late answer" });
      // At least that: a slow machine makes it later, never earlier.
      expect(performance.now() - askedMs).toBeGreaterThanOrEqual(290);
      await fault({ kind: "delayMarket", ms: 0 });
      await fault({ kind: "sayMarket", text: "nonsense" });
      await until(() => followed.refused.length === 1, { what: "the nonsense" });
      await fault({ kind: "closeMarketSockets", code: 1013, reason: "slow consumer: send buffer full" });
      await until(() => followed.closed(), { what: "the end" });
    } finally {
      followed.stop();
    }
  });

  test("loses deltas, falls silent and drops sockets on request", async () => {
    const { world } = running;
    const followed = follow(world, tokensOf(world));
    const fault = (body: unknown) => readJson(`${world.endpoints.clobHttpUrl}/faults`, body);
    try {
      await until(() => followed.checks.right >= 5, { what: "five bursts" });
      expect(followed.checks.wrong).toBe(0);
      await fault({ kind: "loseDelta", count: 60 });
      await until(() => followed.checks.wrong > 0, { what: "a book that differs" });
      await fault({ kind: "silenceMarket", on: true });
      const blocks = async (count: number): Promise<unknown> => {
        const block = world.chain.head().number;
        return until(() => world.chain.head().number >= block + count, { what: `${count} blocks` });
      };
      // What was on its way arrives.
      await blocks(2);
      const before = followed.texts.length;
      await blocks(4);
      expect(followed.texts.length).toBe(before);
      await fault({ kind: "silenceMarket", on: false });
      await until(() => followed.texts.length > before, { what: "frames again" });
      await fault({ kind: "dropMarketSockets" });
      await until(followed.closed, { what: "the socket to close" });
    } finally {
      followed.stop();
    }
  });
});

test("Gamma and the short market objects describe every market", async () => {
  const { world } = running;
  const { gammaUrl, clobHttpUrl } = world.endpoints;
  const page = (await readJson(`${gammaUrl}/markets/keyset?closed=false&limit=3`)) as {
    markets: unknown[];
    next_cursor: string;
  };
  const next = (await readJson(`${gammaUrl}/markets/keyset?closed=false&limit=3&after_cursor=${page.next_cursor}`)) as {
    markets: unknown[];
  };
  const definitions = [...page.markets, ...next.markets].map((market) => marketOfGamma(market, Date.now()));
  expect(definitions).toMatchObject(
    world.markets.map((market) => ({
      type: "MarketDefinition",
      conditionId: market.conditionId,
      tickMicro: market.tickMicro,
      minOrderSizeMicro: 5_000_000n,
      negRisk: market.negRisk,
      fee: market.fee,
      closed: false,
    })),
  );
  expect(new Set(world.markets.map((market) => market.fee.rateMicro))).toEqual(new Set([0, 50_000, 70_000]));
  const [first] = world.markets;
  expect(await readJson(`${gammaUrl}/markets?clob_token_ids=${first?.tokenIds[1]}&closed=true`)).toEqual([]);
  expect(await readJson(`${gammaUrl}/markets?clob_token_ids=${first?.tokenIds[1]}`)).toHaveLength(1);
  expect(await readJson(`${clobHttpUrl}/clob-markets/${first?.conditionId}`)).toMatchObject({
    c: first?.conditionId,
    mts: 0.01,
    mos: 5,
    fd: { r: 0.05, e: 1, to: true },
  });
});

test("the Data API tells the leaders' fills, makers' too, and what they hold", async () => {
  const { world } = running;
  await pauseActors(true);
  const block = world.chain.head().number;
  await until(() => world.chain.head().number >= block + 2, { what: "the last trades to settle" });
  for (const { address } of world.leaders) {
    const own = world.truth().filter((fill) => fill.wallet === address);
    const query = `user=${address}&takerOnly=false&limit=500`;
    const rows = (await readJson(`${world.endpoints.dataApiUrl}/trades?${query}`)) as {
      transactionHash: string;
      size: number;
    }[];
    expect(rows.map((row) => [row.transactionHash, row.size]).reverse()).toEqual(
      own.map((fill) => [fill.txHash, Number(fill.sharesMicro) / 1e6]),
    );
    const positions = (await readJson(
      `${world.endpoints.dataApiUrl}/positions?user=${address}&sizeThreshold=0&limit=500`,
    )) as { asset: string; size: number }[];
    for (const { asset, size } of positions) {
      const onChain = await world.chain.balanceOf(address, asset as (typeof own)[number]["tokenId"]);
      expect(Math.round(size * 1e6)).toBe(Number(onChain));
    }
  }
  await pauseActors(false);
});

test("a reorg drops a leader's fill for good and keeps the others", async () => {
  const { world } = running;
  const answer = await until(
    () => readJson(`${world.endpoints.clobHttpUrl}/faults`, { kind: "reorg", depth: 4, drop: "leaderFill" }),
    { what: "a leader's fill in the last blocks" },
  );
  const { droppedTx, affected, report } = answer as {
    droppedTx: string;
    affected: { txHash: string; leader: string }[];
    report: { removed: unknown[]; added: unknown[]; dropped: string[] };
  };
  expect(affected.length).toBeGreaterThan(0);
  expect(report.dropped).toEqual([droppedTx]);
  expect([report.removed.length, report.added.length]).toEqual([4, 5]);
  expect(world.truth().map((fill) => fill.txHash)).not.toContain(droppedTx);
  const count = world.truth().length;
  await until(() => world.truth().length > count + 3, { what: "the story to go on" });
  const places = world.truth().map((fill) => `${fill.txHash}${fill.logIndex}`);
  expect(new Set(places).size).toBe(places.length);
});
