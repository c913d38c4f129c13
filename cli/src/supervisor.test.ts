import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

test("a process that does not start is told with its own last words, not with those of other starts or runs", async () => {
  const logFile = join(path, "tells.log");
  writeFileSync(logFile, "said by an earlier run\n");
  const fatal: Error[] = [];
  const supervisor = createSupervisor(
    () => undefined,
    (error) => fatal.push(error),
  );
  const args = ["-e", "console.error('wrong settings'); process.exit(1)"];
  await supervisor.start({ name: "risk", command: process.execPath, args, env: process.env, logFile, tier: 2 });
  await until(() => fatal.length > 0, { what: "the end of trying" });
  expect(fatal.map(({ message }) => message)).toEqual(["risk does not start:\nwrong settings"]);
  await supervisor.stop(5_000);
});
