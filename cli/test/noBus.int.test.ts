/** Commands that need a bus, where there is none: one sentence, exit code 1, and the process ends. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@slipstream/actor/process";
import { HANGING_MS } from "@slipstream/testkit/until";
import { afterAll, beforeAll, expect, test } from "vitest";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const wallet = `0x${"1".repeat(40)}`;
let home: string;
let mute: Server;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "slipstream-no-bus-"));
  mute = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  mute?.close();
  rmSync(home, { recursive: true, force: true });
});

/** `code` null: it had to be killed. */
const run = (port: number, args: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const env = { PATH: process.env["PATH"], SLIPSTREAM_HOME: home, NATS_URL: `nats://127.0.0.1:${port}` };
    execFile(process.execPath, [main, ...args], { env, timeout: HANGING_MS }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr });
    });
  });

const sentence = (port: number): string =>
  `no bus answers at nats://127.0.0.1:${port}. Start Slipstream first (npm start), or set NATS_URL to the bus it uses.\n`;

test.each([
  [["status"]],
  [["halt"]],
  [["resume"]],
  [["leaders", "list"]],
  [["leaders", "add", wallet]],
  [["leaders", "remove", wallet]],
  [["provision"]],
  [["skip", "7", "--why", "seen"]],
])("%j without a bus says so and ends", async (args) => {
  const port = await freePort();
  expect(await run(port, args)).toEqual({ code: 1, stdout: "", stderr: sentence(port) });
});

test("a port where something listens that is no bus is none either", async () => {
  const port = (mute.address() as { port: number }).port;
  expect(await run(port, ["status"])).toEqual({ code: 1, stdout: "", stderr: sentence(port) });
});
