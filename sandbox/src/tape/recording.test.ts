import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, createGzip, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { loadTape, scanTape, type TapeProblem, type TapeRecord, tapeLine } from "./format.ts";
import { INDEX_FILE, type RecordingPart } from "./recording.ts";

const root = mkdtempSync(join(tmpdir(), "recording-"));
afterAll(() => rmSync(root, { recursive: true }));
let made = 0;
const fresh = (): string => {
  made += 1;
  const folder = join(root, String(made));
  mkdirSync(folder);
  return folder;
};

const frame = (t: number): TapeRecord => ({ t, ch: "clob.market.ws", c: "m0", d: `[${t}]` });
const lines = (...times: number[]): string => times.map((t) => tapeLine(frame(t))).join("");
const part = (file: string): RecordingPart => ({
  file,
  firstMs: null,
  lastMs: null,
  records: 0,
  channels: {},
  bytes: 0,
  sha256: null,
  tokens: [],
  gaps: 0,
});
function recording(parts: Readonly<Record<string, Uint8Array>>, order = Object.keys(parts)): string {
  const folder = fresh();
  for (const [name, bytes] of Object.entries(parts)) writeFileSync(join(folder, name), bytes);
  const index = { format: "slipstream-recording", v: 1, startedMs: 0, endedMs: null, endedBy: null };
  writeFileSync(join(folder, INDEX_FILE), JSON.stringify({ ...index, parts: order.map(part) }));
  return folder;
}
/** A gzip file as a killed writer leaves it: flushed after `whole`, then some bytes of what followed. */
async function killed(whole: string, followed: string): Promise<Buffer> {
  const gzip = createGzip();
  const chunks: Buffer[] = [];
  gzip.on("data", (chunk: Buffer) => chunks.push(chunk));
  gzip.write(whole);
  await new Promise<void>((done) => gzip.flush(constants.Z_SYNC_FLUSH, done));
  const flushed = Buffer.concat(chunks);
  gzip.end(followed);
  await new Promise((done) => gzip.once("end", done));
  const all = Buffer.concat(chunks);
  return all.subarray(0, flushed.length + Math.floor((all.length - flushed.length) / 2));
}
async function scan(path: string): Promise<{ records: TapeRecord[]; problems: TapeProblem[] }> {
  const records: TapeRecord[] = [];
  const problems: TapeProblem[] = [];
  for await (const batch of scanTape(path)) {
    records.push(...batch.records);
    problems.push(...batch.problems);
  }
  return { records, problems };
}
const times = (records: readonly TapeRecord[]): number[] => records.map(({ t }) => t);

describe("a recording's folder is one tape", () => {
  test("its parts are read in the order of the index, each record as it was written", async () => {
    const folder = recording({ "b.gz": gzipSync(lines(1, 2)), "a.gz": gzipSync(lines(2, 3)) });
    expect(await loadTape(folder)).toEqual([frame(1), frame(2), frame(2), frame(3)]);
  });
  test.each([
    ["no index", () => fresh(), /no recording: it has no index.json/],
    ["an index that is no JSON", () => put(fresh(), "{"), /index.json is not JSON/],
    ["an index of something else", () => put(fresh(), '{"format":"x"}'), /no index of a recording/],
    ["a part that is gone", () => recording({}, ["gone.gz"]), /gone.gz is in the index but not there/],
    ["a part outside of the folder", () => recording({}, ["../x.gz"]), /a file name without a folder/],
    [
      "time that runs back between parts",
      () => recording({ "1.gz": gzipSync(lines(5)), "2.gz": gzipSync(lines(4)) }),
      /2.gz, line 1: t runs back from 5 to 4/,
    ],
  ])("%s is refused", async (_name, folder, error) => {
    await expect(loadTape(folder())).rejects.toThrow(error);
  });
});

function put(folder: string, text: string): string {
  writeFileSync(join(folder, INDEX_FILE), text);
  return folder;
}

describe("a file that ends early", () => {
  const many = Array.from({ length: 2_000 }, (_, n) => n);
  test("is read as far as it goes, and says so; without anybody to tell it is refused", async () => {
    const folder = recording({ "1.gz": gzipSync(lines(0)), "2.gz": await killed(lines(...many), lines(9_000, 9_001)) });
    const said: string[] = [];
    const tape = await loadTape(folder, { onTruncated: (text) => said.push(text) });
    expect(times(tape).slice(0, 2_001)).toEqual([0, ...many]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/2.gz ends early, read as far as line 200\d/);
    await expect(loadTape(folder)).rejects.toThrow(/2.gz cannot be read beyond line 200\d: it ends in the middle/);
  });
  test("a file killed before its first flush holds nothing", async () => {
    const header = gzipSync("").subarray(0, 10);
    for (const bytes of [header, new Uint8Array()]) {
      const { records, problems } = await scan(recording({ "1.gz": bytes }));
      expect(records).toEqual([]);
      expect(problems.map(({ kind }) => kind)).toEqual(["truncated"]);
    }
  });
  test("what was damaged later is not given as read", async () => {
    const bytes = gzipSync(lines(...many), { level: 0 });
    const broken = Buffer.from(bytes);
    broken.fill(0xff, bytes.length - 4_000, bytes.length - 8);
    const { records, problems } = await scan(recording({ "1.gz": broken }));
    expect(problems.some(({ kind }) => kind === "corrupt" || kind === "unreadable")).toBe(true);
    expect(times(records)).toEqual(many.slice(0, records.length));
    const noise = recording({ "1.gz": Buffer.from("this is no gzip") });
    await expect(loadTape(noise, { onTruncated: () => {} })).rejects.toThrow(/1.gz cannot be read beyond line 1/);
  });
});

test("a scan passes over bad lines and names each", async () => {
  const file = join(fresh(), "x.jsonl");
  writeFileSync(file, `${lines(5)}{"t":6\n`);
  appendFileSync(file, `{"t":7,"ch":"moon","d":1}\n${lines(4, 8)}`);
  const { records, problems } = await scan(file);
  expect(times(records)).toEqual([5, 4, 8]);
  expect(problems.map(({ kind, line }) => `${line} ${kind}`)).toEqual([
    "2 unreadable",
    "3 unreadable",
    "4 timeRunsBack",
  ]);
  expect(readFileSync(file, "utf8")).toContain("moon");
});
