/** Risk on a real bus: heartbeats in, decisions out, the live copy for others, a person's word, a restart. */
import type { RunningService } from "@slipstream/actor/service";
import { type FactOf, readFact } from "@slipstream/contracts/facts";
import { Heartbeat } from "@slipstream/contracts/live";
import { type ServiceName, subjects } from "@slipstream/contracts/subjects";
import { append, startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { riskEnv } from "../src/config.ts";
import { TRADING_PATH } from "../src/core/causes.ts";
import { command, heartbeatOf } from "../src/core/world.testing.ts";
import { buildRisk } from "../src/service.ts";

let testBus: TestBus;
let bus: TestBus["bus"];
let service: RunningService;
let beating: NodeJS.Timeout;
const alive = new Set<ServiceName>();
/** What outside subscribers hear. */
const heard: { readonly fact: FactOf<"RiskDecision">; readonly seq: number }[] = [];

async function start(): Promise<void> {
  service = await buildRisk(
    testBus.context("risk", riskEnv, { RISK_SILENT_DEGRADE_SECONDS: "5", RISK_SILENT_HALT_SECONDS: "8" }),
  );
}

const beat = (service: ServiceName): void => {
  bus.nc.publish(subjects.heartbeat(service, "0"), JSON.stringify(Heartbeat.encode(heartbeatOf(service))));
};

beforeAll(async () => {
  testBus = await startTestBus();
  ({ bus } = testBus);
  bus.nc.subscribe(subjects.liveRisk, {
    callback: (_error, message) => {
      const reading = readFact(message.string());
      if (reading.kind !== "fact" || reading.fact.type !== "RiskDecision") return;
      heard.push({ fact: reading.fact, seq: Number(message.headers?.get("Nats-Sequence")) });
    },
  });
  beating = setInterval(() => alive.forEach(beat), 100);
  await start();
});
afterAll(async () => {
  clearInterval(beating);
  await service?.drain();
  await testBus?.stop();
});

const said = (): string[] =>
  heard.map(({ fact }) => `${fact.level} ${fact.reasons.map(({ code }) => code).join("+")}`.trim());
const isSaid = (count: number) => until(() => heard.length === count, { what: `${count} decisions` });

test("nothing trades before all live, silence stops it, a restart does not, a person does", async () => {
  await isSaid(1);
  for (const name of TRADING_PATH) alive.add(name);
  await isSaid(2);
  expect(said()).toEqual(["halt STARTING", "normal"]);
  await until(() => service.status().decisionSeq === heard.at(-1)?.seq, { what: "the sequence of the decision" });

  alive.delete("inventory");
  await isSaid(4);
  alive.add("inventory");
  // What ended falls with its own delay: the halt first, nothing is left of the silence then.
  await until(() => said().at(-1) === "normal", { what: "recovery" });
  expect(said().slice(2, 4)).toEqual(["degrade SERVICE_SILENT", "halt SERVICE_SILENT+SERVICE_SILENT"]);

  const before = heard.length;
  await service.drain();
  await start();
  await until(() => service.status().role === "owner", { what: "ownership" });
  await append(bus, command("halt"));
  await isSaid(before + 1);
  await append(bus, command("resume"));
  await isSaid(before + 2);
  expect(said().slice(before)).toEqual(["halt OPERATOR_HALT", "normal"]);
  expect(testBus.errors).toEqual([]);
});
