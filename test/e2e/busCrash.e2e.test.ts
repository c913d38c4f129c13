/** The bus is killed, and a person halts at once: the whole stack, with the real supervisor. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { until } from "@slipstream/testkit/until";
import { afterAll, expect, test } from "vitest";
import { endRun, inRun, slipstream, startRun } from "./kit.ts";
import { readLog } from "./log.ts";

afterAll(expectNoLeaks);

const HALTED = { code: 0, text: "halted: nothing is traded until `resume`" };

test("a halt within a second of the bus's death is obeyed, and status finds the bus that came back", async () => {
  const run = await startRun(["start"], { SANDBOX_PACE: "fast" });
  try {
    await run.pid("executor");
    const log = await readLog(run.natsUrl());
    try {
      // Before the bus is back, just as it comes, and when everybody is connecting to it.
      for (const afterMs of [0, 300, 900]) {
        const before = await log.end();
        await inRun(run, () => log.since(before, "OrderIntent").length > 0, "trading");
        const pid = await run.pid("nats-server");
        process.kill(pid, "SIGKILL");
        await pause(afterMs);
        expect(await slipstream(run, "halt")).toMatchObject({ code: 0, text: expect.stringContaining(HALTED.text) });
        const halted = await log.end();
        const isOurs = ({ command }: { command: string }): boolean => command === "halt";
        expect(log.since(before, "OperatorCommand").filter(isOurs)).toHaveLength(1);
        await until(async () => (await run.pid("nats-server")) !== pid, { what: "the new pid in run.json" });
        const { children } = JSON.parse(readFileSync(join(run.home, "run.json"), "utf8"));
        expect(children["nats-server"]).not.toBe(pid);
        const status = await slipstream(run, "status");
        expect(status.text).toMatch(/^risk HALT: OPERATOR_HALT/m);
        await inRun(run, () => log.since(halted, "ExecutionAttempt").length > 0, "a fill that is not copied");
        expect(log.since(halted, "OrderIntent")).toEqual([]);
        expect(await slipstream(run, "resume")).toEqual({ code: 0, text: "resumed: risk decides again" });
      }
      expect(await slipstream(run, "halt")).toMatchObject({ code: 0 });
    } finally {
      await log.stop();
    }
    expect(await endRun(run), run.output()).toMatchObject({ missed: 0, duplicated: 0 });
  } finally {
    await run.clean();
  }
});
