/**
 * Request budgets shared over a real Redis. The server is REDIS_SERVER_BIN, or the one on PATH; without one these tests
 * are skipped, and what they show stays unproved: memory alone is tested with the HTTP client.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { onFreePort, type RunningProcess, waitForPort } from "@slipstream/actor/process";
import { expectNoLeaks, makeFolder, removeFolder, startCounted } from "@slipstream/testkit/processes";
import { until } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createRateBudget, type RateBudget } from "../src/rateBudget.ts";

const binary = process.env["REDIS_SERVER_BIN"] ?? onPath("redis-server");
if (binary === null) console.log("no redis-server (REDIS_SERVER_BIN or PATH): shared request budgets are not tested");

const PER_SECOND = 20;
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
  await waitForPort(server, on, 10_000);
  return server;
}
function budget(name: string): RateBudget & { readonly errors: Error[] } {
  const errors: Error[] = [];
  const made = createRateBudget({
    name,
    perSecond: PER_SECOND,
    clock,
    redisUrl: `redis://127.0.0.1:${port}`,
    insuredPerSecond: 5,
    waitMsMax: 2_000,
    onError: (error) => errors.push(error),
  });
  budgets.push(made);
  return { ...made, errors };
}
/** How many are granted in so many milliseconds to callers that ask without end. */
async function grantsIn(ms: number, takers: readonly RateBudget[]): Promise<number> {
  const endMs = performance.now() + ms;
  let granted = 0;
  const taking = takers.map(async (taker) => {
    while (performance.now() < endMs) {
      await taker.take();
      if (performance.now() < endMs) granted += 1;
    }
  });
  await Promise.all(taking);
  return granted;
}

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
    // The connections are there: from now on Redis counts. A span touches one window more than it is long.
    await until(() => shared.every(({ errors }) => errors.length === 0), { what: "no error" });
    const granted = await grantsIn(2_000, shared);
    expect(granted).toBeGreaterThanOrEqual(PER_SECOND);
    expect(granted).toBeLessThanOrEqual(3 * PER_SECOND);
  },
);

test.skipIf(binary === null)(
  "without Redis each process goes on with what it is insured for, and shares again when it is back",
  { timeout: 60_000 },
  async () => {
    const one = budget("gone");
    const two = budget("gone");
    await Promise.all([one.take(), two.take()]);
    await redis.kill9();
    await until(() => one.errors.length > 0 && two.errors.length > 0, {
      what: "the loss to be told",
    });
    const alone = await grantsIn(2_000, [one, two]);
    expect(alone).toBeGreaterThanOrEqual(2 * 5);
    expect(alone).toBeLessThanOrEqual(2 * 3 * 5);
    redis = await startRedis(port);
    // Both together get more than they are insured for only when Redis counts again.
    await until(async () => (await grantsIn(1_000, [one])) > 2 * 5, { what: "the shared budget" });
    expect(await grantsIn(2_000, [one, two])).toBeLessThanOrEqual(3 * PER_SECOND);
  },
);
