import type { Heartbeat } from "@slipstream/contracts/live";
import { type ServiceName, serviceNames } from "@slipstream/contracts/subjects";
import { expect, test } from "vitest";
import { emptyOverview, type Overview } from "./overview.ts";
import { healthText, serviceHealth, silentServices } from "./serviceHealth.ts";

const NOW_MS = 10_000;
const beat = (service: ServiceName, over: Partial<Heartbeat> = {}): Heartbeat => ({
  ...{ type: "Heartbeat", v: 1, service, instance: "0", role: "owner", ready: true, problems: [] },
  ...{ factSeq: 1, decisionSeq: null, lagMs: null, gauges: {}, tsInitMs: NOW_MS },
  ...over,
});

function heard(...beats: readonly Heartbeat[]): Overview {
  const overview = emptyOverview();
  for (const [n, heartbeat] of beats.entries())
    overview.heartbeats.set(String(n), { ...heartbeat, receivedMs: NOW_MS });
  return overview;
}

test("a word in a label or a problem makes no service silent, and a silent one needs no word", () => {
  const overview = heard(...serviceNames.map((name) => beat(name, { problems: ["a silent chain"] })));
  overview.leaders.set(
    "0x1111111111111111111111111111111111111111" as never,
    { label: "silent", enabled: true } as never,
  );
  expect(silentServices(overview, NOW_MS)).toEqual([]);
  expect(silentServices(overview, NOW_MS + 3_000)).toEqual([...serviceNames]);
});

test.each<[string, Heartbeat[], string]>([
  ["nobody", [], "silent"],
  ["its owner, ready", [beat("risk")], "ok"],
  ["its owner, not ready", [beat("risk", { ready: false })], "starting"],
  ["its owner with a problem", [beat("risk", { problems: ["no books"] })], "!"],
  ["only somebody who waits", [beat("risk", { role: "standby" })], "standby"],
])("heard is %s", (_name, beats, text) => {
  expect(healthText(serviceHealth(heard(...beats), "risk", NOW_MS))).toBe(text);
});
