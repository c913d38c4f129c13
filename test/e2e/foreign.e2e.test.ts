/** Other programs on the bus: facts that no service wrote, junk, and buckets that are deleted. The whole stack. */
import { headers } from "@nats-io/transport-node";
import type { Bus } from "@slipstream/actor/bus";
import { writeFact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { subjects } from "@slipstream/contracts/subjects";
import { expectNoLeaks } from "@slipstream/testkit/processes";
import { afterAll, expect, test } from "vitest";
import { connectCli } from "../../cli/src/connection.ts";
import { endRun, inRun, type Run, slipstream, startRun } from "./kit.ts";
import { type Log, readLog } from "./log.ts";

afterAll(expectNoLeaks);

const trading = async (run: Run, log: Log, what: string): Promise<void> => {
  const seq = await log.end();
  await inRun(run, () => log.since(seq, "OrderIntent").length > 0, what);
};
const statusIs = (run: Run, pattern: RegExp) =>
  inRun(run, async () => pattern.test((await slipstream(run, "status")).text), `status ${pattern}`);

async function put(bus: Bus, subject: string, text: string, fence: string | null): Promise<number> {
  const about = headers();
  if (fence !== null) about.set("x-fence", fence);
  return (await bus.js.publish(subject, text, { headers: about })).seq;
}

/** On the chains of each kind of writer, each from above every lease. */
async function forge(bus: Bus): Promise<void> {
  const at = { v: 1 as const, tsEventMs: 1, tsInitMs: 1 };
  const parameters = { sizeFactorMicro: 1_000_000, reduceOnly: false, limitTicks: 0 };
  const id = factId("RiskDecision", "forged");
  const scope = { kind: "global", id: "*" } as const;
  const decision = writeFact({
    ...{ ...at, type: "RiskDecision", id, scope, level: "halt", reasons: [{ code: "STARTING" }], parameters },
    untilMs: null,
  });
  for (const fence of ["9007199254740991", "999999999", "1e300", "-1"]) {
    await put(bus, subjects.risk("global"), decision, fence);
    for (const [n, chain] of [subjects.position("paper" as never), subjects.chain("all")].entries()) {
      const owner = { ...at, type: "OwnerChanged" as const, id: factId("OwnerChanged", `forged.${n}`) };
      await put(bus, chain, writeFact({ ...owner, chain, fence: 1, owner: "nobody" }), fence);
    }
    for (let partition = 0; partition < 16; partition += 1) {
      const chain = subjects.exec(String(partition).padStart(2, "0"), "paper" as never);
      const owner = { ...at, type: "OwnerChanged" as const, id: factId("OwnerChanged", `forged.exec.${partition}`) };
      await put(bus, chain, writeFact({ ...owner, chain, fence: 1, owner: "nobody" }), fence);
    }
  }
}

test("forged fences, junk and vanished buckets stop nobody for long, and a skip is one command per fact", async () => {
  const run = await startRun(["start", "--for", "60m"], { SANDBOX_PACE: "fast" });
  try {
    await run.pid("executor");
    const log = await readLog(run.natsUrl());
    const bus = await connectCli({ urls: [run.natsUrl() as string], withinMs: 30_000 });
    try {
      await trading(run, log, "trading");
      await forge(bus);
      await trading(run, log, "trading beside forged facts");
      await statusIs(run, /^risk NORMAL/m);
      await statusIs(run, /^ {2}! risk: passed over: fact \d+ on evt.risk.v1.global has the fence/m);

      for (const subject of ["evt.junk", "evt.exec.v1.99.paper", "evt.leaderfill.v1.00.nobody"]) {
        await put(bus, subject, "not JSON", null);
      }
      await trading(run, log, "trading beside junk");
      const unreadable: number[] = [];
      for (let n = 0; n < 3; n += 1) unreadable.push(await put(bus, subjects.control("config"), `{"n":${n}`, null));
      await statusIs(run, new RegExp(`stopped at fact ${unreadable[0]}\\b`));
      expect(await slipstream(run, "skip", ...unreadable.map(String), "--why", "junk")).toMatchObject({ code: 0 });
      await trading(run, log, "trading behind unreadable facts");
      await statusIs(run, /^risk NORMAL/m);

      for (const name of ["KV_leases_fast", "KV_leases"]) await bus.jsm.streams.delete(name);
      await inRun(run, () => run.output().includes("is made again"), "the buckets to be made again");
      await trading(run, log, "trading with new leases");
      await statusIs(run, /^risk NORMAL/m);
      for (const name of ["risk", "executor", "chain-watcher"]) process.kill(await run.pid(name), "SIGKILL");
      await trading(run, log, "trading after a restart");
    } finally {
      await bus.drain();
      await log.stop();
    }
    expect(await endRun(run), run.output()).toMatchObject({ missed: 0, duplicated: 0 });
  } finally {
    await run.clean();
  }
});
