import { homedir } from "node:os";
import { join } from "node:path";
import { balanceSyncEnv, providerUrls } from "@slipstream/balance-sync/config";
import { bookstoreEnv } from "@slipstream/bookstore/config";
import { watcherEnv } from "@slipstream/chain-watcher/config";
import { commonEnv, parseEnv } from "@slipstream/contracts/env";
import { sandboxEnv } from "@slipstream/sandbox/config";
import { expect, test } from "vitest";
import type { z } from "zod";
import { cliEnv, readSettings } from "./config.ts";

const nodes = { POLYGON_HTTP_URL: "http://a:1,http://b:1", POLYGON_WS_URL: "ws://a:1, ws://b:1" };

test("several nodes are read as the services read them", () => {
  const lists = { POLYGON_HTTP_URL: ["http://a:1", "http://b:1"], POLYGON_WS_URL: ["ws://a:1", "ws://b:1"] };
  expect(readSettings(nodes)).toMatchObject(lists);
  expect(parseEnv(watcherEnv, nodes)).toMatchObject(lists);
  expect(providerUrls(parseEnv(balanceSyncEnv, nodes))).toEqual(lists.POLYGON_HTTP_URL);
});

const texts = [
  "",
  "x",
  "paper",
  "http://a",
  "http://a/",
  "http://a,http://b",
  "ws://a",
  "wss://a,ws://b",
  "redis://a",
  "info",
];
const programs: Readonly<Record<string, z.ZodRawShape>> = {
  common: commonEnv,
  watcher: watcherEnv,
  balances: balanceSyncEnv,
  bookstore: bookstoreEnv,
  sandbox: sandboxEnv,
};

test.each(Object.entries(programs))("what the command has in common with %s both read alike", (_name, shape) => {
  const shared = Object.keys(cliEnv).filter((name) => name in shape);
  const read = (of: z.ZodRawShape, name: string, text: string): unknown => {
    const one = of[name];
    if (one === undefined) return "absent";
    try {
      return (parseEnv({ [name]: one }, { [name]: text }) as Record<string, unknown>)[name];
    } catch {
      return "refused";
    }
  };
  expect(shared.length).toBeGreaterThan(0);
  for (const name of shared) {
    for (const text of texts.filter((given) => given !== "")) {
      expect([name, text, read(cliEnv, name, text)]).toEqual([name, text, read(shape, name, text)]);
    }
  }
});

test.each([
  ["~", homedir()],
  ["~/runs/a", join(homedir(), "runs/a")],
  ["runs/~a", "runs/~a"],
])("SLIPSTREAM_HOME=%s", (text, folder) => {
  expect(readSettings({ SLIPSTREAM_HOME: text }).SLIPSTREAM_HOME).toBe(folder);
});

test("another person's home is not guessed", () => {
  expect(() => readSettings({ SLIPSTREAM_HOME: "~somebody/runs" })).toThrow(
    "SLIPSTREAM_HOME=~somebody/runs: a folder; of ~ only ~/ is understood",
  );
});
