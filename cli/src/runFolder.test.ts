import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { busAddressOf } from "./connection.ts";
import { livingOf, openRunFolder, type RunFolder } from "./runFolder.ts";

let path: string;
let folder: RunFolder;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "slipstream-run-"));
  folder = openRunFolder(path);
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

/** Above every id that a system gives. */
const NOBODY = 2 ** 30;
const record = (pid: number, children: Record<string, number> = {}) => ({
  natsUrl: "nats://127.0.0.1:15999",
  sandboxUrl: null,
  pid,
  children,
});
const DEFAULT = "nats://127.0.0.1:4222";

describe("the bus of a run", () => {
  test("in progress is at its recorded address, also while its process is another one than recorded", async () => {
    folder.write(record(process.pid, { "nats-server": NOBODY }));
    expect((await busAddressOf({}, folder)).urls).toEqual(["nats://127.0.0.1:15999"]);
  });

  test("that was killed may have outlived it, else it is the usual one", async () => {
    folder.write(record(NOBODY));
    expect((await busAddressOf({}, folder)).urls).toEqual(["nats://127.0.0.1:15999", DEFAULT]);
    folder.clear();
    expect((await busAddressOf({}, folder)).urls).toEqual([DEFAULT]);
  });

  test("that has not chosen its address yet is waited for", async () => {
    folder.write({ ...record(process.pid), natsUrl: null });
    const asked = busAddressOf({}, folder);
    folder.write(record(process.pid));
    expect((await asked).urls).toEqual(["nats://127.0.0.1:15999"]);
  });

  test("NATS_URL names comes first", async () => {
    folder.write(record(process.pid));
    expect((await busAddressOf({ NATS_URL: "nats://other:1" }, folder)).urls).toEqual(["nats://other:1"]);
  });
});

describe("a folder", () => {
  test("is of one run at a time, and free again after one that was killed", () => {
    folder.claim(record(process.pid));
    expect(() => folder.claim(record(process.pid))).toThrow(/running already/);
    folder.write(record(NOBODY));
    folder.claim(record(process.pid));
    expect(folder.read()?.pid).toBe(process.pid);
  });

  test.runIf(process.platform === "linux")("is not held by another program that has got the id of a dead run", () => {
    folder.write(record(process.pid, { executor: process.ppid }));
    const file = join(path, "run.json");
    const stored = JSON.parse(readFileSync(file, "utf8"));
    expect(livingOf(folder.read())).toEqual({ supervisor: true, children: [["executor", process.ppid]] });
    for (const pid of Object.keys(stored.births)) stored.births[pid] = "another boot:1";
    writeFileSync(file, JSON.stringify(stored));
    expect(livingOf(folder.read())).toEqual({ supervisor: false, children: [] });
  });
});
