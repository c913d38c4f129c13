import { Heartbeat } from "@slipstream/contracts/live";
import { expect, test } from "vitest";
import type { Bus } from "./bus.ts";
import { startHeartbeat } from "./heartbeat.ts";
import type { ServiceStatus } from "./service.ts";

/** The bus refuses larger messages by throwing. */
const MESSAGE_MAX = 1_048_576;

test.each([
  ["an answer of a node of 5 MB", ["x".repeat(5_000_000)]],
  [
    "characters of many marks",
    Array.from({ length: 400 }, () => "e\u0301\u0302\u0303\u0304\u0305\u0306".repeat(9_000)),
  ],
  ["a problem of each of 40,000 markets", Array.from({ length: 40_000 }, (_, n) => `condition ${n} cannot be read`)],
])("%s in a problem: the heartbeat goes out all the same", (_name, problems) => {
  const sent: string[] = [];
  const nc = {
    isClosed: () => false,
    publish: (_subject: string, text: string) => {
      if (Buffer.byteLength(text) > MESSAGE_MAX) throw new Error("max_payload exceeded");
      sent.push(text);
    },
  };
  const bus = { connected: () => true, nc } as unknown as Bus;
  const clock = { nowMs: () => 1_000 } as never;
  const status = (): ServiceStatus => ({ role: "owner", ready: true, lastSeq: 1, lagging: true, problems }) as never;
  startHeartbeat({ bus, name: "risk", instance: "a", clock, status }).stop();
  const told = sent.map((text) => Heartbeat.parse(JSON.parse(text)).problems);
  expect(told).toHaveLength(1);
  expect(told[0]?.includes("behind the log")).toBe(true);
});

test("what somebody else wrote into a problem moves no cursor", () => {
  const sent: string[] = [];
  const nc = { isClosed: () => false, publish: (_subject: string, text: string) => void sent.push(text) };
  const bus = { connected: () => true, nc } as unknown as Bus;
  const status = () => ({ role: "owner", ready: true, lastSeq: 1, problems: ["node: \u001b[2J\u0007no"] }) as never;
  startHeartbeat({ bus, name: "risk", instance: "a", clock: { nowMs: () => 1 } as never, status }).stop();
  expect(Heartbeat.parse(JSON.parse(sent[0] ?? "")).problems).toEqual(["node:  [2J no"]);
});
