/** What `status` and the live view fold, on a real log with facts that no service has written. */
import { headers } from "@nats-io/transport-node";
import { writeFact } from "@slipstream/contracts/facts";
import { factId } from "@slipstream/contracts/ids";
import { subjects } from "@slipstream/contracts/subjects";
import { startTestBus, type TestBus } from "@slipstream/testkit/testBus";
import { afterAll, beforeAll, expect, test } from "vitest";
import { followLog } from "../src/follow.ts";

let testBus: TestBus;
beforeAll(async () => {
  testBus = await startTestBus();
});
afterAll(() => testBus?.stop());

const decide = async (
  level: "normal" | "halt",
  n: number,
  fence: string,
  subject: string = subjects.risk("global"),
) => {
  const about = headers();
  about.set("x-fence", fence);
  const text = writeFact({
    ...{ type: "RiskDecision", v: 1, id: factId("RiskDecision", level, n), tsEventMs: n, tsInitMs: n },
    ...{ scope: { kind: "global", id: "*" }, level, reasons: [], untilMs: null },
    parameters: { sizeFactorMicro: 0, reduceOnly: false, limitTicks: 0 },
  });
  await testBus.bus.js.publish(subject, text, { headers: about });
};

test("a decision with a fence that no lease has reached, or on a chain that is none, is not shown as risk's", async () => {
  const { bus } = testBus;
  const kv = await bus.kvm.open("leases_fast");
  const revision = await kv.put("risk", "risk's own");
  await decide("halt", 1, String(revision));
  await decide("normal", 2, "888888888");
  await decide("normal", 3, String(Number.MAX_SAFE_INTEGER));
  await decide("normal", 4, String(revision), "evt.risk.v1.moon");
  const following = await followLog(bus, (ms) => ms, "all");
  await following.caughtUp();
  expect([...following.overview.risk.values()].map(({ level }) => level)).toEqual(["halt"]);
  expect(following.unreadable).toEqual([]);
  await decide("normal", 5, String(await kv.put("risk", "its next owner's")));
  await following.caughtUp();
  expect([...following.overview.risk.values()].map(({ level }) => level)).toEqual(["normal"]);
  await following.stop();
});
