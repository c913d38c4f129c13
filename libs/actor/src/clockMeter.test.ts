import { until } from "@slipstream/testkit/until";
import { describe, expect, test } from "vitest";
import { parseLocalClock } from "./clock.ts";
import { type ClockMeter, startClockMeter } from "./clockMeter.ts";
import { measuredClock } from "./measuredClock.ts";

const START_MS = 1_800_000_000_123;
const VENUE = "http://clob.test";

type Server = (worldMs: number, url: string) => Response | Error;
const seconds = (worldMs: number): string => String(Math.floor(worldMs / 1_000));
const dated = (worldMs: number): string => new Date(worldMs).toUTCString();
const honest: Server = (worldMs) => new Response(seconds(worldMs), { headers: { date: dated(worldMs) } });

/** A machine whose clock is wrong, and a server some milliseconds away. Time passes only by waiting and asking. */
function measure(options: { errorMs?: number; tripMs?: number; server?: Server; otherUrl?: string; rounds?: number }) {
  const { errorMs = 0, tripMs = 40, server = honest, rounds = 8 } = options;
  let passedMs = 0;
  const clock = measuredClock({
    mapping: parseLocalClock(`offset:${errorMs}`),
    wallMs: () => START_MS + passedMs,
    steadyMs: () => passedMs,
  });
  const asked: string[] = [];
  let waits = 0;
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const meter: ClockMeter = startClockMeter({
    clock,
    venueUrl: VENUE,
    ...(options.otherUrl === undefined ? {} : { otherUrl: options.otherUrl }),
    fetch: async (url) => {
      asked.push(String(url));
      passedMs += tripMs / 2;
      const answer = server(START_MS + passedMs, String(url));
      passedMs += tripMs / 2;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    pause: async (ms, signal) => {
      await Promise.resolve();
      if (signal.aborted) return;
      passedMs += ms;
      waits += 1;
      if (waits === rounds) end();
      if (waits >= rounds) await new Promise(() => undefined);
    },
  });
  const worldMs = (): number => START_MS + passedMs;
  return { clock, meter, asked, over, worldMs };
}

describe("the venue's time in whole seconds", () => {
  for (const errorMs of [-20_000, -2_000, -200, 0, 200, 2_000, 20_000]) {
    test(`a clock off by ${errorMs} ms is found, to about the round trip within a few rounds`, async () => {
      const { clock, over, worldMs } = measure({ errorMs });
      await over;
      const { offsetMs, uncertaintyMs } = clock.quality() ?? { offsetMs: Number.NaN, uncertaintyMs: Number.NaN };
      expect(Math.abs(offsetMs + errorMs)).toBeLessThanOrEqual(uncertaintyMs);
      expect(uncertaintyMs).toBeLessThanOrEqual(60);
      expect(Math.abs(clock.nowMs() - worldMs())).toBeLessThanOrEqual(uncertaintyMs);
    });
  }

  test("the first answer alone is right within a second", async () => {
    const { clock, over } = measure({ errorMs: 16_000, rounds: 1 });
    await over;
    expect(clock.quality()?.uncertaintyMs).toBeLessThanOrEqual(600);
  });
});

test.each<[string, Server]>([
  ["an error", () => new Response("busy", { status: 503 })],
  ["a page", () => new Response("<html>1800000000</html>")],
  ["a decimal", () => new Response("1800000000.5")],
  ["milliseconds", (worldMs) => new Response(String(worldMs))],
  ["nothing", () => new Response("")],
  ["no answer", () => new TypeError("fetch failed")],
  [
    "an answer from a cache",
    (worldMs) => new Response(seconds(worldMs), { headers: { age: "2", date: dated(worldMs) } }),
  ],
])("%s is no time: the clock stays unknown, and it is said why", async (_name, server) => {
  const { clock, meter, over } = measure({ server, rounds: 3 });
  await over;
  expect(clock.quality()).toBeNull();
  expect(meter.problem()).toContain("clob.test/time");
});

test("a venue whose time is wrong contradicts two Dates, and is left out by name", async () => {
  const server: Server = (worldMs) => new Response(seconds(worldMs + 30_000), { headers: { date: dated(worldMs) } });
  const { clock, over, asked } = measure({ server, otherUrl: "http://gamma.test" });
  await over;
  expect(asked.filter((url) => url === "http://gamma.test/")).toHaveLength(2);
  expect(clock.report().dropped).toEqual(["time of clob.test"]);
  expect(clock.quality()?.offsetMs).toBeLessThan(1_000);
});

test("a time and a Date that contradict each other leave it open which is right", async () => {
  const server: Server = (worldMs) => new Response(seconds(worldMs + 30_000), { headers: { date: dated(worldMs) } });
  const { clock, over } = measure({ server });
  await over;
  expect(clock.quality()?.uncertaintyMs).toBeGreaterThan(15_000);
});

test("whoever waits for the first answer is let go when none comes", async () => {
  const { clock, meter } = measure({ server: () => new Error("refused"), rounds: 1 });
  await meter.firstRound(10);
  expect(clock.quality()).toBeNull();
});

test("what is known is measured anew when the clock has jumped", async () => {
  const { meter, asked, over } = measure({ rounds: 2 });
  await over;
  const before = asked.length;
  meter.again();
  meter.stop();
  await until(() => asked.length >= before, { what: "the end of the round" });
});
