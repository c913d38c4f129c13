import { StorageType } from "@nats-io/jetstream";
import type { Bus } from "@slipstream/actor/bus";
import { publishMarket, watchMarkets } from "@slipstream/actor/markets";
import { FACTS_DAYS, provision } from "@slipstream/actor/provision";
import { startProvisioner } from "@slipstream/actor/provisioner";
import type { Fact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import type { MarketDefinition } from "@slipstream/contracts/market";
import { buckets, streams, subjects } from "@slipstream/contracts/subjects";
import { recordedFacts } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { describe, expect, test } from "vitest";
import { jobFact } from "./jobs.ts";
import { append, logger, startJobs, withFreshLogs } from "./rig.ts";

let bus: Bus;
withFreshLogs((opened) => {
  ({ bus } = opened);
});

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

describe("what vanishes beside a log that goes on", () => {
  const said: string[] = [];
  const watched = async (use: () => Promise<void>): Promise<void> => {
    said.length = 0;
    const provisioner = await startProvisioner({ bus, logger, say: (line) => said.push(line) });
    try {
      await use();
    } finally {
      await provisioner.stop();
    }
  };
  const fences = async (): Promise<number[]> =>
    (await recordedFacts(bus)).flatMap(({ fence }) => (fence > 0 ? [fence] : []));
  const names = async () => (await bus.jsm.streams.list().next()).map(({ config }) => config.name).sort();

  test("is made again by the provisioner, and owners who lost their leases take them again, above every earlier fence", () =>
    watched(async () => {
      const before = await names();
      const actor = await startJobs({ bus });
      await append(bus, jobFact(1));
      await until(() => actor.state().done.size === 1, { what: "the first job" });
      const highest = Math.max(...(await fences()));
      for (const name of [`KV_${buckets.leasesFast}`, `KV_${buckets.leases}`, streams.dlq, streams.books]) {
        await bus.jsm.streams.delete(name);
      }
      await until(async () => (await names()).length === before.length, { what: "all streams" });
      await until(() => (actor.status().fence ?? 0) > highest && actor.status().role === "owner", {
        what: "a new lease",
      });
      await append(bus, jobFact(2));
      await until(() => actor.state().done.size === 2, { what: "the second job" });
      expect(await names()).toEqual(before);
      expect(Math.min(...(await fences()).slice(-2))).toBeGreaterThan(highest);
      expect(said).toEqual([expect.stringMatching(/^had vanished and is made again: .*KV_leases_fast/)]);
      // Who folds the old log sees owners in it, not strangers.
      await bus.jsm.streams.purge(`KV_${buckets.state("inventory")}`);
      const later = await startJobs({ bus, instance: "two" });
      expect(later.state().done.size).toBe(2);
      expect([...actor.status().problems, ...later.status().problems]).toEqual([]);
      expect([...actor.fatal, ...later.fatal]).toEqual([]);
      await Promise.all([actor.drain(), later.drain()]);
    }));

  test("begins above the newest fact also by a clock that was set back", async () => {
    await append(bus, jobFact(1));
    await bus.jsm.streams.delete(`KV_${buckets.leases}`);
    await provision(bus.jsm, { nowMs: 1 });
    const { config } = await bus.jsm.streams.info(`KV_${buckets.leases}`);
    expect(config.first_seq).toBeGreaterThan(1_600_000_000_000);
  });

  test("of the configuration comes back as the log has it, with newer revisions, and not what a person deleted", async () => {
    const changed = (key: string, revision: number, value: unknown): Fact => ({
      ...{ type: "ConfigChanged", v: 1, id: factId("ConfigChanged", key, revision), tsEventMs: 1, tsInitMs: 1 },
      ...{ key, revision, value },
    });
    await append(bus, changed("leaders.a", 1, { n: 1 }), changed("leaders.b", 2, { n: 2 }));
    await append(
      bus,
      changed("leaders.a", 3, { n: 3 }),
      changed("leaders.b", 4, null),
      changed("leaders.c", 5, { n: 5 }),
    );
    await watched(async () => {
      const kv = await bus.kvm.open(buckets.config);
      const values = async () =>
        Promise.all(["leaders.a", "leaders.b", "leaders.c"].map(async (key) => (await kv.get(key))?.json() ?? null));
      expect(await values()).toEqual([{ n: 3 }, null, { n: 5 }]);
      await kv.delete("leaders.c");
      await bus.jsm.streams.delete(`KV_${buckets.config}`);
      await until(async () => (await names()).includes(`KV_${buckets.config}`), { what: "the bucket" });
      await until(async () => (await kv.get("leaders.a")) !== null, { what: "the settings" });
      expect((await kv.get("leaders.a"))?.revision).toBeGreaterThan(1_600_000_000_000);
    });
    const kv = await bus.kvm.open(buckets.config);
    await kv.delete("leaders.a");
    await watched(async () => {
      expect((await kv.get("leaders.a"))?.operation).toBe("DEL");
      expect(said).toEqual([]);
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

  test("are followed on when their stream is made again, and what was known stays known", async () => {
    await publishMarket(bus, market(6));
    const markets = await watchMarkets(bus, logger);
    await bus.jsm.streams.delete(streams.markets);
    await provision(bus.jsm);
    await publishMarket(bus, market(7));
    await until(() => markets.byToken.has("71" as never), { what: "a market of the new stream" });
    expect(markets.byToken.has("61" as never)).toBe(true);
    await markets.stop();
  });
});
