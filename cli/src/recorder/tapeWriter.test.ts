import { createHash } from "node:crypto";
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { virtualClock } from "@slipstream/actor/clock";
import type { ContractError } from "@slipstream/contracts/errors";
import type { TokenId } from "@slipstream/contracts/ids";
import { loadTape, scanTape, type TapeRecord } from "@slipstream/sandbox/tape/format";
import { INDEX_FILE, RecordingIndex } from "@slipstream/sandbox/tape/recording";
import { until } from "@slipstream/testkit/until";
import { afterAll, describe, expect, test } from "vitest";
import type { OpenSink } from "./part.ts";
import { createTapeWriter, type TapeWriterOptions } from "./tapeWriter.ts";

const root = mkdtempSync(join(tmpdir(), "tape-writer-"));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
function writerOf(options: Partial<TapeWriterOptions> = {}) {
  made += 1;
  const folder = join(root, String(made));
  const clock = virtualClock(1_000);
  const failures: ContractError[] = [];
  let resumed = 0;
  const writer = createTapeWriter({
    folder,
    clock,
    rotateBytes: 1e9,
    rotateMs: 3_600_000,
    onFailure: (error) => failures.push(error),
    onResumed: () => {
      resumed += 1;
    },
    ...options,
  });
  const index = () => RecordingIndex.parse(JSON.parse(readFileSync(join(folder, INDEX_FILE), "utf8")));
  return { folder, clock, writer, failures, resumed: () => resumed, index };
}
const noise = (seed: number): string => createHash("sha512").update(String(seed)).digest("hex");

describe("parts", () => {
  test("end by time; the index names each with its records, tokens, bytes and hash", async () => {
    const { folder, clock, writer, index } = writerOf({ rotateMs: 60_000 });
    writer.tokens(["1", "2"] as TokenId[]);
    writer.take("clob.market.ws", "[]\n", "m0");
    writer.take("chain.head", { number: "0x1" });
    clock.advanceTo(61_000);
    writer.tokens(["3"] as TokenId[]);
    writer.take("clob.market.ws", '{"price":"0.10"}', "m1");
    await writer.end("the test");
    const tape = await loadTape(folder);
    expect(tape).toEqual([
      { t: 1_000, ch: "clob.market.ws", c: "m0", d: "[]\n" },
      { t: 1_000, ch: "chain.head", d: { number: "0x1" } },
      { t: 61_000, ch: "clob.market.ws", c: "m1", d: '{"price":"0.10"}' },
    ] satisfies TapeRecord[]);
    const { parts, startedMs, endedMs, endedBy } = index();
    expect({ startedMs, endedMs, endedBy }).toEqual({ startedMs: 1_000, endedMs: 61_000, endedBy: "the test" });
    expect(parts).toMatchObject([
      { firstMs: 1_000, lastMs: 1_000, records: 2, channels: { "clob.market.ws": 1, "chain.head": 1 }, gaps: 0 },
      { firstMs: 61_000, lastMs: 61_000, records: 1, tokens: ["1", "2", "3"] },
    ]);
    for (const { file, bytes, sha256 } of parts) {
      const content = readFileSync(join(folder, file));
      expect([content.length, createHash("sha256").update(content).digest("hex")]).toEqual([bytes, sha256]);
    }
  });

  test("end by size, and nothing is lost between them", async () => {
    const { folder, writer, index } = writerOf({ rotateBytes: 200_000 });
    for (let n = 0; n < 6_000; n++) writer.take("clob.market.ws", `${n} ${noise(n)}`);
    await writer.end("the test");
    const tape = await loadTape(folder);
    expect(tape.map(({ d }) => Number(String(d).split(" ")[0]))).toEqual(Array.from({ length: 6_000 }, (_, n) => n));
    const { parts } = index();
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.reduce((sum, { records }) => sum + records, 0)).toBe(6_000);
    for (const { bytes } of parts.slice(0, -1)) expect(bytes).toBeGreaterThanOrEqual(200_000);
  });

  test("what was flushed is readable without an end: the index names the part from its beginning on", async () => {
    const { folder, clock, writer, index } = writerOf();
    writer.take("clob.market.ws", "one");
    await until(() => writer.counts().parts === 1, { what: "the first part" });
    const read = async (): Promise<TapeRecord[]> => {
      const records: TapeRecord[] = [];
      for await (const batch of scanTape(folder)) records.push(...batch.records);
      return records;
    };
    await until(
      async () => {
        clock.advanceTo(clock.nowMs() + 1_000);
        return (await read()).length === 1;
      },
      { what: "the flushed record" },
    );
    expect(index()).toMatchObject({ endedMs: null, parts: [{ sha256: null }] });
    await writer.end("the test");
  });

  test("time never runs back, also when the machine's clock does", async () => {
    const times = [5_000, 4_000, 6_000];
    const clock = { ...virtualClock(0), nowMs: () => times.shift() ?? 7_000 };
    times.unshift(0);
    const { folder, writer } = writerOf({ clock });
    for (const n of [1, 2, 3]) writer.take("clob.market.ws", String(n));
    await writer.end("the test");
    expect((await loadTape(folder)).map(({ t }) => t)).toEqual([5_000, 5_000, 6_000]);
  });
});

test("a folder with a recording is not written over", () => {
  const { folder } = writerOf();
  const again = () =>
    createTapeWriter({
      folder,
      clock: virtualClock(0),
      rotateBytes: 1,
      rotateMs: 1,
      onFailure: () => {},
      onResumed: () => {},
    });
  expect(again).toThrow(/holds a recording already: choose another folder/);
});

/** A disk that takes nothing until it is told to. */
function stuckDisk(): { openSink: OpenSink; release: () => void } {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const openSink: OpenSink = (path) => {
    const file = createWriteStream(path);
    return new Writable({
      highWaterMark: 1,
      write: (chunk, _encoding, done) => void held.then(() => file.write(chunk, done)),
      final: (done) => void file.end(done),
    });
  };
  return { openSink, release };
}

test("a disk that is too slow costs records, and the tape says which and how many", async () => {
  const { openSink, release } = stuckDisk();
  const { folder, clock, writer, resumed } = writerOf({ openSink, queueCharsMax: 900_000 });
  const total = 8_000;
  for (let n = 0; n < total; n++) {
    writer.take("clob.market.ws", `${n} ${noise(n)}`);
    clock.advanceTo(1_000 + n);
    // The queue is emptied between the sockets' messages.
    if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const { dropped } = writer.counts();
  expect(dropped).toBeGreaterThan(0);
  expect(resumed()).toBe(0);
  release();
  await until(() => resumed() === 1, { what: "the end of the overflow" });
  writer.take("clob.market.ws", "after");
  await writer.end("the test");
  const tape = await loadTape(folder);
  const gaps = tape.filter(({ ch }) => ch === "recorder.gap").map(({ d }) => d);
  expect(gaps).toMatchObject([
    { why: "QUEUE_FULL", of: null, tokens: null, untilMs: null },
    { why: "QUEUE_FULL", untilMs: expect.any(Number), dropped },
  ]);
  const kept = tape.filter(({ ch }) => ch === "clob.market.ws").map(({ d }) => String(d).split(" ")[0]);
  expect(kept.length).toBe(total - dropped + 1);
  expect(kept.at(-1)).toBe("after");
  expect(kept.slice(0, -1)).toEqual(Array.from({ length: total - dropped }, (_, n) => String(n)));
  expect(tape.at(-3)?.ch).toBe("recorder.gap");
});

test("a full disk ends the recording with its reason, once; what is there stays readable", async () => {
  let written = 0;
  const openSink: OpenSink = (path) => {
    const file = createWriteStream(path);
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written += chunk.length;
        if (written > 60_000) done(Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }));
        else file.write(chunk, done);
      },
      final: (done) => void file.end(done),
    });
  };
  const { folder, writer, failures } = writerOf({ openSink });
  for (let n = 0; n < 2_000; n++) writer.take("clob.market.ws", `${n} ${noise(n)}`);
  await until(() => failures.length > 0, { what: "the failure" });
  writer.take("clob.market.ws", "too late");
  await writer.end("the test");
  expect(failures.map(({ code, message }) => `${code} ${message}`)).toEqual([
    `TAPE_WRITE_FAILED ${folder} cannot be written: ENOSPC: no space left on device. What is there stays readable.`,
  ]);
  const said: string[] = [];
  const tape = await loadTape(folder, { onTruncated: (text) => said.push(text) });
  expect(tape.map(({ d }) => String(d).split(" ")[0])).toEqual(Array.from(tape, (_, n) => String(n)));
  expect(tape.length).toBeGreaterThan(100);
  expect(said).toHaveLength(1);
  expect(readdirSync(folder)).toContain(INDEX_FILE);
});
