/** Inventory on a real log: answers in order, once, across restarts and a second instance. */
import type { RunningService } from "@slipstream/actor/service";
import type { Fact } from "@slipstream/contracts/facts";
import { append, recordedFacts, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inventoryEnv } from "../src/config.ts";
import * as given from "../src/core/facts.testing.ts";
import { buildInventory } from "../src/service.ts";

let testBus: TestBus;
let bus: TestBus["bus"];
const services: RunningService[] = [];

async function start(instance: string): Promise<RunningService> {
  const service = await buildInventory(testBus.context("inventory", inventoryEnv, { INSTANCE: instance }));
  services.push(service);
  return service;
}

beforeAll(async () => {
  testBus = await startTestBus();
  ({ bus } = testBus);
}, 30_000);
afterAll(async () => {
  for (const service of services) await service.drain();
  await testBus?.stop();
});

const facts = async (): Promise<Fact[]> => (await recordedFacts(bus)).map(({ fact }) => fact);
const answers = async (): Promise<string[]> =>
  (await facts()).flatMap((fact) => {
    if (fact.type === "ReservationGranted") return [`${Number(fact.orderId)} granted ${fact.sizeMicro}`];
    return fact.type === "OrderDenied" ? [`${Number(fact.orderId)} denied ${fact.reason.code}`] : [];
  });
const answered = (count: number) =>
  until(async () => (await answers()).length === count, { what: `${count} answers`, timeoutMs: 15_000 });
const isOwner = (service: RunningService) =>
  until(() => service.status().role === "owner", { what: "ownership", timeoutMs: 15_000 });

test("each intent is answered once, in the order of the log, whoever is the owner", async () => {
  const first = await start("a");
  await isOwner(first);
  await append(
    bus,
    given.configured(given.policy({ initialCollateralMicro: given.funded("12").collateralMicro })),
    given.intent({ n: 1, size: "10" }),
    given.intent({ n: 1, size: "10" }),
    given.intent({ n: 2, size: "10" }),
    given.intent({ n: 3, size: "10" }),
    { ...given.filled({ n: 1, size: "4", usdc: "2", leaves: "6" }), tsInitMs: Date.now() },
  );
  await answered(3);
  const start3 = ["1 granted 10000000", "2 granted 10000000", "3 granted 4000000"];
  expect(await answers()).toEqual(start3);

  // A standby takes over what was asked in between. Free are 12 - 2 spent - 5 and 2 of the second and third.
  const second = await start("b");
  await first.drain();
  await append(bus, given.expired(1), given.intent({ n: 4, size: "8" }), given.intent({ n: 5, size: "4" }));
  await isOwner(second);
  await answered(5);
  expect((await answers()).slice(3)).toEqual(["4 granted 6000000", "5 denied INSUFFICIENT_COLLATERAL"]);
  await until(
    async () => {
      const last = (await facts()).findLast((fact) => fact.type === "PositionChanged");
      return last?.effectiveMicro === 4_000_000n && last.reservedBuysMicro === 20_000_000n;
    },
    { what: "the last position" },
  );
  expect(testBus.errors).toEqual([]);
}, 40_000);
