/** Executor and inventory on a machine whose clock is wrong: what is decided, and when orders reach the venue. */
import { createServer, type Server } from "node:http";
import { exactClockText, MACHINE_CLOCK } from "@slipstream/actor/clock";
import type { ServiceContext } from "@slipstream/actor/service";
import { startServiceClock } from "@slipstream/actor/serviceClock";
import type { FactOf } from "@slipstream/contracts/facts";
import { executorEnv } from "@slipstream/executor/config";
import { buildExecutor } from "@slipstream/executor/service";
import { inventoryEnv } from "@slipstream/inventory/config";
import { buildInventory } from "@slipstream/inventory/service";
import { recordedFacts, silentLogger, startTestBus } from "@slipstream/testkit/testBus";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { z } from "zod";
import { startWorld } from "../../bench/pathWorld.ts";

const LATENCY_MS = 150;
/** The policy allows 15 s. */
const AGES_MS = [0, 2_000, 40_000, 0];
const timeoutMs = 30_000;
let venue: Server;
let venueUrl: string;
/** Decisions by a clock that is right by definition. */
let right: readonly string[];

beforeAll(async () => {
  venue = createServer((_request, response) => response.end(String(Math.floor(Date.now() / 1_000))));
  await new Promise<void>((resolve) => venue.listen(0, "127.0.0.1", resolve));
  const address = venue.address();
  venueUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  right = (await followBy(exactClockText(MACHINE_CLOCK), venueUrl)).decisions;
}, 60_000);
afterAll(() => {
  venue.closeAllConnections();
  venue.close();
});

type Told = {
  readonly decisions: readonly string[];
  readonly used: readonly FactOf<"ExecutionAttempt">["used"][];
  readonly intents: readonly FactOf<"OrderIntent">[];
  readonly fills: readonly FactOf<"ExecutionFill">[];
  readonly problems: readonly string[];
};

/** Follows the same fills with this clock, whose venue is `venueUrl`, and returns what the log says then. */
async function followBy(clockText: string, url: string, firstTouchMs = 5_000): Promise<Told> {
  const testBus = await startTestBus();
  const { bus } = testBus;
  const ends: (() => unknown)[] = [() => testBus.stop()];
  try {
    const world = await startWorld(bus, LATENCY_MS);
    ends.unshift(world.stop);
    const wrong = <Shape extends z.ZodRawShape>(context: ServiceContext<Shape>) => {
      const time = startServiceClock(context.settings, silentLogger);
      ends.unshift(time.stop);
      return { time, context: { ...context, clock: time.clock } };
    };
    const env = { SLIPSTREAM_CLOCK: clockText, CLOB_HTTP_URL: url, EXECUTOR_FIRST_TOUCH_MAX_MS: String(firstTouchMs) };
    const ours = wrong(testBus.context("executor", executorEnv, env));
    const theirs = wrong(testBus.context("inventory", inventoryEnv, env));
    await Promise.all([ours.time.firstMeasured(), theirs.time.firstMeasured()]);
    for (const service of [await buildInventory(theirs.context), await buildExecutor(ours.context)]) {
      ends.unshift(() => service.drain());
      await until(() => service.status().role === "owner", { what: "ownership", timeoutMs });
    }
    await world.settle();
    const facts = async () => (await recordedFacts(bus)).map(({ fact }) => fact);
    const told = async () =>
      (await facts()).filter((fact) => fact.type === "ExecutionAttempt" || fact.type === "OrderIntent");
    for (const [n, ageMs] of AGES_MS.entries()) {
      await world.seeFill(n, ageMs);
      await until(async () => (await told()).length === n + 1, { what: `decision ${n}`, timeoutMs });
    }
    const attempts = await told();
    const trades = attempts.filter((fact) => fact.type === "OrderIntent");
    const filled = async () => (await facts()).filter((fact) => fact.type === "ExecutionFill");
    await until(async () => (await filled()).length === trades.length, { what: "the fills", timeoutMs });
    const { problems } = ours.time.told({ role: "owner", ready: true, lastSeq: 0, lagging: false, problems: [] });
    return {
      decisions: attempts.map((fact) =>
        fact.type === "OrderIntent"
          ? `${fact.side} ${fact.sizeMicro} at ${fact.limitPriceMicro}`
          : fact.reasons.map(({ code }) => code).join("+"),
      ),
      used: attempts.map(({ used }) => used),
      intents: trades,
      fills: await filled(),
      problems,
    };
  } finally {
    for (const end of ends) await end();
  }
}

test("a right clock copies what is fresh", () => {
  const buys = expect.stringMatching(/^BUY /);
  expect(right).toEqual([buys, buys, "SIGNAL_TOO_OLD", buys]);
});

test.each([-20_000, -2_000, -200, 0, 200, 2_000, 20_000])(
  "a clock that is %i ms off decides as a right one does, and nothing is filled before its signal and the way to the venue",
  async (errorMs) => {
    const { decisions, used, intents, fills, problems } = await followBy(`offset:${errorMs}`, venueUrl);
    expect(decisions).toEqual(right);
    for (const { clockOffsetMs, clockUncertaintyMs } of used) {
      expect(Math.abs((clockOffsetMs ?? Number.NaN) + errorMs)).toBeLessThanOrEqual(clockUncertaintyMs ?? -1);
    }
    for (const { orderId, tsEventMs } of fills) {
      const { tsSignalMs } = intents.find((intent) => intent.orderId === orderId) ?? { tsSignalMs: Number.NaN };
      expect(tsEventMs).toBeGreaterThanOrEqual(tsSignalMs + LATENCY_MS);
    }
    expect(problems.some((line) => line.startsWith("the local clock is"))).toBe(Math.abs(errorMs) >= 2_000);
  },
  60_000,
);

test("by a clock that nobody can measure nothing is bought, and it is said why", async () => {
  const { decisions, problems } = await followBy("offset:0", "http://127.0.0.1:1", 100);
  expect(new Set(decisions)).toEqual(new Set(["CLOCK_UNCERTAIN"]));
  expect(problems).toEqual([expect.stringContaining("the local clock is not measured (127.0.0.1:1/time: no answer)")]);
}, 60_000);
