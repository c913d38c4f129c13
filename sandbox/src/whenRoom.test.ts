import type * as fs from "node:fs";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { appenderWhenRoom, replaceWhenRoom } from "./whenRoom.ts";

let isFull = false;
const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
vi.mock("node:fs", async (original) => {
  const real = await original<typeof fs>();
  const halfOf = (write: typeof real.appendFileSync) => (file: string, text: string) => {
    if (!isFull) return write(file, text);
    write(file, text.slice(0, text.length / 2));
    throw full;
  };
  return { ...real, appendFileSync: halfOf(real.appendFileSync), writeFileSync: halfOf(real.writeFileSync) };
});

const path = mkdtempSync(join(tmpdir(), "slipstream-room-"));
afterAll(() => rmSync(path, { recursive: true, force: true }));
afterEach(() => {
  isFull = false;
});

test("what a full disk does not take is appended when there is room, once and in order", () => {
  const file = join(path, "rows");
  const rows = appenderWhenRoom(file);
  rows.append("one\n");
  isFull = true;
  rows.append("two\n");
  rows.append("three\n");
  expect(readFileSync(file, "utf8")).toBe("one\n");
  isFull = false;
  rows.append("four\n");
  expect(readFileSync(file, "utf8")).toBe("one\ntwo\nthree\nfour\n");
});

test("a file that cannot be replaced stays whole as it was", () => {
  const file = join(path, "state");
  writeFileSync(file, "before");
  isFull = true;
  expect(replaceWhenRoom(file, "a longer text")).toBe(false);
  expect(readFileSync(file, "utf8")).toBe("before");
  isFull = false;
  expect(replaceWhenRoom(file, "after")).toBe(true);
  expect(readFileSync(file, "utf8")).toBe("after");
});
