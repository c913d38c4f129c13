/**
 * Request budgets shared over a real Redis. The server is REDIS_SERVER_BIN, or the one on PATH; without one these tests
 * are skipped, and what they show stays unproved: memory alone is tested with the HTTP client.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { onFreePort, type RunningProcess, waitForPort } from "@slipstream/actor/process";
import { expectNoLeaks, makeFolder, removeFolder, startCounted } from "@slipstream/testkit/processes";
import { HANGING_MS, until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRateBudget, type RateBudget } from "../src/rateBudget.ts";

const binary = process.env["REDIS_SERVER_BIN"] ?? onPath("redis-server");
if (binary === null) console.log("no redis-server (REDIS_SERVER_BIN or PATH): shared request budgets are not tested");

const PER_SECOND = 20;
const INSURED_PER_SECOND = 5;
const clock = {
  nowMs: () => Date.now(),
  after: (ms: number, call: () => void) => {
    const timer = setTimeout(call, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};
let folder = "";
let port = 0;
let redis: RunningProcess;
const budgets: RateBudget[] = [];

function onPath(name: string): string | null {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // the next one
    }
  }
  return null;
}
async function startRedis(on: number): Promise<RunningProcess> {
  const args = ["--port", String(on), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const server = await startCounted({ name: "redis-server", command: binary ?? "", args });
  await waitForPort(server, on, HANGING_MS);
  return server;
}
function budget(name: string): RateBudget & { readonly errors: Error[] } {
  const errors: Error[] = [];
  const made = createRateBudget({
    name,
    perSecond: PER_SECOND,
    clock,
    redisUrl: `redis://127.0.0.1:${port}`,
    insuredPerSecond: INSURED_PER_SECOND,
    waitMsMax: HANGING_MS,
    onError: (error) => errors.push(error),
  });
  budgets.push(made);
  return { ...made, errors };
}
/**
 * How long it takes until so many are granted to callers that ask without end, ms. A slow machine makes it longer, never
 * shorter, so only what it takes at least is asked for.
 */
async function msFor(count: number, takers: readonly RateBudget[]): Promise<number> {
  const startMs = performance.now();
  let left = count;
  const taking = takers.map(async (taker) => {
    while (left > 0) {
      left -= 1;
      await taker.take();
    }
  });
  await Promise.all(taking);
  return performance.now() - startMs;
}
/** What so many windows of a second take at least: the first may nearly be over, and a timer's clock is coarse. */
const windowsMs = (windows: number): number => (windows - 1) * 1_000 - 100;

beforeAll(async () => {
  if (binary === null) return;
  folder = makeFolder("redis");
  ({ redis } = await onFreePort(async (free) => {
    port = free;
    return { redis: await startRedis(free) };
  }));
});
afterAll(async () => {
  for (const each of budgets) each.close();
  await redis?.terminate();
  if (folder !== "") removeFolder(folder);
  await expectNoLeaks();
});

test.skipIf(binary === null)(
  "processes that name the same budget share it; another name is another budget",
  async () => {
    const shared = [budget("shared"), budget("shared"), budget("shared")];
    await Promise.all([...shared.map((each) => each.take()), budget("other").take()]);
    // The connections are there: from now on Redis counts.
    await until(() => shared.every(({ errors }) => errors.length === 0), { what: "no error" });
    expect(await msFor(4 * PER_SECOND, shared)).toBeGreaterThanOrEqual(windowsMs(4));
  },
);

test.skipIf(binary === null)(
  "without Redis each process goes on with what it is insured for, and shares again when it is back",
  async () => {
    const one = budget("gone");
    const two = budget("gone");
    await Promise.all([one.take(), two.take()]);
    await redis.kill9();
    await until(() => one.errors.length > 0 && two.errors.length > 0, {
      what: "the loss to be told",
    });
    // Each goes on, by itself.
    expect(await msFor(6 * INSURED_PER_SECOND, [one, two])).toBeGreaterThanOrEqual(windowsMs(3));
    redis = await startRedis(port);
    // One alone gets more in a window than it is insured for only when Redis counts again.
    for (const each of [one, two]) {
      const isShared = async (): Promise<boolean> => (await msFor(2 * INSURED_PER_SECOND, [each])) < windowsMs(2);
      await until(isShared, { what: "the shared budget" });
    }
    expect(await msFor(4 * PER_SECOND, [one, two])).toBeGreaterThanOrEqual(windowsMs(4));
  },
);
