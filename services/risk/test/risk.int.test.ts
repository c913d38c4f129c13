/** Risk on a real bus: heartbeats in, decisions out, the live copy for others, a person's word, a restart. */
import { type Bus, connectBus } from "@slipstream/actor/bus";
import { systemClock } from "@slipstream/actor/clock";
import { provision } from "@slipstream/actor/provision";
import type { RunningService } from "@slipstream/actor/service";
import { commonEnv, parseEnv } from "@slipstream/contracts/env";
import { type FactOf, readFact, writeFact } from "@slipstream/contracts/facts";
import { Heartbeat } from "@slipstream/contracts/live";
import { type ServiceName, subjectOf, subjects } from "@slipstream/contracts/subjects";
import { startNats, type TestNats } from "@slipstream/testkit/nats";
import { until } from "@slipstream/testkit/until";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { riskEnv } from "../src/config.ts";
import { TRADING_PATH } from "../src/core/causes.ts";
import { command } from "../src/core/world.testing.ts";
import { buildRisk } from "../src/service.ts";

const logger = pino({ level: "silent" });
const timeoutMs = 10_000;
let nats: TestNats;
let bus: Bus;
let service: RunningService;
let beating: NodeJS.Timeout;
const alive = new Set<ServiceName>();
/** What outside subscribers hear. */
const heard: { readonly fact: FactOf<"RiskDecision">; readonly seq: number }[] = [];
const errors: Error[] = [];

async function start(): Promise<void> {
  const settings = parseEnv(
    { ...commonEnv, ...riskEnv },
    { NATS_URL: nats.url, RISK_SILENT_DEGRADE_SECONDS: "1", RISK_SILENT_HALT_SECONDS: "2" },
  );
  const fatal = (error: Error) => errors.push(error);
  service = await buildRisk({ name: "risk", instance: "0", settings, logger, clock: systemClock(), bus, fatal });
}

const beat = (service: ServiceName): void => {
  const heartbeat: Heartbeat = {
    type: "Heartbeat",
    v: 1,
    service,
    instance: "0",
    role: "owner",
    ready: true,
    factSeq: 0,
    decisionSeq: null,
    lagMs: null,
    problems: [],
    gauges: {},
    tsInitMs: 1,
  };
  bus.nc.publish(subjects.heartbeat(service, "0"), JSON.stringify(Heartbeat.encode(heartbeat)));
};

beforeAll(async () => {
  nats = await startNats();
  bus = await connectBus({ url: nats.url, name: "test", logger });
  await provision(bus.jsm);
  bus.nc.subscribe(subjects.liveRisk, {
    callback: (_error, message) => {
      const reading = readFact(message.string());
      if (reading.kind !== "fact" || reading.fact.type !== "RiskDecision") return;
      heard.push({ fact: reading.fact, seq: Number(message.headers?.get("Nats-Sequence")) });
    },
  });
  beating = setInterval(() => alive.forEach(beat), 100);
  await start();
}, 30_000);
afterAll(async () => {
  clearInterval(beating);
  await service?.drain();
  await bus?.drain();
  await nats?.stop();
});

const said = (): string[] =>
  heard.map(({ fact }) => `${fact.level} ${fact.reasons.map(({ code }) => code).join("+")}`.trim());
const isSaid = (count: number) => until(() => heard.length === count, { what: `${count} decisions`, timeoutMs });

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
  await until(() => said().at(-1) === "normal", { what: "recovery", timeoutMs });
  expect(said().slice(2, 4)).toEqual(["degrade SERVICE_SILENT", "halt SERVICE_SILENT+SERVICE_SILENT"]);

  const before = heard.length;
  await service.drain();
  await start();
  await until(() => service.status().role === "owner", { what: "ownership", timeoutMs });
  const halt = command("halt");
  await bus.js.publish(subjectOf(halt), writeFact(halt));
  await isSaid(before + 1);
  const resume = command("resume");
  await bus.js.publish(subjectOf(resume), writeFact(resume));
  await isSaid(before + 2);
  expect(said().slice(before)).toEqual(["halt OPERATOR_HALT", "normal"]);
  expect(errors).toEqual([]);
}, 40_000);
