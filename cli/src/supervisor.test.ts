import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@slipstream/testkit/until";
import { afterAll, expect, test } from "vitest";
import { createSupervisor, type SupervisorEvent } from "./supervisor.ts";

const path = mkdtempSync(join(tmpdir(), "slipstream-supervisor-"));
afterAll(() => rmSync(path, { recursive: true, force: true }));

test("whoever hears of a start finds the new process among those that run, and of an end none", async () => {
  const heard: { readonly event: SupervisorEvent; readonly pids: Record<string, number> }[] = [];
  const supervisor = createSupervisor(
    (event) => heard.push({ event, pids: supervisor.pids() }),
    () => undefined,
  );
  const first = await supervisor.start({
    name: "bus",
    command: process.execPath,
    args: ["-e", "setInterval(() => {}, 1000)"],
    env: process.env,
    logFile: join(path, "bus.log"),
    tier: 0,
  });
  await first.kill9();
  await until(() => heard.length === 3, { what: "a second start" });
  const second = supervisor.pids()["bus"];
  expect(heard).toEqual([
    { event: { kind: "started", name: "bus", pid: first.pid }, pids: { bus: first.pid } },
    { event: { kind: "died", name: "bus", how: "SIGKILL" }, pids: {} },
    { event: { kind: "started", name: "bus", pid: second }, pids: { bus: second } },
  ]);
  expect(second).not.toBe(first.pid);
  await supervisor.stop(5_000);
});

test("a process that cannot be started again just now is tried again, and the supervisor goes on", async () => {
  const heard: SupervisorEvent[] = [];
  const supervisor = createSupervisor(
    (event) => heard.push(event),
    () => undefined,
  );
  const logs = mkdtempSync(join(path, "logs-"));
  const spec = {
    name: "bus",
    command: process.execPath,
    args: ["-e", "setInterval(() => {}, 1000)"],
    env: process.env,
    logFile: join(logs, "bus.log"),
    tier: 0 as const,
  };
  const first = await supervisor.start(spec);
  rmSync(logs, { recursive: true });
  await first.kill9();
  await until(() => heard.some((event) => event.kind === "died" && /ENOENT/.test(event.how)), { what: "the refusal" });
  await supervisor.stop(5_000);
});
