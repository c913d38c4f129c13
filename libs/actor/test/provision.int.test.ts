import { StorageType } from "@nats-io/jetstream";
import type { Bus } from "@slipstream/actor/bus";
import { publishMarket, watchMarkets } from "@slipstream/actor/markets";
import { FACTS_DAYS, provision } from "@slipstream/actor/provision";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { streams, subjects } from "@slipstream/contracts/subjects";
import { startNats, type TestNats } from "@slipstream/testkit/nats";
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connectTo, freshLog, logger } from "./rig.ts";

let nats: TestNats;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats();
  bus = await connectTo(nats.url);
});
afterAll(async () => {
  await bus.drain();
  await nats.stop();
  await expectNoLeaks();
});
beforeEach(() => freshLog(bus));

describe("provision", () => {
  test("makes what is missing, leaves what is there, and may be called by several at once", async () => {
    const before = await bus.jsm.streams.info(streams.facts);
    await bus.jsm.streams.delete(streams.books);
    await Promise.all([provision(bus.jsm), provision(bus.jsm), provision(bus.jsm)]);
    expect((await bus.jsm.streams.info(streams.facts)).created).toBe(before.created);
    expect((await bus.jsm.streams.info(streams.books)).config.storage).toBe("memory");
  });

  test("the log is compressed, and its bytes are enough for its days at the rate that is promised", async () => {
    const { compression, max_bytes: bytes, max_age: ageNs } = (await bus.jsm.streams.info(streams.facts)).config;
    expect(compression).toBe("s2");
    const days = ageNs / 1e6 / 86_400_000;
    expect(days).toBe(FACTS_DAYS);
    // 0.87 GiB a day, measured at 1.5 fills of leaders a second; from 70 % on nothing is bought.
    expect(bytes * 0.7).toBeGreaterThan(days * 0.87 * 1024 ** 3);
  });

  test("leaves sizes and ages that an operator has changed", async () => {
    await bus.jsm.streams.update(streams.facts, { max_bytes: 1_000_000_000 });
    await provision(bus.jsm);
    expect((await bus.jsm.streams.info(streams.facts)).config.max_bytes).toBe(1_000_000_000);
  });

  test("brings back what may be changed", async () => {
    await bus.jsm.streams.update(streams.facts, { allow_direct: false });
    await provision(bus.jsm);
    expect((await bus.jsm.streams.info(streams.facts)).config.allow_direct).toBe(true);
  });

  test("refuses a stream of the wrong storage, naming it", async () => {
    await bus.jsm.streams.delete(streams.facts);
    await bus.jsm.streams.add({ name: streams.facts, subjects: [subjects.allFacts], storage: StorageType.Memory });
    await expect(provision(bus.jsm)).rejects.toMatchObject({
      code: "STREAM_CONFIG_REFUSED",
      message: expect.stringContaining("FACTS"),
    });
  });
});

describe("markets", () => {
  const market = (n: number, question = "?"): MarketDefinition => ({
    type: "MarketDefinition",
    v: 1,
    conditionId: `0x${String(n).padStart(64, "0")}` as never,
    question,
    slug: `m-${n}`,
    eventId: null,
    tokens: [
      { tokenId: `${n}1` as never, outcome: "Yes" },
      { tokenId: `${n}2` as never, outcome: "No" },
    ],
    version: "v1",
    negRisk: false,
    negRiskMarketId: null,
    tickMicro: 10_000 as never,
    minOrderSizeMicro: 5_000_000n as never,
    fee: { rateMicro: 0, exponent: 1, takerOnly: true },
    takerDelayMs: 0,
    acceptingOrders: true,
    closed: false,
    payoutMicro: null,
    tsEventMs: 1,
    tsInitMs: 1,
  });

  test("are there by condition and by token, the last definition of each, then followed; bad ones are left out", async () => {
    await publishMarket(bus, market(1, "first"));
    await publishMarket(bus, market(1, "second"));
    await publishMarket(bus, market(2));
    await bus.js.publish(subjects.market(market(3).conditionId), "{}");
    const seen: string[] = [];
    const markets = await watchMarkets(bus, logger, ({ slug }) => seen.push(slug));
    expect([...markets.byCondition.values()].map(({ question }) => question).sort()).toEqual(["?", "second"]);
    expect(markets.byToken.get("12" as never)?.question).toBe("second");
    await publishMarket(bus, market(4));
    await until(() => markets.byToken.has("41" as never), { what: "the new market" });
    expect(seen).toEqual(["m-1", "m-2", "m-4"]);
    await markets.stop();
  });

  test("are waited for while the broker has no such stream yet", async () => {
    await bus.jsm.streams.delete(streams.markets);
    const watching = watchMarkets(bus, logger);
    await provision(bus.jsm);
    const markets = await watching;
    await publishMarket(bus, market(5));
    await until(() => markets.byToken.has("51" as never), { what: "the new market" });
    await markets.stop();
  });

  test("an empty stream is ready at once", async () => {
    const markets = await watchMarkets(bus, logger);
    expect(markets.byToken.size).toBe(0);
    await markets.stop();
  });
});
