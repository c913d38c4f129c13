import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "@slipstream/actor/process";
import { parseEnv } from "@slipstream/contracts/env";
import { until } from "@slipstream/testkit/until";
import { afterAll, expect, test } from "vitest";
import { cliEnv } from "./config.ts";
import { storeOf, underLock, untilUnlocked } from "./runBus.ts";

const path = mkdtempSync(join(tmpdir(), "slipstream-bus-"));
afterAll(() => rmSync(path, { recursive: true, force: true }));
const ofSeed = (seed: string) => ({ settings: parseEnv(cliEnv, { SANDBOX_SEED: seed }) });

test("each seed of the sandbox has a log of its own, and finds it again", () => {
  expect(storeOf(ofSeed("a"), "sandbox")).not.toBe(storeOf(ofSeed("b"), "sandbox"));
  expect(storeOf(ofSeed("a"), "sandbox")).toBe(storeOf(ofSeed("a"), "sandbox"));
});

test.runIf(process.platform === "linux")(
  "the store is locked by its server's own process until that has gone, and the next one waits",
  async () => {
    const lockFile = join(path, "nats.lock");
    const said: string[] = [];
    const start = (name: string, script: string) =>
      startProcess({ name, ...underLock(lockFile, process.execPath, ["-e", script]) });
    const first = await start("first", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)");
    await until(
      () =>
        untilUnlocked(lockFile, () => undefined, 0).then(
          () => false,
          () => true,
        ),
      { what: "the lock" },
    );
    await expect(untilUnlocked(lockFile, (line) => said.push(line), 0)).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("has the store of this run open"),
    });
    expect(said).toHaveLength(1);
    const second = await start("second", "console.log('open')");
    const freed = untilUnlocked(lockFile, () => undefined, 60_000);
    expect(second.exit()).toBeUndefined();
    // Not the child of a shell that holds it: killed, it is free at once.
    await first.kill9();
    await freed;
    expect(await second.exited).toEqual({ code: 0, signal: null });
    expect(second.outputTail()).toBe("open\n");
  },
);
