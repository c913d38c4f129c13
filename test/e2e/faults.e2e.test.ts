/** The short fault runs of detection: each fault once, and each way in which a replica goes. The long ones: CONTRIBUTING. */
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { afterAll, expect, test } from "vitest";
import { runDetection, shortDetection } from "../faults/detection.ts";
import { runReplicas, shortReplicas } from "../faults/replicas.ts";

afterAll(expectNoLeaks);

const none = { missed: [], doubled: [], phantom: [], wrong: [] };

test("under every fault of its sources each fill is told once, as the chain holds it", async () => {
  const said: string[] = [];
  const { verdict, done, clean } = await runDetection({
    ...shortDetection,
    seed: "e2e",
    say: (line) => said.push(line),
  });
  expect(verdict, said.join("\n")).toMatchObject(none);
  expect(clean, said.join("\n")).toBe(true);
  expect(verdict.counts.onChain).toBeGreaterThanOrEqual(shortDetection.fillsMin);
  expect(done.size).toBe(18);
  // Without these the faults did not reach the watcher.
  for (const times of Object.values(verdict.counts.firstBy)) expect(times).toBeGreaterThan(0);
  for (const kind of ["confirmed", "returned", "retracted"] as const) expect(verdict.counts[kind]).toBeGreaterThan(0);
});

test("replicas that are killed, stopped, added and ended lose nothing, double nothing and hand over", async () => {
  const said: string[] = [];
  const { verdict, takeovers, clean } = await runReplicas({
    ...{ ...shortReplicas, seed: "e2e" },
    say: (line) => said.push(line),
  });
  expect(verdict, said.join("\n")).toMatchObject(none);
  for (const { shards, waiting } of Object.values(takeovers)) {
    expect(shards).toBeGreaterThan(0);
    expect(waiting).toEqual([]);
  }
  expect(clean, said.join("\n")).toBe(true);
});
