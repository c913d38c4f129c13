/** Every frame of the recorded tapes is read, and read the fast way where it is a book or a price change. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createMarketParser } from "./marketChannel.ts";

const root = resolve(import.meta.dirname, "../../..");
const samples = resolve(root, process.env["SLIPSTREAM_SAMPLES"] ?? "../shared/samples");
const present = existsSync(resolve(samples, "tapes"));
if (!present) console.log(`samples are not there (${samples}): recorded tapes are not tested`);

function frames(name: string): string[] {
  const bytes = readFileSync(resolve(samples, "tapes", name));
  const text = name.endsWith(".gz") ? gunzipSync(bytes).toString("utf8") : bytes.toString("utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => (JSON.parse(line) as { d: string }).d);
}

test.skipIf(!present).each([
  ["lol-ig1-lgd-2026-09-07.market.tape.jsonl", { books: 6, changes: 114, trades: 2, slow: 3 }],
  ["mlb-sd-lad-2025-06-18.market.tape.jsonl.gz", null],
  ["mlb-hou-bal-2025-06-18.market.tape.jsonl.gz", null],
])("%s", (name, expected) => {
  const parser = createMarketParser();
  const list = frames(name);
  const found = { books: 0, changes: 0, trades: 0 };
  for (const text of list) {
    const { events, refused } = parser.parse(text);
    expect(refused).toEqual([]);
    for (const event of events) {
      if (event.kind === "book") found.books++;
      if (event.kind === "priceChange") found.changes += event.changes.length;
      if (event.kind === "trade") found.trades++;
    }
  }
  expect(parser.counts.frames).toBe(list.length);
  expect(parser.counts.ignored.size).toBe(0);
  const slow = list.length - parser.counts.scanned;
  if (expected !== null) expect({ ...found, slow }).toEqual(expected);
  // Only prints, empty texts and pongs may have needed the general way.
  else expect(slow).toBe(found.trades + parser.counts.empty + parser.counts.pongs);
});
