/** Every frame of the tapes is read, and read the fast way where it is a book or a price change. */
import { framesOf, sampleTapes } from "@slipstream/testkit/samples";
import { expect, test } from "vitest";
import { createMarketParser } from "./marketChannel.ts";

/** What is in a tape, where somebody has counted it. */
const counted: Readonly<Record<string, unknown>> = {
  "made-rain-2026-09-21.market.tape.jsonl": { books: 10, changes: 192, trades: 4, slow: 11 },
  "lol-ig1-lgd-2026-09-07.market.tape.jsonl": { books: 6, changes: 114, trades: 2, slow: 3 },
};

test.each(sampleTapes)("$name", (tape) => {
  const parser = createMarketParser();
  const list = framesOf(tape).map(({ d }) => d);
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
  if (tape.name in counted) expect({ ...found, slow }).toEqual(counted[tape.name]);
  expect(found.changes).toBeGreaterThan(0);
  // Only prints, empty texts and pongs may have needed the general way.
  expect(slow).toBe(found.trades + parser.counts.empty + parser.counts.pongs);
});
